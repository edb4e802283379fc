"""The page of `cliques`: prompts whose generations come back, the closest first."""

from collections.abc import Mapping
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
from solidmark.report.numbers import p_number

MEMBERS = 12
"""Pictures that are shown of each clique."""

COLUMNS = (
    "prompt_id",
    "text",
    "n",
    "clique",
    "mean_distance",
    "edges",
    "members",
    "suspicious",
    "low_content",
    "chance",
    "p_value",
    "note",
)

GLOSSARY = (
    (
        "clique",
        "clique",
        "Generations of one prompt of which every two are closer than the threshold; the largest "
        "of each prompt is looked at. High = the same picture comes back.",
    ),
    (
        "suspicious",
        "suspicious",
        "With a clique of at least as many members as were asked for (10 of 500 in Carlini et al., "
        "2023). These are candidates: whether the picture is a training image, only the training "
        "set can say.",
    ),
    (
        "mean_distance",
        "mean distance",
        "Of all pairs inside the clique; low = the same picture. Suspicious prompts are ranked by "
        "it.",
    ),
    (
        "threshold",
        "threshold",
        "Within this distance two generations are joined. It carries over to no other size or kind "
        "of image.",
    ),
    (
        "chance",
        "chance",
        "The largest clique among as many generations of different prompts, on average over draws. "
        "A low bar: pictures of one subject are alike without any memory.",
    ),
    (
        "p_value",
        "p",
        "The share of those draws with a clique as large, the prompt itself counted in; low = the "
        "generations are closer than those of different prompts.",
    ),
    (
        "low_content",
        "low content",
        "Pictures nearly of one colour. They are close to one another without being copies.",
    ),
)


def write_cliques_report(folder: Path, *, images: bool = True, top: int = 48) -> Path:
    """Writes `report.html` into the folder of a `cliques` run.

    Arguments:
        folder: The folder.
        images: Whether pictures and prompts may stand on the page; ids stay.
        top: How many prompts are shown.

    Returns:
        The page.

    Raises:
        NotFound: When the folder is not a finished run of `cliques`.
        BadInput: When one of its files cannot be read.
    """
    run = open_group_run(folder, "cliques", COLUMNS)
    shown = [line for line in run.lines if line["clique"] > 1][: min(top, _kept(run))]
    broken = int(run.results.get("quarantined") or 0)
    alone = int(run.results.get("alone") or 0)
    sheet = Sheet(
        command="cliques",
        question="Which prompts give back the same picture?",
        subject=("Generations", str(run.config.get("generated", "not named"))),
        verdict=run.verdict,
        figures=(_figures(run),),
        heading="Cliques",
        introduction=f"{plural(len(shown), 'prompt')} of {len(run.lines):,}: suspicious ones "
        "first, the closest cliques before others and plain pictures behind; at most "
        f"{MEMBERS} members of each.",
        groups=tuple(_group(run, line, images) for line in shown),
        empty="No two generations of any prompt are within the threshold.",
        files=(
            ("cliques.parquet", "A row a prompt, with all members of its clique."),
            ("results.json", "The figures."),
        ),
        glossary=GLOSSARY,
        left_out=f"Images that could not be read: {broken:,}. Images without a prompt, or the only "
        f"one of theirs: {alone:,}. They count nowhere.",
    )
    return write_sheet(run, sheet, images, top)


def _kept(run: GroupRun) -> int:
    """Of how many prompts pictures were kept."""
    with_pictures = [
        place
        for place, line in enumerate(run.lines, 1)
        if any(id in run.pictures for id in line["members"])
    ]
    return max(with_pictures, default=len(run.lines))


def _figures(run: GroupRun) -> Figures:
    lines = []
    for statistic, name, meaning in (
        ("threshold", "threshold", "distance; pairs within are joined"),
        ("suspicious", "suspicious prompts", "share; high = the same picture comes back"),
        ("largest_clique", "largest clique", "generations"),
        ("mean_clique", "mean of the largest cliques", "generations a prompt"),
        ("low_content", "low content", "share of the suspicious cliques"),
    ):
        row = run.find(statistic)
        if row and row.get("value") is not None:
            count = f"; {row['count']:,} of {row['n']:,}" if row.get("count") is not None else ""
            chance = "–" if row.get("chance") is None else number(row["chance"])
            cells = (f"{number(row['value'])}{count}", interval(row), chance)
            lines.append((name, meaning, cells))
    names = ", ".join(run.results.get("measures") or {})
    heads = ("Figure", "Value", "95 % interval", "Chance")
    return Figures(f"{names}: cliques of {plural(len(run.lines), 'prompt')}", heads, tuple(lines))


def _group(run: GroupRun, line: Mapping[str, Any], images: bool) -> Group:
    facts = [
        ("clique", f"{line['clique']:,} of {line['n']:,}"),
        ("mean distance", number(line["mean_distance"])),
    ]
    if line["chance"] is not None:
        facts.append(("chance", f"{line['chance']:.1f}"))
    if line["p_value"] is not None:
        facts.append(("p", p_number(line["p_value"])))
    if line["suspicious"]:
        facts.append(("", "suspicious"))
    ids = [str(id) for id in line["members"]]
    members = tuple(
        Member(id, "", run.picture(id, LARGEST) if images else None) for id in ids[:MEMBERS]
    )
    caption = str(line["text"] or "") if images else ""
    name = str(line["prompt_id"])
    # Where the text is the id, it must not stand on a page without pictures.
    if not images and line["prompt_id"] == line["text"]:
        name = "a prompt without an id"
    more = len(ids) - len(members)
    flag = str(line["note"] or "")
    caption = "" if caption == name else caption
    return Group(name, caption, tuple(facts), members, more, flag)
