"""Evidence and keys become the score table: a row for each reader, split, image and repeat.

The evidence holds no keys and was made without them; here both meet for the first time. A distance
is that of one row; p, q and exposure are those of the image, whatever the number of its rows.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from jaxtyping import Bool, Float, Int

from solidmark.errors import BadInput, EmptyTable, UnknownName, WrongKeys
from solidmark.runs import doubled, typed
from solidmark.scores.columns import codes, groups, lists, matrix, text
from solidmark.scores.discovery import CORRECTIONS, Correction, q_values
from solidmark.scores.keys import image_keys, require_columns, subjects_of
from solidmark.scores.learning import Read, read_rows
from solidmark.scores.null import LEVELS, exposure_bits
from solidmark.scores.once import one_p
from solidmark.scores.peers import Peers, peers_of
from solidmark.scores.statistics import STATISTICS, Statistic, statistic_p_values
from solidmark.scores.subjects import SUBJECTS, Shown, subject_columns

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
_NO_ESTIMATE = "The estimate is not a number."


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
    peers = peers_of(known)
    place = known.places(evidence["id"], evidence["split"])
    read = _read(evidence)
    scored = read.is_valid().to_numpy(zero_copy_only=False)
    _require_as_many(evidence, read, known.levels.shape[1])
    levels, some = known.levels[place[scored]], evidence.filter(pa.array(scored))
    values = matrix(read) if scored.any() else np.empty((0, known.levels.shape[1]))
    asked = _Asked(some, levels, read_rows(some, values, levels, place[scored], known, peers))
    used = _statistics(asked, statistic)
    p = _p_by_image(asked, used)
    failed = pc.equal(text(evidence["status"]), "ok").to_numpy(zero_copy_only=False) & ~scored
    at = pa.array(place)
    columns = {name: text(evidence[name]) for name in ("reader", "split", "id", "status", "note")}
    columns |= {
        "repeat": pc.cast(evidence["repeat"], pa.int64()),
        "group": known.groups.take(at),
        "key_group": known.key_groups.take(at),
        "peers": pa.array(_peers(peers, place, scored, asked)),
        "key": lists(known.levels[place] / (LEVELS - 1)),
        "key_read": _read_again(read, scored, asked),
        "distance": _spread(np.abs(asked.key - asked.found.in_range).mean(axis=1), scored),
        "statistic": _spread_words(columns["reader"], used, scored),
        "p_value": _spread(p, scored),
        "q_value": _spread(_q_by_image(asked, p, correction), scored),
        "exposure_bits": _spread(exposure_bits(p), scored),
        "status": pc.if_else(pa.array(failed), "failed", columns["status"]),
        "note": pc.if_else(pa.array(failed), _NO_ESTIMATE, columns["note"]),
    }
    of_subjects = subject_columns(
        _shown(asked, columns, scored), p, asked.key, asked.found, used, correction
    )
    columns |= {name: _spread(values, scored) for name, values in of_subjects.items()}
    schema = pa.unify_schemas([SCORES, SUBJECTS]) if of_subjects else SCORES
    return pa.table([columns[name] for name in schema.names], schema=schema)


def _shown(
    asked: "_Asked", columns: Mapping[str, pa.Array], scored: Bool[np.ndarray, " R"]
) -> Shown | None:
    """Whom the scored rows show; None where no image has a group."""
    if not pc.any(pc.greater(pc.utf8_length(columns["group"]), 0)).as_py():
        return None
    some = pa.array(scored)
    key = codes(columns["key_group"].filter(some))[0]
    subject = codes(subjects_of(columns["group"], columns["key_group"]).filter(some))[0]
    curves = [name for name in _CURVES if name in asked.table.column_names]
    reader, readers = asked.reader
    table = asked.table.select(curves)
    return Shown(table, readers, reader, asked.part, asked.image, key, subject, asked.found.peers)


@dataclass(frozen=True)
class _Asked:
    """The rows that were read, N of them.

    Arguments:
        table: The evidence.
        levels: Their keys, with shape (N, M), in 0 ... 255.
        found: What was read.
    """

    table: pa.Table = field(repr=False)
    levels: Int[np.ndarray, "N M"] = field(repr=False)
    found: Read

    @property
    def key(self) -> Float[np.ndarray, "N M"]:
        return self.levels / (LEVELS - 1)

    @cached_property
    def reader(self) -> tuple[Int[np.ndarray, " N"], list[str]]:
        """The number of each row's reader, and the readers."""
        found, names = codes(self.table["reader"])
        return found, names.to_pylist()

    @cached_property
    def part(self) -> Int[np.ndarray, " N"]:
        """The number of each row's reader and split."""
        split, splits = codes(self.table["split"])
        return self.reader[0] * len(splits) + split

    @cached_property
    def image(self) -> Int[np.ndarray, " N"]:
        """The number of each row's image, by one reader in one split."""
        id, ids = codes(self.table["id"])
        return self.part * len(ids) + id


