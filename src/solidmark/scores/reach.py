"""What this run could have seen: the figures `smallest_share` of `results.json`.

They are properties of the run and not of the model, by three ways of seeing: the two tests of the
verdict at its own level, and names for half of the memorized. What a memorized image looks like to
the reader is what was found on the reference (the split `ceiling`: an ideal model that memorized
all of them); without it a reader is taken for perfect, and that is said.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from solidmark.runs import Figure
from solidmark.scores.discovery import Correction
from solidmark.scores.groups import Estimate
from solidmark.scores.null import LEVELS
from solidmark.scores.parts import Part, result_row
from solidmark.scores.peers import Pool
from solidmark.scores.power import (
    smallest_named_share,
    smallest_share_by_best,
    smallest_share_by_exchange,
)

_NOTHING = "No row could be scored."
_OF_THE_RUN = "A property of the run, not of the model."
_MISSED = " Even a model that memorized everything would have been missed."
_FOUND, _ASSUMED = "found with an ideal memorizer", "assumed, for want of a reference"


@dataclass(frozen=True)
class Rule:
    """How rows are counted, named and decided on.

    Arguments:
        deltas: The thresholds of the eidetic counts.
        fdr: The false-discovery rate at which images are named.
        correction: How the q-values were made.
        level: The level of one test of the verdict.
        claimed: An epsilon that somebody claims for the training; None where nobody does.
    """

    deltas: tuple[float, ...]
    fdr: float
    correction: Correction
    level: float
    claimed: float | None = None


def reach_rows(
    part: Part, ceiling: Part | None, pools: Mapping[int, Pool] | None, rule: Rule
) -> Iterator[Figure]:
    """Makes the figures, each with `by`: what would have seen it.

    Arguments:
        ceiling: The rows of the reference, where there are any.
        rule: The level of the verdict, and the rate of the names.
    """
    measured = ceiling if ceiling is not None and ceiling.n else None
    for by, estimate in (
        ("permutation", _by_exchange(part, measured, pools, rule)),
        ("best", _by_best(part, measured, rule)),
        ("named", _by_names(part, measured, rule)),
    ):
        own = {"by": by, "direction": None, "facts": {"level": rule.level}}
        yield result_row(part, "smallest_share", "share", estimate, None, ranked=True, **own)


def _by_exchange(
    part: Part, ceiling: Part | None, pools: Mapping[int, Pool] | None, rule: Rule
) -> Estimate:
    if part.n == 0:
        return Estimate(note=_NOTHING)
    asked = part if ceiling is None else ceiling
    closeness = asked.exchange(pools).own_closeness()
    if ceiling is None:
        # A perfect reader: of one key in the middle of its law, of M independent ones.
        closeness = np.full(1, np.sqrt(3.0 * (part.keys or 1)))
    share = None
    if part.exchange(pools).log_arrangements() >= -np.log(rule.level):
        share = smallest_share_by_exchange(closeness, part.independent, alpha=rule.level)
    fact = (
        f"Mean closeness of a memorized image {closeness.mean():.3g} standard deviations, "
        f"{_FOUND if ceiling else _ASSUMED}."
    )
    return _estimate(share, fact, _MISSED)


def _by_best(part: Part, ceiling: Part | None, rule: Rule) -> Estimate:
    if part.n == 0:
        return Estimate(note=_NOTHING)
    p = _memorized(part, ceiling)
    share = smallest_share_by_best(p, part.independent, alpha=rule.level)
    return _estimate(share, _median(p, ceiling), _MISSED)


def _by_names(part: Part, ceiling: Part | None, rule: Rule) -> Estimate:
    if part.n == 0:
        return Estimate(note=_NOTHING)
    p = _memorized(part, ceiling)
    share = smallest_named_share(p, part.n, rule.fdr, rule.correction)
    fact = (
        "From this share on, half of the memorized images or more are expected to be named. "
        f"{_median(p, ceiling)}"
    )
    return _estimate(share, fact, " Even of a model that memorized everything, fewer would be.")


def _memorized(part: Part, ceiling: Part | None) -> np.ndarray:
    """P-values of memorized images; a reader without any error reads the very key, of 256^M."""
    if ceiling is not None:
        return ceiling.numbers("p_value")
    return np.array([float(LEVELS) ** -(part.keys or 1)])


def _median(p: np.ndarray, ceiling: Part | None) -> str:
    return (
        f"Median p-value of a memorized image {np.median(p):.3g}, "
        f"{_FOUND if ceiling else _ASSUMED}."
    )


def _estimate(share: float | None, fact: str, otherwise: str) -> Estimate:
    return Estimate(share, note=f"{_OF_THE_RUN} {fact}{otherwise if share is None else ''}")
