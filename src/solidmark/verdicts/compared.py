"""What a measure hands the judge: counts, figures and contrasts, and what follows from them."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from jaxtyping import Float

from solidmark.runs import Figure, find, first
from solidmark.scores.bound import smallest_copied_share
from solidmark.scores.content import low_content, unlike_shares
from solidmark.scores.control import exceeds_blind
from solidmark.scores.percentiles import Direction
from solidmark.scores.rows import Side, side
from solidmark.scores.within import calibrated_counts, rank_of
from solidmark.verdicts.nouns import Nouns

SAME = 1e-6
"""As close as this an image is the same to a measure."""

Column = Float[np.ndarray, " N"]

Columns = Mapping[str, Sequence[Any] | Column]
"""The columns of scores: `id`, `distance` (low = close), `contrast`, `status`, `note`, and perhaps
`copy_of` and `group`. What was not scored counts nowhere, nor what has the pixels of another one.
"""


@dataclass(frozen=True)
class Question:
    """One comparison: images in question beside images that nobody memorized, the null.

    Arguments:
        words: Its words.
        direction: Which side is close, on the scale that is reported.
        n: How many images in question were scored, each picture once.
        m: The same of the null.
        named: The figure that counts the named ones; None where there is no null.
        area: The area of trained against held-out images; None where it is no test.
        counts: The counts within calibrated thresholds.
        tests: Figures of other tests.
        contrast: The contrasts of the images in question, the closest first.
        null_contrast: Those of the null.
        lost: How many images in question could not be scored.
        reason: The most common reason why not.
        twins: How many of the null are the same as a training image to this measure.
        apart: How many subjects both show, where several images show one.
        of_subjects: The figure that counts the subjects that are named; None where each image shows
            one of its own.
    """

    words: Nouns
    direction: Direction
    n: int
    m: int
    named: Figure | None
    area: Figure | None = None
    counts: tuple[Figure, ...] = ()
    tests: tuple[Figure, ...] = ()
    contrast: Column = field(default_factory=lambda: np.empty(0), repr=False)
    null_contrast: Column = field(default_factory=lambda: np.empty(0), repr=False)
    lost: int = 0
    reason: str = ""
    twins: int = 0
    apart: tuple[int, int] | None = None
    of_subjects: Figure | None = None

    @property
    def independent(self) -> tuple[int, int]:
        """How many draws both are worth: images, or subjects where several show one."""
        return self.apart or (self.n, self.m)

    @property
    def named_count(self) -> int:
        """How many are named."""
        return (self.named.count or 0) if self.named else 0

    @cached_property
    def p_values(self) -> tuple[float, ...]:
        """The p-values of its tests."""
        figures = (*self.tests, *self.counts, self.named, self.area)
        # An area that pictures give without the model is no evidence, whatever its p.
        return tuple(
            one.p_value if exceeds_blind(one) else 1.0
            for one in figures
            if one is not None and one.p_value is not None
        )

    @property
    def smallest_p(self) -> float:
        """The smallest of them; 1 where there are none."""
        return min(self.p_values, default=1.0)

    @property
    def sharpest(self) -> Figure | None:
        """The count at the smallest rate, which the sentences quote."""
        return min(self.counts, key=lambda one: one.fpr or 1.0, default=None)

    @cached_property
    def flagged(self) -> tuple[int, int]:
        """How many are named, or else within the threshold, and how many of them are plain."""
        sharpest = self.sharpest
        count = self.named_count or (sharpest.count or 0 if sharpest else 0)
        return count, low_content(self.contrast[:count])  # The closest are within any threshold.

    @cached_property
    def is_plain(self) -> bool:
        """Whether it says little that they are close: most of them are nearly of one colour.

        Where most of the null are so too, plain pictures are judged by plain pictures.
        """
        flagged, low = self.flagged
        null = self.null_contrast
        return 0 < flagged <= 2 * low and 2 * low_content(null) < len(null)

    @cached_property
    def unlike(self) -> tuple[float, float] | None:
        """The shares of plain pictures of both sides, where luck does not make them differ so."""
        return unlike_shares(self.contrast, self.null_contrast, self.words.unlike_how)

    def smallest_seen(self, needed: float) -> float | None:
        """The smallest share that would have been seen; None where none would.

        Arguments:
            needed: Below this a p-value is beyond luck.
        """
        n, m = self.independent
        if not n or not m:
            return None
        ranks = [rank_of(one, m) for one in self.counts] or [1]
        shares = [smallest_copied_share(n, m, rank, needed) for rank in ranks]
        return min((share for share in shares if share is not None), default=None)


@dataclass(frozen=True)
class Compared:
    """What one measure hands the judge.

    Arguments:
        name: Its name.
        title: Its name on the page.
        asks: What it asks.
        questions: Its comparisons, what it is about first.
        place: Of several measures that saw the same, the one with the lowest place speaks.
        found: What it found, where it has a sentence of its own for that.
        details: Sentences of its own.
    """

    name: str
    title: str
    asks: str
    questions: tuple[Question, ...]
    place: int = 0
    found: str = ""
    details: tuple[str, ...] = ()

    @property
    def main(self) -> Question:
        """The comparison that it is about."""
        return self.questions[0]

    @cached_property
    def p_values(self) -> tuple[float, ...]:
        """The p-values of all its tests."""
        return tuple(p for one in self.questions for p in one.p_values)


def question(
    words: Nouns,
    measure: str,
    direction: Direction,
    sides: Mapping[str, Columns],
    figures: Iterable[Figure],
    *,
    area: bool = True,
) -> Question:
    """A comparison of distances.

    Arguments:
        words: Its words.
        measure: The measure.
        direction: Which side is close, on the scale that is reported.
        sides: By split, all its rows: those in question, then those of the null.
        figures: The figures; those of other measures are passed over.
        area: Whether the area of trained against held-out images is a test.
    """
    (own, contrast), (null, null_contrast) = (
        _lined_up(measure, split, direction, columns) for split, columns in sides.items()
    )
    mine = [one for one in figures if one.measure == measure]
    asked = next(iter(sides.values()))
    states = zip(asked["status"], asked["note"], strict=True)
    notes = [note for state, note in states if state != "ok"]
    known = Counter(note for note in notes if note)
    return Question(
        words,
        direction,
        own.n,
        null.n,
        named=first(mine, "named", own.split),
        area=first(mine, "auc", "trained_vs_held_out") if area else None,
        counts=calibrated_counts(find(mine, "eidetic", own.split), own, null),
        contrast=contrast,
        null_contrast=null_contrast,
        lost=len(notes),
        reason=known.most_common(1)[0][0] if known else "",
        twins=int((null.distance <= SAME).sum()),
        apart=apart(own, null),
        of_subjects=first(mine, "named_subjects", own.split),
    )


def apart(own: Side, null: Side) -> tuple[int, int] | None:
    """How many subjects two sides show; None where each image shows one of its own."""
    if own.subject is None and null.subject is None:
        return None
    return own.of_subjects.n, null.of_subjects.n


def _lined_up(
    measure: str, split: str, direction: Direction, columns: Columns
) -> tuple[Side, Column]:
    """The distances of what counts, and the contrasts: the closest first, then by id."""
    copies = columns.get("copy_of") or [None] * len(columns["status"])
    pairs = zip(columns["status"], copies, strict=True)
    good = np.array([state == "ok" and copy is None for state, copy in pairs], dtype=bool)
    distance, contrast = (
        np.asarray(columns[name], dtype=np.float64)[good] for name in ("distance", "contrast")
    )
    order = np.lexsort((np.asarray(columns["id"], dtype=str)[good], distance))
    named = columns.get("group")
    kept = None if named is None else [named[n] for n in np.flatnonzero(good).tolist()]
    return side(measure, split, direction, distance, named=kept), contrast[order]
