"""All tables of a `nearest` run, from what its searches found."""

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from solidmark.measures.nearest import tables
from solidmark.measures.nearest.comparison import Comparison
from solidmark.measures.nearest.distances import Distance
from solidmark.measures.nearest.gathering import Gathered
from solidmark.measures.nearest.roles import Answer
from solidmark.subjects import Whose

SCHEMAS = {
    "scores": tables.SCORES,
    "null": tables.NULL,
    "images": tables.IMAGES,
    "neighbours": tables.NEIGHBOURS,
}
"""The tables by name."""

Answers = Mapping[tuple[str, str], Answer]


def write_tables(
    comparison: Comparison,
    distances: Sequence[Distance],
    gathered: Mapping[str, Gathered],
    answers: Answers,
    whose: Whose,
) -> None:
    """Writes `scores.parquet`, `null.parquet`, `images.parquet` and `neighbours.parquet`.

    Arguments:
        answers: What the searches found, by the name of the distance and of the role.
        whose: Who stands on which image.
    """
    contents, ids = (gathered["training"].column(name) for name in ("content", "id"))
    copies = dict(zip(contents, ids, strict=True))
    schemas = {**SCHEMAS, "images": whose.schema(tables.IMAGES)}
    if whose:
        schemas["null"] = pa.schema([*tables.NULL, ("group", pa.string())])
    found: dict[str, list[pa.Table]] = {name: [] for name in SCHEMAS}
    for distance in distances:
        null = _null(distance.name, gathered, answers, copies)
        if null is not None:
            split = "held_out" if "held_out" in gathered else "trained"
            null["group"] = whose.of(split, null["id"])
            found["null"].append(tables.table_of(null, schemas["null"], measure=distance.name))
        found["scores"].append(_scores(distance, gathered, answers, null))
        found["neighbours"].append(_neighbours(distance, gathered, answers, comparison.neighbours))
        if comparison.per_image:
            found["images"] += _images(distance, gathered, answers, copies, whose)
    for name, schema in schemas.items():
        tables.write_table(comparison.out / f"{name}.parquet", found[name], schema)


def _null(
    name: str, gathered: Mapping[str, Gathered], answers: Answers, copies: Mapping[str, str]
) -> dict[str, Any] | None:
    """How close images come that the model never saw; or training images among themselves."""
    if (name, "null") not in answers:
        return None
    answer, training = answers[name, "null"], gathered["training"]
    if "held_out" in gathered:
        return tables.rows_of(gathered["held_out"], training, answer, copies=copies)
    columns = tables.rows_of(training, training, answer)
    asked = set(answer.number.tolist())
    keep = [number for number in range(len(training.facts)) if number in asked]
    return {
        column: values[keep] if hasattr(values, "shape") else [values[n] for n in keep]
        for column, values in columns.items()
    }


def _scores(
    distance: Distance,
    gathered: Mapping[str, Gathered],
    answers: Answers,
    null: dict[str, Any] | None,
) -> pa.Table:
    """How close each generation comes to a training image."""
    generated, own = gathered["generated"], answers[distance.name, "generated"]
    rows = tables.rows_of(generated, gathered["training"], own, once=False)
    columns = tables.judged(rows, null) | {"caption": generated.column("caption")}
    return tables.table_of(columns, tables.SCORES, measure=distance.name)


def _neighbours(
    distance: Distance, gathered: Mapping[str, Gathered], answers: Answers, most: int
) -> pa.Table:
    """The nearest training images of each generation."""
    generated, training = gathered["generated"], gathered["training"]
    own, similar = answers[distance.name, "generated"], distance.direction == "high"
    columns = tables.neighbour_columns(generated, training, own, most, similar)
    return tables.table_of(columns, tables.NEIGHBOURS, measure=distance.name)


def _images(
    distance: Distance,
    gathered: Mapping[str, Gathered],
    answers: Answers,
    copies: Mapping[str, str],
    whose: Whose,
) -> list[pa.Table]:
    """How close a generation comes to each training image, and to each held-out one."""
    name, generated = distance.name, gathered["generated"]
    fresh: dict[str, Any] | None = None
    if "held_out" in gathered:
        asked, answer = gathered["held_out"], answers[name, "held_out"]
        fresh = tables.rows_of(asked, generated, answer, copies=copies)
        fresh["group"] = whose.of("held_out", fresh["id"])
    trained = tables.rows_of(gathered["training"], generated, answers[name, "trained"])
    trained["group"] = whose.of("trained", trained["id"])
    found = {"trained": tables.judged(trained, fresh)}
    if fresh is not None:
        found["held_out"] = tables.judged(fresh, None)
    return [
        tables.table_of(columns, whose.schema(tables.IMAGES), measure=name, split=split)
        for split, columns in found.items()
    ]
