"""The table of a search for cliques: a row a prompt, the most suspicious first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from solidmark.measures.copies.counting import share_of
from solidmark.measures.copies.draws import LEFT_OUT
from solidmark.measures.copies.extraction import THRESHOLD, Extraction
from solidmark.measures.copies.prompts import Prompted
from solidmark.measures.copies.shown import keep_pictures
from solidmark.measures.nearest.distances import Distance
from solidmark.measures.nearest.gathering import Gathered
from solidmark.measures.nearest.tables import write_table
from solidmark.runs import Figure, Run, typed, write_results
from solidmark.scores.content import LOW_CONTENT
from solidmark.scores.written import at_most
from solidmark.verdicts.groups import judge_cliques

CLIQUES = pa.schema(
    [
        *typed(pa.string(), "prompt_id", "text"),
        *typed(pa.int64(), "n", "failed", "clique"),
        ("mean_distance", pa.float64()),
        ("edges", pa.int64()),
        ("members", pa.list_(pa.string())),
        *typed(pa.bool_(), "suspicious", "low_content"),
        *typed(pa.float64(), "chance", "p_value"),
        ("note", pa.string()),
    ]
)
"""The columns of `cliques.parquet`."""

PROMPTS = 24
"""Prompts whose pictures are kept for the page."""

MEMBERS = 12
"""Pictures that are kept of each."""


@dataclass(frozen=True)
class Chance:
    """The largest cliques among generations of different prompts.

    Arguments:
        drawn: For each draw, by the number of generations, the size.
        left_out: By the number of generations, the share of pairs that a draw has to leave out.
    """

    drawn: Sequence[Mapping[str, int]]
    left_out: Mapping[int, float]

    def sizes(self, n: int) -> list[int]:
        """The sizes of all draws of n generations; none where they are no fair comparison."""
        return [row[str(n)] for row in self.drawn] if n in self.left_out else []

    def expected(self, n: int) -> float | None:
        """The mean size."""
        sizes = self.sizes(n)
        return float(np.mean(sizes)) if sizes else None

    def p_value(self, n: int, size: int) -> float | None:
        """The chance of a clique at least as large: (1 + draws that have one) / (1 + draws)."""
        sizes = self.sizes(n)
        return (1 + sum(one >= size for one in sizes)) / (1 + len(sizes)) if sizes else None

    def suspicious(self, n: int, least: int) -> float | None:
        """The share of draws with a suspicious clique."""
        sizes = self.sizes(n)
        return float(np.mean([one >= least for one in sizes])) if sizes else None


def write_cliques(
    run: Run,
    asked: Extraction,
    prompted: Prompted,
    gathered: Gathered,
    distance: Distance,
    found: Sequence[Mapping[str, Any]],
    chance: Chance,
    threshold: tuple[float, int | None],
) -> dict[str, Any]:
    """Writes `cliques.parquet`, `results.json` and the pictures.

    Arguments:
        found: A row a prompt: `n`, `members`, `is_largest`, `edges`, `mean_distance`.
        threshold: The threshold, and on how many pairs it was calibrated.

    Returns:
        What is in `results.json`.
    """
    lines = _ranked(asked, prompted, gathered, found, chance)
    schema = CLIQUES
    columns = {name: [line[name] for line in lines] for name in schema.names}
    write_table(run.folder / "cliques.parquet", [pa.table(columns, schema=schema)], schema)
    shown = [number for line in lines[:PROMPTS] for number in line["numbers"][:MEMBERS]]
    contents = gathered.column("content")
    keep_pictures(run.folder, prompted.data, {number: contents[number] for number in shown})
    status = gathered.column("status")
    figures = _figures(asked, distance, lines, chance, threshold)
    return write_results(
        run.folder,
        run.manifest,
        figures,
        failed=sum(line["failed"] for line in lines),
        verdict=judge_cliques(figures),
        measures={distance.name: _card(distance)},
        quarantined=status.count("broken"),
        alone=prompted.alone,
    )


def _card(distance: Distance) -> dict[str, Any]:
    card = distance.card()
    if distance.direction == "high":
        card |= {"unit": "1 - similarity, in [0, 2]", "direction": "low"}
    return card


def _ranked(
    asked: Extraction,
    prompted: Prompted,
    gathered: Gathered,
    found: Sequence[Mapping[str, Any]],
    chance: Chance,
) -> list[dict[str, Any]]:
    """The prompts: suspicious ones first, by their mean distance; the others by the size.

    Cliques of plain pictures stand behind the other suspicious ones: these are close anyhow.
    """
    ids, contrast = gathered.column("id"), gathered.column("contrast")
    lines = []
    for prompt, row in zip(prompted.prompts, found, strict=True):
        n, members = row["n"], row["members"]
        size = len(members)
        contrasts = [contrast[number] for number in members]
        line = {
            "prompt_id": prompt.id,
            "text": prompt.text,
            "n": n,
            "failed": len(prompt.numbers) - n,
            "clique": size,
            "mean_distance": row["mean_distance"],
            "edges": row["edges"],
            "members": [ids[number] for number in members],
            "numbers": members,
            "suspicious": size >= asked.least,
            "low_content": bool(size) and float(np.median(contrasts)) < LOW_CONTENT,
            "chance": chance.expected(n),
            "p_value": chance.p_value(n, size),
        }
        lines.append(line | {"note": _note(line, row["is_largest"], asked)})
    far = float("inf")
    return sorted(
        lines,
        key=lambda line: (
            not line["suspicious"],
            line["suspicious"] and line["low_content"],
            0 if line["suspicious"] else -line["clique"],
            far if line["mean_distance"] is None else line["mean_distance"],
            line["prompt_id"],
        ),
    )


def _note(line: Mapping[str, Any], is_largest: bool, asked: Extraction) -> str | None:
    notes = []
    if line["failed"]:
        notes.append(f"{line['failed']:,} of its generations could not be compared.")
    if line["n"] < asked.least:
        notes.append(f"Too few for a clique of {asked.least}.")
    if not is_largest:
        notes.append("There may be a larger clique: the search was ended by its budget.")
    if line["low_content"] and line["suspicious"]:
        notes.append("The members are nearly of one colour, and so close without being copies.")
    return " ".join(notes) or None


def _figures(
    asked: Extraction,
    distance: Distance,
    lines: Sequence[Mapping[str, Any]],
    chance: Chance,
    threshold: tuple[float, int | None],
) -> list[Figure]:
    n = len(lines)
    failed = sum(line["n"] < 2 for line in lines)
    value, pairs = threshold
    suspicious = [line for line in lines if line["suspicious"]]
    rates = [chance.suspicious(line["n"], asked.least) for line in lines]
    known = [rate for rate in rates if rate is not None]
    largest = max((line["clique"] for line in lines), default=0)
    expected = [line["chance"] for line in lines if line["chance"] is not None]
    about: dict[str, Any] = {"measure": distance.name, "split": "generated", "failed": failed}
    about |= {"threshold": value}
    able = sum(line["n"] >= asked.least for line in lines)
    return [
        Figure(
            **about | {"failed": 0, "threshold": None},
            statistic="threshold",
            n=pairs or 0,
            value=value,
            unit="distance",
            fpr=asked.fpr if pairs else None,
            note=_threshold_note(asked, pairs),
        ),
        share_of(
            **about,
            statistic="suspicious",
            n=n,
            count=len(suspicious),
            sampled=True,
            chance=float(np.mean(known)) if known else None,
            note=_chance_note(chance),
            facts={"least": asked.least, "able": able},
        ),
        share_of(
            **about,
            statistic="low_content",
            n=len(suspicious),
            count=sum(line["low_content"] for line in suspicious),
            sampled=False,
            note="Of the suspicious cliques, those nearly of one colour.",
            direction=None,
        ),
        Figure(
            **about,
            statistic="largest_clique",
            n=n,
            value=largest,
            unit="generations",
            direction="high",
            chance=max((max(chance.sizes(size), default=0) for size in chance.left_out), default=0)
            or None,
            note="Chance is the largest of all draws.",
        ),
        Figure(
            **about,
            statistic="mean_clique",
            n=n,
            value=float(np.mean([line["clique"] for line in lines])),
            unit="generations",
            direction="high",
            chance=float(np.mean(expected)) if expected else None,
        ),
    ]


def _threshold_note(asked: Extraction, pairs: int | None) -> str:
    if pairs:
        return f"{asked.fpr:g} or less of the pairs of generations of different prompts are within."
    if asked.threshold is not None:
        return "Chosen by the user."
    return (
        f"{THRESHOLD:g} was chosen for Stable Diffusion at 512 pixels (Carlini et al., 2023), and "
        "carries over to no other images: --calibrate sets it on these."
    )


def _chance_note(chance: Chance) -> str:
    if not chance.drawn:
        return (
            "There is no chance level: it is drawn from generations of different prompts, and "
            f"there are too few prompts (or --repeats 0): more than {at_most(LEFT_OUT)} of the "
            "pairs of a draw would be of one prompt."
        )
    left_out = max(chance.left_out.values())
    text = (
        f"Chance: {len(chance.drawn):,} draws of as many generations of different prompts. That "
        "is a low bar, since pictures of one subject are alike without any memory."
    )
    if left_out:
        text += (
            f" In a draw up to {at_most(left_out)} of the pairs are of one prompt, and left out."
        )
    return text
