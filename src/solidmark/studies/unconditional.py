"""Does a network that is told nothing of an image remember it less? Table 6 and appendix E."""

from collections.abc import Iterator

from solidmark.studies.pattern import DELTAS, SHOWN, a_sixth, questions, readouts
from solidmark.studies.study import Arm, Published, Setting, Study


def arms(setting: Setting, seed: int) -> Iterator[Arm]:
    """Two networks of the same images, keys and seed; one is told the class of each image."""
    marked = setting.mark(seed, pattern="border", thickness=a_sixth(setting))
    yield Arm("unconditional", questions(setting, seed, marked), pictures=SHOWN)
    told = questions(setting, seed, marked, class_conditional=True)
    yield Arm("class-conditional", told, pictures=SHOWN)


STUDY = Study(
    "unconditional",
    arms,
    readouts(),
    full=Setting(images=2000, epochs=400, size={"steps": 250}),
    quick=Setting(images=64, epochs=300, seeds=(0, 1, 2, 3, 4), size={"steps": 50}),
    published=(
        Published(
            "SolidMark, Table 6: images of 5,000 of CelebA whose key is read",
            tuple(f"within {delta:g}" for delta in DELTAS),
            (("unconditional, border, 16 px", (924, 466, 37)),),
            (950, 487.5, 49.875),
            "5,000 x (2 delta - delta^2): guesses that know nothing, uniform from 0 to 1",
            "A constant guess of mid-grey has 2 delta: 1,000, 500 and 50. The counts lie .9, 1.0 "
            "and 1.8 standard deviations (28, 21, 7) below uniform guesses, so they cannot be told "
            "from chance.",
        ),
    ),
    said=(
        "The data need classes. A network that is told the class has fewer images to tell apart "
        "by their pictures, and keys are exchanged only among images of one class, so its test "
        "has fewer exchanges to compare with.",
    ),
)
