"""The cheap half: from the tables of a `nearest` run to `results.json`, without any image."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from solidmark.control import control_of
from solidmark.errors import NotFound
from solidmark.nearest.augmented import AUGMENTED
from solidmark.nearest.gathering import AGAIN
from solidmark.nearest.naming import name_anew
from solidmark.nearest.recognised import augmented_share
from solidmark.nearest.tables import SCHEMAS
from solidmark.runs import (
    read_json,
    read_manifest,
    read_table,
    require_whole,
    write_results,
)
from solidmark.scores.closeness import GENERATED, TRAINED, closeness
from solidmark.scores.control import beside_control
from solidmark.scores.thresholds import fixed_thresholds

CLOSEST = 10
"""Of how many of the closest generations those of low content are counted."""


def score_nearest(
    out: Path,
    manifest: Mapping[str, Any] | None = None,
    *,
    fprs: Sequence[float] | None = None,
    fdr: float | None = None,
    trust_control: bool | None = None,
) -> dict[str, Any]:
    """Makes the aggregates of a `nearest` run; nothing is searched for again.

    Arguments:
        out: The folder of the run.
        manifest: Its manifest, if it is at hand.
        fprs: The false-positive rates of the thresholds; those of the run when not given.
        fdr: The false-discovery rate at which images are named; that of the run when not given.
        trust_control: Whether images are named although the held-out ones are of another kind;
            as before when not given.

    Returns:
        What is in `results.json`.

    Raises:
        NotFound: When the folder has no tables.
    """
    manifest = manifest or read_manifest(out, "nearest")
    config = dict(manifest["config"])
    config |= {name: value for name, value in (("fprs", fprs), ("fdr", fdr)) if value is not None}
    config["fprs"] = list(config["fprs"])
    for name in ("scores", "null", "images", "augmented"):
        _require(out, name)
    require_whole(out, manifest)
    control = control_of(out, trust_control)
    name_anew(out, control is not None and control.is_shut)
    scores, null, images = (_table(out, name) for name in ("scores", "null", "images"))
    augmented = _table(out, "augmented")
    rows: list[dict[str, Any]] = []
    for measure, card in manifest["measures"].items():
        generated = _of(scores, measure)
        rows += _closeness(measure, card, generated, _of(null, measure), config, GENERATED)
        rows.append(_low_content_row(measure, generated))
        threshold = _threshold(rows, measure)
        rows += augmented_share(_of(augmented, measure).to_pylist(), threshold, measure, card)
        own = _of(images, measure)
        trained, held_out = (own.filter(pc.equal(own["split"], s)) for s in ("trained", "held_out"))
        if len(trained):
            rows += _closeness(measure, card, trained, held_out, config, TRAINED)
    extra = out / "features.json"
    return write_results(
        out,
        manifest,
        beside_control(rows, control) + (read_json(extra) if extra.is_file() else []),
        failed=len(_failed(scores, null, images)),
        chosen=config,
        measures=manifest["measures"],
        excluded=len(set(_with(null, "excluded"))),
        quarantined=manifest["quarantined"],
        control=None if control is None else control.to_json(),
    )


def _closeness(
    measure: str,
    card: Mapping[str, Any],
    own: pa.Table,
    other: pa.Table,
    config: Mapping[str, Any],
    splits: tuple[str, str, str],
) -> list[dict[str, Any]]:
    """The rows of one question; none when nothing could be scored."""
    values, fresh = _distances(own), _distances(other)
    if np.isnan(values).all():
        return []
    return closeness(
        values,
        fresh if len(fresh) else None,
        measure=measure,
        direction=card["direction"],
        thresholds=fixed_thresholds(measure),
        fprs=config["fprs"],
        fdr=config["fdr"],
        seed=config["seed"],
        splits=splits,
    )


def _low_content_row(measure: str, generated: pa.Table) -> dict[str, Any]:
    """How many of the closest generations are nearly of one colour."""
    good = generated.filter(pc.equal(generated["status"], "ok"))
    closest = good.sort_by([("distance", "ascending"), ("id", "ascending")]).slice(0, CLOSEST)
    count = sum(closest["low_content"].to_pylist())
    every = sum(good["low_content"].to_pylist())
    return {
        "measure": measure,
        "split": "generated",
        "statistic": "low_content",
        "n": len(closest),
        "failed": 0,
        "count": count,
        "value": count / len(closest) if len(closest) else None,
        "unit": "share",
        "direction": None,
        "chance": every / len(good) if len(good) else None,
        "ci_low": None,
        "ci_high": None,
        "p_value": None,
        "note": "Of the closest generations, those nearly of one colour; chance is their share of "
        "all. l2 finds them close to many images that they are no copy of.",
    }


def _threshold(rows: Sequence[Mapping[str, Any]], measure: str) -> Mapping[str, Any] | None:
    """The row of the calibrated threshold with the lowest false-positive rate that there is."""
    found = [
        row
        for row in rows
        if row["measure"] == measure
        and (row["split"], row["statistic"]) == ("null", "threshold")
        and row["value"] is not None
    ]
    return min(found, key=lambda row: row["fpr"], default=None)


def _require(out: Path, name: str) -> None:
    if not (out / f"{name}.parquet").is_file():
        raise NotFound(f'"{out}" has no {name}.parquet. Run "solidmark nearest" again.')


def _table(out: Path, name: str) -> pa.Table:
    return read_table(out / f"{name}.parquet", {**SCHEMAS, "augmented": AUGMENTED}[name], AGAIN)


def _of(table: pa.Table, measure: str) -> pa.Table:
    return table.filter(pc.equal(table["measure"], measure))


def _distances(table: pa.Table) -> NDArray[np.float64]:
    """The distances, NaN where a row failed; excluded rows and copies are left out."""
    counted = table.filter(pc.not_equal(table["status"], "excluded"))
    if "copy_of" in counted.column_names:
        counted = counted.filter(pc.is_null(counted["copy_of"]))
    values = counted["distance"].to_numpy(zero_copy_only=False).astype(np.float64)
    failed = np.array([status != "ok" for status in counted["status"].to_pylist()], dtype=bool)
    values[failed] = np.nan
    return values


def _failed(scores: pa.Table, null: pa.Table, images: pa.Table) -> set[tuple[str, str]]:
    """The images of any side that some measure could not score; a held-out one is in two tables."""
    parts = {side: images.filter(pc.equal(images["split"], side)) for side in TRAINED[:2]}
    tables = [("generated", scores), ("held_out", null), *parts.items()]
    return {(side, id) for side, table in tables for id in _with(table, "failed")}


def _with(table: pa.Table, status: str) -> list[str]:
    """The ids of the rows of a status."""
    ids: list[str] = table.filter(pc.equal(table["status"], status))["id"].to_pylist()
    return ids
