"""Evidence and keys become the score table: a row for each reader, split, image and repeat.

The evidence holds no keys and was made without them; here both meet for the first time. A distance
is that of one row; p, q and exposure are those of the image, whatever the number of its rows.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from jaxtyping import Float, Int

from solidmark.errors import BadInput, EmptyTable, UnknownName, WrongKeys
from solidmark.runs import doubled, typed
from solidmark.scores.discovery import CORRECTIONS, Correction, q_values
from solidmark.scores.keys import ImageKey, image_keys, key_of, require_columns
from solidmark.scores.null import exposure_bits
from solidmark.scores.once import one_p
from solidmark.scores.peers import Peers, peers_of
from solidmark.scores.statistics import STATISTICS, Statistic, statistic_p_values
from solidmark.scores.subjects import SUBJECTS, subject_columns

SCORES = pa.schema(
    [
        *typed(pa.string(), "reader", "split", "id"),
        ("repeat", pa.int64()),
        *typed(pa.string(), "group", "key_group"),
        ("peers", pa.int64()),
        *typed(pa.list_(pa.float64()), "key", "key_read"),
        ("distance", pa.float64()),
        ("statistic", pa.string()),
        *typed(pa.float64(), "p_value", "q_value", "exposure_bits"),
        *typed(pa.string(), "status", "note"),
    ]
)
"""The columns of `scores.parquet`."""

_EVIDENCE = ("reader", "split", "id", "repeat", "key_read", "status", "note")
_CURVES = ("candidates", "energies")


def score_table(
    evidence: pa.Table,
    keys: pa.Table,
    statistic: Statistic = "l1",
    correction: Correction = "bh",
) -> pa.Table:
    """Scores every row of evidence against its key. Pure: the same tables give the same scores.

    Arguments:
        evidence: The table `evidence.parquet`.
        keys: The table `keys.parquet`, with what the images are told (`Marked.told`) where they are
            told anything: it says who is exchanged with whom. All images of the folder belong in
            it, asked or not. `ceiling` rows take the keys of their ids.
        statistic: What the p-values rank. A reader that keeps no energies is scored by "l1" when
            "energy" is asked for; the column `statistic` says so.
        correction: How the q-values are made of the p-values.

    Returns:
        The table `scores.parquet` (columns `SCORES`, and `SUBJECTS` where images have groups), in
        the order of the evidence. A row whose
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
    require_columns("evidence", evidence, _EVIDENCE)
    if evidence.num_rows == 0:
        raise EmptyTable("The evidence has no row. Observe at least one image.")
    if (row := doubled(evidence, ("reader", "split", "id", "repeat"))) is not None:
        raise BadInput(
            f'The evidence holds the answer of {row["reader"]} on "{row["id"]}" ({row["split"]}, '
            f"repeat {row['repeat']}) twice. Observe again."
        )
    known = image_keys(keys)
    peers = peers_of(known.values())
    curves = [name for name in _CURVES if name in evidence.column_names]
    asked = evidence.select([*_EVIDENCE, *curves]).to_pylist()
    rows = [_with_key(row, known, peers) for row in asked]
    passed = [row for row in rows if row["status"] == "ok"]
    used = _statistics(passed, statistic)
    for row in rows:
        row["statistic"] = used[row["reader"]] if row["status"] == "ok" else None
    scored = np.array([row["status"] == "ok" for row in rows])
    key, read = (np.array([row[name] for row in passed] or [[0.0]]) for name in ("key", "key_read"))
    p = _p_by_image(passed, key, read, used, peers)
    numbers = {
        "distance": np.abs(key - read).mean(axis=1)[: len(passed)],
        "p_value": p,
        "q_value": _q_by_image(passed, p, correction),
        "exposure_bits": exposure_bits(p),
    }
    of_subjects = subject_columns(passed, p, key, read, used, peers, correction)
    numbers |= of_subjects
    schema = pa.unify_schemas([SCORES, SUBJECTS]) if of_subjects else SCORES
    columns = {name: _spread(values, scored) for name, values in numbers.items()}
    arrays = [
        # from_pandas: NaN is written as null
        pa.array(columns[field.name], field.type, from_pandas=True)
        if field.name in columns
        else pa.array([row[field.name] for row in rows], field.type)
        for field in schema
    ]
    return pa.table(arrays, schema=schema)


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


