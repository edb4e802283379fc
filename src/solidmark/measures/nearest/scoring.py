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
from solidmark.measures.nearest.augmented import AUGMENTED
from solidmark.measures.nearest.gathering import AGAIN
from solidmark.measures.nearest.judged import score_judged
from solidmark.measures.nearest.naming import name_anew
from solidmark.measures.nearest.recognised import augmented_share
from solidmark.measures.nearest.tables import SCHEMAS
from solidmark.measures.nearest.verdict import scored, verdict_on
from solidmark.runs import (
    Figure,
    csv_of,
    figure_from,
    find,
    read_json,
    read_manifest,
    read_ours,
    read_table,
    require_whole,
    scored_before,
    shared,
    write_bytes,
    write_results,
)
from solidmark.scores.closeness import GENERATED, TRAINED, closeness
from solidmark.scores.control import beside_control
from solidmark.scores.thresholds import fixed_thresholds
from solidmark.subjects.whose import COLUMNS
from solidmark.verdicts.searched import seen_by

NAMED = (
    *("id", "split", "measure", "nearest", "distance", "similarity"),
    *("p_value", "q_value", "contrast"),
)
"""The columns of `named.csv`."""

CLOSEST = 10
"""Of how many of the closest generations those of low content are counted."""


def score_nearest(
    out: Path,
    manifest: Mapping[str, Any] | None = None,
    *,
    fprs: Sequence[float] | None = None,
    fdr: float | None = None,
    trust_control: bool | None = None,
    among: int | None = None,
) -> dict[str, Any]:
    """Makes the figures, the verdict and `named.csv` of a `nearest` run; nothing is searched for.

    Arguments:
        out: The folder of the run.
        manifest: Its manifest, if it is at hand.
        fprs: The false-positive rates of the thresholds; those of the run when not given.
        fdr: The false-discovery rate at which images are named; that of the run when not given.
        trust_control: Whether images are named although the held-out ones are of another kind;
            as before when not given.
        among: How many runs share the level: those of one audit without marks. None = as before.

    Returns:
        What is in `results.json`.

    Raises:
        NotFound: When the folder has no tables.
    """
    manifest = manifest or read_manifest(out, "nearest")
    among = int(scored_before(out).get("among", 1)) if among is None else among
    config = {**manifest["config"], **shared(among)}
    config |= {name: value for name, value in (("fprs", fprs), ("fdr", fdr)) if value is not None}
    config["fprs"] = list(config["fprs"])
    for name in ("scores", "null", "images", "augmented"):
        _require(out, name)
    require_whole(out, manifest)
    control = control_of(out, trust_control)
    name_anew(out, control is not None and control.is_shut)
    scores, null, images = (_table(out, name) for name in ("scores", "null", "images"))
    augmented = _table(out, "augmented")
    figures: list[Figure] = []
    tables: dict[str, dict[str, pa.Table]] = {}
    for measure, card in manifest["measures"].items():
        sides = images.filter(pc.equal(images["measure"], measure))
        own = {"generated": _of(scores, measure), "null": _of(null, measure)}
        own |= {split: sides.filter(pc.equal(sides["split"], split)) for split in TRAINED[:2]}
        tables[measure] = own
        figures += _closeness(measure, card, own, config, GENERATED)
        figures.append(_low_content(measure, own["generated"]))
        threshold = _threshold(figures, measure)
        figures += augmented_share(_of(augmented, measure).to_pylist(), threshold, measure)
        if len(own["trained"]):
            figures += _closeness(measure, card, own, config, TRAINED)
    figures = beside_control(figures, control) + _features(out)
    figures += score_judged(out, [*manifest["measures"]], config["seed"])
    write_bytes(out / "named.csv", csv_of(named_columns(tables), _named(tables, config["fdr"])))
    of_training = config.get("null") == "train"
    verdict = verdict_on(
        tables,
        manifest["measures"],
        figures,
        control,
        null_is_training=of_training,
        among=among,
    )
    return write_results(
        out,
        manifest,
        figures,
        verdict=seen_by(verdict, figures),
        failed=len(_failed(scores, null, images)),
        chosen=config,
        measures=manifest["measures"],
        excluded=len(set(_with(null, "excluded"))),
        quarantined=manifest["quarantined"],
        control=None if control is None else control.to_json(),
        files=("scores.parquet", "images.parquet", "named.csv"),
    )


