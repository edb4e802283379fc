"""The aggregates of a `nearest` run as tables: all figures, and which changed copies are told."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from solidmark.report.numbers import p_value, percent, percents
from solidmark.report.pairs.cards import digits
from solidmark.report.pairs.run import NearestRun
from solidmark.report.pairs.words import GLOSSARY, Measure
from solidmark.report.tables import Cell, Head, Line
from solidmark.verdicts.words import listed

QUESTIONS = (
    ("Generations against the training set", ("generated", "null"), "generated_vs_null"),
    ("Training images against the generations", ("trained", "held_out"), "trained_vs_held_out"),
)
"""Title, the splits that stand side by side, and the comparison of both."""

HEADS = {
    "generated": "Generations",
    "null": "Fresh images (null)",
    "trained": "Training images",
    "held_out": "Held-out images",
}

STATISTICS = (
    "named",
    "eidetic",
    "threshold",
    "closest",
    "percentile",
    "mean",
    "auc",
    "tpr_at_fpr",
    "low_content",
    "authpct",
    "ct",
    "mifid",
)
"""The statistics in the order of the table."""

SHARES = ("eidetic", "tpr_at_fpr", "low_content", "authpct", "augmented")
OF_DISTANCES = ("threshold", "closest", "percentile", "mean")
"""Statistics on the scale of the measure itself."""

APART = ("augmented",)
"""Statistics that have a section of their own."""

CHANGES = {
    "jpeg": "recompressed (JPEG, quality 75)",
    "noise": "with a little noise",
    "brighter": "a tenth brighter",
    "blurred": "a little blurred",
    "shifted": "shifted by a thirtieth",
    "cropped": "cropped to nine tenths",
    "flipped": "mirrored",
}

FEW_TOLD = 0.5
"""Below this share of changed copies a measure is called blind to the change."""


@dataclass(frozen=True)
class Block:
    """The aggregates that answer one question by one measure."""

    title: str
    heads: tuple[Head, ...]
    lines: tuple[Line, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Told:
    """How many changed copies a measure recognises."""

    change: str
    cells: tuple[Cell | None, ...]


def blocks(
    run: NearestRun,
    measure: Measure,
    questions: Sequence[tuple[str, tuple[str, str], str]] = QUESTIONS,
) -> list[Block]:
    """All aggregates of a measure, a block a question; whatever answers none, in a last one."""
    own = [
        row
        for row in run.results["rows"]
        if row.get("measure") == measure.name and row.get("statistic") not in APART
    ]
    found = []
    for title, splits, versus in questions:
        some = [row for row in own if row["split"] in (*splits, versus)]
        if some:
            found.append(_block(run, measure, title, splits, some))
    known = {split for _, splits, versus in questions for split in (*splits, versus)}
    rest = [row for row in own if row["split"] not in known]
    if rest:
        found.append(_block(run, measure, "Other", (), rest))
    return found


def _block(
    run: NearestRun,
    measure: Measure,
    title: str,
    splits: Sequence[str],
    rows: Sequence[Mapping[str, Any]],
) -> Block:
    lines: dict[tuple[Any, ...], dict[str, Mapping[str, Any]]] = {}
    for row in rows:
        fields = ("statistic", "threshold", "fpr", "percentile")
        lines.setdefault(tuple(row.get(name) for name in fields), {})[row["split"]] = row
    order = sorted(lines.items(), key=lambda item: _order(item[0], measure))
    usual = {split: next((_n(r) for r in rows if r["split"] == split), "") for split in splits}
    called = HEADS | ({"null": "Training images (null)"} if run.null_is_training else {})
    heads = tuple(Head(called[split], usual[split] or "not measured") for split in splits)
    notes = [f"{_name(measure, row)}: {row['note']}" for row in rows if row.get("note")]
    return Block(
        title,
        heads,
        tuple(_line(measure, found, splits, usual) for _, found in order),
        tuple(dict.fromkeys(notes)),
    )


def _order(name: tuple[Any, ...], measure: Measure) -> tuple[Any, ...]:
    statistic, threshold, fpr, percentile = name
    place = STATISTICS.index(statistic) if statistic in STATISTICS else len(STATISTICS)
    loose = (threshold or 0) * (1 if measure.is_similarity else -1)
    return place, statistic, fpr is None, -(fpr or 0), loose, -(percentile or 0)


def _line(
    measure: Measure,
    rows: Mapping[str, Mapping[str, Any]],
    splits: Sequence[str],
    usual: Mapping[str, str],
) -> Line:
    row = next(iter(rows.values()))
    anchors = {anchor for anchor, _, _ in GLOSSARY}
    wide = [_cell(measure, other, "") for split, other in rows.items() if split not in splits]
    means = "close" if row["statistic"] in OF_DISTANCES else "memorized"
    means = str(measure.card.get("means", means))
    direction = row.get("direction")
    return Line(
        anchor=row["statistic"] if row["statistic"] in anchors else "",
        name=_name(measure, row),
        unit=str(row.get("unit") or ""),
        direction=f"{direction} = {means}" if direction else "",
        cells=tuple(
            _cell(measure, rows[split], usual[split]) if split in rows else None for split in splits
        ),
        wide=wide[0] if wide else None,
    )


def _name(measure: Measure, row: Mapping[str, Any]) -> str:
    statistic, threshold, fpr = row["statistic"], row.get("threshold"), row.get("fpr")
    if statistic == "eidetic" and threshold is not None:
        limit = f"{'At least' if measure.is_similarity else 'Within'} {threshold:.4g}"
        return f"{limit}, calibrated at {percent(fpr)}" if fpr else f"{limit}, fixed"
    if statistic == "named":
        return f"Named, q at most {row.get('fdr') or 0.05:g}"
    if statistic == "threshold" and fpr:
        return f"Threshold of {percent(fpr)} of fresh images"
    if statistic == "percentile":
        return f"{row.get('percentile'):g}th percentile of the close side"
    if statistic == "tpr_at_fpr" and fpr:
        return f"Detections at {percent(fpr)} false alarms"
    if statistic == "low_content":
        return f"Low content among the {row.get('n')} closest"
    names = {anchor: term for anchor, term, _ in GLOSSARY} | {"mean": "Mean"}
    return names.get(statistic, str(statistic))


def _cell(measure: Measure, row: Mapping[str, Any], usual: str) -> Cell:
    """A number with its interval, chance and p; its n where that is not the usual one."""
    statistic, value = row["statistic"], row.get("value")
    share = statistic in SHARES
    facts = []
    if value is None:
        text = "–"
    elif statistic in ("eidetic", "low_content", "augmented") and row.get("count") is not None:
        text = f"{row['count']:,} of {row['n']:,} ({percent(value)})"
    elif statistic == "named":
        text = f"{row['count']:,} of {row['n']:,}"
    else:
        text = percent(value) if share else digits(value)
    low, high = row.get("ci_low"), row.get("ci_high")
    if low is not None and high is not None:
        between = percents(low, high) if share else f"{digits(low)} to {digits(high)}"
        facts.append(f"95 % interval {between}")
    if row.get("chance") is not None:
        facts.append(f"chance {percent(row['chance']) if share else digits(row['chance'])}")
    if row.get("p_value") is not None:
        facts.append(p_value(row["p_value"]))
    if _n(row) != usual:
        facts.append(_n(row))
    if value is None and row.get("note"):
        facts.append(str(row["note"]))
    return Cell(text, tuple(facts))


def _n(row: Mapping[str, Any]) -> str:
    n = "n not known" if row.get("n") is None else f"n = {row['n']:,}"
    return f"{n}, {row['failed']:,} failed" if row.get("failed") else n


def changed_copies(run: NearestRun) -> tuple[list[Told], list[str]]:
    """Which changed copies the measures recognise: a line a change, and warnings."""
    rows = [row for row in run.results["rows"] if row.get("statistic") == "augmented"]
    changes = list(dict.fromkeys(str(row.get("change") or "changed") for row in rows))
    by_name = {(row["measure"], str(row.get("change") or "changed")): row for row in rows}
    told = []
    for change in changes:
        cells = []
        for measure in run.measures:
            row = by_name.get((measure.name, change))
            cells.append(None if row is None else _cell(measure, row, _n(row)))
        told.append(Told(CHANGES.get(change, change), tuple(cells)))
    blind: dict[str, list[str]] = {}
    for measure in run.measures:
        lost = [
            CHANGES.get(change, change)
            for change in changes
            if (row := by_name.get((measure.name, change))) is not None
            and row.get("value") is not None
            and row["value"] < FEW_TOLD
        ]
        if lost:
            blind.setdefault("; ".join(lost), []).append(measure.title)
    warnings = [
        f"{listed(titles)} cannot tell these copies from strangers on this set: {lost}. "
        "Generations that are such copies are missed too."
        for lost, titles in blind.items()
    ]
    return told, warnings
