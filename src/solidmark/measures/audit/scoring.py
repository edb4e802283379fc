"""`score`: the cheap half. A pure function of the evidence and the keys; no model is needed."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from solidmark.errors import NotFound, RunConflict, WrongKeys
from solidmark.marks import open_marked
from solidmark.measures.audit.evidence import ADDED, EVIDENCE, ONE_ROW
from solidmark.measures.audit.knowing import knowing_of
from solidmark.measures.audit.naming import FILE as NAMED
from solidmark.measures.audit.naming import named_csv
from solidmark.measures.audit.roundtrip import round_trip_rows
from solidmark.runs import (
    RESULTS,
    Figure,
    Verdict,
    open_results,
    progress,
    read_manifest,
    read_results,
    read_table,
    require_whole,
    verdict_from,
    write_bytes,
    write_ours,
    write_results,
    write_table,
)
from solidmark.scores import DELTAS, Correction, Statistic, aggregate, score_table
from solidmark.scores.scored import reasons_of, scores_of
from solidmark.verdicts.keys import judge_keys
from solidmark.verdicts.known import mirror_note, perturbed_note, unknown

LARGE = ("candidates", "energies", "path", "picture")
"""What is left on the disk where no p-value ranks it."""

INVMM = "invmm"
"""The measure of rows that an InvMM run in the folder of an audit has made."""


def score(
    out: Path,
    *,
    deltas: Sequence[float] = DELTAS,
    fdr: float = 0.05,
    statistic: Statistic = "l1",
    correction: Correction = "bh",
    marked: Path | None = None,
    claimed_epsilon: float | None = None,
    look: int | None = None,
) -> dict[str, Any]:
    """Scores and judges the evidence of an audit folder.

    Writes `scores.parquet`, `named.csv` and `results.json`, which holds the verdict.

    Arguments:
        out: A folder of `observe` or `audit`.
        deltas: The thresholds of the eidetic counts, grey levels in (0, 1).
        fdr: The false-discovery rate at which images are named.
        statistic: What the p-values rank: the L1 distance, Fisher's product of the p-values of
            the keys, or the sum of the energies of the keys.
        correction: How the q-values are made: Benjamini-Hochberg or Benjamini-Yekutieli.
        marked: Where the marked folder is now, if it has moved.
        claimed_epsilon: An epsilon that the training is said to keep, in nats, above 0: the keys
            are asked whether they refute it.
        look: Which of several looks at one training it is, which share the level.

    Returns:
        What is in `results.json`.

    Raises:
        NotFound: When the folder has no evidence.
        RunConflict: When the evidence is that of another command.
        WrongKeys: When the keys are not those of the audit.
        BadInput: When the energies are asked for and no reader keeps any.
        UnknownName: When there is no such statistic or correction.
    """
    manifest = read_manifest(out)
    path = out / "evidence.parquet"
    if not path.is_file():
        raise NotFound(
            f'"{out}" has no evidence.parquet: nothing was observed, or not to the end. '
            'Run "solidmark observe" or "solidmark audit" first.'
        )
    if manifest["command"] != "audit":
        raise RunConflict(
            f'"{out}" was made by "solidmark {manifest["command"]}", which scores what it asks. '
            'Name a folder of "solidmark observe" or "solidmark audit".'
        )
    require_whole(out, manifest, path.name, "knowing.json", "round_trip.json")
    images = open_marked(marked or Path(manifest["config"]["marked"]))
    if images.manifest["keys"] != manifest["fingerprints"]["keys"]:
        raise WrongKeys(
            f'"{images.folder}" has other keys than those that "{out}" was observed with. '
            "Name the marked folder of that audit."
        )
    evidence = read_table(
        path,
        {name: EVIDENCE.field(name).type for name in EVIDENCE.names if name not in ADDED},
        'Remove it, then run the same "solidmark audit" again: the answers are kept in the ledger.',
        once=ONE_ROW,
        without=() if statistic == "energy" else LARGE,
    )
    keys = images.told(manifest.get("told"))
    with progress("comparing answers with keys", len(evidence)) as advance:
        scores = score_table(evidence, keys, statistic, correction)
        advance(len(evidence))
    failed = pc.sum(pc.equal(scores["status"], "failed")).as_py() or 0
    # When every row failed there is nothing to aggregate, but the reasons must reach the page.
    rows: list[Figure] = []
    if failed < len(scores):
        with progress("testing all images together", _parts(scores)) as advance:
            rows = aggregate(
                scores,
                calls=_calls(evidence),
                keys=keys,
                deltas=tuple(deltas),
                fdr=fdr,
                claimed_epsilon=claimed_epsilon,
                statistic=statistic,
                correction=correction,
                look=look,
                advance=advance,
            )
    knowing, notes = knowing_of(out), manifest.get("notes", [])
    told = scores_of(scores)
    verdict = judge_keys(
        rows,
        reasons_of(told),
        unknown(knowing, notes),
        mirror_note(knowing),
        perturbed_note(manifest["config"].get("perturb") or ()),
        look,
    )
    inverted, others = _inverted(out)
    chosen = {"deltas": list(deltas), "fdr": fdr, "statistic": statistic, "correction": correction}
    chosen |= {} if look is None else {"look": look}
    chosen |= {} if claimed_epsilon is None else {"claimed_epsilon": claimed_epsilon}
    write_table(out / "scores.parquet", scores)
    write_bytes(out / NAMED, named_csv(told, images.files.some, verdict.naming, fdr))
    return write_results(
        out,
        manifest,
        [*rows, *round_trip_rows(out), *inverted],
        memory=manifest.get("memory"),
        failed=failed,
        verdict=replace(verdict, others=others),
        chosen=chosen,
        notes=notes,
        quarantined=images.manifest["quarantined"],
        knowing=None if knowing is None else knowing.to_json(),
        **({"perturbed": manifest["perturbed"]} if "perturbed" in manifest else {}),
        files=("scores.parquet", NAMED),
    )


def renew_inversions(out: Path) -> None:
    """Takes the figures and the verdict of the InvMM run in an audit into its results again.

    Arguments:
        out: The folder of a scored audit.
    """
    results = read_results(out)
    inverted, others = _inverted(out)
    own = [row for row in results["rows"] if row.get("measure") != INVMM]
    results["rows"] = [*own, *(one.to_json() for one in inverted)]
    if "verdict" in results:  # Audits of before have none.
        verdict = verdict_from(results["verdict"], out / RESULTS)
        results["verdict"] = replace(verdict, others=others).to_json()
    write_ours(out / RESULTS, results)


def _inverted(out: Path) -> tuple[tuple[Figure, ...], dict[str, Verdict]]:
    """What the InvMM run in the folder of an audit has found; nothing where there is none."""
    if not (out / INVMM / RESULTS).is_file():
        return (), {}
    found = open_results(out / INVMM)
    return found.figures, {} if found.verdict is None else {INVMM: found.verdict}


def _parts(scores: pa.Table) -> int:
    """How many readers and splits there are to test."""
    return len(scores.group_by(["reader", "split"]).aggregate([]))


def _calls(evidence: pa.Table) -> dict[str, float]:
    """Network calls an image, by reader, as they were counted."""
    spent = evidence.filter(pc.is_valid(evidence["network_calls"]))
    means = spent.group_by("reader").aggregate([("network_calls", "mean")])
    return {row["reader"]: round(row["network_calls_mean"], 6) for row in means.to_pylist()}
