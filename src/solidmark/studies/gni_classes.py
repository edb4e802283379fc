"""Noise on the embedding of the class, by magnitude: Figure 6 and appendix I."""

from collections.abc import Iterator

from solidmark.studies.readouts import named, rank_z, within
from solidmark.studies.study import Arm, Published, Setting, Study

DELTAS = (0.1, 0.05, 0.005)


def arms(setting: Setting, seed: int) -> Iterator[Arm]:
    """A class-conditional network, told its classes under more and more noise."""
    from solidmark.mitigations import GaussianNoise

    marked = setting.mark(seed)
    model = setting.train(marked, seed, class_conditional=True)
    for level in setting.size["magnitudes"]:
        told = (GaussianNoise(level),) if level else ()
        audit = setting.audit(model, marked, seed, readers=("blend",), mitigations=told)
        yield Arm(f"GNI {level:g}" if level else "none", {"audit": audit}, level)


STUDY = Study(
    "gni-classes",
    arms,
    (within(DELTAS[0]), rank_z(), named(), within(DELTAS[1]), within(DELTAS[2]),
     rank_z(split="held_out")),
    full=Setting(
        images=2048, seeds=(0, 1, 2, 3, 4), epochs=400,
        size={"magnitudes": (0, 0.1, 0.3, 1, 3, 10, 30)},
    ),
    quick=Setting(images=128, epochs=400, size={"magnitudes": (0, 0.1, 1, 3, 10)}),
    axis="noise",
    published=(
        Published(
            "SolidMark, Table 5: images of the same kind of network (STL-10, n = 10,000, no noise)",
            tuple(f"within {delta:g}" for delta in DELTAS),
            (("border", (1879, 977, 81)),),
            (1900, 975, 100),
            "10,000 (2 delta - delta^2)",
            "Figure 6 shows that these counts do not change at any magnitude. They cannot be told "
            "from those of guessed keys, which no noise could lower.",
        ),
    ),
)  # fmt: skip
