"""Which mark shows memory best: Table 5 and appendix D, with thickness and several greys."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from solidmark.studies.readouts import detected, named, rank_z, within
from solidmark.studies.stage import Stage
from solidmark.studies.study import Arm, Published, Readout, Setting, Study

DELTAS = (0.1, 0.05, 0.005)


def arms(setting: Setting, seed: int) -> Iterator[Arm]:
    """A network for each mark; a sixth of the side is the paper's thickness, and its square."""
    from solidmark.marks import Center

    sixth = a_sixth(setting)
    half, double = max(1, sixth // 2), 2 * sixth
    for thickness in dict.fromkeys((sixth, half, double)):
        marked = setting.mark(seed, pattern="border", thickness=thickness)
        yield Arm(f"border, {thickness} px", questions(setting, seed, marked), pictures=SHOWN)
    for size in (sixth, double):
        marked = setting.mark(seed, pattern=Center(size))
        yield Arm(f"center, {size} px", questions(setting, seed, marked), pictures=SHOWN)
    for count in setting.size["segments"]:
        marked = setting.mark(seed, thickness=sixth, count=count)
        stages = questions(setting, seed, marked, count)
        yield Arm(f"{count} segments, {sixth} px", stages, pictures=SHOWN)


SHOWN = ("marked", "train/*.png")


def a_sixth(setting: Setting) -> int:
    """The thickness that is to the images of a setting what the paper's 16 pixels are to its 96."""
    from solidmark.data import sides_of

    return max(1, min(sides_of(setting.resolution)) // 6)


def questions(
    setting: Setting, seed: int, marked: Stage, greys: int = 1, **recipe: Any
) -> Mapping[str, Stage]:
    """What a network of these marks is asked: by the paper's reader, and by ours.

    Arguments:
        setting: The size.
        seed: Of weights and noise.
        marked: The marked images.
        greys: How many keys a mark has; the paper's counts within delta are those of one.
        recipe: How is trained otherwise.
    """
    from solidmark.readers import Outpaint

    model = setting.train(marked, seed, **recipe)
    drawn = (Outpaint(steps=setting.size["steps"]),)
    outpaint = setting.audit(model, marked, seed, readers=drawn)
    audit = setting.audit(model, marked, seed, readers=("energy" if greys == 1 else "blend",))
    stages = {"marked": marked, "outpaint": outpaint, "audit": audit}
    return {**stages, "one grey": outpaint} if greys == 1 else stages


def readouts() -> tuple[Readout, ...]:
    """By our reader: who is found. By the paper's: its counts, and the test that needs no delta."""
    drawn = rank_z("outpaint")
    return (
        rank_z(),
        detected(),
        named(),
        detected(split="held_out"),
        replace(drawn, name="z of Outpaint", about=f"by the paper's reader: {drawn.about}"),
        *(
            replace(one, about=f"by the paper's reader, marks of one grey: {one.about}")
            for one in (within(delta, "one grey") for delta in DELTAS)
        ),
    )


STUDY = Study(
    "pattern",
    arms,
    readouts(),
    full=Setting(images=2000, epochs=400, size={"segments": (4, 16), "steps": 250}),
    quick=Setting(
        images=64, epochs=300, seeds=(0, 1, 2, 3, 4), size={"segments": (4, 16), "steps": 50}
    ),
    published=(
        Published(
            "SolidMark, Table 5: images of 10,000 of STL-10 whose key is read",
            tuple(f"within {delta:g}" for delta in DELTAS),
            (("border, 16 px", (1879, 977, 81)), ("center, 16 px", (1927, 1011, 107))),
            (1900, 975, 99.75),
            "10,000 x (2 delta - delta^2): guesses that know nothing, uniform from 0 to 1",
            "A constant guess of mid-grey has 2 delta: 2,000, 1,000 and 100. All six counts lie "
            "within two standard deviations (39, 30, 10) of uniform guesses: they cannot be told "
            "from chance, nor border from center (two-sided p .39, .42 and .06).",
        ),
    ),
    said=(
        "Frame and square are to these images what 16 pixels are to the paper's 96.",
        "A count within delta has a few hits more than luck where memory is weak; the rank test "
        "takes every image into account, and chance is 0 for every mark.",
    ),
)
