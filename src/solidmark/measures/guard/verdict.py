"""Whether an image is too close to a training image: the rule, whatever the distances are of.

.. math:: d \\le t \\iff p \\le fpr

By one distance, an image is too close within the threshold t that was calibrated on held-out
images. By several, it is refused when any of them says so, or only when all do.

Plain l2 finds an image of little content near to many training images, and it is a copy of none.
Such an image is within l2 only if it is also within modified l2, which asks how much nearer the
nearest is than the fifty nearest: this can only lower the rate at which fresh images are refused.
What l2 alone can see, a copy of what the training set holds dozens of times, is given up for
images of little content, and for no others.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from jaxtyping import Bool, Float
from numpy.typing import NDArray

from solidmark import runs
from solidmark.errors import BadInput
from solidmark.scores.written import p_number, plural
from solidmark.verdicts.searched import BLIND, LABEL, blind_measures, search_lines, too_blind

Rule = Literal["any", "all"]
RULES: tuple[Rule, ...] = ("any", "all")
"""Refused when any distance is within its threshold, or only when all are."""

SECOND = {"l2": "modified-l2"}
"""The distances that images of little content deceive, and which is asked about those too."""

Flags = Bool[NDArray[np.bool_], " N"]
Numbers = Float[NDArray[np.float64], " N"]


@dataclass(frozen=True)
class Closeness:
    """How close an image comes to the training set, by one distance.

    Arguments:
        measure: The name of the distance, as in tables.
        nearest: The id of the nearest training image; None where the distance sees nothing in the
            image, which is blank.
        distance: To that image; low = close, always.
        similarity: 1 - distance, for embedders.
        raw: The distance before it was rescaled, for those that are.
        threshold: Within it an image is too close; in the unit of the distance.
        p_value: How rarely a held-out image comes as close; None where there are none.
        within: Whether it is too close by this distance.
        note: Why not, where the distance alone would say something else.
    """

    measure: str
    nearest: str | None
    distance: float | None
    similarity: float | None
    raw: float | None
    threshold: float
    p_value: float | None
    within: bool
    note: str | None = None


@dataclass(frozen=True)
class Verdict:
    """Whether an image may pass.

    Arguments:
        id: What the image is called.
        refused: Whether it is too close to a training image, or is one.
        copy_of: The id of the training image whose pixels it has, bit by bit.
        closeness: What each distance says, by its name.
        contrast: The standard deviation of the pixels round their channel's mean, in [0, 0.5].
        low_content: Whether it is nearly of one colour.
    """

    id: str
    refused: bool
    copy_of: str | None
    closeness: Mapping[str, Closeness]
    contrast: float
    low_content: bool

    @property
    def decisive(self) -> Closeness:
        """The distance that refuses it; the closest to doing so where none does."""

        def order(said: Closeness) -> tuple[bool, float, float]:
            unseen = said.distance is None
            ratio = np.inf if said.distance is None else said.distance - said.threshold
            return not said.within, 1.0 if said.p_value is None or unseen else said.p_value, ratio

        return min(self.closeness.values(), key=order)

    @property
    def line(self) -> str:
        """What is said of it."""
        about = f"{'REFUSE' if self.refused else 'pass  '}  {self.id}"
        if self.copy_of is not None:
            return f'{about}: the training image "{self.copy_of}" itself'
        told = self.decisive
        if told.distance is None:
            return f"{about}: {told.measure} sees nothing in it, it is blank"
        close = f"distance {told.distance:.4f}, refused up to {told.threshold:.4f}"
        if told.similarity is not None:
            close = f"similarity {told.similarity:.4f}, refused from {1 - told.threshold:.4f}"
        p_value = "" if told.p_value is None else f", p {p_number(told.p_value)}"
        low = " (of little content)" if self.low_content else ""
        return f'{about}: {told.measure} {close}{p_value}, nearest "{told.nearest}"{low}'

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        status = "refused" if self.refused else "pass"
        return {**asdict(self), "status": status}


@dataclass(frozen=True)
class Unread:
    """An image that cannot be judged, which is no reason to let it pass.

    Arguments:
        id: What it is called.
        note: Why.
    """

    id: str
    note: str

    @property
    def line(self) -> str:
        """What is said of it."""
        return f"UNREAD  {self.id}: {self.note}"

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return {"id": self.id, "status": "unread", "note": self.note}


def outcome_of(
    said: Sequence[Verdict | Unread], searched: Sequence[runs.Figure] = ()
) -> runs.Verdict:
    """Whether all may pass: what cannot be judged must not pass unseen.

    Arguments:
        said: Of each image.
        searched: What approximate searches find: by one that is too blind, nothing passes.

    Raises:
        BadInput: When nothing can be judged.
    """
    unread = [one for one in said if isinstance(one, Unread)]
    refused = sum(not isinstance(one, Unread) and one.refused for one in said)
    count = plural(len(said), "image")
    if len(unread) == len(said):
        note = unread[0].note[:300].rstrip(".")
        if len(said) == 1:
            raise BadInput(f"{note}. Name another image, or mend it.")
        raise BadInput(
            f"None of the {count} can be judged, the first because: {note}. Name others, or mend "
            "them."
        )
    lines, blind = tuple(search_lines(searched)), blind_measures(searched)
    if not refused and not unread:
        if blind:
            headline = f"Nothing may pass: {too_blind(blind)}"
            return runs.Verdict("cannot-be-judged", headline, LABEL, lines, BLIND)
        return runs.Verdict("passed", f"{count} may pass.", "Pass", lines)
    more = f", {len(unread):,} cannot be judged" if unread else ""
    return runs.Verdict("refused", f"{refused:,} of {count} refused{more}.", "Refused", lines)


def within(
    distances: Mapping[str, Numbers],
    thresholds: Mapping[str, float],
    low_content: Flags,
) -> dict[str, Flags]:
    """Which images are too close, by each distance.

    Arguments:
        distances: By the name of the distance; NaN where it sees nothing.
        thresholds: The same; where there is none, nothing is too close.
        low_content: Which images are nearly of one colour.
    """
    close = {name: d <= thresholds.get(name, -np.inf) for name, d in distances.items()}
    return {
        name: own & (~low_content | close[SECOND[name]]) if name in SECOND else own
        for name, own in close.items()
    }


def refused(
    close: Mapping[str, Flags],
    distances: Mapping[str, Numbers],
    rule: Rule,
) -> Flags:
    """Which images are refused.

    Arguments:
        close: Of `within`, for the distances that have a say.
        distances: The distances. One that sees nothing in an image has no say about it.
        rule: `any` or `all`.
    """
    said = np.stack([close[name] for name in close])
    if rule == "any":
        return np.any(said, axis=0)
    seen = np.stack([~np.isnan(distances[name]) for name in close])
    return np.all(said | ~seen, axis=0) & np.any(seen, axis=0)
