"""p- and q-values of a `nearest` run, given anew or withheld, from its tables alone."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from solidmark.measures.nearest.gathering import AGAIN
from solidmark.measures.nearest.tables import SCHEMAS, SCORES, judged, write_table
from solidmark.runs import read_table

NAMES = ("p_value", "q_value", "group_p_value", "group_q_value")


def name_anew(out: Path, withheld: bool) -> None:
    """Takes the p- and q-values out of the tables of a run, or puts them back.

    Files that already are as they should be are not written again.

    Arguments:
        withheld: Whether nobody may be named.
    """
    scores, null, images = (
        read_table(out / f"{name}.parquet", SCHEMAS[name], AGAIN)
        for name in ("scores", "null", "images")
    )
    made = _parts(scores, null, withheld)
    if made is not None:
        write_table(out / "scores.parquet", made, SCORES)
    held_out = images.filter(pc.equal(images["split"], "held_out"))
    trained = images.filter(pc.equal(images["split"], "trained"))
    made = _parts(trained, held_out, withheld)
    if made is not None:
        ordered = [
            part.filter(pc.equal(part["measure"], measure))
            for measure in pc.unique(images["measure"]).to_pylist()
            for part in (*made, held_out)
        ]
        write_table(out / "images.parquet", ordered, images.schema.remove_metadata())


def _parts(own: pa.Table, null: pa.Table, withheld: bool) -> list[pa.Table] | None:
    """The rows in question, a table a measure; None where nothing changes."""
    is_withheld = own["p_value"].null_count == len(own)
    if is_withheld == withheld or not len(null):
        return None
    return [
        _judged(own.filter(pc.equal(own["measure"], name)), _of(null, name), withheld)
        for name in pc.unique(own["measure"]).to_pylist()
    ]


def _judged(own: pa.Table, null: Mapping[str, Any], withheld: bool) -> pa.Table:
    found = judged(_columns(own), None if withheld else dict(null))
    for name in (one for one in NAMES if one in own.column_names):
        place = own.schema.get_field_index(name)
        values = pa.array(found[name], pa.float64(), from_pandas=True)  # NaN is null.
        own = own.set_column(place, own.schema.field(name), values)
    return own


def _of(table: pa.Table, measure: str) -> dict[str, Any]:
    return _columns(table.filter(pc.equal(table["measure"], measure)))


def _columns(table: pa.Table) -> dict[str, Any]:
    """What `judged` looks at; generations are never copies of one another."""
    names = [one for one in ("id", "status", "copy_of", "group") if one in table.column_names]
    found: dict[str, Any] = {name: table[name].to_pylist() for name in names}
    found.setdefault("copy_of", [None] * len(table))
    distance = table["distance"].to_numpy(zero_copy_only=False)
    return found | {"distance": distance.astype(np.float64)}
