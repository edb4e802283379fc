"""`score_inpainting`: the pure half of the inpainting attack. No model is needed.

.. math:: d_{best} = \\min_j d_j, \\qquad d_{lowest} = \\frac1k \\sum_{j \\le k} d_{(j)}, \\qquad
          d_{mean} = \\frac1n \\sum_j d_j

Three measures of the same draws: what an attacker would show, what does not hang on one lucky
draw, and what the model makes of the image on average. Held-out images are the null of all three.
Images of equal pixels are one picture, and count once.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from jaxtyping import Float

from solidmark.control import control_of, look_at_control, sides_of
from solidmark.errors import BadInput, EmptyTable
from solidmark.marks import find_marked
from solidmark.marks.beside import files_beside
from solidmark.measures.inpaint.asking import EVIDENCE
from solidmark.measures.inpaint.verdict import different, verdict_on
from solidmark.measures.nearest.tables import counted, judged, table_of, write_table
from solidmark.runs import (
    Figure,
    csv_of,
    read_manifest,
    read_table,
    require_whole,
    scored_before,
    shared,
    typed,
    write_bytes,
    write_results,
)
from solidmark.scores import FPRS
from solidmark.scores.closeness import TRAINED, closeness
from solidmark.scores.control import beside_control
from solidmark.scores.thresholds import fixed_thresholds
from solidmark.subjects import MarkedSplit, Subjects, Whose, groups_of
from solidmark.subjects.whose import COLUMNS

MEASURES = ("inpainting", "inpainting-lowest", "inpainting-mean")
"""The distance of the best draw, the mean of the k lowest, and the mean of all."""

LOWEST = 10
"""k, when nobody says how many draws are averaged."""

SCORES = pa.schema(
    [
        *typed(pa.string(), "measure", "split", "id"),
        *typed(pa.float64(), "distance", "contrast", "p_value", "q_value"),
        *typed(pa.string(), "status", "note", "copy_of"),
    ]
)
"""The columns of `scores.parquet`: a row per measure, split and image."""


NAMED = ("id", "file_name", "measure", "distance", "p_value", "q_value", "contrast", "copy_of")
"""The columns of `named.csv`."""


def score_inpainting(
    out: Path,
    *,
    lowest: int | None = None,
    fprs: Sequence[float] | None = None,
    fdr: float = 0.05,
    trust_control: bool | None = None,
    among: int | None = None,
) -> dict[str, Any]:
    """Scores the evidence of an inpainting attack: writes `scores.parquet`, `results.json` and
    `named.csv`.

    Arguments:
        out: A folder of `inpaint`.
        lowest: k; all draws where there are fewer. None = as the folder was scored before, else 10.
        fprs: The false-positive rates at which detections are reported. None = as before, else 0.01
            and 0.001.
        fdr: The false-discovery rate at which images are named.
        trust_control: Whether images are named although the held-out ones are of another kind.
            None = as before.
        among: How many runs share the level: those of one audit without marks. None = as before.

    Returns:
        What is in `results.json`.

    Raises:
        NotFound: When the folder has no evidence.
        RunConflict: When it is of another command, or not finished.
        BadInput: When an option makes no sense.
        EmptyTable: When no trained image could be scored.

    References:
        Carlini et al., 2023, Section 5.3. The p-values are ours.
    """
    before = scored_before(out)
    among = int(before.get("among", 1)) if among is None else among
    lowest = before.get("lowest", LOWEST) if lowest is None else lowest
    fprs = before.get("fprs", FPRS) if fprs is None else fprs
    if lowest < 1:
        raise BadInput(f"--lowest must be 1 or more, not {lowest}.")
    for name, rates in (("--fpr", fprs), ("--fdr", (fdr,))):
        for rate in rates:
            if not 0 < rate < 1:
                raise BadInput(f"{name} must be above 0 and below 1, not {rate:g}.")
    manifest = read_manifest(out, "inpaint")
    again = 'Run "solidmark inpaint" into a new folder.'
    table = read_table(out / "evidence.parquet", EVIDENCE, again, once=("split", "id"))
    evidence = list(table.to_pylist())
    require_whole(out, manifest, "evidence.parquet", "control.json", "groups.parquet")
    if not any(row["split"] == "trained" and row["status"] == "ok" for row in evidence):
        raise EmptyTable(f'No trained image of "{out}" could be scored. Look at the notes in it.')
    seed = int(manifest["config"]["seed"])
    _look_at_control(out, manifest)
    control = control_of(out, trust_control)
    shut = control is not None and control.is_shut
    copies, whose = _copies(evidence), groups_of(out)
    schema = whose.schema(SCORES)
    tables: list[pa.Table] = []
    asked: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {}
    figures: list[Figure] = []
    for measure in MEASURES:
        trained, null = (
            _columns(evidence, copies, measure, lowest, split, whose) for split in TRAINED[:2]
        )
        trained = judged(trained, None if shut else null)
        asked[measure] = trained, null
        tables += [
            table_of(columns, schema, measure=measure, split=split)
            for split, columns in (("held_out", null), ("trained", trained))
        ]
        figures += closeness(
            _distinct(trained),
            _distinct(null) if counted(null).any() else None,
            measure=measure,
            direction="low",
            thresholds=fixed_thresholds("l2"),
            fprs=fprs,
            fdr=fdr,
            seed=seed,
            splits=TRAINED,
            groups=(_distinct_groups(trained), _distinct_groups(null)),
        )
    write_table(out / "scores.parquet", tables, schema)
    config = manifest["config"]
    named = different(int(config.get("draws") or 0), lowest, asked)
    files = files_beside(out, manifest)
    lines = [line for measure in named for line in _named(asked[measure][0], measure, fdr, files)]
    heads = (*NAMED, *COLUMNS.names) if whose else NAMED
    write_bytes(out / "named.csv", csv_of(heads, lines))
    figures = beside_control(figures, control)
    return write_results(
        out,
        manifest,
        figures,
        verdict=verdict_on(asked, config, figures, control, lowest, among),
        memory=manifest.get("memory"),
        failed=sum(row["status"] == "failed" for row in evidence),
        chosen={"lowest": lowest, "fprs": list(fprs), "fdr": fdr, **shared(among)},
        measures={measure: _card(measure, lowest) for measure in MEASURES},
        control=None if control is None else control.to_json(),
        files=("scores.parquet", "named.csv"),
    )


def _named(
    columns: Mapping[str, Any], measure: str, fdr: float, files: Mapping[str, str]
) -> list[list[Any]]:
    """The named trained images of a measure, copies too, the lowest q first."""
    q, p, distance = (
        np.asarray(columns[name], np.float64) for name in ("q_value", "p_value", "distance")
    )
    scored = np.array([status == "ok" for status in columns["status"]], dtype=bool)
    order = np.lexsort((np.array(columns["id"], dtype=str), distance, p, q))
    return [
        [
            columns["id"][n],
            files.get(columns["id"][n]),
            measure,
            float(distance[n]),
            float(p[n]),
            float(q[n]),
            columns["contrast"][n],
            columns["copy_of"][n],
            *(columns[name][n] for name in COLUMNS.names if columns["group"] is not None),
        ]
        for n in order
        if scored[n] and q[n] <= fdr
    ]


def _look_at_control(out: Path, manifest: Mapping[str, Any]) -> None:
    """Tests whether the held-out half is of the same kind, where the marked folder is at hand."""
    config = manifest["config"]
    if "held_out" not in config.get("splits", ()):
        return
    marked = find_marked(str(config.get("marked", "")))
    if marked is None:
        return
    data = {split: MarkedSplit(marked, sorted(marked.ids(split))) for split in TRAINED[:2]}
    chosen = {split: found.ids for split, found in data.items()}
    look_at_control(out, *sides_of(Subjects({**data}, chosen, marked)), int(config["seed"]))


def _copies(evidence: Sequence[Mapping[str, Any]]) -> dict[tuple[str, str], str]:
    """For each copy, by split and id, the image of the same pixels that counts.

    That is the first by its id that could be scored. Which one must not hang on how close it was
    drawn: the best of sixteen copies is lucky by choice.
    """
    first: dict[tuple[str, str], Mapping[str, Any]] = {}
    ordered = sorted(evidence, key=lambda row: (row["status"] != "ok", row["id"]))
    for row in ordered:
        first.setdefault((row["split"], _picture(row)), row)
    found = {(row["split"], row["id"]): first[row["split"], _picture(row)] for row in evidence}
    return {name: row["id"] for name, row in found.items() if row["id"] != name[1]}


def _picture(row: Mapping[str, Any]) -> str:
    """What is the same for images of equal pixels."""
    return str(row.get("content") or f"id {row['id']}")  # Older evidence holds no hashes.


def _columns(
    evidence: Sequence[Mapping[str, Any]],
    copies: Mapping[tuple[str, str], str],
    measure: str,
    lowest: int,
    split: str,
    whose: Whose,
) -> dict[str, Any]:
    """The columns of one measure about the images of a split."""
    own = [row for row in evidence if row["split"] == split]
    columns: dict[str, Any] = {
        name: [row[name] for row in own] for name in ("id", "contrast", "status", "note")
    }
    scores = [_score(row, measure, lowest) for row in own]
    return columns | {
        "distance": np.array(scores, dtype=np.float64),
        "copy_of": [copies.get((split, row["id"])) for row in own],
        "p_value": [None] * len(own),
        "q_value": [None] * len(own),
        "group": whose.of(split, columns["id"]),
        "group_p_value": [None] * len(own),
        "group_q_value": [None] * len(own),
    }


def _distinct(columns: Mapping[str, Any]) -> Float[np.ndarray, " N"]:
    """The score of each picture, once; NaN for one that failed."""
    distances: Float[np.ndarray, " N"] = columns["distance"]
    return distances[np.array([first is None for first in columns["copy_of"]], dtype=bool)]


def _distinct_groups(columns: Mapping[str, Any]) -> list[str | None] | None:
    """The group of each picture, once; None where nobody has any."""
    if (named := columns["group"]) is None:
        return None
    pairs = zip(named, columns["copy_of"], strict=True)
    return [group for group, first in pairs if first is None]


def _score(row: Mapping[str, Any], measure: str, lowest: int) -> float:
    if row["status"] != "ok":
        return np.nan
    distances = np.sort(row["distances"])
    kept = {"inpainting": 1, "inpainting-lowest": lowest}.get(measure)
    return float(distances[:kept].mean())


def _card(measure: str, lowest: int) -> dict[str, Any]:
    """What everybody must know of a measure before reading a number of it."""
    of = {
        "inpainting": "the best draw",
        "inpainting-lowest": f"the mean of the {lowest} lowest draws",
        "inpainting-mean": "the mean of all draws",
    }[measure]
    return {
        "name": measure,
        "unit": f"root mean square over the hidden half, {of}, in [0, 1]",
        "direction": "low",
        "paper": "Carlini et al., 2023, Section 5.3",
        "chance": "what held-out images give",
    }
