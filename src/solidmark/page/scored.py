"""The scored rows of a run that compares: what its page shows of images, measure by measure."""

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from jaxtyping import Float

from solidmark.cards import title_of
from solidmark.page.rows import FIRST, ROWS
from solidmark.page.sections import Cell, Line, Reading, Table
from solidmark.page.tabled import digits
from solidmark.runs import Figure, Results, find
from solidmark.scores.content import LOW_CONTENT
from solidmark.scores.control import Control, control_from
from solidmark.scores.written import p_number, short

LOST = float("inf")
"""Ranks what has no number last."""


@dataclass(frozen=True)
class Measure:
    """A way to look at images.

    Arguments:
        name: As in the tables.
        title: On the page.
        direction: Which side is close, or memorized: "low" or "high".
        scale: What its numbers are, with their direction.
    """

    name: str
    title: str
    direction: str
    scale: str

    @property
    def is_similarity(self) -> bool:
        return self.direction == "high"

    def reported(self, distance: float) -> float:
        """A distance on the scale that is reported."""
        return 1 - distance if self.is_similarity else distance


def measure_of(name: str, found: Mapping[str, Any], scale: str = "") -> Measure:
    """A measure as its card and the results of a run tell it.

    Arguments:
        name: The measure.
        found: What the results say of it.
        scale: What its numbers are; a distance or a similarity when not given.
    """
    direction = "high" if found.get("direction") == "high" else "low"
    usual = "similarity, high = close" if direction == "high" else "distance, low = close"
    return Measure(name, title_of(name), direction, scale or usual)


@dataclass(frozen=True)
class Row:
    """An image by one measure; numbers are None where there are none.

    Arguments:
        measure: The measure.
        split: Which images it is of.
        id: The image.
        distance: Low = close, or memorized, whichever side is reported.
        p_value: Its p-value.
        q_value: Its q-value.
        contrast: How much its pixels vary.
        nearest: The id of the nearest image on the other side, where there is one.
        raw: The distance before it was rescaled.
        caption: Its caption, where the table knows it.
    """

    measure: str
    split: str
    id: str
    distance: float | None = None
    p_value: float | None = None
    q_value: float | None = None
    contrast: float | None = None
    nearest: str = ""
    raw: float | None = None
    caption: str = ""

    @property
    def is_plain(self) -> bool:
        """Whether it is nearly of one colour."""
        return self.contrast is not None and self.contrast < LOW_CONTENT

    def is_named(self, fdr: float) -> bool:
        """Whether its q is at most the chosen false-discovery rate."""
        return self.q_value is not None and self.q_value <= fdr


