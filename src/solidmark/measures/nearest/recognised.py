"""Which changes of an image a distance still recognises."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from solidmark.runs import Figure
from solidmark.scores.groups import clopper_pearson

MILD = ("jpeg", "noise", "brighter")
"""Changes that no distance should lose an image by."""

ENOUGH = 0.9
"""The share of mildly changed copies below which a distance is not to be relied on."""


def augmented_share(
    copies: Sequence[Mapping[str, Any]], threshold: Figure | None, measure: str
) -> list[Figure]:
    """The share of changed copies that a distance tells from strangers, a figure a change.

    Told is a copy whose nearest training image is its original, within the threshold that fresh
    images seldom are within.

    Arguments:
        threshold: The calibrated threshold, in its direction; None when there is none.
    """
    changes = dict.fromkeys(str(copy["change"]) for copy in copies)
    return [
        _told([copy for copy in copies if copy["change"] == change], threshold, measure, change)
        for change in changes
    ]


def _told(
    own: Sequence[Mapping[str, Any]], threshold: Figure | None, measure: str, change: str
) -> Figure:
    told = Figure(
        measure=measure,
        split="augmented",
        statistic="augmented",
        n=len(own),
        unit="share",
        note="Without a threshold, calibrated on held-out images, it is not known what is close.",
        facts={"change": change},
    )
    if threshold is None or threshold.value is None:
        return told
    count = sum(copy["found"] and _is_within(copy["distance"], threshold) for copy in own)
    low, high = clopper_pearson(count, len(own))
    warning = f"Copies after this change ({change}) cannot be told from strangers on this set."
    return replace(
        told,
        count=count,
        value=count / len(own),
        chance=threshold.fpr,
        ci_low=low,
        ci_high=high,
        threshold=threshold.value,
        fpr=threshold.fpr,
        note=warning if change in MILD and count < ENOUGH * len(own) else None,
    )


def _is_within(distance: float, threshold: Figure) -> bool:
    """On the scale that is reported, since the other would round a tie to its other side."""
    limit = threshold.value or 0.0
    return distance <= limit if threshold.direction == "low" else 1 - distance >= limit