def _read(evidence: pa.Table) -> pa.Array:
    """What was read, null where it is no estimate or the row is not ok."""
    read = evidence["key_read"]
    read = (read.combine_chunks() if isinstance(read, pa.ChunkedArray) else read).cast(
        pa.list_(pa.float64())
    )
    good = pc.equal(text(evidence["status"]), "ok").to_numpy(zero_copy_only=False)
    good &= pc.fill_null(pc.list_value_length(read), 0).to_numpy() > 0
    finite = np.isfinite(pc.fill_null(read.flatten(), np.nan).to_numpy())
    if not finite.all():
        owner = pc.list_parent_indices(read).to_numpy()
        good[owner[~finite]] = False
    return pc.if_else(pa.array(good), read, pa.scalar(None, read.type))


def _require_as_many(evidence: pa.Table, read: pa.Array, count: int) -> None:
    lengths = pc.fill_null(pc.list_value_length(read), count).to_numpy()
    wrong = np.flatnonzero(lengths != count)
    if len(wrong):
        row = int(wrong[0])
        raise WrongKeys(
            f'The image "{evidence["id"][row].as_py()}" has {count} keys, and {lengths[row]} were '
            "read. Use the keys of the same marked folder."
        )


def _statistics(asked: _Asked, wanted: Statistic) -> dict[str, Statistic]:
    """The statistic of each reader: the one that was asked for, where it keeps what that needs."""
    reader, readers = asked.reader
    learning = {readers[number] for number in np.unique(reader[asked.found.learns]).tolist()}
    usual: dict[str, Statistic] = {
        name: "likelihood" if name in learning else "l1" for name in readers
    }
    if wanted == "l1":
        return usual
    if wanted != "energy":
        return dict.fromkeys(readers, wanted)
    kept = np.full(len(reader), all(name in asked.table.column_names for name in _CURVES))
    for name in _CURVES if kept.any() else ():
        kept &= pc.fill_null(pc.list_value_length(asked.table[name]), 0).to_numpy() > 0
    without = {readers[number] for number in np.unique(reader[~kept]).tolist()}
    if readers and without == set(readers):
        raise BadInput(
            f'The statistic "energy" needs the energies of candidate keys, which no reader here '
            f'keeps (found: {", ".join(readers)}). Audit with the reader "energy", or score by '
            '"l1" or "fisher".'
        )
    return {name: usual[name] if name in without else wanted for name in readers}


def _peers(
    peers: Peers, place: Int[np.ndarray, " R"], scored: Bool[np.ndarray, " R"], asked: _Asked
) -> Int[np.ndarray, " R"]:
    """The group of peers of every row: within folds where its weights were learned."""
    found = peers.of_image[place]
    found[scored] = asked.found.peers
    return found


def _read_again(read: pa.Array, scored: Bool[np.ndarray, " R"], asked: _Asked) -> pa.Array:
    """What was read of every row: with the weights that were learned, where any were."""
    learns = asked.found.learns
    if not learns.any():
        return read
    rows = np.flatnonzero(scored)[learns]
    places = np.zeros(len(scored), dtype=np.int64)
    places[rows] = np.arange(len(rows))
    learned = np.isin(np.arange(len(scored)), rows)
    values = lists(asked.found.in_range[learns]).take(pa.array(places))
    return pc.if_else(pa.array(learned), values, read)


