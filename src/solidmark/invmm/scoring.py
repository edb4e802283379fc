"""`score_invmm`: the cheap half. From `evidence.parquet` to scores and results, without a model."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from solidmark.control import control_of
from solidmark.errors import BadInput, EmptyTable
from solidmark.invmm.judging import SCORES, judge
from solidmark.invmm.keeping import EVIDENCE
from solidmark.invmm.rows import MEASURE, NO_NULL, result_rows
from solidmark.runs import (
    read_manifest,
    read_table,
    require_whole,
    scored_before,
    table_bytes,
    write_bytes,
    write_results,
)
from solidmark.scores import FPRS
from solidmark.scores.control import beside_control
from solidmark.scores.written import area, p_value


def score_invmm(
    out: Path,
    *,
    fprs: Sequence[float] | None = None,
    fdr: float = 0.05,
    trust_control: bool | None = None,
) -> dict[str, Any]:
    """Scores what was inverted: writes `scores.parquet` and `results.json`.

    Arguments:
        out: A folder of `solidmark invmm`.
        fprs: The false-positive rates at which detections are reported. None = as the folder was
            scored before, else 0.01 and 0.001.
        fdr: The false-discovery rate at which images are named.
        trust_control: Whether images are named although the held-out ones are of another kind.
            None = as before.

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
    fprs = before.get("fprs", FPRS) if fprs is None else fprs
    for name, rates in (("--fpr", fprs), ("--fdr", (fdr,))):
        for rate in rates:
            if not 0 < rate < 1:
                raise BadInput(f"{name} must be above 0 and below 1, not {rate:g}.")
    manifest = read_manifest(out, "invmm")
    evidence = _evidence(out)
    require_whole(out, manifest, "evidence.parquet")
    control = control_of(out, trust_control)
    judged = judge(evidence, named=control is None or not control.is_shut)
    if not any(row["status"] in ("reproduced", "spent") for row in judged.of("trained")):
        raise EmptyTable(
            f'No trained image of "{out}" was inverted to an outcome. Look at the notes in its '
            "evidence.parquet, or give a larger --budget into a new folder."
        )
    config = manifest["config"]
    seed = int(config["seed"])
    rows = result_rows(judged, config["restarts"], config["triage"], fprs, fdr, seed)
    columns = {name: [row[name] for row in judged.rows] for name in SCORES.names}
    write_bytes(out / "scores.parquet", table_bytes(pa.table(columns, schema=SCORES)))
    return write_results(
        out,
        manifest,
        beside_control(rows, control),
        memory=manifest.get("memory"),
        failed=sum(row["status"] == "failed" for row in judged.rows),
        # The rate of the threshold stands in the manifest; here are those of the detections.
        chosen={"threshold_fpr": config["fpr"], "fprs": list(fprs), "fdr": fdr},
        threshold=manifest["threshold"],
        similarity=manifest["similarity"],
        excluded=manifest["excluded"],
        triage_calls=sum(row["triage_calls"] or 0.0 for row in evidence),
        control=None if control is None else control.to_json(),
        measures={MEASURE: _card()},
    )


def headline(results: Mapping[str, Any]) -> str:
    """The verdict in a sentence.

    Arguments:
        results: What `score_invmm` gave.
    """
    found = {(row["split"], row["statistic"]): row for row in results["rows"]}
    own = found["trained", "reproduced"]
    said = f"InvMM reproduces {own['count']:,} of {own['n']:,} trained images"
    other, named = found.get(("held_out", "reproduced")), found.get(("trained", "named"))
    if other is None or named is None:
        return f"{said}. {NO_NULL}"
    if named["count"] is None:
        return (
            f"{said} and {other['count']:,} of {other['n']:,} that it never saw. Cannot be judged: "
            "the held-out images are of another kind."
        )
    curve = found["trained_vs_held_out", "auc"]
    return (
        f"{said} and {other['count']:,} of {other['n']:,} that it never saw; {named['count']:,} "
        f"can be named at a false-discovery rate of {named['fdr']:g} "
        f"(area {area(curve['value'])}, chance 0.50, {p_value(curve['p_value'])})."
    )


def _evidence(out: Path) -> list[dict[str, Any]]:
    cure = 'Run "solidmark invmm" into a new folder.'
    return list(
        read_table(
            out / "evidence.parquet", EVIDENCE, cure, once=("split", "id", "repeat")
        ).to_pylist()
    )


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
