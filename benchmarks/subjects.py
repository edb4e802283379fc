"""How often a verdict without keys speaks of memory where there is none: pictures, subjects.

`python -m benchmarks.subjects [RUNS]`: 600 by default, 95 s of the processor. Distances of 40
subjects and of 60 held-out ones, normal, alike within a subject; in no run is anything memorized.
"""

import sys
from importlib import import_module

import numpy as np
from numpy.typing import NDArray

from solidmark.scores.closeness import TRAINED, closeness

OWN, NULL, LEVEL = 40, 60, 0.05
TESTS = ("eidetic", "named", "auc")
"""What a verdict looks at."""

Groups = tuple[list[str | None] | None, list[str | None] | None]


def shown(
    draws: np.random.Generator, sizes: NDArray[np.int64], alike: float
) -> tuple[NDArray[np.float64], list[str | None]]:
    """The distances of subjects with so many pictures, and whose each is."""
    subject = np.repeat(np.arange(len(sizes)), sizes)
    common = draws.normal(size=len(sizes))[subject]
    value = np.sqrt(alike) * common + np.sqrt(1 - alike) * draws.normal(size=len(subject))
    return value, [str(one) for one in subject]


def p_values(
    value: NDArray[np.float64], null: NDArray[np.float64], groups: Groups
) -> dict[str, float]:
    """The p-value of each test."""
    found = closeness(
        *(value, null),
        measure="distance",
        direction="low",
        thresholds=(),
        fprs=(0.1,),
        splits=TRAINED,
        groups=groups,
    )
    asked = (one for one in found if one.split != "held_out" and one.statistic in TESTS)
    return {one.statistic: 1.0 if one.p_value is None else one.p_value for one in asked}


def main(runs: int) -> None:
    """Prints the share of runs at 5 %, of each test and of all together."""
    for module in ("closeness", "roc"):  # Intervals are not looked at.
        setattr(import_module(f"solidmark.scores.{module}"), "DRAWS", 20)  # noqa: B010
    for name, choices in (("1, 2, 3, 5 or 20 pictures", (1, 2, 3, 5, 20)), ("5 pictures", (5,))):
        for alike in (0.5, 0.95):
            draws = np.random.default_rng(0)
            low = {"pictures": np.zeros(4), "subjects": np.zeros(4)}
            for _ in range(runs):
                own, whose = shown(draws, draws.choice(choices, OWN), alike)
                null, others = shown(draws, draws.choice(choices, NULL), alike)
                for how, groups in (("pictures", (None, None)), ("subjects", (whose, others))):
                    found = p_values(own, null, groups)
                    p = np.array([found[one] for one in TESTS])
                    low[how] += [*(p <= LEVEL), p.min() < LEVEL / len(TESTS)]
            for how, counts in low.items():
                said = zip((*TESTS, "verdict"), counts / runs, strict=True)
                shares = ", ".join(f"{one} {share:.3f}" for one, share in said)
                sys.stdout.write(f"{name}, correlation {alike}, by {how}: {shares}\n")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 600)
