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
import pyarrow.compute as pc

from solidmark.control import control_of
from solidmark.errors import BadInput, EmptyTable
from solidmark.measures.signals.agreement import rank_agreement
from solidmark.measures.signals.judging import SCORES, Judged, judge_signal
from solidmark.measures.signals.measuring import EVIDENCE
from solidmark.measures.signals.verdict import in_order, verdict_on
from solidmark.runs import (
    Figure,
    csv_of,
    read_manifest,
    read_table,
    require_whole,
    scored_before,
    shared,
    write_bytes,
    write_results,
    write_table,
)
from solidmark.scores import FPRS, TRAINED, Estimate, closeness
from solidmark.scores.columns import codes, numbers
from solidmark.scores.control import beside_control
from solidmark.scores.rows import figure_of, side
from solidmark.subjects import groups_of
from solidmark.subjects.whose import COLUMNS

NAMED = ("id", "signal", "value", "p_value", "q_value", "contrast", "copy_of")
"""The columns of `named.csv`."""


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
    require_whole(out, manifest, "signals.parquet", "control.json", "groups.parquet")
    whose = groups_of(out)
    seed = int(manifest["config"]["seed"])
    control = control_of(out, trust_control)
    shut = control is not None and control.is_shut
    scored: dict[str, Judged] = {}
    figures: list[Figure] = []
    for name, card in manifest["signals"].items():
        own = table.filter(pc.equal(table["signal"], name))
        scored[name] = judge_signal(own, card, whose, shut)
        calls = _calls_per_image(own)
        of_signal = _figures_of(scored[name], fprs, fdr, seed)
        figures += [replace(one, network_calls_per_image=calls) for one in of_signal]
    if not figures:
        raise EmptyTable(f'No trained image of "{out}" has a value. Look at the notes in it.')
    figures = beside_control([*figures, *rank_agreement(scored)], control)
    schema = whose.schema(SCORES)
    write_table(out / "scores.parquet", _written(scored, schema))
    heads = (*NAMED, *COLUMNS.names) if whose else NAMED
    write_bytes(out / "named.csv", csv_of(heads, _named(scored, fdr, heads)))
    return write_results(
        out,
        manifest,
        figures,
        verdict=verdict_on(scored, figures, control, among),
        memory=manifest.get("memory"),
        failed=_failed(table),
        chosen={"fprs": list(fprs), "fdr": fdr, **shared(among)},
        left_out=manifest["left_out"],
        control=None if control is None else control.to_json(),
        measures={
            name: {**card, "chance": "what held-out images give"}
            for name, card in manifest["signals"].items()
        },
        files=("scores.parquet", "named.csv"),
    )


def _calls_per_image(own: pa.Table) -> float | None:
    """What a value cost on average; images that share the answer share the cost."""
    good = len(own) - own["value"].null_count
    # In order, as they were added up before columns.
    calls = sum(numbers(own["network_calls"]).tolist())
    return round(calls / good, 6) if good else None


def _failed(table: pa.Table) -> int:
    """How many images have no value by some signal."""
    lost = table.filter(pc.equal(table["status"], "failed")).select(["split", "id"])
    return len(lost.group_by(["split", "id"]).aggregate([]))


def _written(scored: Mapping[str, Judged], schema: pa.Schema) -> pa.Table:
    """All rows, a signal after the other; what a signal does not have is null."""
    parts = []
    for own in scored.values():
        empty = pa.nulls(len(own.table), pa.null())
        has = own.table.column_names
        columns = [own.table[name] if name in has else empty for name in schema.names]
        parts.append(pa.table(columns, names=schema.names).cast(schema))
    return pa.concat_tables(parts).combine_chunks()


def _named(scored: Mapping[str, Judged], fdr: float, heads: Sequence[str]) -> list[list[Any]]:
    """The named trained images of each signal, copies too, the lowest q first."""
    lines: list[list[Any]] = []
    for name in in_order(scored):
        own = scored[name]
        q, p = (numbers(own.table[one]) for one in ("q_value", "p_value"))
        places = np.flatnonzero(q <= fdr)
        ids = codes(own.table["id"].take(places))[0]
        places = places[np.lexsort((ids, own.distance[places], p[places], q[places]))]
        prompts = {"contrast": None} if own.of_prompts else {}
        lines += [[{**row, **prompts}.get(one) for one in heads] for row in own.rows(places)]
    return lines


def _figures_of(own: Judged, fprs: Sequence[float], fdr: float, seed: int) -> list[Figure]:
    """The figures of a signal; none where no trained image has a value."""
    sides, named, card = {}, [], own.card
    for split in TRAINED[:2]:
        scored = np.flatnonzero(own.of(split) & own.counts)
        failed = np.flatnonzero(own.of(split) & own.has("failed"))
        sides[split] = np.concatenate([own.distance[scored], np.full(len(failed), np.nan)])
        named.append(own.groups(np.concatenate([scored, failed])))
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
