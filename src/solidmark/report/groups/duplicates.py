"""The page of `duplicates`: the largest groups of copies side by side, and what to remove."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from solidmark.report.groups.run import GroupRun, open_group_run
from solidmark.report.groups.sheet import (
    LARGEST,
    Figures,
    Group,
    Member,
    Sheet,
    interval,
    number,
    plural,
    write_sheet,
)
from solidmark.report.numbers import percent

MEMBERS = 8
"""Pictures that are shown of each group."""

COLUMNS = ("id", "group", "kind", "keep", "similarity", "distance", "height", "width")

KINDS = {
    "exact": "equal pixels, whatever the files are",
    "near": "the same picture re-encoded or resized",
    "embedding": "similar to the embedder, above the threshold",
}

GLOSSARY = (
    ("group", "group", "Images that are copies of one another, directly or by way of others."),
    ("kept", "kept", "The image of a group that stays: the largest, then the smallest id."),
    (
        "distance",
        "distance",
        "The root mean square difference to the kept image, of thumbnails of 16 x 16 grey levels, "
        "in [0, 1]; low = close. Near copies are below 0.024.",
    ),
    (
        "similarity",
        "similarity",
        "The dot product of the embedder's vectors, in [-1, 1]; high = close. In a group it is to "
        "the kept image, in the table to the nearest other image.",
    ),
    (
        "chained",
        "chained",
        "Tied to the kept image by way of others only, and less similar to it than the threshold: "
        "not a copy of it for sure.",
    ),
    (
        "percentile",
        "percentile",
        "Of the close side: at 95, one image in twenty is closer to its nearest other image.",
    ),
)


def write_duplicates_report(folder: Path, *, images: bool = True, top: int = 48) -> Path:
    """Writes `report.html` into the folder of a `duplicates` run.

    Arguments:
        folder: The folder.
        images: Whether pictures of the data may stand on the page; ids stay.
        top: How many groups are shown.

    Returns:
        The page.

    Raises:
        NotFound: When the folder is not a finished run of `duplicates`.
        BadInput: When one of its files cannot be read.
    """
    run = open_group_run(folder, "duplicates", COLUMNS)
    groups = [list(some) for _, some in groupby(run.lines, key=lambda line: line["group"])]
    broken = int(run.results.get("quarantined") or 0)
    sheet = Sheet(
        command="duplicates",
        question="Which images of this set are copies?",
        subject=("Images", str(run.config.get("data", "not named"))),
        verdict=run.verdict,
        figures=tuple(_figures(run)),
        heading="Groups",
        introduction=f"The largest {min(top, len(groups)):,} of {plural(len(groups), 'group')}, "
        f"at most {MEMBERS} pictures of each. The framed one is kept.",
        groups=tuple(_group(run, some, images) for some in groups[:top]),
        empty="No image is a copy of another.",
        files=(
            ("remove.txt", "The ids to remove, one a line; of each group one image stays."),
            ("duplicates.parquet", "All groups, a row an image."),
            ("closest.parquet", "The nearest other image of each, where a measure was asked for."),
            ("results.json", "The figures."),
        ),
        glossary=GLOSSARY,
        left_out=f"Images that could not be read: {broken:,}; results.json names them.",
    )
    return write_sheet(run, sheet, images, top)


def _figures(run: GroupRun) -> list[Figures]:
    counts = []
    for kind, meaning in KINDS.items():
        if row := run.find("copies", kind=kind):
            counts.append((kind, meaning, (f"{row['count']:,}", percent(row["value"]))))
    every = run.find("copies", kind=None)
    if every:
        line = ("all", "each image counts once, by its closest tie to the image that is kept")
        counts.append((*line, (f"{every['count']:,}", percent(every["value"]))))
    largest = run.find("largest_group")
    title = f"Copies among {plural(int(every.get('n') or 0), 'image')}"
    title += f"; the largest group has {largest.get('value', 0):,}"
    found = [Figures(title, ("Kind", "Images that can go", "Share"), tuple(counts))]
    for name, card in (run.results.get("measures") or {}).items():
        rows = [row for row in run.results["rows"] if row.get("measure") == name]
        lines = [line for line in map(_line, rows) if line is not None]
        if lines:
            about = f"{name}: {card.get('unit', '')} of each image to its nearest other one"
            side = "high" if card.get("direction") == "high" else "low"
            heads = ("Figure", f"Value ({side} = close)", "95 % interval", "n")
            found.append(Figures(about, heads, tuple(lines)))
    return found


def _line(row: Mapping[str, Any]) -> tuple[str, str, tuple[str, ...]] | None:
    """A line on how close images come to their nearest other one."""
    statistic = row.get("statistic")
    if statistic == "percentile":
        if row["percentile"] not in (50, 75, 90, 95):
            return None
        name, meaning = f"{row['percentile']}th percentile", "of the close side"
    elif statistic == "eidetic":
        within = "at least" if row.get("unit") == "share" and _is_high(row) else "within"
        name, meaning = f"{within} {number(row['threshold'])}", f"share; {row['count']:,} images"
    elif statistic in ("mean", "closest"):
        name, meaning = str(statistic), {"closest": "of all"}.get(str(statistic), "of all images")
    else:
        return None
    return name, meaning, (number(row["value"]), interval(row), f"{row['n']:,}")


def _is_high(row: Mapping[str, Any]) -> bool:
    return row.get("measure") not in ("l2", "modified-l2", "patched-l2")


def _group(run: GroupRun, lines: Sequence[Mapping[str, Any]], images: bool) -> Group:
    kinds = [str(line["kind"]) for line in lines if not line["keep"]]
    facts = [("images", f"{len(lines):,}")]
    facts += [(kind, f"{kinds.count(kind):,}") for kind in KINDS if kind in kinds]
    members = tuple(
        Member(
            str(line["id"]),
            _facts(line),
            run.picture(str(line["id"]), LARGEST) if images else None,
            stands_out=bool(line["keep"]),
        )
        for line in lines[:MEMBERS]
    )
    more = len(lines) - len(members)
    return Group(str(lines[0]["group"]), "", tuple(facts), members, more)


def _facts(line: Mapping[str, Any]) -> str:
    words = ["kept" if line["keep"] else str(line["kind"])]
    words.append(f"{line['width']} x {line['height']} px")
    if not line["keep"]:
        near = line["similarity"]
        words.append(
            f"distance {number(line['distance'])}" if near is None else f"similarity {near:.4f}"
        )
    return ", ".join(words)
