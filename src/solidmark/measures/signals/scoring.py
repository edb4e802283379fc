"""`score_signals`: the pure half. No model is needed.

Each signal for itself: trained against held-out images, which are the null. What shares a value
counts once: images of equal pixels, and for a signal of prompts images of one prompt. A held-out
image that is a training image too, or has a prompt that was trained on, is no null: left out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from solidmark.control import control_of
from solidmark.errors import BadInput, EmptyTable
from solidmark.measures.signals.agreement import rank_agreement
from solidmark.measures.signals.measuring import EVIDENCE
from solidmark.measures.signals.verdict import (
    counts,
    distances,
    groups_in,
    in_order,
    verdict_on,
)
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
    write_rows,
)
from solidmark.scores import FPRS, TRAINED, Estimate, closeness, p_and_q_once, subjects_once
from solidmark.scores.control import beside_control
from solidmark.scores.rows import figure_of, side
from solidmark.subjects import Whose, groups_of
from solidmark.subjects.whose import COLUMNS

SCORES = pa.schema(
    [
        *typed(pa.string(), "signal", "split", "id"),
        *typed(pa.float64(), "value", "contrast", "p_value", "q_value"),
        *typed(pa.string(), "status", "note", "copy_of", "prompt"),
    ]
)
"""The columns of `scores.parquet`: a row a signal, split and image."""

NAMED = ("id", "signal", "value", "p_value", "q_value", "contrast", "copy_of")
"""The columns of `named.csv`."""

EXCLUDED = "excluded"
"""The status of a held-out image that was trained on after all, and so is no null."""

Row = dict[str, Any]


def score_signals(
    out: Path,
    *,
    fprs: Sequence[float] | None = None,
    fdr: float | None = None,
    trust_control: bool | None = None,
    among: int | None = None,
) -> dict[str, Any]:
    """Scores the evidence of a run: writes `scores.parquet`, `results.json` and
    `named.csv`.

    Arguments:
        out: A folder of `signals`.
        fprs: The false-positive rates at which detections are reported. None = as the folder was
            scored before, else 0.01 and 0.001.
        fdr: The false-discovery rate at which images are named. None = as before, else 0.05.
        trust_control: Whether images are named although the held-out ones are of another kind.
            None = as before.
        among: How many runs share the level: those of one audit without marks. None = as before.

    Returns:
        What is in `results.json`.

    Raises:
        NotFound: When the folder has no evidence.
        RunConflict: When it is of another command, or not finished.
        BadInput: When an option makes no sense.
        EmptyTable: When no trained image has a value by any signal.
    """
    before = scored_before(out)
    among = int(before.get("among", 1)) if among is None else among
    fprs = before.get("fprs", FPRS) if fprs is None else fprs
    fdr = float(before.get("fdr", 0.05)) if fdr is None else fdr
    for name, rates in (("--fpr", fprs), ("--fdr", (fdr,))):
        for rate in rates:
            if not 0 < rate < 1:
                raise BadInput(f"{name} must be above 0 and below 1, not {rate:g}.")
    manifest = read_manifest(out, "signals")
    again = 'Run "solidmark signals" into a new folder.'
    table = read_table(out / "signals.parquet", EVIDENCE, again, once=("signal", "split", "id"))
    evidence = list(table.to_pylist())
    require_whole(out, manifest, "signals.parquet", "control.json", "groups.parquet")
    whose = groups_of(out)
    seed = int(manifest["config"]["seed"])
    control = control_of(out, trust_control)
    shut = control is not None and control.is_shut
    scored: dict[str, list[Row]] = {}
    figures: list[Figure] = []
    for name, card in manifest["signals"].items():
        own = [dict(row) for row in evidence if row["signal"] == name]
        if whose and card["per"] != "prompt":  # A prompt shows nobody.
            _say_whose(own, whose)
        scored[name] = _judged(own, card, shut)
        calls = _calls_per_image(own)
        of_signal = _figures_of(scored[name], card, fprs, fdr, seed)
        figures += [replace(one, network_calls_per_image=calls) for one in of_signal]
    if not figures:
        raise EmptyTable(f'No trained image of "{out}" has a value. Look at the notes in it.')
    directions = {name: card["direction"] for name, card in manifest["signals"].items()}
    figures = beside_control([*figures, *rank_agreement(scored, directions)], control)
    rows = [row for own in scored.values() for row in own]
    write_rows(out / "scores.parquet", rows, whose.schema(SCORES))
    heads = (*NAMED, *COLUMNS.names) if whose else NAMED
    write_bytes(out / "named.csv", csv_of(heads, _named(scored, manifest["signals"], fdr, heads)))
    return write_results(
        out,
        manifest,
        figures,
        verdict=verdict_on(scored, manifest["signals"], figures, control, among),
        memory=manifest.get("memory"),
        failed=len({(r["split"], r["id"]) for r in evidence if r["status"] == "failed"}),
        chosen={"fprs": list(fprs), "fdr": fdr, **shared(among)},
        left_out=manifest["left_out"],
        control=None if control is None else control.to_json(),
        measures={
            name: {**card, "chance": "what held-out images give"}
            for name, card in manifest["signals"].items()
        },
        files=("scores.parquet", "named.csv"),
    )


def _calls_per_image(rows: Sequence[Row]) -> float | None:
    """What a value cost on average; images that share the answer share the cost."""
    good = sum(row["value"] is not None for row in rows)
    return round(sum(row["network_calls"] for row in rows) / good, 6) if good else None


def _judged(rows: list[Row], card: Mapping[str, Any], shut: bool) -> list[Row]:
    """The rows of a signal, with who shares a value, and conformal p-values and q-values.

    Where the gate is shut nobody has one.
    """
    shared = "prompt" if card["per"] == "prompt" else "content"
    first: dict[tuple[str, Any], Row] = {}
    for row in sorted(rows, key=lambda row: (row["status"] != "ok", row["id"])):
        first.setdefault((row["split"], row[shared]), row)
    for row in rows:
        same = first[row["split"], row[shared]]
        row |= {"p_value": None, "q_value": None, "copy_of": None}
        if row["status"] != "ok":
            continue
        row["copy_of"] = None if same is row else same["id"]
        trained = first.get(("trained", row[shared]))
        if row["split"] == "held_out" and trained is not None:
            what = "has the prompt of" if shared == "prompt" else "is"
            row |= {"status": EXCLUDED, "note": f'It {what} the training image "{trained["id"]}".'}
    null = [row for row in rows if row["split"] == "held_out" and counts(row)]
    asked = [row for row in rows if row["split"] == "trained" and row["status"] == "ok"]
    if asked and null and not shut:
        place = {row["id"]: number for number, row in enumerate(asked)}
        copies = [None if row["copy_of"] is None else place[row["copy_of"]] for row in asked]
        far, fresh, others = distances(asked, card), distances(null, card), groups_in(null)
        p, q = p_and_q_once(far, fresh, copies, others)
        for row, p_value, q_value in zip(asked, p, q, strict=True):
            row |= {"p_value": float(p_value), "q_value": float(q_value)}
        if (named := groups_in(asked)) is not None:
            of_subjects = subjects_once(far, fresh, copies, named, others)
            for row, *values in zip(asked, *of_subjects, strict=True):
                row |= dict(zip(COLUMNS.names[1:], map(float, values), strict=True))
    return rows


def _say_whose(rows: Sequence[Row], whose: Whose) -> None:
    """Adds the group of each row."""
    for row in rows:
        row["group"] = (whose.of(row["split"], [row["id"]]) or [None])[0]


def _named(
    scored: Mapping[str, list[Row]], cards: Mapping[str, Any], fdr: float, heads: Sequence[str]
) -> list[list[Any]]:
    """The named trained images of each signal, copies too, the lowest q first."""
    lines: list[list[Any]] = []
    for name in in_order(scored):
        own = [row for row in scored[name] if row["q_value"] is not None and row["q_value"] <= fdr]
        far = dict(zip([row["id"] for row in own], distances(own, cards[name]), strict=True))
        own.sort(key=lambda row: (row["q_value"], row["p_value"], far[row["id"]], row["id"]))
        prompts = {"contrast": None} if cards[name]["per"] == "prompt" else {}
        lines += [[{**row, **prompts}.get(column) for column in heads] for row in own]
    return lines


def _figures_of(
    rows: Sequence[Row], card: Mapping[str, Any], fprs: Sequence[float], fdr: float, seed: int
) -> list[Figure]:
    """The figures of a signal; none where no trained image has a value."""
    sides, named = {}, []
    for split in TRAINED[:2]:
        own = [row for row in rows if row["split"] == split]
        scored = [row for row in own if counts(row)]
        failed = [row for row in own if row["status"] == "failed"]
        sides[split] = np.concatenate([distances(scored, card), np.full(len(failed), np.nan)])
        named.append(groups_in([*scored, *failed]))
    trained, null = (sides[split] for split in TRAINED[:2])
    name, direction = str(card["name"]), card["direction"]
    if np.isnan(trained).all():
        return []
    if np.isnan(null).all():
        alone = side(name, "trained", direction, trained, seed)
        mean = float(alone.distance.mean())
        what = "prompts that are new to the model" if card["per"] == "prompt" else "images"
        note = f"Without held-out {what} it is not known what chance gives."
        estimate = Estimate(alone.reported(mean), note=note)
        found = [figure_of(alone, "mean", alone.unit, estimate, direction=direction)]
    else:
        found = closeness(
            trained,
            null,
            measure=name,
            direction=direction,
            thresholds=(),
            fprs=fprs,
            fdr=fdr,
            seed=seed,
            splits=TRAINED,
            groups=(named[0], named[1]),
        )
    # The scores speak of distances and similarities; these are neither.
    units = {"distance": card["unit"], "similarity": card["unit"]}
    return [_noted(replace(one, unit=units.get(one.unit or "", one.unit))) for one in found]


def _noted(one: Figure) -> Figure:
    """With a warning where an area lies below one half beyond luck."""
    if one.statistic != "auc" or one.ci_high is None or one.ci_high >= 0.5:
        return one
    return one.noting(
        "Held-out images look more memorized than trained ones. Either the direction of the signal "
        "does not hold for this model, or the held-out images are of another kind."
    )
