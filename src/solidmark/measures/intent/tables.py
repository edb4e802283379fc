"""The tables of a run: what was observed, and what it comes to."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from solidmark.runs import read_table as read_ours_table
from solidmark.runs import table_bytes, write_bytes

_TEXT, _NUMBER, _COUNT, _FLAG = pa.string(), pa.float64(), pa.int64(), pa.bool_()
_TEXTS = pa.list_(_TEXT)

PROMPTS = pa.schema(
    [
        ("kind", _TEXT),
        ("id", _TEXT),
        ("text", _TEXT),
        ("entities", _TEXTS),
        ("named", _TEXTS),
        ("named_by", _TEXTS),
        ("note", _TEXT),
    ]
)
"""`prompts.parquet`: those that are asked about, and the unrelated ones; which features each names,
and by which words."""

EVIDENCE = pa.schema(
    [
        ("text", _TEXT),
        ("repeat", _COUNT),
        ("picture", _TEXT),
        ("nearest", _TEXT),
        ("original", _TEXT),
        ("similarity", _NUMBER),
        ("second", _NUMBER),
        ("network_calls", _NUMBER),
        ("status", _TEXT),
        ("note", _TEXT),
    ]
)
"""`evidence.parquet`: a row a text and repeat, and the nearest training picture; `second` is the
likeness to another picture that the generation is nearer to than the nearest one is, if any."""

KNOWN = pa.schema(
    [
        ("feature", _TEXT),
        ("kind", _TEXT),
        ("name", _TEXT),
        ("names", _TEXTS),
        ("images", _TEXTS),
        ("pictures", _TEXTS),
        ("caption", _TEXT),
    ]
)
"""`known.parquet`: all features; `pictures` are the different ones among its images."""

CALIBRATION = pa.schema(
    [("kind", _TEXT), ("id", _TEXT), ("nearest", _TEXT), ("similarity", _NUMBER)]
)
"""`calibration.parquet`: pairs of different training pictures, and training pictures with the
nearest other one."""

GENERATIONS = pa.schema(
    [
        ("kind", _TEXT),
        ("prompt", _TEXT),
        ("entity", _TEXT),
        *EVIDENCE,
        ("features", _TEXTS),
    ]
)
"""`generations.parquet`: a row a generation and what it is for; equal texts are drawn once."""

FEATURES = pa.schema(
    [
        ("feature", _TEXT),
        ("kind", _TEXT),
        ("name", _TEXT),
        ("names", _TEXTS),
        ("images", _TEXTS),
        ("copies", _COUNT),
        ("caption", _TEXT),
        ("threshold", _NUMBER),
        ("rate", _NUMBER),
        ("calibrated_on", _COUNT),
        ("original", _TEXT),
        ("note", _TEXT),
    ]
)
"""`features.parquet`: those that were shown or named, and from which likeness each counts."""

_WITHOUT = pa.struct(
    [
        ("entity", _TEXT),
        ("count", _COUNT),
        ("n", _COUNT),
        ("frequency", _NUMBER),
        ("p_value", _NUMBER),
        ("q_value", _NUMBER),
        ("falls", _FLAG),
        ("elsewhere", _COUNT),
        ("elsewhere_n", _COUNT),
        ("bound", _FLAG),
    ]
)

FINDINGS = pa.schema(
    [
        ("prompt", _TEXT),
        ("text", _TEXT),
        ("feature", _TEXT),
        ("kind", _TEXT),
        ("name", _TEXT),
        ("named", _FLAG),
        ("named_by", _TEXT),
        ("count", _COUNT),
        ("n", _COUNT),
        ("frequency", _NUMBER),
        ("ci_low", _NUMBER),
        ("ci_high", _NUMBER),
        ("unrelated_count", _COUNT),
        ("unrelated_n", _COUNT),
        ("unrelated_frequency", _NUMBER),
        ("p_value", _NUMBER),
        ("q_value", _NUMBER),
        ("recurs_p", _NUMBER),
        ("recurs_q", _NUMBER),
        ("without", pa.list_(_WITHOUT)),
        ("entity", _TEXT),
        ("frequent", _FLAG),
        ("recurs", _FLAG),
        ("type", _TEXT),
        ("expected", _TEXT),
        ("intended", _TEXT),
        ("best_similarity", _NUMBER),
        ("pictures", _TEXTS),
        ("original", _TEXT),
        ("why", _TEXT),
    ]
)
"""`findings.parquet`: a row a prompt and feature that it shows at least once, or names."""


SCHEMAS = {
    "prompts": PROMPTS,
    "evidence": EVIDENCE,
    "known": KNOWN,
    "calibration": CALIBRATION,
    "generations": GENERATIONS,
    "features": FEATURES,
    "findings": FINDINGS,
}
"""Every table by its name."""


def write_table(path: Path, rows: Sequence[Mapping[str, Any]], schema: pa.Schema) -> None:
    """Writes a table, whole or not at all; what a row does not have is null."""
    columns = {name: [row.get(name) for row in rows] for name in schema.names}
    write_bytes(path, table_bytes(pa.table(columns, schema=schema)))


def read_table(folder: Path, name: str) -> list[dict[str, Any]]:
    """The rows of a table of a run.

    Raises:
        NotFound: When it is not there.
        BadInput: When it cannot be read.
    """
    cure = 'Run the same "solidmark intent" again.'
    rows: list[dict[str, Any]] = read_ours_table(
        folder / f"{name}.parquet", SCHEMAS[name], cure
    ).to_pylist()
    return rows
