"""Which changes of an image a distance still recognises, as rows of `results.json`."""

from collections.abc import Mapping, Sequence
from typing import Any

from solidmark.scores.groups import clopper_pearson

MILD = ("jpeg", "noise", "brighter")
"""Changes that no distance should lose an image by."""

ENOUGH = 0.9
"""The share of mildly changed copies below which a distance is not to be relied on."""


def augmented_share(
    copies: Sequence[Mapping[str, Any]],
    threshold: Mapping[str, Any] | None,
    measure: str,
    card: Mapping[str, Any],
) -> list[dict[str, Any]]:
    """The share of changed copies that a distance tells from strangers, a row a change.

    Told is a copy whose nearest training image is its original, within the threshold that fresh
    images seldom are within.

    Arguments:
        copies: Rows of `augmented.parquet`, of one measure.
        threshold: The row of the calibrated threshold; None when there is none.
        measure: Its name.
        card: What is known of it.
    """
    rows = []
    for change in dict.fromkeys(copy["change"] for copy in copies):
        own = [copy for copy in copies if copy["change"] == change]
        row: dict[str, Any] = {
            "measure": measure,
            "split": "augmented",
            "statistic": "augmented",
            "change": change,
            "n": len(own),
            "failed": 0,
            "unit": "share",
            "direction": None,
        }
        rows.append(row | _told(own, threshold, card, change))
    return rows


def _told(
    own: Sequence[Mapping[str, Any]],
    threshold: Mapping[str, Any] | None,
    card: Mapping[str, Any],
    change: str,
) -> dict[str, Any]:
    nothing = dict.fromkeys(("count", "value", "chance", "ci_low", "ci_high", "p_value"))
    if threshold is None:
        note = "Without a threshold, calibrated on held-out images, it is not known what is close."
        return nothing | {"note": note, "threshold": None, "fpr": None}
    count = sum(copy["found"] and _is_within(copy["distance"], threshold, card) for copy in own)
    low, high = clopper_pearson(count, len(own))
    warning = f"Copies after this change ({change}) cannot be told from strangers on this set."
    return nothing | {
        "count": count,
        "value": count / len(own),
        "chance": threshold["fpr"],
        "ci_low": low,
        "ci_high": high,
        "threshold": threshold["value"],
        "fpr": threshold["fpr"],
        "note": warning if change in MILD and count < ENOUGH * len(own) else None,
    }


def _is_within(distance: float, threshold: Mapping[str, Any], card: Mapping[str, Any]) -> bool:
    """On the scale that is reported, since the other would round a tie to its other side."""
    if card["direction"] == "low":
        return bool(distance <= threshold["value"])
    return bool(1 - distance >= threshold["value"])
