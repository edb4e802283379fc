"""The signals side by side: a line a signal, for the page of the run and for pages beside it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from solidmark.cards import asks_of, title_of
from solidmark.report.numbers import p_value, percent, percents, plain
from solidmark.report.signals.words import ORDER
from solidmark.report.tables import Cell

NONE = Cell("–", ())


@dataclass(frozen=True)
class SignalLine:
    """What one signal says of the images.

    Arguments:
        title: Its name on the page.
        asks: What it asks.
        area: Trained against held-out images.
        detections: At the smallest false-alarm rate that the held-out images can show.
        named: How many can be named.
        calls: Network calls an image.
    """

    title: str
    asks: str
    area: Cell
    detections: Cell
    named: Cell
    calls: str


@dataclass(frozen=True)
class Agreement:
    """The rank correlations of every two signals.

    Arguments:
        heads: The signals of the columns.
        lines: For each signal of a row its name and a cell a column; None where another place of
            the table says it.
    """

    heads: tuple[str, ...]
    lines: tuple[tuple[str, tuple[Cell | None, ...]], ...]


@dataclass(frozen=True)
class SignalsSection:
    """All signals of a run.

    Arguments:
        lines: A line a signal.
        agreement: The rank correlations; None of a single signal.
        left_out: Title and reason of those that the model could not be asked for; one reason may
            stand for several.
    """

    lines: tuple[SignalLine, ...]
    agreement: Agreement | None
    left_out: tuple[tuple[str, str], ...]


def signals_section(
    rows: Sequence[Mapping[str, Any]], left_out: Mapping[str, str] | None = None
) -> SignalsSection:
    """Makes the table of signals. The macro `signals_table` of `signals_table.html` shows it.

    Arguments:
        rows: The rows of a `results.json` of signals; those of other measures are passed over.
        left_out: The signals that the model could not be asked for, and why.
    """
    names = dict.fromkeys(str(row["measure"]) for row in rows if row.get("statistic") != "spearman")
    own = {
        name: [row for row in rows if row["measure"] == name]
        for name in sorted(names, key=_place)
        if name in ORDER
    }
    reasons: dict[str, list[str]] = {}
    for name in sorted(left_out or {}, key=_place):
        reasons.setdefault((left_out or {})[name], []).append(title_of(name))
    return SignalsSection(
        tuple(_line(name, found) for name, found in own.items()),
        _agreement([row for row in rows if row.get("statistic") == "spearman"]),
        tuple((", ".join(titles), reason) for reason, titles in reasons.items()),
    )


def _place(name: str) -> tuple[int, str]:
    return (ORDER.index(name) if name in ORDER else len(ORDER)), name


def _line(name: str, rows: Sequence[Mapping[str, Any]]) -> SignalLine:
    found = {str(row["statistic"]): row for row in rows if row["statistic"] in ("auc", "named")}
    caught = [row for row in rows if row["statistic"] == "tpr_at_fpr"]
    calls = next((row.get("network_calls_per_image") for row in rows), None)
    return SignalLine(
        title=title_of(name),
        asks=asks_of(name),
        area=_area(found.get("auc")),
        detections=_detections(caught),
        named=_named(found.get("named")),
        calls="–" if calls is None else f"{calls:.3g}",
    )


def _area(row: Mapping[str, Any] | None) -> Cell:
    if row is None or row.get("value") is None:
        return Cell("–", ("no held-out images to compare with",))
    return Cell(
        _below_one(row["value"]),
        (
            f"95 % interval {plain(row['ci_low'])} to {plain(row['ci_high'])}",
            "chance 0.5",
            p_value(row["p_value"]),
            f"n = {row['n']:,}",
        ),
    )


def _below_one(area: float) -> str:
    """Three digits, of which none says that a separation is perfect when it is not."""
    return plain(min(area, 0.999), 3) if area < 1 else plain(area, 3)


def _detections(rows: Sequence[Mapping[str, Any]]) -> Cell:
    """At the smallest rate that there are enough held-out images for."""
    shown = [row for row in rows if row.get("value") is not None]
    if not shown:
        note = next((str(row["note"]) for row in rows if row.get("note")), "")
        return Cell("–", (note,) if note else ())
    row = min(shown, key=lambda row: float(row["fpr"]))
    facts = [f"at {percent(row['fpr'])} false alarms, which is chance"]
    if row.get("ci_low") is not None:
        facts.append(f"95 % interval {percents(row['ci_low'], row['ci_high'])}")
    return Cell(percent(row["value"]), tuple(facts))


def _named(row: Mapping[str, Any] | None) -> Cell:
    if row is None:
        return NONE
    if row.get("count") is None:
        return Cell("withheld", ("the held-out images are of another kind",))
    return Cell(f"{row['count']:,} of {row['n']:,}", (f"q at most {row['fdr']:g}",))


def _agreement(rows: Sequence[Mapping[str, Any]]) -> Agreement | None:
    if not rows:
        return None
    cells = {frozenset((str(row["measure"]), str(row["with"]))): _rho(row) for row in rows}
    names = sorted(set().union(*cells), key=_place)
    lines = [
        (
            title_of(name),
            tuple(
                cells.get(frozenset((name, other))) if place < row else None
                for place, other in enumerate(names[:-1])
            ),
        )
        for row, name in enumerate(names)
    ]
    return Agreement(tuple(title_of(name) for name in names[:-1]), tuple(lines[1:]))


def _rho(row: Mapping[str, Any]) -> Cell:
    if row.get("value") is None:
        return Cell("–", (str(row.get("note") or ""),))
    facts = (
        f"{plain(row['ci_low'])} to {plain(row['ci_high'])}",
        p_value(row["p_value"]),
        f"n = {row['n']:,}",
    )
    return Cell(plain(row["value"]), facts)
