"""Evidence and keys become the score table: a row for each reader, split, image and repeat.

The evidence holds no keys and was made without them; here both meet for the first time.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from solidmark.errors import BadInput, EmptyTable, UnknownName, WrongKeys
from solidmark.scores.discovery import CORRECTIONS, Correction, q_values
from solidmark.scores.null import LEVELS, exposure_bits
from solidmark.scores.statistics import STATISTICS, Statistic, statistic_p_values

SCORES = pa.schema(
    [
        ("reader", pa.string()),
        ("split", pa.string()),
        ("id", pa.string()),
        ("repeat", pa.int64()),
        ("group", pa.string()),
        ("key_group", pa.string()),
        ("key", pa.list_(pa.float64())),
        ("key_read", pa.list_(pa.float64())),
        ("distance", pa.float64()),
        ("statistic", pa.string()),
        ("p_value", pa.float64()),
        ("q_value", pa.float64()),
        ("exposure_bits", pa.float64()),
        ("status", pa.string()),
        ("note", pa.string()),
    ]
)
"""The columns of `scores.parquet`."""

_EVIDENCE = ("reader", "split", "id", "repeat", "key_read", "status", "note")
_CURVES = ("candidates", "energies")
_KEYS = ("id", "split", "group", "key_group", "key")


@dataclass(frozen=True)
class _Key:
    """What `keys.parquet` says of one image."""

    split: str
    group: str | None
    key_group: str
    key: list[float] | None


def score_table(
    evidence: pa.Table,
    keys: pa.Table,
    statistic: Statistic = "l1",
    correction: Correction = "bh",
) -> pa.Table:
    """Scores every row of evidence against its key. Pure: the same tables give the same scores.

    Arguments:
        evidence: The table `evidence.parquet`.
        keys: The table `keys.parquet`. `ceiling` rows take the keys of their ids.
        statistic: What the p-values rank. A reader that keeps no energies is scored by "l1" when
            "energy" is asked for; the column `statistic` says so.
        correction: How the q-values are made of the p-values.

    Returns:
        The table `scores.parquet` (columns `SCORES`), in the order of the evidence. A row whose
        estimate is not a finite number is failed here, with a note, and counted as such.

    Raises:
        EmptyTable: When the evidence has no row.
        WrongKeys: When an id of the evidence has no key, stands in another split, or has
            another number of keys than its estimate.
        BadInput: When a column is missing, an estimate is outside [0, 1], or the energies are
            asked for and no reader keeps any.
        UnknownName: When there is no such statistic or correction.
    """
    if statistic not in STATISTICS:
        raise UnknownName("statistic", statistic, STATISTICS)
    if correction not in CORRECTIONS:
        raise UnknownName("correction", correction, CORRECTIONS)
    _require_columns("evidence", evidence, _EVIDENCE)
    _require_columns("keys", keys, _KEYS)
    if evidence.num_rows == 0:
        raise EmptyTable("The evidence has no row. Observe at least one image.")
    known = _keys_by_id(keys)
    curves = [name for name in _CURVES if name in evidence.column_names]
    asked = evidence.select([*_EVIDENCE, *curves]).to_pylist()
    rows = [_with_key(row, known) for row in asked]
    scored = np.array([row["status"] == "ok" for row in rows])
    used = _statistics([row for row in rows if row["status"] == "ok"], statistic)
    for row in rows:
        row["statistic"] = used[row["reader"]] if row["status"] == "ok" else None
    numbers = _numbers([row for row in rows if row["status"] == "ok"], used)
    columns = {name: _spread(values, scored) for name, values in numbers.items()}
    columns["q_value"] = _q_by_pass(rows, columns["p_value"], correction)
    arrays = [
        # from_pandas: NaN is written as null
        pa.array(columns[field.name], field.type, from_pandas=True)
        if field.name in columns
        else pa.array([row[field.name] for row in rows], field.type)
        for field in SCORES
    ]
    return pa.table(arrays, schema=SCORES)


def _statistics(rows: Sequence[Mapping[str, Any]], asked: Statistic) -> dict[str, Statistic]:
    """The statistic of each reader: the one that was asked for, where it keeps what that needs."""
    readers = sorted({row["reader"] for row in rows})
    if asked != "energy":
        return dict.fromkeys(readers, asked)
    without = {row["reader"] for row in rows if not (row.get("candidates") and row.get("energies"))}
    if rows and without == set(readers):
        raise BadInput(
            f'The statistic "energy" needs the energies of candidate keys, which no reader here '
            f'keeps (found: {", ".join(readers)}). Audit with the reader "energy", or score by '
            '"l1" or "fisher".'
        )
    return {reader: "l1" if reader in without else asked for reader in readers}


def _numbers(
    rows: Sequence[Mapping[str, Any]], used: Mapping[str, Statistic]
) -> dict[str, np.ndarray]:
    """Distance, p-value and exposure of the rows that have an estimate."""
    if not rows:
        return {name: np.empty(0) for name in ("distance", "p_value", "exposure_bits")}
    key = np.array([row["key"] for row in rows])
    key_read = np.array([row["key_read"] for row in rows])
    p = np.empty(len(rows))
    readers = np.array([row["reader"] for row in rows])
    for reader, statistic in used.items():
        own = np.flatnonzero(readers == reader)
        if statistic == "energy":
            curves = _curves([rows[index] for index in own.tolist()])
            p[own] = statistic_p_values(statistic, key[own], key_read[own], *curves)
        else:
            p[own] = statistic_p_values(statistic, key[own], key_read[own])
    distance = np.abs(key - key_read).mean(axis=1)
    return {"distance": distance, "p_value": p, "exposure_bits": exposure_bits(p)}


def _curves(rows: Sequence[Mapping[str, Any]]) -> tuple[list[float], np.ndarray]:
    """The candidates of a reader, and the energies of its rows, with shape (N, M, K)."""
    candidates = rows[0]["candidates"]
    for row in rows:
        expected = len(row["key"]) * len(candidates)
        if row["candidates"] != candidates or len(row["energies"]) != expected:
            raise BadInput(
                f'The image "{row["id"]}" has {len(row["energies"])} energies, and not {expected} '
                f'of the candidates of "{rows[0]["id"]}". Observe the images of a reader with the '
                "same candidates."
            )
    shape = (len(rows), -1, len(candidates))
    return candidates, np.array([row["energies"] for row in rows], dtype=float).reshape(shape)


def _spread(values: np.ndarray, scored: np.ndarray) -> np.ndarray:
    """The values of the scored rows at their places in the table, NaN elsewhere."""
    column = np.full(len(scored), np.nan)
    column[scored] = values
    return column


def _q_by_pass(rows: list[dict[str, Any]], p: np.ndarray, correction: Correction) -> np.ndarray:
    """The q-values, over the rows of one reader, split and repeat at a time."""
    passes: dict[tuple[str, str, int], list[int]] = {}
    for index, row in enumerate(rows):
        passes.setdefault((row["reader"], row["split"], row["repeat"]), []).append(index)
    q = np.full(len(rows), np.nan)
    for places in passes.values():
        q[places] = q_values(p[places], correction)
    return q


def _with_key(row: Mapping[str, Any], known: Mapping[str, _Key]) -> dict[str, Any]:
    """One row of evidence beside its key."""
    id, split = row["id"], row["split"]
    found = known.get(id)
    if found is None or found.key is None:
        lack = "is not in the keys" if found is None else "was left without a mark"
        raise WrongKeys(f'The image "{id}" {lack}. Use the keys of the images that were asked.')
    asked = "trained" if split == "ceiling" else split
    if asked != found.split:
        raise WrongKeys(
            f'The image "{id}" was asked as "{split}", but the keys say "{found.split}". '
            "Use the keys of the same marked folder."
        )
    scored = dict(row) | {"group": found.group, "key_group": found.key_group, "key": found.key}
    if row["status"] == "ok":
        _fail_without_estimate(scored)
    else:
        scored["key_read"] = None
    if scored["key_read"] is not None and len(scored["key_read"]) != len(found.key):
        raise WrongKeys(
            f'The image "{id}" has {len(found.key)} keys, and {len(row["key_read"])} were read. '
            "Use the keys of the same marked folder."
        )
    return scored


def _fail_without_estimate(row: dict[str, Any]) -> None:
    key_read = row["key_read"]
    if not key_read or any(value is None or not np.isfinite(value) for value in key_read):
        row |= {"status": "failed", "key_read": None, "note": "The estimate is not a number."}


def _keys_by_id(keys: pa.Table) -> dict[str, _Key]:
    """The keys, on their exact levels: a file may hold them in single precision."""
    known: dict[str, _Key] = {}
    lengths = set()
    for row in keys.select(_KEYS).to_pylist():
        if row["id"] in known:
            raise WrongKeys(f'The keys hold the image "{row["id"]}" twice. Mark the data again.')
        key = _on_levels(row["id"], row["key"]) if row["key"] else None
        lengths |= {len(key)} if key else set()
        known[row["id"]] = _Key(row["split"], row["group"], row["key_group"], key)
    if len(lengths) > 1:
        raise WrongKeys(
            f"The images have different numbers of keys: {sorted(lengths)}. "
            "One table holds the keys of one pattern."
        )
    return known


def _on_levels(id: str, key: list[float]) -> list[float]:
    top = LEVELS - 1
    for value in key:
        if not (-1e-6 <= value <= 1 + 1e-6 and abs(value * top - round(value * top)) < 1e-4):
            raise WrongKeys(
                f'The image "{id}" has the key "{value}", which is none of 0/255 ... 255/255. '
                "The p-values hold for keys drawn from these."
            )
    return [round(value * top) / top for value in key]


def _require_columns(name: str, table: pa.Table, columns: tuple[str, ...]) -> None:
    missing = [column for column in columns if column not in table.column_names]
    if missing:
        raise BadInput(
            f"The {name} lack the column {', '.join(missing)}. "
            f"Found: {', '.join(table.column_names)}."
        )
