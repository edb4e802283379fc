"""The tables of a `nearest` run: a row for every image that was asked about, failed ones too."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from solidmark.measures.nearest.gathering import Gathered
from solidmark.measures.nearest.roles import Answer
from solidmark.runs import table_bytes, write_bytes
from solidmark.scores.content import LOW_CONTENT
from solidmark.scores.once import p_and_q_once, subjects_once
from solidmark.subjects.whose import COLUMNS

_NEAREST = [
    ("nearest", pa.string()),
    ("distance", pa.float64()),
    ("similarity", pa.float64()),
    ("raw", pa.float64()),
]
_IMAGE = [("contrast", pa.float64()), ("low_content", pa.bool_())]
_P = [("p_value", pa.float64()), ("q_value", pa.float64())]
_STATE = [("status", pa.string()), ("note", pa.string())]
_COPY = [("copy_of", pa.string())]
_ID = [("measure", pa.string()), ("id", pa.string())]

SCORES = pa.schema([*_ID, *_NEAREST, *_IMAGE, *_P, *_STATE, ("caption", pa.string())])
"""The columns of `scores.parquet`: a row a measure and generation."""

NULL = pa.schema([*_ID, *_NEAREST, *_IMAGE, *_STATE, *_COPY])
"""The columns of `null.parquet`: a row a measure and held-out image."""

IMAGES = pa.schema(
    [_ID[0], ("split", pa.string()), _ID[1], *_NEAREST, *_IMAGE, *_P, *_STATE, *_COPY]
)
"""The columns of `images.parquet`: a row a measure and training or held-out image."""

SCHEMAS = {
    "scores": SCORES,
    "null": {field.name: field.type for field in NULL if field.name not in dict(_COPY)},
    "images": IMAGES,
}
"""What a table that is read again must hold; those of before know no copies."""

NEIGHBOURS = pa.schema(
    [*_ID, ("rank", pa.int64()), ("neighbour", pa.string()), *_NEAREST[1:3]],
)
"""The columns of `neighbours.parquet`: the nearest training images of each generation."""

EXCLUDED = "excluded"
"""The status of a held-out image that is a copy of a training image, and so tells nothing."""


def rows_of(
    asked: Gathered,
    base: Gathered,
    answer: Answer,
    *,
    copies: Mapping[str, str] | None = None,
    once: bool = True,
) -> dict[str, Any]:
    """The columns about the images of one side, by one distance.

    Arguments:
        asked: The side that was asked about.
        base: The side among which the neighbours are.
        answer: What was found.
        copies: Training images by content hash: held-out images that are one of them are excluded.
        once: Whether images of equal pixels count as one. Generations do not: each is a draw.
    """
    count = len(asked.facts)
    ids = np.array(base.column("id"), dtype=object)
    nearest = np.full(count, None, dtype=object)
    nearest[answer.number] = ids[answer.nearest]
    status, note = asked.column("status"), asked.column("note")
    seen = np.zeros(count, dtype=bool)
    seen[answer.number] = True
    for number in range(count):
        if seen[number]:  # What pixels cannot compare, an embedder can.
            status[number], note[number] = "ok", None
        else:
            note[number] = note[number] or "The embedder sees nothing in it: it is blank."
            status[number] = "failed"
    content = asked.column("content")
    for number in range(count):
        if copies and status[number] == "ok" and content[number] in copies:
            status[number] = EXCLUDED
            note[number] = f'It is the training image "{copies[content[number]]}".'
    contrast = asked.column("contrast")
    reported = answer.reported
    return {
        "id": asked.column("id"),
        "nearest": list(nearest),
        "distance": _spread(reported.distance, answer.number, count),
        "similarity": _spread(reported.similarity, answer.number, count),
        "raw": _spread(reported.raw, answer.number, count),
        "contrast": contrast,
        "low_content": [None if value is None else value < LOW_CONTENT for value in contrast],
        "status": status,
        "note": note,
        "copy_of": _first_copies(asked) if once else [None] * count,
    }


def judged(columns: dict[str, Any], null: dict[str, Any] | None) -> dict[str, Any]:
    """Adds the p-values against the null, and the q-values of all that count.

    Where `group` says who stands on which image, those of subjects too.
    """
    scored = np.array([state == "ok" for state in columns["status"]], dtype=bool)
    fresh = columns["distance"][:0] if null is None else null["distance"][counted(null)]
    place = {id: number for number, id in enumerate(columns["id"])}
    first = [None if id is None else place[id] for id in columns["copy_of"]]
    value = np.where(scored, columns["distance"], np.nan)
    fresh_groups = None if null is None else counted_groups(null)
    p_value, q_value = p_and_q_once(value, fresh, first, fresh_groups)
    found = columns | {"p_value": p_value, "q_value": q_value}
    if (named := columns.get("group")) is None:
        return found
    of_subjects = subjects_once(value, fresh, first, named, fresh_groups)
    return found | dict(zip(COLUMNS.names[1:], of_subjects, strict=True))


def counted_groups(columns: Mapping[str, Any]) -> list[str | None] | None:
    """The groups of the rows that count; None where nobody has any."""
    named = columns.get("group")
    return None if named is None else [named[n] for n in np.flatnonzero(counted(columns)).tolist()]


def counted(columns: Mapping[str, Any]) -> NDArray[np.bool_]:
    """Which rows count: those that were scored, each picture once."""
    pairs = zip(columns["status"], columns["copy_of"], strict=True)
    return np.array([state == "ok" and first is None for state, first in pairs], dtype=bool)


def _first_copies(side: Gathered) -> list[str | None]:
    """For each image the first of the same pixels, or None if it is that itself."""
    ids, contents = side.column("id"), side.column("content")
    first: dict[str, str] = {}
    for id, content in zip(ids, contents, strict=True):
        if content is not None:  # It could be read.
            first.setdefault(content, id)
    return [
        None if content is None or first[content] == id else first[content]
        for id, content in zip(ids, contents, strict=True)
    ]


def neighbour_columns(
    asked: Gathered, base: Gathered, answer: Answer, most: int, similar: bool
) -> dict[str, Any]:
    """The columns about all neighbours that were kept."""
    ids, names = asked.column("id"), base.column("id")
    kept = min(most, answer.neighbours.shape[1])
    distance = answer.each[:, :kept].ravel()
    return {
        "id": np.repeat(np.array(ids, dtype=object)[answer.number], kept),
        "rank": np.tile(np.arange(1, kept + 1), len(answer.number)),
        "neighbour": np.array(names, dtype=object)[answer.neighbours[:, :kept].ravel()],
        "distance": distance,
        "similarity": 1 - distance if similar else np.full(len(distance), np.nan),
    }


def table_of(columns: Mapping[str, Any], schema: pa.Schema, **same: str) -> pa.Table:
    """A table of columns; those in `same` hold one value."""
    count = len(columns["id"])
    arrays = []
    for field in schema:
        values = [same[field.name]] * count if field.name in same else columns[field.name]
        arrays.append(pa.array(values, field.type, from_pandas=True))  # NaN is null.
    return pa.Table.from_arrays(arrays, schema=schema)


def write_table(path: Path, tables: list[pa.Table], schema: pa.Schema) -> None:
    """Writes tables as one parquet file, whole or not at all."""
    write_bytes(path, table_bytes(pa.concat_tables(tables) if tables else schema.empty_table()))


def _spread(
    values: np.ndarray[Any, np.dtype[np.float64]] | None,
    number: np.ndarray[Any, np.dtype[np.int64]],
    count: int,
) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Values of some images in a column for all of them."""
    column = np.full(count, np.nan)
    if values is not None:
        column[number] = values
    return column