def _p_by_image(
    rows: Sequence[Mapping[str, Any]],
    key: Float[np.ndarray, "N M"],
    read: Float[np.ndarray, "N M"],
    used: Mapping[str, Statistic],
    peers: Peers,
) -> Float[np.ndarray, " N"]:
    """One p-value an image, on all its rows: several readings are one question (`one_p`).

    That of the mean reading sees keys that every reading leans to, the smallest of them keys that a
    model draws only now and then.
    """
    p = np.empty(len(rows))
    jobs: dict[tuple[str, int], dict[tuple[str, str], list[int]]] = {}
    for place, row in enumerate(rows):
        images = jobs.setdefault((row["reader"], row["peers"]), {})
        images.setdefault((row["split"], row["id"]), []).append(place)
    curves: dict[str, tuple[Sequence[float], np.ndarray | None]] = {
        reader: _curves([row for row in rows if row["reader"] == reader])
        for reader, statistic in used.items()
        if statistic == "energy"
    }
    place_in = _places([row["reader"] for row in rows])
    for (reader, number), images in jobs.items():
        first = [places[0] for places in images.values()]
        means = np.stack([read[places].mean(axis=0) for places in images.values()])
        candidates, energies = curves.get(reader, ((), None))
        if energies is not None:
            averaged = [energies[place_in[places]].mean(axis=0) for places in images.values()]
            energies = np.stack(averaged)
        weights = peers.pools[number].weights
        found = statistic_p_values(used[reader], key[first], means, candidates, energies, weights)
        repeated = [place for places in images.values() if len(places) > 1 for place in places]
        if repeated:
            curve = None if energies is None else curves[reader][1][place_in[repeated]]  # type: ignore[index]
            p[repeated] = statistic_p_values(
                used[reader], key[repeated], read[repeated], candidates, curve, weights
            )
        for places, of_mean in zip(images.values(), found, strict=True):
            p[places] = one_p(of_mean, p[places]) if len(places) > 1 else of_mean
    return p


def _places(readers: Sequence[str]) -> Int[np.ndarray, " N"]:
    """Where each row stands among those of its reader."""
    seen: dict[str, int] = {}
    places = []
    for reader in readers:
        places.append(seen.get(reader, 0))
        seen[reader] = places[-1] + 1
    return np.array(places, dtype=np.int64)


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


def _q_by_image(
    rows: Sequence[Mapping[str, Any]], p: Float[np.ndarray, " N"], correction: Correction
) -> Float[np.ndarray, " N"]:
    """The q-values, over the images of one reader and split at a time."""
    parts: dict[tuple[str, str], dict[str, list[int]]] = {}
    for place, row in enumerate(rows):
        parts.setdefault((row["reader"], row["split"]), {}).setdefault(row["id"], []).append(place)
    q = np.full(len(rows), np.nan)
    for images in parts.values():
        once = q_values(p[[places[0] for places in images.values()]], correction)
        for places, value in zip(images.values(), once, strict=True):
            q[places] = value
    return q


def _with_key(
    row: Mapping[str, Any], known: Mapping[str, ImageKey], peers: Peers
) -> dict[str, Any]:
    """One row of evidence beside its key."""
    found, key = key_of(known, row["id"], row["split"])
    scored = dict(row) | {"group": found.group, "key_group": found.key_group, "key": key}
    scored["peers"] = peers.pool_of[found.key_group]
    if row["status"] == "ok":
        _fail_without_estimate(scored)
    else:
        scored["key_read"] = None
    if scored["key_read"] is not None and len(scored["key_read"]) != len(key):
        raise WrongKeys(
            f'The image "{row["id"]}" has {len(key)} keys, and {len(row["key_read"])} were read. '
            "Use the keys of the same marked folder."
        )
    return scored


def _fail_without_estimate(row: dict[str, Any]) -> None:
    key_read = row["key_read"]
    if not key_read or any(value is None or not np.isfinite(value) for value in key_read):
        row |= {"status": "failed", "key_read": None, "note": "The estimate is not a number."}
