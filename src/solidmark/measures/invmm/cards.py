"""The cards of an `invmm` run: an image beside what the noise that was found for it gives."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from solidmark.errors import BadInput
from solidmark.measures.invmm.judging import RANKED, SCORES
from solidmark.measures.invmm.keeping import EVIDENCE, PATHS
from solidmark.measures.invmm.plots import Scale, course
from solidmark.page.comparison import SPLITS
from solidmark.page.marked import Marked, open_marked
from solidmark.page.pictures import IN_CARD, embed
from solidmark.page.scored import Scored, measure_of, p_and_q
from solidmark.page.sections import Card, Reading, Shown
from solidmark.runs import open_results, read_manifest, read_table, typed
from solidmark.scores.written import plain, short

MEASURE = "invmm"

OUTCOMES: Mapping[str, str] = {
    "reproduced": "Reproduced",
    "spent": "Budget spent",
    "failed": "Failed",
    "not_tried": "Not tried",
}

ROWS = pa.schema(
    [
        *SCORES,
        *typed(pa.string(), "outcome", "prompt"),
        *typed(pa.float64(), "distance", "value"),
    ]
)
"""A row an image: that of `scores.parquet`, with what all pages of comparisons ask for."""

SMALL = 96
"""The longer side of the samples beside the pair in the page, in pixels."""

Row = Mapping[str, Any]
"""A row of a table of the run."""


@dataclass(frozen=True)
class Inverted:
    """The folder of an `invmm` run.

    Arguments:
        scored: Its images, by score, and its figures.
        best: By split and id: the restart that says the most, as a row of `evidence.parquet`.
        paths: By split, id and repeat: the checks, in their order.
        marked: The marked folder, where the images come from one.
        needed: The similarity that all samples of a reproduced image have.
    """

    scored: Scored
    best: Mapping[tuple[str, str], Row] = field(repr=False)
    paths: Mapping[tuple[str, str, int], list[Row]] = field(repr=False)
    marked: Marked = field(repr=False)
    needed: float | None

    def ranked(self, split: str) -> list[Row]:
        """The images of a split that were tried to the end, each picture once."""
        table = self.scored.good(MEASURE, split)
        return [] if table is None else list(table.to_pylist())

    def path(self, row: Row) -> Sequence[Row]:
        """The checks of the restart that says the most."""
        one = self.best.get((row["split"], row["id"]))
        return () if one is None else self.paths.get((row["split"], row["id"], one["repeat"]), ())


def open_inverted(folder: Path) -> Inverted:
    """Reads the folder of an `invmm` run.

    Raises:
        NotFound: When a file is missing.
        RunConflict: When it is not finished, or was made by another command.
        BadInput: When a file cannot be read.
    """
    manifest = read_manifest(folder, MEASURE)
    again = 'Run the same "solidmark invmm" again.'
    results = open_results(folder, f'Run "solidmark score {folder}".', measures=dict)
    best: dict[tuple[str, str], Row] = {}
    for row in read_table(folder / "evidence.parquet", EVIDENCE, again).to_pylist():
        name = row["split"], row["id"]
        best[name] = min(best.get(name, row), row, key=_telling)
    paths: dict[tuple[str, str, int], list[Row]] = {}
    for row in read_table(folder / "paths.parquet", PATHS, again).to_pylist():
        paths.setdefault((row["split"], row["id"], row["repeat"]), []).append(row)
    tables: dict[tuple[str, str], list[Row]] = {}
    for row in read_table(folder / "scores.parquet", SCORES, again).to_pylist():
        if row["status"] not in OUTCOMES:
            raise BadInput(f'"{row["status"]}" is no outcome of an inversion. {again}')
        one = _scored(row, best.get((row["split"], row["id"]), {}))
        tables.setdefault((MEASURE, row["split"]), []).append(one)
    known = {
        name: pa.Table.from_pylist(
            sorted(
                tables[name], key=lambda one: (one["value"] is None, one["value"] or 0.0, one["id"])
            ),
            ROWS,
        )
        for name in ((MEASURE, split) for split in SPLITS)
        if name in tables
    }
    card = results.facts["measures"].get(MEASURE) or {}
    measures = (measure_of(MEASURE, card, "score, low = memorized"),)
    config = manifest["config"]
    return Inverted(
        Scored(results, measures, known, {"trained": "held_out"}, SPLITS),
        best,
        {name: sorted(path, key=lambda one: one["step"]) for name, path in paths.items()},
        # The images that were asked about may be a marked folder.
        open_marked(folder, {**manifest, "config": {"marked": config.get("images"), **config}}),
        (results.facts.get("threshold") or {}).get("value"),
    )


def card_of(run: Inverted, row: Row, scale: Scale, label: str, images: bool) -> Card:
    """An image, and what came of the search for it."""
    one = run.best.get((row["split"], row["id"]), {}) if images else {}
    told = (
        ("class", label),
        ("", one.get("caption")),
        ("prompt found:", one.get("words")),
    )
    again = "drawn again" if row["outcome"] == OUTCOMES["reproduced"] else "drawn"
    first, *others = one.get("drawn") or [None]
    pair, folder = ((one.get("original"), "image"), (first, again)), run.scored.results.folder
    drawing = course(run.path(row), scale, row["split"])
    reading = Reading("", tuple(_facts(run, row)), drawings=(drawing,))
    times = 1 + run.scored.times.get((row["split"], row["id"]), 0)
    return Card(
        row["id"],
        tuple((what, str(text)) for what, text in told if text and images),
        tuple(
            Shown(embed(folder, name, IN_CARD), what, row["id"]) for name, what in pair if images
        ),
        tuple(Shown(embed(folder, name, SMALL), "") for name in others if images),
        (reading,),
        (*_outcome(run, row), *[f"{times} times in the data"] * (times > 1)),
        named=row["q_value"] is not None and row["q_value"] <= run.scored.fdr,
    )


def _facts(run: Inverted, row: Row) -> Iterator[tuple[str, str]]:
    one = run.best.get((row["split"], row["id"]), {})
    if row["outcome"] == OUTCOMES["reproduced"] and one.get("best_similarity") is not None:
        yield "least alike", plain(one["best_similarity"], 3)
    elif one.get("kl_end") is not None:
        yield "KL at the end", short(one["kl_end"])
    yield "score", plain(row["score"], 3)
    yield from p_and_q(row["p_value"], row["q_value"])
    yield "calls", f"{row['network_calls']:,.0f}"


def _outcome(run: Inverted, row: Row) -> Iterator[str]:
    """What came of an image, in sentences: over one restart or several."""
    one = run.best.get((row["split"], row["id"]), {})
    n, k = row["restarts"], row["reproduced"]
    best = "not known" if row["best_similarity"] is None else plain(row["best_similarity"], 3)
    near = f"best similarity {best}{' (median)' if n > 1 else ''}{_of_needed(run)}"
    kl = f"KL {_kl(row['kl'])} nats per dimension"
    if row["outcome"] == OUTCOMES["reproduced"]:
        ends = f" (median; {_kl(row['kl_low'])} to {_kl(row['kl_high'])})" if n > 1 else ""
        how = f" by {k:,} of {n:,} restarts" if n > 1 else f" at step {_guided(one)}"
        yield f"Reproduced{how}, {kl}{ends}."
    elif k:
        low = _kl(row["kl_low"])
        yield f"Reproduced by {k:,} of {n:,} restarts only, at best with a KL of {low}: {near}."
    else:
        how = f"by any of {n:,} restarts" if n > 1 else f"in {_guided(one, ' steps')}"
        yield f"Not reproduced {how}: {near}."
    if n > 1 and one:
        done = one["status"] == "reproduced"
        at = f"reproduced at step {_guided(one)}, KL {_kl(one['kl'])}" if done else "the nearest"
        yield f"Shown is restart {one['repeat'] + 1}: {at}."
    if row["note"]:
        yield str(row["note"])


def _of_needed(run: Inverted) -> str:
    return "" if run.needed is None else f" of the {plain(run.needed, 3)} needed"


def _guided(one: Row, steps: str = "") -> str:
    """Its steps, and at which guidance."""
    at = f" at guidance {one['guidance']:g}" if one.get("guidance") not in (None, 1.0) else ""
    return f"{one.get('steps') or 0:,}{steps}{at}"


def _kl(value: float | None) -> str:
    """A KL; that of a restart that did not reproduce is infinite."""
    return "never" if _finite(value) is None else short(value or 0.0)


def _scored(row: Row, one: Row) -> Row:
    """As a row that was scored or not, and why not; an infinite KL is one of no reproduction."""
    outcome = row["status"]
    known = outcome in RANKED and row["score"] is not None
    untried = "The budget was spent before." if outcome == "not_tried" else None
    kls = {name: _finite(row[name]) for name in ("kl", "kl_low", "kl_high")}
    return {
        **row,
        **kls,
        "status": "ok" if known else outcome,
        "note": row["note"] or untried,
        "outcome": OUTCOMES[outcome],
        "distance": row["score"] if known else None,
        "value": row["score"] if known else None,
        "prompt": one.get("words"),
    }


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _telling(one: Row) -> tuple[bool, float, float, int]:
    """The most telling restart first: reproduced, at the lowest KL; else the most alike."""
    best = -math.inf if one["best_similarity"] is None else one["best_similarity"]
    kl = math.inf if one["kl"] is None else one["kl"]
    return one["status"] != "reproduced", kl, -best, one["repeat"]
