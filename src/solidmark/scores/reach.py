"""What this run could have seen: the `smallest_share` rows of `results.json`.

They are properties of the run and not of the model, by three ways of seeing: a count within delta,
the rank test, and names. What a memorized image looks like to the reader is what was found at the
ceiling; without one the reader is taken for perfect.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from solidmark.scores.discovery import Correction
from solidmark.scores.eidetic import EideticCount
from solidmark.scores.groups import Estimate
from solidmark.scores.null import LEVELS
from solidmark.scores.parts import Part, result_row
from solidmark.scores.power import (
    smallest_named_share,
    smallest_share,
    smallest_share_by_rank,
)

_NOTHING = "No row could be scored."
_OF_THE_RUN = "A property of the run, not of the model."
_MISSED = " Even a model that memorized everything would have been missed."
_FOUND, _ASSUMED = "found with an ideal memorizer", "assumed, for want of a reference"


def reach_rows(
    part: Part,
    ceiling: Part | None,
    counts: Sequence[EideticCount],
    ceiling_counts: Sequence[EideticCount],
    deltas: Sequence[float],
    fdr: float,
    correction: Correction,
) -> Iterator[dict[str, Any]]:
    """Makes the rows, each with `by`: what would have seen it.

    Arguments:
        part: The trained rows.
        ceiling: The ceiling rows, where there are any.
        counts: The eidetic counts of the trained rows, one a delta; empty when none was scored.
        ceiling_counts: The same of the ceiling rows.
        deltas: The thresholds.
        fdr: The false-discovery rate at which rows are named.
        correction: How the q-values were made.
    """
    for index, delta in enumerate(deltas):
        estimate, chance = Estimate(note=_NOTHING), None
        if counts:
            chance = counts[index].chance
            hit_rate = ceiling_counts[index].share if ceiling_counts else 1.0
            share = smallest_share(part.independent, chance, hit_rate)
            fact = f"Hit rate {hit_rate:.3g}, {_FOUND if ceiling_counts else _ASSUMED}."
            estimate = _estimate(share, fact, _MISSED)
        row = result_row(part, "smallest_share", "share", estimate, chance)
        yield row | {"by": "count", "delta": delta, "direction": None}
    measured = ceiling if ceiling is not None and ceiling.n else None
    for by, estimate in (
        ("rank", _by_rank(part, measured)),
        ("named", _by_names(part, measured, fdr, correction)),
    ):
        row = result_row(part, "smallest_share", "share", estimate, None, ranked=True)
        yield row | {"by": by, "delta": None, "direction": None}


def _by_rank(part: Part, ceiling: Part | None) -> Estimate:
    if part.n == 0:
        return Estimate(note=_NOTHING)
    p = ceiling.numbers("p_value") if ceiling else np.zeros(1)
    share = smallest_share_by_rank(p, part.independent)
    fact = f"Mean p-value of a memorized image {p.mean():.3g}, {_FOUND if ceiling else _ASSUMED}."
    return _estimate(share, fact, _MISSED)


def _by_names(part: Part, ceiling: Part | None, fdr: float, correction: Correction) -> Estimate:
    """With one pass over the images, since q-values are made within a pass."""
    if part.n == 0:
        return Estimate(note=_NOTHING)
    # A reader without any error reads the very key, of 256^M.
    smallest = float(LEVELS) ** -(part.keys or 1)
    p = ceiling.numbers("p_value") if ceiling else np.array([smallest])
    share = smallest_named_share(p, part.images, fdr, correction)
    fact = (
        "From this share on, half of the memorized images or more are expected to be named. "
        f"Median p-value of a memorized image {np.median(p):.3g}, "
        f"{_FOUND if ceiling else _ASSUMED}."
    )
    return _estimate(share, fact, " Even of a model that memorized everything, fewer would be.")


def _estimate(share: float | None, fact: str, otherwise: str) -> Estimate:
    return Estimate(share, note=f"{_OF_THE_RUN} {fact}{otherwise if share is None else ''}")
