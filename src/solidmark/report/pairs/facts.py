"""What the aggregates and tables of a run of distances say of one measure."""

from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from solidmark.report.pairs.bound import smallest_copied_share
from solidmark.report.pairs.run import NearestRun, low_content
from solidmark.report.pairs.words import Measure
from solidmark.scores.control import exceeds_blind
from solidmark.scores.rows import side
from solidmark.scores.within import calibrated_limits, within

QUESTIONS = {"generated": "null", "trained": "held_out"}
"""The splits in question, and the null of each."""


@dataclass(frozen=True)
class MeasureFacts:
    """What a run says of one measure.

    Arguments:
        run: The run.
        measure: The measure.
        questions: The splits in question, of `QUESTIONS`. What is said without naming a split is
            said of the first.
    """

    run: NearestRun = field(repr=False)
    measure: Measure
    questions: tuple[str, ...] = tuple(QUESTIONS)

    @property
    def asked(self) -> str:
        """The split in question first of all."""
        return self.questions[0]

    @property
    def null(self) -> str:
        """What it is compared with."""
        return QUESTIONS[self.asked]

    @cached_property
    def n(self) -> int:
        """How many images in question were scored."""
        return self.run.count(self.measure.name, self.asked)

    @cached_property
    def m(self) -> int:
        """How many images of the null were scored."""
        return self.run.count(self.measure.name, self.null)

    def named(self, split: str) -> dict[str, Any] | None:
        """The aggregate that counts the named rows; None where there is no null."""
        return self.run.named_row(self.measure.name, split)

    @property
    def reason(self) -> str:
        """The most common reason why images in question could not be scored."""
        import pyarrow.compute as pc

        table = self.run.tables.get((self.measure.name, self.asked))
        if table is None:
            return ""
        notes = table.filter(pc.not_equal(table["status"], "ok"))["note"].to_pylist()
        known = Counter(note for note in notes if note)
        return known.most_common(1)[0][0] if known else ""

    @property
    def named_count(self) -> int:
        """How many images in question are named."""
        return int((self.named(self.asked) or {}).get("count") or 0)

    def counted(self, split: str) -> list[dict[str, Any]]:
        """The counts within calibrated thresholds.

        Where the null is too small for the rates that were asked for, the count of those that are
        closer than all of the null: the sharpest that it allows.
        """
        return self._counts.get(split, [])

    def smallest_p(self, split: str) -> float:
        """The smallest p-value of the tests of one split; 1 where there are none."""
        return min((p for _, p in self._tests(split)), default=1.0)

    @property
    def decisive(self) -> dict[str, Any] | None:
        """The count that the sentences quote: at the smallest rate."""
        return self.sharpest(self.asked)

    def sharpest(self, split: str) -> dict[str, Any] | None:
        """The count at the smallest rate."""
        return min(self.counted(split), key=lambda row: row["fpr"], default=None)

    @cached_property
    def p_values(self) -> tuple[float, ...]:
        """The p-values of all tests of this measure."""
        return tuple(p for split in self.questions for _, p in self._tests(split))

    @cached_property
    def flagged(self) -> tuple[int, int]:
        """How many are named, or else within the threshold, and how many of them of low content."""
        decisive = self.decisive
        count = self.named_count or (int(decisive["count"]) if decisive else 0)
        # The closest are named, and within any threshold.
        return count, low_content(self.run.contrasts(self.measure.name, self.asked)[:count])

    def smallest_seen(self, needed: float) -> float | None:
        """The smallest share of copies that a count would have shown; None where none would.

        Arguments:
            needed: Below this a p-value is beyond luck.
        """
        ranks = [rank_of(row, self.m) for row in self.counted(self.asked)]
        shares = [smallest_copied_share(self.n, self.m, rank, needed) for rank in ranks]
        return min((share for share in shares if share is not None), default=None)

    @cached_property
    def is_plain(self) -> bool:
        """Whether it says little that they are close: most of them are nearly of one colour.

        Where most of the null are so too, plain pictures are judged by plain pictures.
        """
        flagged, low = self.flagged
        null = self.run.contrasts(self.measure.name, self.null)
        return 0 < flagged <= 2 * low and 2 * low_content(null) < len(null)

    @cached_property
    def area(self) -> dict[str, Any] | None:
        """The area of trained against held-out images; None where there is none.

        It sees what is too weak to name anybody. That of the generations is no test: a model that
        draws poorly, or too plainly, moves it without copying anything.
        """
        return next(iter(self.run.find(self.measure.name, "trained_vs_held_out", "auc")), None)

    def _tests(self, split: str) -> list[tuple[str, float]]:
        """The tests of one split, each with its p-value."""
        rows = self.counted(split) + [row for row in [self.named(split)] if row is not None]
        if split == "trained" and self.area is not None:
            rows.append(self.area)
        found = [(row, row.get("p_value")) for row in rows]
        # An area that pictures give without the model is no evidence, whatever its p.
        return [
            (str(row["statistic"]), float(p) if exceeds_blind(row) else 1.0)
            for row, p in found
            if p is not None
        ]

    @cached_property
    def _counts(self) -> dict[str, list[dict[str, Any]]]:
        return {split: self._counted(split, QUESTIONS[split]) for split in self.questions}

    def _counted(self, split: str, null: str) -> list[dict[str, Any]]:
        name = self.measure.name
        rows = [row for row in self.run.find(name, split, "eidetic") if row.get("fpr")]
        own, fresh = (self.run.distances(name, one) for one in (split, null))
        if rows or not len(own) or not len(fresh):
            return rows
        direction = self.measure.direction
        sides = side(name, split, direction, own), side(name, null, direction, fresh)
        limit = calibrated_limits(sides[1], [1 / (len(fresh) + 1)])[0]
        assert limit is not None
        return [within(*sides, limit)]


def facts_of(run: NearestRun, measure: Measure) -> MeasureFacts:
    """What a run says of one measure."""
    return MeasureFacts(run, measure)


def rank_of(row: dict[str, Any], m: int) -> int:
    """Below which of the m distances of the null the threshold of a count lies."""
    return max(1, int(np.rint(row["chance"] * (m + 1))))