def _p_by_image(asked: _Asked, used: Mapping[str, Statistic]) -> Float[np.ndarray, " N"]:
    """One p-value an image, on all its rows: several readings are one question (`one_p`).

    That of the mean reading sees keys that every reading leans to, the smallest of them keys that a
    model draws only now and then.
    """
    p = np.empty(len(asked.levels))
    reader, readers = asked.reader
    for number, rows in groups(reader):
        statistic = used[readers[number]]
        curves = _curves(asked, rows, readers[number]) if statistic == "energy" else None
        found = asked.found
        read = found.values if statistic == "likelihood" else found.in_range
        for pool, inside in groups(found.peers[rows]):
            weights = found.pools[pool].weights
            some = rows[inside]
            energies = None if curves is None else curves[1][inside]
            p[some] = _p_of_images(
                statistic,
                asked.image[some],
                asked.levels[some] / (LEVELS - 1),
                read[some],
                () if curves is None else curves[0],
                energies,
                weights,
                found.rho[some] if statistic == "likelihood" else None,
            )
    return p


def _p_of_images(
    statistic: Statistic,
    image: Int[np.ndarray, " n"],
    key: Float[np.ndarray, "n M"],
    read: Float[np.ndarray, "n M"],
    candidates: tuple[float, ...],
    energies: Float[np.ndarray, "n M K"] | None,
    weights: Float[np.ndarray, "M L"],
    rho: Float[np.ndarray, " n"] | None,
) -> Float[np.ndarray, " n"]:
    """The p-values of rows of one reader and one group of peers."""
    every = statistic_p_values(statistic, key, read, candidates, energies, weights, rho)
    _, first, of_row, times = np.unique(
        image, return_index=True, return_inverse=True, return_counts=True
    )
    if len(first) == len(image):
        return every
    order = np.argsort(image, kind="stable")
    starts = np.cumsum(times) - times

    def means(values: np.ndarray) -> np.ndarray:
        sums = np.add.reduceat(values[order], starts, axis=0)
        return sums / times.reshape(-1, *[1] * (values.ndim - 1))

    curve = None if energies is None else means(energies)
    # The rows of one image are read with the same weights.
    rho = None if rho is None else rho[first]
    of_mean = statistic_p_values(
        statistic, key[first], means(read), candidates, curve, weights, rho
    )
    smallest = np.minimum.reduceat(every[order], starts)
    return one_p(of_mean, smallest, times)[of_row.reshape(-1)]


def _curves(
    asked: _Asked, rows: Int[np.ndarray, " n"], reader: str
) -> tuple[tuple[float, ...], Float[np.ndarray, "n M K"]]:
    """The candidates of a reader, and the energies of its rows."""
    some = asked.table.select(["id", *_CURVES]).take(pa.array(rows))
    candidates = some["candidates"][0].as_py()
    expected = asked.levels.shape[1] * len(candidates)
    lengths = {name: pc.list_value_length(some[name]).to_numpy() for name in _CURVES}
    good = (lengths["candidates"] == len(candidates)) & (lengths["energies"] == expected)
    if good.all():
        good = (matrix(some["candidates"]) == candidates).all(axis=1)
    if not good.all():
        row = int(np.argmin(good))
        raise BadInput(
            f'The image "{some["id"][row].as_py()}" has {lengths["energies"][row]} energies, and '
            f'not {expected} of the candidates of "{some["id"][0].as_py()}". Observe the images of '
            "a reader with the same candidates."
        )
    energies = matrix(some["energies"]).reshape(len(rows), -1, len(candidates))
    return tuple(candidates), energies


def _spread(values: Float[np.ndarray, " N"], scored: Bool[np.ndarray, " R"]) -> pa.Array:
    """The values of the scored rows at their places in the table, null elsewhere."""
    column = np.full(len(scored), np.nan)
    column[scored] = values
    return pa.array(column, pa.float64(), from_pandas=True)


def _spread_words(
    readers: pa.Array, used: Mapping[str, Statistic], scored: Bool[np.ndarray, " R"]
) -> pa.Array:
    """The statistic of each scored row, null elsewhere."""
    number, names = codes(readers)
    words = pa.array([used.get(name) for name in names.to_pylist()], pa.string())
    return pc.if_else(pa.array(scored), words.take(pa.array(number)), pa.scalar(None, pa.string()))


def _q_by_image(
    asked: _Asked, p: Float[np.ndarray, " N"], correction: Correction
) -> Float[np.ndarray, " N"]:
    """The q-values, over the images of one reader and split at a time."""
    q = np.full(len(p), np.nan)
    for _, rows in groups(asked.part):
        _, first, of_row = np.unique(asked.image[rows], return_index=True, return_inverse=True)
        q[rows] = q_values(p[rows[first]], correction)[of_row.reshape(-1)]
    return q
