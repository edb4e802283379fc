"""The tables of a run: what was observed, and what it comes to."""

from pathlib import Path
from typing import Any

import pyarrow as pa

from solidmark.runs import read_table as read_ours_table
from solidmark.runs import typed

_TEXT, _NUMBER, _COUNT, _FLAG = pa.string(), pa.float64(), pa.int64(), pa.bool_()
_TEXTS = pa.list_(_TEXT)

PROMPTS = pa.schema(
    [
        *typed(_TEXT, "kind", "id", "text"),
        *typed(_TEXTS, "entities", "named", "named_by"),
        ("note", _TEXT),
    ]
)
"""`prompts.parquet`: those that are asked about, and the unrelated ones; which features each names,
and by which words."""

EVIDENCE = pa.schema(
    [
        ("text", _TEXT),
        ("repeat", _COUNT),
        *typed(_TEXT, "picture", "nearest", "original"),
        *typed(_NUMBER, "similarity", "second", "network_calls"),
        *typed(_TEXT, "status", "note"),
    ]
)
"""`evidence.parquet`: a row a text and repeat, and the nearest training picture; `second` is the
likeness to another picture that the generation is nearer to than the nearest one is, if any."""

KNOWN = pa.schema(
    [
        *typed(_TEXT, "feature", "kind", "name"),
        *typed(_TEXTS, "names", "images", "pictures"),
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
        *typed(_TEXT, "kind", "prompt", "entity"),
        *EVIDENCE,
        ("features", _TEXTS),
    ]
)
"""`generations.parquet`: a row a generation and what it is for; equal texts are drawn once."""

FEATURES = pa.schema(
    [
        *typed(_TEXT, "feature", "kind", "name"),
        *typed(_TEXTS, "names", "images"),
        ("copies", _COUNT),
        ("caption", _TEXT),
        *typed(_NUMBER, "threshold", "rate"),
        ("calibrated_on", _COUNT),
        *typed(_TEXT, "original", "note"),
    ]
)
"""`features.parquet`: those that were shown or named, and from which likeness each counts."""

_WITHOUT = pa.struct(
    [
        ("entity", _TEXT),
        *typed(_COUNT, "count", "n"),
        *typed(_NUMBER, "frequency", "p_value", "q_value"),
        ("falls", _FLAG),
        *typed(_COUNT, "elsewhere", "elsewhere_n"),
        ("bound", _FLAG),
    ]
)

FINDINGS = pa.schema(
    [
        *typed(_TEXT, "prompt", "text", "feature", "kind", "name"),
        ("named", _FLAG),
        ("named_by", _TEXT),
        *typed(_COUNT, "count", "n"),
        *typed(_NUMBER, "frequency", "ci_low", "ci_high"),
        *typed(_COUNT, "unrelated_count", "unrelated_n"),
        *typed(_NUMBER, "unrelated_frequency", "p_value", "q_value", "recurs_p", "recurs_q"),
        ("without", pa.list_(_WITHOUT)),
        ("entity", _TEXT),
        *typed(_FLAG, "frequent", "recurs"),
        *typed(_TEXT, "type", "expected", "intended"),
        ("best_similarity", _NUMBER),
        ("pictures", _TEXTS),
        *typed(_TEXT, "original", "why"),
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
