"""The page of `nulls.py`: the rows of both labels beside each other."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from solidmark.scores.groups import clopper_pearson

LABELS = ("before", "after", "again")
BOTH = LABELS[:2]

ALLOWED = 0.015
"""The share of 300 audits that may say "memorized" before more are asked."""

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Column:
    """A share of the audits of a row.

    Arguments:
        title: Above it.
        promised: How large it may be where nothing is memorized; None where nothing is promised.
        state: The state of the verdict that it counts; else it counts a field of the row.
    """

    title: str
    promised: float | None
    state: str = ""
    field: str = ""

    def count(self, row: Row) -> int:
        return int(row["states"].get(self.state, 0) if self.state else row[self.field])

    def cell(self, row: Row, memorized: bool) -> str:
        """The share in percent with its interval; bold where it is surely above the promise."""
        count, audits = self.count(row), row["audits"]
        low, high = clopper_pearson(count, audits)
        text = f"{100 * count / audits:.1f} ({100 * low:.1f}–{100 * high:.1f})"
        broken = self.promised is not None and low > self.promised
        return f"**{text}**" if broken and not (memorized and self.title in TRUE) else text


COLUMNS = (
    Column("memorized", 0.01, state="memorized"),
    Column("names anybody", 0.05, field="names"),
    Column("do not trust", 0.01, state="untrusted"),
    Column("hint", 0.05, state="unclear"),
    Column("averages", None, state="averages"),
    Column("not seen", None, state="not_seen"),
    Column("share too high", 0.025, field="low_too_high"),
)

TRUE = ("memorized", "names anybody")
"""What is right to be said where something is memorized."""


def page(out: Path, files: Sequence[str]) -> Iterator[str]:
    """The page, as Markdown.

    Arguments:
        out: Where the rows lie.
        files: The names of the files, in the order of the cases.
    """
    found = {label: rows_of(out / label, files) for label in BOTH}
    keys = list(dict.fromkeys(key for rows in found.values() for key in rows))
    cases = list(dict.fromkeys(case for case, _, _ in keys))
    yield from (
        "# What an audit says where nothing is memorized, and whom it names",
        "",
        "`python benchmarks/nulls.py OUT --label before`, on scores whose null drew keys anew, "
        "then `--label after` and `--label again > benchmarks/nulls.md`. A row: audits "
        "of 8 x 8 digits in frames of 2 px (sixteen greys, or one), keys drawn anew for each, "
        "seeds 0 to 299. `average` knows mean and variance of each pixel of the marked training "
        "images, `average-per-caption` those of each caption or class, `gaussian` two moments of "
        "the images under other keys; none of them has memorized an image. Half (an eighth) "
        "memorized: the model is a perfect memorizer of so many of the trained images, so that "
        "names of the others are wrong. Networks: a U-Net of 10,289 weights, untrained, or after "
        "one step of Adam on all images. Readers take few steps and candidates.",
        "",
        "Each cell: audits in percent, with the exact 95 % interval; before → after; **bold**: the "
        "whole interval is above what is promised. Promised: memorized 1, names anybody 5, "
        "do not trust 1, hint 5 (its level before), share too high 2.5 %. Memorized, do not trust, "
        "hint, averages and not seen are states of the verdict; names anybody: a trained image "
        "stands in the list of names; share too high: the lower end of the share of memorized "
        "images is above the truth. The reference was asked for the networks only; without it an "
        "audit that sees nothing was green before, and cannot be judged after. Whether the model "
        "knows such pictures at all is not asked here ([knowing.md](knowing.md)). Ten audits share "
        "one reading where no model depends on a key (`gaussian`, untrained): only their keys "
        "differ. A cell with one value was asked before only.",
        "",
        *short_cuts(out),
        "",
        "## The worst reader and statistic of each case",
        "",
        "The largest of up to 17 rows, so it leans high: of 17 rows at 1 %, 5 % the largest is "
        "about 2 %, 7 %.",
        "",
        "| case | " + " | ".join(column.title for column in COLUMNS) + " |",
        "|---|" + "---|" * len(COLUMNS),
    )
    for case in cases:
        own = [key for key in keys if key[0] == case]
        cells = [worst(column, own, found) for column in COLUMNS]
        yield f"| {case} | " + " | ".join(cells) + " |"
    yield from asked_again(found["after"], rows_of(out / "again", files))
    for case in cases:
        yield from table(case, [key for key in keys if key[0] == case], found)


Rows = Mapping[tuple[str, str, str], Row]
Found = Mapping[str, Rows]


def rows_of(folder: Path, files: Sequence[str]) -> dict[tuple[str, str, str], Row]:
    """The rows of a label, by case, reader and statistic."""
    rows = {}
    for name in files:
        path = folder / f"{name}.json"
        for row in json.loads(path.read_text()) if path.is_file() else []:
            rows[row["case"], row["reader"], row["statistic"]] = row
    return rows


def suspect(path: Path) -> bool:
    """Whether a row of a file says "memorized" too often of a model that has memorized nothing."""
    return path.is_file() and any(map(_too_often, json.loads(path.read_text())))


def _too_often(row: Row) -> bool:
    return not row["memorized"] and COLUMNS[0].count(row) > ALLOWED * row["audits"]


def asked_again(after: Rows, again: Rows) -> Iterator[str]:
    """What 1,000 new audits say of the rows that were above what is allowed."""
    keys = [key for key, row in after.items() if _too_often(row)]
    nulls = [row for row in after.values() if not row["memorized"]]
    counts = [COLUMNS[0].count(row) for row in nulls]
    audits = sum(row["audits"] for row in nulls)
    yield from (
        "",
        "## Rows above 1.5 %, asked again",
        "",
        f'Of {len(nulls)} rows in which nothing is memorized {len(keys)} say "memorized" in more '
        f"than 1.5 % of their audits; over all of them it is {100 * sum(counts) / audits:.2f} % "
        f"({sum(counts)} of {audits:,}). Chance alone lifts some rows of 300 above 1.5 %, so these "
        "were asked new audits under other seeds:",
        "",
        "| case | reader | statistic | memorized, first | new | names anybody, new | new audits |",
        "|---|---|---|---|---|---|---|",
    )
    for key in keys:
        first = COLUMNS[0].cell(after[key], memorized=False)
        new = (
            [column.cell(again[key], False) for column in COLUMNS[:2]]
            if key in again
            else ["–"] * 2
        )
        n = f"{again[key]['audits']:,}" if key in again else "–"
        yield f"| {' | '.join((*key, first, *new, n))} |"


def short_cuts(out: Path) -> Iterator[str]:
    """How far the fast p-values lie from the exact ones."""
    for label in BOTH:
        path = out / label / "laws.json"
        if path.is_file():
            errors = json.loads(path.read_text())
            said = ", ".join(f"{100 * error:.1g} % ({name})" for name, error in errors.items())
            yield (
                "The audits go without files (one that goes the long way is compared first) and "
                "take p-values of sixteen keys from the saddlepoint: of 100 between 1e-5 and 1 "
                f"the worst is off by {said}."
            )
            return


def worst(column: Column, keys: Sequence[tuple[str, str, str]], found: Found) -> str:
    """The largest share of a case, and whose it is."""
    parts = []
    for label in BOTH:
        rows = [found[label][key] for key in keys if key in found[label]]
        if rows:
            row = max(rows, key=lambda row: column.count(row) / row["audits"])
            who = f", {row['reader']} {row['statistic']}" if column.count(row) else ""
            parts.append(f"{100 * column.count(row) / row['audits']:.1f}{who}")
    return " → ".join(parts)


def table(case: str, keys: Sequence[tuple[str, str, str]], found: Found) -> Iterator[str]:
    """All rows of a case."""
    first = next(found[label][keys[0]] for label in BOTH if keys[0] in found[label])
    kind = "sixteen greys" if first["keys"] > 1 else "one grey"
    audits = " → ".join(
        dict.fromkeys(
            f"{found[label][key]['audits']}"
            for label in BOTH
            for key in keys
            if key in found[label]
        )
    )
    titles = [column.title for column in COLUMNS] + ["named an audit", "wrong of them", "s"]
    yield from (
        "",
        f"## {case}",
        "",
        f"{first['n']:,} trained and {first['held_out']} held out, {kind}, {audits} audits a row.",
        "",
        "| reader | statistic | " + " | ".join(titles) + " |",
        "|---|---|" + "---|" * len(titles),
    )
    for key in keys:
        rows = [found[label][key] for label in BOTH if key in found[label]]
        cells = [
            " → ".join(column.cell(row, row["memorized"] > 0) for row in rows) for column in COLUMNS
        ]
        cells.append(" → ".join(f"{row['named'] / row['audits']:.2f}" for row in rows))
        cells.append(" → ".join(map(wrong, rows)))
        cells.append(" → ".join(f"{row['seconds']:.0f}" for row in rows))
        yield f"| {key[1]} | {key[2]} | " + " | ".join(cells) + " |"


def wrong(row: Row) -> str:
    """The share of all names that are wrong, and its mean over the audits, which is promised."""
    if not row["named"]:
        return "–"
    pooled = f"{row['wrong']:,} of {row['named']:,}"
    mean = 100 * row["wrong_share"]
    return f"{pooled} ({mean:.1f} %)" if row["memorized"] else pooled