def _closeness(
    measure: str,
    card: Mapping[str, Any],
    tables: Mapping[str, pa.Table],
    config: Mapping[str, Any],
    splits: tuple[str, str, str],
) -> list[Figure]:
    """The figures of one question; none when nothing could be scored."""
    (values, named), (fresh, fresh_named) = (_distances(tables[split]) for split in splits[:2])
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
        groups=(named, fresh_named),
    )


def _low_content(measure: str, generated: pa.Table) -> Figure:
    """How many of the closest generations are nearly of one colour."""
    good = generated.filter(pc.equal(generated["status"], "ok"))
    closest = good.sort_by([("distance", "ascending"), ("id", "ascending")]).slice(0, CLOSEST)
    count = sum(closest["low_content"].to_pylist())
    every = sum(good["low_content"].to_pylist())
    return Figure(
        measure=measure,
        split="generated",
        statistic="low_content",
        n=len(closest),
        count=count,
        value=count / len(closest) if len(closest) else None,
        unit="share",
        chance=every / len(good) if len(good) else None,
        note="Of the closest generations, those nearly of one colour; chance is their share of "
        "all. l2 finds them close to many images that they are no copy of.",
    )


def _features(out: Path) -> list[Figure]:
    """What was made of the features while they were at hand."""
    path = out / "features.json"
    if not path.is_file():
        return []
    before = read_json(path)  # Folders of before have a list, which nothing vouches for.
    rows = before if isinstance(before, list) else read_ours(path, AGAIN, rows=list)["rows"]
    return [figure_from(row, path) for row in rows]


def _named(tables: Mapping[str, Mapping[str, pa.Table]], fdr: float) -> list[list[Any]]:
    """All named rows of all measures, the closest first: training images, then generations."""
    lines = []
    columns = named_columns(tables)
    for split in ("trained", "generated"):
        for measure in sorted(tables):
            named = scored(tables[measure][split])
            named = named.filter(pc.less_equal(named["q_value"], fdr))
            named = named.sort_by([("distance", "ascending"), ("id", "ascending")])
            rows = (row | {"split": split} for row in named.to_pylist())
            lines += [[row.get(name) for name in columns] for row in rows]
    return lines


def named_columns(tables: Mapping[str, Mapping[str, pa.Table]]) -> tuple[str, ...]:
    """The columns of `named.csv`: those of subjects too, where images have groups."""
    has = any("group" in own["trained"].column_names for own in tables.values())
    return (*NAMED, *COLUMNS.names) if has else NAMED


def _threshold(rows: Sequence[Figure], measure: str) -> Figure | None:
    """The calibrated threshold with the lowest false-positive rate that there is."""
    known = [one for one in find(rows, "threshold", "null", measure) if one.value is not None]
    return min(known, key=lambda one: one.fpr or 1.0, default=None)


def _require(out: Path, name: str) -> None:
    if not (out / f"{name}.parquet").is_file():
        raise NotFound(f'"{out}" has no {name}.parquet. Run "solidmark nearest" again.')


def _table(out: Path, name: str) -> pa.Table:
    return read_table(out / f"{name}.parquet", {**SCHEMAS, "augmented": AUGMENTED}[name], AGAIN)


def _of(table: pa.Table, measure: str) -> pa.Table:
    return table.filter(pc.equal(table["measure"], measure))


def _distances(table: pa.Table) -> tuple[NDArray[np.float64], list[str | None] | None]:
    """The distances, NaN where a row failed, and the groups; excluded ones and copies left out."""
    counted = table.filter(pc.not_equal(table["status"], "excluded"))
    if "copy_of" in counted.column_names:
        counted = counted.filter(pc.is_null(counted["copy_of"]))
    values = counted["distance"].to_numpy(zero_copy_only=False).astype(np.float64)
    failed = np.array([status != "ok" for status in counted["status"].to_pylist()], dtype=bool)
    values[failed] = np.nan
    has_groups = "group" in counted.column_names
    return values, counted["group"].to_pylist() if has_groups else None


def _failed(scores: pa.Table, null: pa.Table, images: pa.Table) -> set[tuple[str, str]]:
    """The images of any side that some measure could not score; a held-out one is in two tables."""
    parts = {side: images.filter(pc.equal(images["split"], side)) for side in TRAINED[:2]}
    tables = [("generated", scores), ("held_out", null), *parts.items()]
    return {(side, id) for side, table in tables for id in _with(table, "failed")}


def _with(table: pa.Table, status: str) -> list[str]:
    """The ids of the rows of a status."""
    ids: list[str] = table.filter(pc.equal(table["status"], status))["id"].to_pylist()
    return ids
