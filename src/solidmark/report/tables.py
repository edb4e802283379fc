"""The tables of the page: key figures, all rows, what failed, how the run was made."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from solidmark.report import words
from solidmark.report.folder import Audit
from solidmark.report.numbers import p_value, percent, percents, plain
from solidmark.report.rows import ROWS, table_of_rows
from solidmark.runs import tame
from solidmark.scores.scored import Score

SHOWN_KEYS = 4
"""Keys of more values than this are left to `scores.parquet`."""

SHARES = ("eidetic", "share", "averages", "smallest_share", "tpr_at_fpr")
COUNTS = ("named",)
STATISTICS = (
    "eidetic",
    "named",
    "share",
    "correlation",
    "permutation_z",
    "averages",
    "auc",
    "tpr_at_fpr",
    "smallest_share",
)
SEEN_BY = {
    "permutation": "by permutation test",
    "best": "by the smallest p",
    "named": "half of it named",
}
"""What would have seen a smallest share."""

SPLITS = ("trained", "held_out", "ceiling")


@dataclass(frozen=True)
class Cell:
    """One figure: the value, and the facts without which it says nothing."""

    value: str
    facts: tuple[str, ...]


@dataclass(frozen=True)
class Head:
    """A split at the top of the table: its name, and how many rows counted."""

    name: str
    count: str


@dataclass(frozen=True)
class Line:
    """One statistic of one reader.

    Arguments:
        anchor: Its place in the glossary.
        name: Its name with its threshold.
        unit: Its unit.
        direction: Which way means memorized.
        cells: One a split; None where it does not apply.
        wide: The figure of a comparison of two splits.
    """

    anchor: str
    name: str
    unit: str
    direction: str
    cells: tuple[Cell | None, ...]
    wide: Cell | None


def heads(rows: Sequence[Mapping[str, Any]], reader: str) -> list[Head]:
    """The splits of one reader, with the rows that counted and those that failed."""
    return [Head(words.SPLITS[split], _usual(rows, reader, split)) for split in SPLITS]


def _usual(rows: Sequence[Mapping[str, Any]], reader: str, split: str) -> str:
    for row in rows:
        if row["reader"] == reader and row["split"] == split:
            return _n(row)
    return "not measured"


def _n(row: Mapping[str, Any]) -> str:
    n = "n not known" if row.get("n") is None else f"n = {row['n']}"
    return f"{n}, {row['failed']} failed" if row.get("failed") else n


def key_figures(rows: Sequence[Mapping[str, Any]], reader: str, fdr: float) -> list[Line]:
    """The table of one reader: a line a statistic, a column a split."""
    usual = {split: _usual(rows, reader, split) for split in SPLITS}
    lines: dict[tuple[Any, ...], dict[str, Mapping[str, Any]]] = {}
    # Counts within delta are the published figure for one key, and next to nothing for several.
    several = any((row.get("keys") or 1) > 1 for row in rows if row["reader"] == reader)
    for row in rows:
        if row["reader"] == reader:
            name = (row["statistic"], row.get("delta"), row.get("fpr"), row.get("by"))
            lines.setdefault(name, {})[row["split"]] = row
    return [
        _line(name[0], _threshold(name), by_split, usual, fdr)
        for name, by_split in sorted(lines.items(), key=lambda item: _order(item[0], several))
    ]


def notes(rows: Sequence[Mapping[str, Any]], reader: str) -> list[str]:
    """What the figures of a reader were made with, each remark once."""
    names = {anchor: term for anchor, term, _ in words.GLOSSARY}
    found = [
        f"{names.get(row['statistic'], row['statistic'])}: {row['note']}"
        for row in rows
        if row["reader"] == reader and row.get("note") and row.get("value") is not None
    ]
    return list(dict.fromkeys(found))


def calls(rows: Sequence[Mapping[str, Any]], reader: str) -> float | None:
    """The network calls per image of a reader."""
    for row in rows:
        if row["reader"] == reader and row.get("network_calls_per_image") is not None:
            return float(row["network_calls_per_image"])
    return None


def _line(
    statistic: str,
    threshold: str,
    rows: Mapping[str, Mapping[str, Any]],
    usual: Mapping[str, str],
    fdr: float,
) -> Line:
    names = {anchor: term for anchor, term, _ in words.GLOSSARY}
    known = {
        "eidetic": f"Within {threshold}",
        "named": f"Named, q at most {fdr:g}",
        "tpr_at_fpr": f"Detections at {threshold} false alarms",
        "smallest_share": f"Smallest share, {SEEN_BY.get(threshold, threshold)}",
    }
    name = known.get(statistic) or names.get(statistic) or " ".join([statistic, threshold])
    any_row = next(iter(rows.values()))
    cells = tuple(
        _cell(rows[split], usual[split], fdr) if split in rows else None for split in SPLITS
    )
    other = [row for split, row in rows.items() if split not in SPLITS]
    return Line(
        anchor=statistic if statistic in names else "",
        name=name,
        unit=str(any_row.get("unit") or ""),
        direction=str(any_row.get("direction") or ""),
        cells=cells,
        wide=_cell(other[0], "", fdr) if other else None,
    )


def _cell(row: Mapping[str, Any], usual: str, fdr: float) -> Cell:
    """A figure with its interval, chance and p; its n where that is not the usual one."""
    statistic, value = row["statistic"], row.get("value")
    facts: list[str] = []
    if value is None:
        text = "–"
    elif statistic == "eidetic" and row.get("count") is not None:
        text = f"{row['count']} of {row['n']} ({percent(value)})"
    elif statistic == "averages":
        text = f"{row['count']} of {row['groups']} groups"
    elif statistic in COUNTS:
        text = f"{row['count'] if row.get('count') is not None else plain(value, 0)}"
    else:
        text = percent(value) if statistic in SHARES else plain(value)
    share = statistic in SHARES
    low, high = row.get("ci_low"), row.get("ci_high")
    if low is not None and high is not None:
        between = percents(low, high) if share else f"{plain(low)} to {plain(high)}"
        facts.append(f"95 % interval {between}")
    if row.get("chance") is not None:
        facts.append(f"chance {percent(row['chance']) if share else format(row['chance'], 'g')}")
    if row.get("p_value") is not None:
        facts.append(p_value(row["p_value"]))
    if _n(row) != usual:
        facts.append(_n(row))
    count = row.get("count")
    if statistic in COUNTS and row["split"] == "trained" and isinstance(count, int) and count:
        expected = row.get("expected_false")
        facts.append(words.expect_wrong(count, fdr * count if expected is None else expected, fdr))
    if row.get("note") and value is None:
        facts.append(str(row["note"]))
    return Cell(text, tuple(facts))


def _threshold(name: tuple[Any, ...]) -> str:
    _, delta, fpr, by = name
    if by in SEEN_BY:
        return str(by)
    return f"{delta:g}" if delta is not None else percent(fpr) if fpr is not None else ""


def _order(name: tuple[Any, ...], counts_last: bool) -> tuple[Any, ...]:
    statistic, delta, fpr, _ = name
    place = STATISTICS.index(statistic) if statistic in STATISTICS else len(STATISTICS)
    last = counts_last and delta is not None
    return last, place, statistic, -(delta or 0), -(fpr or 0)


def all_rows(audit: Audit) -> dict[str, Any]:
    """Every row for the table of the page: columns, and arrays of values in their order."""
    scores = audit.scores
    if len(scores) > ROWS:
        scores = sorted(scores, key=lambda score: score.rank)[:ROWS]
    several = len({score.repeat for score in scores}) > 1
    groups = any(score.group for score in scores)
    keys = max((len(score.key) for score in scores), default=0)
    columns = [
        ("id", "Image", "text"),
        ("reader", "Reader", "choice"),
        ("split", "Split", "choice"),
        *([("repeat", "Repeat", "whole")] if several else []),
        *([("group", "Group", "text")] if groups else []),
        *([("key", "True key", "keys"), ("key_read", "Key read", "keys")] * (keys <= SHOWN_KEYS)),
        ("distance", "Distance", "number"),
        ("p_value", "p", "number"),
        ("q_value", "q", "number"),
        ("exposure_bits", "Exposure (bits)", "number"),
        ("status", "Status", "choice"),
        ("note", "Note", "text"),
    ]
    return table_of_rows(
        columns,
        scores,
        _value,
        total=len(audit.scores),
        fdr=audit.fdr,
        order="rows with the lowest p",
        sort="p_value",
        searched=["id", "group", "note"],
        searched_words="id, group or note",
        names={
            "reader": {name: words.reader(name).title for name in audit.readers},
            "split": words.SPLITS,
        },
    )


def _value(score: Score, name: str) -> Any:
    if name == "status":
        return "ok" if score.ok else "failed"
    value = getattr(score, name)
    return [float(f"{v:.4g}") for v in value] if isinstance(value, tuple) else value


def script_json(value: Any) -> str:
    """JSON that may stand between script tags: nothing in it can end them or start markup."""
    text = json.dumps(_plain(value), ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _plain(value: Any) -> Any:
    """The same with every control in its text shown, since the script puts it into the page."""
    if isinstance(value, str):
        return tame(value)
    if isinstance(value, Mapping):
        return {_plain(name): _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return value


def failures(audit: Audit) -> list[tuple[str, str, str, int]]:
    """Reader, split, reason and count of the rows that failed, the most common first."""
    found = Counter(
        (score.reader, score.split, score.note or "no reason given")
        for score in audit.scores
        if not score.ok
    )
    return [
        (words.reader(reader).title, words.SPLITS.get(split, split), note, count)
        for (reader, split, note), count in found.most_common()
    ]


def flat(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """Configuration as name and value, one line an option: `readers.energy.count = 9`."""
    if isinstance(value, Mapping) and (value or not name):
        for key, inner in value.items():
            yield from flat(inner, f"{name}.{key}" if name else str(key))
    elif isinstance(value, list) and any(isinstance(inner, Mapping) for inner in value):
        for number, inner in enumerate(value):
            yield from flat(inner, f"{name}.{number}")
    else:
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        yield name, text


def how_made(
    results: Mapping[str, Any], measures: str = "Measures"
) -> list[tuple[str, list[tuple[str, str]]]]:
    """What `results.json` tells of how a run was made, part by part; a page leaves out empty ones.

    Arguments:
        results: What the file holds.
        measures: How the part on measures is called.
    """
    parts = {
        "Configuration": "config",
        measures: "measures",
        "Memory": "memory",
        "Versions": "versions",
        "Fingerprints": "fingerprints",
    }
    return [(title, list(flat(results.get(name) or {}))) for title, name in parts.items()]