@dataclass(frozen=True)
class Scored:
    """The rows and figures of a run that compares.

    Arguments:
        results: What stands in `results.json`.
        measures: The measures, in the order of the page.
        tables: The rows of each measure and split, the closest first, those without a distance
            last; with `distance`, `status` and `note`.
        null: For each split in question, what it is compared with.
        splits: What the splits are called.
    """

    results: Results
    measures: tuple[Measure, ...]
    tables: Mapping[tuple[str, str], Any] = field(repr=False)
    null: Mapping[str, str]
    splits: Mapping[str, str]

    @property
    def fdr(self) -> float:
        """The false-discovery rate at which rows are named."""
        return float(self.results.config.get("fdr") or 0.05)

    @cached_property
    def control(self) -> Control | None:
        """Whether the held-out images are of the same kind; None where that is not known."""
        found = self.results.facts.get("control")
        return control_from(found) if isinstance(found, Mapping) else None

    def figures(self, measure: str, statistic: str, split: str | None = None) -> list[Figure]:
        """The figures of one kind, in their order."""
        return find(self.results.figures, statistic, split, measure)

    def good(self, measure: str, split: str, *, copies: bool = False) -> Any:
        """The rows that were scored, the closest first: each picture once, unless copies count."""
        import pyarrow.compute as pc

        table = self.tables.get((measure, split))
        if table is None:
            return None
        good = table.filter(pc.equal(table["status"], "ok"))
        if copies or "copy_of" not in good.column_names:
            return good
        return good.filter(pc.is_null(good["copy_of"]))

    def count(self, measure: str, split: str) -> int:
        """How many rows were scored, each picture once."""
        table = self.good(measure, split)
        return 0 if table is None else len(table)

    def values(self, measure: Measure, split: str) -> Float[np.ndarray, " N"]:
        """The numbers as they are reported, the closest first."""
        table = self.good(measure.name, split)
        if table is None:
            return np.empty(0)
        found: np.ndarray = table["distance"].to_numpy(zero_copy_only=False).astype(np.float64)
        return 1 - found if measure.is_similarity else found

    def rows(
        self, measure: str, split: str, *, first: int | None = None, copies: bool = False
    ) -> list[Row]:
        """The scored rows, the closest first."""
        table = self.good(measure, split, copies=copies)
        return [] if table is None else rows_of(table.slice(0, first), measure, split)

    def ranked(self, split: str, *, copies: bool = False) -> list[dict[str, Row]]:
        """What every measure says of each image of a split, the most suspicious image first.

        Those come first that the most measures name, then those of the lowest q. Among the others,
        the distance by the first measure decides, which is the one that is shown.
        """
        found: dict[str, dict[str, Row]] = {}
        for measure in self.measures:
            for row in self.rows(measure.name, split, copies=copies):
                found.setdefault(row.id, {})[measure.name] = row

        def place(rows: Mapping[str, Row]) -> tuple[int, float, float, str]:
            named = sum(row.is_named(self.fdr) for row in rows.values())
            q = min(LOST if row.q_value is None else row.q_value for row in rows.values())
            first = next(iter(rows.values()))
            return -named, q, LOST if first.distance is None else first.distance, first.id

        return sorted(found.values(), key=place)

    def names(self, rows: Mapping[str, Row]) -> bool:
        """Whether any measure names an image."""
        return any(row.is_named(self.fdr) for row in rows.values())

    @cached_property
    def times(self) -> Mapping[tuple[str, str], int]:
        """How often a picture is there beside the first of its copies, by split and id."""
        found: Counter[tuple[str, str]] = Counter()
        for (measure, split), table in self.tables.items():
            if measure == self.measures[0].name and "copy_of" in table.column_names:
                found.update((split, id) for id in table["copy_of"].to_pylist() if id is not None)
        return found

    def readings(
        self, rows: Mapping[str, Row], *, titled: bool = True, nearest: str = ""
    ) -> tuple[Reading, ...]:
        """What the measures say of an image, for its card.

        Arguments:
            rows: What they found, by measure.
            titled: Whether the measures are named, where several stand on a card.
            nearest: The nearest image that the card shows.
        """
        readings = []
        for measure in (one for one in self.measures if one.name in rows):
            row = rows[measure.name]
            value = None if row.distance is None else measure.reported(row.distance)
            facts = [("value" if titled else measure.scale, digits(value))]
            if row.raw is not None and not titled:
                facts.append(("before rescaling", digits(row.raw)))
            facts += p_and_q(row.p_value, row.q_value)
            title = measure.title if titled else ""
            said = "" if row.nearest == nearest else f"nearest: {row.nearest}"
            readings.append(Reading(title, tuple(facts), row.is_named(self.fdr), said=said))
        return tuple(readings)

    def flags(self, row: Row, varies: str = "the pixels vary", *, copies: bool = True) -> list[str]:
        """What must be known of an image beside its numbers.

        Arguments:
            row: The image.
            varies: What its contrast was measured of.
            copies: Whether it is said how often the picture is there.
        """
        flags = []
        if row.is_plain:
            flags.append(f"low content: {varies} by {short(row.contrast or 0.0)}")
        times = 1 + self.times.get((row.split, row.id), 0)
        return flags + [f"{times} times in the data"] * (copies and times > 1)

    def shown(self) -> Iterator[tuple[str, str, Any]]:
        """What stands in the table of all rows: where there are many, the closest."""
        total = sum(map(len, self.tables.values()))
        most = max(1, (ROWS if total <= ROWS else FIRST) // max(1, len(self.tables)))
        for (measure, split), table in self.tables.items():
            yield measure, split, table.slice(0, most)

    def failures(self) -> Table | None:
        """Which rows count nowhere, and why: the most common reasons first."""
        titles = {one.name: one.title for one in self.measures}
        found: Counter[tuple[str, str, str]] = Counter()
        for (measure, split), table in self.tables.items():
            found.update((titles[measure], self.splits[split], why) for why in _reasons(table))
        # What befell the same images by several measures is one line.
        merged: dict[tuple[str, str, int], list[str]] = {}
        for (title, split, why), count in found.items():
            merged.setdefault((split, why, count), []).append(title)
        ordered = sorted(merged.items(), key=lambda item: -item[0][-1])
        return failed(
            [(f"{split}: {', '.join(some)}", why, n) for (split, why, n), some in ordered]
        )


def p_and_q(p: float | None, q: float | None) -> list[tuple[str, str]]:
    """The p-value and the q-value of an image as facts of its card, where it has them.

    Example:
        >>> p_and_q(0.0103, None)
        [('p', '0.01')]
    """
    return [(name, p_number(value)) for name, value in (("p", p), ("q", q)) if value is not None]


def rows_of(table: Any, measure: str, split: str) -> list[Row]:
    """The rows of a table."""
    names = ("id", "distance", "p_value", "q_value", "contrast", "nearest", "raw", "caption")
    known = [name for name in names if name in table.column_names]
    found = []
    for one in table.select(known).to_pylist():
        kept = {name: _finite(value) for name, value in one.items() if value is not None}
        found.append(Row(measure, split, **{k: v for k, v in kept.items() if v is not None}))
    return found


def failed(lines: Sequence[tuple[str, str, int]], title: str = "Rows that count nowhere") -> Any:
    """What failed as a table: of what, why, and how many; None where nothing did.

    Arguments:
        lines: What, why, and how many, the most common first.
        title: Above it.
    """
    most = 20
    more = f"{len(lines) - most} more reasons are in the tables of the run."
    return lines and Table(
        title,
        (Cell("Of"), Cell("Reason"), Cell("Rows")),
        tuple(Line(what, (Cell("", (why,)), Cell(f"{n:,}"))) for what, why, n in lines[:most]),
        (more,) if len(lines) > most else (),
    )


def _reasons(table: Any) -> list[str]:
    import pyarrow.compute as pc

    lost = table.filter(pc.not_equal(table["status"], "ok"))
    states, notes = (lost[name].to_pylist() for name in ("status", "note"))
    return [note or status for status, note in zip(states, notes, strict=True)]


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value
