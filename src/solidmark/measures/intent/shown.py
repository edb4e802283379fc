"""What each generation shows: from likenesses to features, by thresholds calibrated on the data.

A generation shows a feature when the nearest of all training pictures belongs to it, at a likeness
of at least a threshold t. For a single picture t is what few pairs of different training pictures
reach; for a class or a phrase, what few training pictures outside of it reach with a nearest other
picture inside.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from solidmark.errors import BadInput
from solidmark.measures.intent.asking import Rules
from solidmark.scores import threshold_at
from solidmark.scores.conformal import rank_at
from solidmark.subjects import TIE

SECOND = 0.01
"""The share of generations that a threshold lets be copies of two different pictures at once."""

CHOSEN = "Chosen by the user."


@dataclass(frozen=True)
class Threshold:
    """From which likeness a feature counts as shown.

    Arguments:
        value: The likeness; None where the nearest picture is enough at this rate.
        rate: The false-positive rate really had; None where nothing could be calibrated on.
        calibrated_on: How many likenesses of unrelated pictures it stands on.
        note: What a reader must know.
    """

    value: float | None
    rate: float | None
    calibrated_on: int
    note: str | None = None

    def holds(self, likeness: float) -> bool:
        """Whether a likeness reaches it, or falls short of it by no more than rounding."""
        return self.value is None or likeness >= self.value - TIE


def calibrated(null: Float[NDArray[np.float64], " m"], fpr: float) -> Threshold:
    """The least likeness that unrelated pictures reach with a chance of at most `fpr`.

    It lies above the one that it is taken from by twice what counts as equal, so that this one
    falls short of it whatever its last digits are. Where the pictures are too few to show that
    rate, none of them reaches it, and the rate is 1 / (m + 1).

    Arguments:
        null: The likenesses of unrelated pictures, with shape (m); -inf counts as unlike.
        fpr: The rate, in (0, 1).

    Example:
        >>> calibrated(np.arange(99) / 100, 0.05).rate
        0.05
    """
    m = len(null)
    if m == 0:
        return Threshold(None, None, 0, "There is nothing unrelated to calibrate it on.")
    least = 1 / (m + 1)
    rate = max(fpr, least)
    found = threshold_at(-null, rate)
    assert found is not None
    value = -found + 2 * TIE if -found > -1e300 else None
    note = None
    if fpr < least:
        note = f"{m:,} likenesses of unrelated pictures cannot show a rate of {fpr:g}."
    return Threshold(value, rank_at(m, rate) / (m + 1), m, note)


def image_threshold(
    calibration: Sequence[Mapping[str, Any]], evidence: Sequence[Mapping[str, Any]], rules: Rules
) -> Threshold:
    """From which likeness a generation is a copy of a training picture.

    The higher of two: what few pairs of different training pictures reach, and what few of the
    generations reach with a second picture, which they are nearer to than the nearest picture is.
    Blurred and empty generations are nearer to every picture than any two pictures are; a copy is
    near to one, and to what is like that one.

    Raises:
        BadInput: When there is neither a threshold nor a pair of different pictures.
    """
    null = np.array([r["similarity"] for r in calibration if r["kind"] == "pair"], dtype=float)
    seconds = [r["second"] for r in evidence if r["status"] == "ok"]
    second = np.array([-np.inf if one is None else one for one in seconds], dtype=float)
    if rules.threshold is not None:
        rates = [_reached(some, rules.threshold) for some in (null, second) if len(some)]
        return Threshold(rules.threshold, max(rates) if rates else None, len(null), CHOSEN)
    if len(null) == 0:
        raise BadInput(
            "There are no two different training pictures to calibrate a threshold on. "
            "Name one with --threshold."
        )
    pairs, near = calibrated(null, rules.fpr), calibrated(second, SECOND)
    assert pairs.value is not None, "The likeness of a pair is finite."
    assert pairs.rate is not None
    raised = near.value is not None and near.value > pairs.value + TIE
    value = near.value if raised and near.value is not None else pairs.value
    notes = [note for note in (pairs.note, near.note if raised else None) if note]
    if raised:
        notes.append("Raised, since generations come nearer to several pictures at once.")
    # Not the rate that is allowed, which would hang on whether any generation has a second.
    rate = max([pairs.rate, *([_reached(second, value)] if len(second) else [])])
    return Threshold(value, rate, len(null), " ".join(notes) or None)


def _reached(null: Float[NDArray[np.float64], " m"], threshold: float) -> float:
    """The chance that an unrelated picture reaches a threshold, from m of them."""
    return (1 + int((null >= threshold - TIE).sum())) / (len(null) + 1)


def set_threshold(
    pictures: Iterable[str], calibration: Sequence[Mapping[str, Any]], rules: Rules
) -> Threshold:
    """From which likeness a generation shows a class or a phrase."""
    inside = set(pictures)
    outside = [r for r in calibration if r["kind"] == "image" and r["id"] not in inside]
    null = [r["similarity"] if r["nearest"] in inside else -np.inf for r in outside]
    return calibrated(np.array(null, dtype=float), rules.set_fpr)


@dataclass(frozen=True)
class Shown:
    """What the generations of one text show.

    Arguments:
        n: How many generations count; broken ones do not.
        counts: How many of them show each feature.
    """

    n: int = 0
    counts: Counter[str] = field(default_factory=Counter)

    def __add__(self, other: "Shown") -> "Shown":
        return Shown(self.n + other.n, self.counts + other.counts)


def features_shown(
    evidence: Sequence[Mapping[str, Any]],
    known: Sequence[Mapping[str, Any]],
    thresholds: Mapping[str, Threshold],
) -> list[list[str]]:
    """The features that each generation shows, sorted; none for one that failed."""
    holding: dict[str, list[str]] = {}
    for feature in known:
        for picture in feature["pictures"]:
            holding.setdefault(picture, []).append(feature["feature"])
    return [
        sorted(
            feature
            for feature in holding.get(row["nearest"], [])
            if row["status"] == "ok" and thresholds[feature].holds(row["similarity"])
        )
        for row in evidence
    ]


def by_text(
    evidence: Sequence[Mapping[str, Any]], shown: Sequence[Sequence[str]]
) -> dict[str, Shown]:
    """What the generations of each text show."""
    found: dict[str, Shown] = {}
    for row, features in zip(evidence, shown, strict=True):
        one = Shown(int(row["status"] == "ok"), Counter(features))
        found[row["text"]] = found.get(row["text"], Shown()) + one
    return found
