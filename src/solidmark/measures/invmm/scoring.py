"""`score_invmm`: the cheap half. From `evidence.parquet` to scores and results, without a model."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from solidmark.control import control_of
from solidmark.errors import BadInput, EmptyTable
from solidmark.marks.beside import files_beside
from solidmark.measures.invmm.judging import MEASURE, SCORES, Judged, judge
from solidmark.measures.invmm.keeping import EVIDENCE
from solidmark.measures.invmm.rows import result_rows
from solidmark.measures.invmm.verdict import verdict_on
from solidmark.runs import (
    csv_of,
    read_manifest,
    read_table,
    require_whole,
    scored_before,
    shared,
    write_bytes,
    write_results,
    write_rows,
)
from solidmark.scores import FPRS
from solidmark.scores.control import beside_control
from solidmark.subjects import groups_of
from solidmark.subjects.whose import COLUMNS

NAMED = (
    *("id", "file_name", "status", "kl", "best_similarity", "reproduced", "restarts"),
    *("score", "p_value", "q_value", "copy_of"),
)
"""The columns of `named.csv`."""


def score_invmm(
    out: Path,
    *,
    fprs: Sequence[float] | None = None,
    fdr: float = 0.05,
    trust_control: bool | None = None,
    among: int | None = None,
) -> dict[str, Any]:
    """Scores what was inverted: writes `scores.parquet`, `results.json` and `named.csv`.

    Arguments:
        out: A folder of `solidmark invmm`.
        fprs: The false-positive rates at which detections are reported. None = as the folder was
            scored before, else 0.01 and 0.001.
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
        EmptyTable: When no trained image was inverted.

    References:
        InvMM (Ma et al., 2024), for the KL. The score of what is not reproduced, the p-values and
        the intervals are ours.
    """
    before = scored_before(out)
    among = int(before.get("among", 1)) if among is None else among
    fprs = before.get("fprs", FPRS) if fprs is None else fprs
    for name, rates in (("--fpr", fprs), ("--fdr", (fdr,))):
        for rate in rates:
            if not 0 < rate < 1:
                raise BadInput(f"{name} must be above 0 and below 1, not {rate:g}.")
    manifest = read_manifest(out, "invmm")
    again = 'Run "solidmark invmm" into a new folder.'
    table = read_table(out / "evidence.parquet", EVIDENCE, again, once=("split", "id", "repeat"))
    evidence = list(table.to_pylist())
    require_whole(out, manifest, "evidence.parquet", "control.json", "groups.parquet")
    control, whose = control_of(out, trust_control), groups_of(out)
    judged = judge(evidence, named=control is None or not control.is_shut, whose=whose)
    if not any(row["status"] in ("reproduced", "spent") for row in judged.of("trained")):
        raise EmptyTable(
            f'No trained image of "{out}" was inverted to an outcome. Look at the notes in its '
            "evidence.parquet, or give a larger --budget into a new folder."
        )
    config = manifest["config"]
    seed = int(config["seed"])
    rows = result_rows(judged, config["restarts"], config["triage"], fprs, fdr, seed)
    figures = beside_control(rows, control)
    write_rows(out / "scores.parquet", judged.rows, whose.schema(SCORES))
    beside = {**manifest, "config": {"marked": config.get("images"), **config}}
    write_bytes(out / "named.csv", _named(judged, fdr, files_beside(out, beside)))
    return write_results(
        out,
        manifest,
        figures,
        verdict=verdict_on(judged, config, figures, control, among),
        memory=manifest.get("memory"),
        failed=sum(row["status"] == "failed" for row in judged.rows),
        # The rate of the threshold stands in the manifest; here are those of the detections.
        chosen={
            "threshold_fpr": config["fpr"],
            "fprs": list(fprs),
            "fdr": fdr,
            **shared(among),
        },
        threshold=manifest["threshold"],
        similarity=manifest["similarity"],
        excluded=manifest["excluded"],
        triage_calls=sum(row["triage_calls"] or 0.0 for row in evidence),
        control=None if control is None else control.to_json(),
        measures={MEASURE: _card()},
        files=("scores.parquet", "named.csv"),
    )


def _named(judged: Judged, fdr: float, files: Mapping[str, str]) -> bytes:
    """The named trained images as CSV, copies too, the lowest q first."""
    named = [row for row in judged.rows if row["q_value"] is not None and row["q_value"] <= fdr]
    named.sort(key=lambda row: (row["q_value"], row["score"], row["id"]))
    # The KL of an image that was not reproduced is infinite.
    finite = {"kl": None}
    lines = [
        {**row, **({} if math.isfinite(row["kl"]) else finite), "file_name": files.get(row["id"])}
        for row in named
    ]
    heads = (*NAMED, *COLUMNS.names) if judged.whose else NAMED
    return csv_of(heads, ([line.get(name) for name in heads] for line in lines))


def _card() -> dict[str, Any]:
    """What everybody must know before reading a number of it."""
    return {
        "name": MEASURE,
        "unit": "KL from N(0, I) per dimension of the noise, in nats; in the order of all images "
        "KL / (1 + KL) where reproduced, 1 + (1 - similarity) / 2 where not",
        "direction": "low",
        "paper": "Ma et al., 2024",
        "chance": "what held-out images give",
    }
