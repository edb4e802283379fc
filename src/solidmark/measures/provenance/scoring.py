"""From the signals of the images to one test over the set; no model is needed."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from jaxtyping import Bool, Float

from solidmark.control import control_of
from solidmark.errors import EmptyTable
from solidmark.measures.provenance.asking import UNITS
from solidmark.measures.provenance.configuration import SIGNALS
from solidmark.measures.signals.measuring import EVIDENCE
from solidmark.runs import (
    Figure,
    read_manifest,
    read_table,
    require_whole,
    scored_before,
    typed,
    write_results,
    write_rows,
)
from solidmark.runs.figures import Fact
from solidmark.scores import Estimate, provenance, roc
from solidmark.scores.control import beside_control
from solidmark.scores.level import ALPHA
from solidmark.verdicts.provenance import judge_provenance

AGAINST = "suspect_vs_held_out"
"""The split of what compares both sides."""

SIDES = {"trained": "suspect", "held_out": "held_out"}
"""What the sides are called here, by their names among the signals."""

SCORES = pa.schema(
    [
        *typed(pa.string(), "split", "id"),
        ("score", pa.float64()),
        *typed(pa.string(), "status", "counts_with"),
    ]
)
"""The columns of `scores.parquet`: a row an image; a score where it counts."""


@dataclass(frozen=True)
class _Pool:
    """The images that count, one a unit, and what became of the others.

    Arguments:
        signals: Those that were measured.
        values: Of each image that counts, high = trained on.
        suspect: Which of them are suspect.
        rows: Of all images, those that count in the order of their values.
        calls: Network calls an image, all signals together.
    """

    signals: tuple[str, ...]
    values: Float[np.ndarray, "N K"] = field(repr=False)
    suspect: Bool[np.ndarray, " N"] = field(repr=False)
    rows: list[dict[str, Any]] = field(repr=False)
    calls: float

    def count(self, status: str) -> int:
        """How many images have a status."""
        return sum(row["status"] == status for row in self.rows)

    @property
    def facts(self) -> dict[str, Fact]:
        """How many images count, and why others do not."""
        return {
            "suspect": int(self.suspect.sum()),
            "held_out": int((~self.suspect).sum()),
            "copies": self.count("copy"),
            "on_both_sides": self.count("on_both_sides"),
        }

    def table(self, scores: Float[np.ndarray, " N"] | None) -> Iterator[dict[str, Any]]:
        """The rows with their scores."""
        own = iter([] if scores is None else scores.tolist())
        for row in self.rows:
            yield row | {"score": next(own, None) if row["status"] == "ok" else None}


def score_provenance(out: Path, *, trust_control: bool | None = None) -> dict[str, Any]:
    """Scores the evidence of a run: writes `scores.parquet` and `results.json`.

    Arguments:
        out: A folder of `provenance`.
        trust_control: Whether it is judged although the held-out images are of another kind. None =
            as before.

    Returns:
        What is in `results.json`.

    Raises:
        NotFound: When the folder has no evidence.
        RunConflict: When it is of another command, or not finished.
        EmptyTable: When no image has a value of every signal.
    """
    if trust_control is None:
        trust_control = bool(scored_before(out).get("trust_control"))
    manifest = read_manifest(out, "provenance")
    require_whole(out, manifest, "units.parquet")
    measured = read_manifest(out / SIGNALS, "signals")
    pool = _pooled(out, measured["signals"])
    control = control_of(out / SIGNALS, trust_control)
    if pool.count("failed") == len(pool.rows):
        raise EmptyTable(f'No image of "{out}" has a value of every signal.')
    seed = int(manifest["config"]["seed"])
    found, scores = _figures(pool, seed)
    figures = beside_control(found, control)
    write_rows(out / "scores.parquet", pool.table(scores), SCORES)
    return write_results(
        out,
        manifest,
        figures,
        verdict=judge_provenance(figures, control),
        failed=pool.count("failed"),
        chosen={"trust_control": trust_control},
        left_out=measured["left_out"],
        control=None if control is None else control.to_json(),
        files=("scores.parquet",),
    )


def _pooled(out: Path, cards: Mapping[str, Mapping[str, Any]]) -> _Pool:
    """The images, of each unit the first that has a value of every signal."""
    again = 'Run "solidmark provenance" into a new folder.'
    units = read_table(out / "units.parquet", UNITS, again, once=("split", "id")).to_pylist()
    path = out / SIGNALS / "signals.parquet"
    require_whole(out / SIGNALS, read_manifest(out / SIGNALS), path.name, "control.json")
    evidence = read_table(path, EVIDENCE, again, once=("signal", "split", "id")).to_pylist()
    known: dict[tuple[str, str], dict[str, float]] = {}
    for row in evidence:
        if row["status"] == "ok":
            sign = -1.0 if cards[row["signal"]]["direction"] == "low" else 1.0
            known.setdefault((row["split"], row["id"]), {})[row["signal"]] = sign * row["value"]
    splits: dict[int, set[str]] = {}
    for row in units:
        splits.setdefault(row["unit"], set()).add(row["split"])
    first: dict[int, str] = {}
    rows, values, suspect = [], [], []
    for row in units:
        own, unit = known.get((row["split"], row["id"]), {}), row["unit"]
        told: dict[str, Any] = {"split": SIDES[row["split"]], "id": row["id"]}
        told |= {"status": "ok", "counts_with": None}
        if unit is None or len(own) < len(cards):
            told["status"] = "failed"
        elif len(splits[unit]) > 1:
            told["status"] = "on_both_sides"
        elif unit in first:
            told |= {"status": "copy", "counts_with": first[unit]}
        else:
            first[unit] = row["id"]
            values.append([own[name] for name in cards])
            suspect.append(row["split"] == "trained")
        rows.append(told)
    calls = round(sum(row["network_calls"] for row in evidence) / max(len(units), 1), 6)
    matrix = np.array(values, dtype=np.float64).reshape(len(values), len(cards))
    return _Pool(tuple(cards), matrix, np.array(suspect, dtype=bool), rows, calls)


def _figures(pool: _Pool, seed: int) -> tuple[list[Figure], Float[np.ndarray, " N"] | None]:
    """The area of all signals together, and of each; what would have been enough; what was used.

    Returns:
        The figures, and the score of each image that counts; None where they are too few.
    """
    suspect, values = pool.suspect, pool.values
    n, m = int(suspect.sum()), int((~suspect).sum())
    together = Figure(
        measure="provenance",
        statistic="auc",
        split=AGAINST,
        unit="area",
        n=n + m,
        failed=pool.count("failed"),
        direction="high",
        chance=0.5,
        network_calls_per_image=pool.calls,
        facts=pool.facts,
    )
    if min(n, m) < provenance.LEAST:
        note = f"{n} suspect and {m} held-out pictures: {provenance.LEAST} a side are needed."
        return [together.noting(note)], None
    found = provenance.trace_of(values, suspect, seed=seed)
    alone = replace(together, failed=0, network_calls_per_image=None)
    figures = [_estimated(together, found.auc)]
    for name, column, weight in zip(pool.signals, values.T, found.weights, strict=True):
        # The bootstrap of `roc` counts low scores as those of its first side.
        area = roc(-column[suspect], -column[~suspect], fprs=(), seed=seed).auc
        of_signal = replace(alone, measure=name, facts={"weight": float(weight)})
        figures.append(_estimated(of_signal, area))
    own = Figure(measure="provenance", statistic="used", split="suspect", unit="share", n=n)
    least = provenance.least_used(values, suspect)
    figures.append(replace(own, value=least, ci_low=least, ci_high=1.0, chance=0.0))
    p_value = found.auc.p_value
    if p_value is not None and p_value <= ALPHA:
        enough = provenance.enough(values, suspect, seed=seed)
        why = None if enough else "Of choices of as many as there are, too few would do."
        one = replace(own, statistic="enough", unit="images a side", value=enough, note=why)
        figures.append(one)
    elif found.auc.value is not None:
        count = provenance.needed(found.auc.value)
        why = None if count else "The area is no higher than chance."
        one = replace(own, statistic="enough", by="area", unit="images a side", value=count)
        figures.append(replace(one, note=why))
    sees = provenance.smallest_share(n, m)
    why = None if sees else "Not even all of them would be seen."
    figures.append(replace(own, statistic="smallest_share", value=sees, note=why))
    return figures, found.score


def _estimated(figure: Figure, found: Estimate) -> Figure:
    """The figure with its value and what that is worth."""
    return replace(
        figure,
        value=found.value,
        ci_low=found.ci_low,
        ci_high=found.ci_high,
        p_value=found.p_value,
        note=found.note,
    )
