"""InvMM: what it finds, beside held-out images and other measures, and what it costs.

    python benchmarks/inversion.py OUT > benchmarks/inversion.md

The network and the marked digits are those of copies.py, in the same OUT: digits that are there 1,
2, 4, 8 or 16 times. The controls know digits with as many copies, or only their moments. Every part
is a run folder, so that what was killed goes on.
"""

import argparse
import json
import shutil
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import torch
from copies import COPIES, once, times, train_on_copies
from scipy.stats import spearmanr

from solidmark.data import open_data
from solidmark.marks import write_image
from solidmark.measures.audit import Question, observe, score
from solidmark.measures.invmm import InvMM, invert, score_invmm
from solidmark.measures.invmm.inversion import PRESETS
from solidmark.measures.invmm.threshold import calibrate
from solidmark.measures.signals import Measuring, measure_signals, score_signals
from solidmark.readers import Blend, Energy
from solidmark.runs import fingerprint, read_manifest, write_ours
from solidmark.runs.contents import record
from solidmark.scores import roc
from solidmark.subjects import open_likeness, open_subjects

EACH, HELD_OUT, MOST = 8, 40, 30
"""Digits for each number of copies, and held-out ones, that are looked at; how many of either half
are inverted, drawn at random."""

FPR, SEED = 0.001, 1
INVMM = "InvMM, `quick`"

AGAINST, AGAINST_HELD_OUT = 1, 5
"""Likewise where the authors' procedure is run beside ours."""

AT_ONCE, SPEED_STEPS = 32, 100
"""Images at a time, and steps an image, where the speed is measured."""

SIGNALS = ("loss", "spread")
QUICK = PRESETS["quick"]

CONTROL_EACH, CONTROL_RESTARTS, CONTROL_BETA = 4, 3, 0.98
MANY = 200
CONTROL = replace(QUICK, steps=300, every=5)
"""Checks every 5 steps, since a memorizer's digits come back within the first few."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    out = parser.parse_args().out
    torch.set_num_threads(1)
    marked, model = train_on_copies(out)
    asked = some(marked, out / "asked", EACH, HELD_OUT)
    few = some(marked, out / "asked-few", AGAINST, AGAINST_HELD_OUT)
    known = pictures(out / "known", CONTROL_EACH * len(COPIES), COPIES)
    # The moments of few pictures span exactly those, and are a memory of them.
    many = pictures(out / "many", MANY, (1,))
    for name, (trained, unseen) in (("memorizer", known), ("gaussian", many)):
        how = {"threshold": CONTROL_BETA, "restarts": CONTROL_RESTARTS, "mode": "L"}
        if name == "gaussian":  # It knows all of them, and is asked for some.
            how["limit"] = CONTROL_EACH * len(COPIES)
        run = InvMM(name, trained, out / name, CONTROL, held_out=unseen, **how)
        invert(run)
        score_invmm(run.out)
    subjects = open_subjects(str(asked), seed=SEED)
    beta = calibrate(open_likeness("l2"), subjects, "trained", FPR, SEED).value
    each = {"quick": (asked, QUICK), "quick-few": (few, QUICK), "ddpm-few": (few, PRESETS["ddpm"])}
    for name, (images, inversion) in each.items():
        how = {"threshold": beta, "limit": MOST if images is asked else None, "seed": SEED}
        run = InvMM(str(model), str(images), out / name, inversion, **how)
        invert(run)
        score_invmm(run.out)
    for reader in (Energy(), Blend()):
        folder = out / f"audit-{reader.name}"
        observe(Question(str(model), asked, folder, readers=(reader,), ceiling=False))
        score(folder)
    measuring = Measuring(str(model), str(asked), out / "signals", SIGNALS)
    measure_signals(measuring)
    score_signals(measuring.out)
    speeds = speed(str(model), asked, out / "speed", beta)
    sys.stdout.write("\n".join(report(out, beta, speeds)) + "\n")


def some(marked: Path, out: Path, each: int, held_out: int) -> Path:
    """The marked folder with some of its images: the first copy of digits of each kind."""
    if (out / "manifest.json").is_file():
        return out
    keys = pq.read_table(marked / "keys.parquet")
    chosen: list[str] = []
    for split, counts in (("trained", [each] * len(COPIES)), ("held_out", None)):
        own = keys.filter(pc.equal(keys["split"], split))["id"].to_pylist()
        firsts = [id for id in sorted(own) if "-00of" in id]
        if counts is None:
            chosen += firsts[:held_out]
            continue
        for copies, count in zip(COPIES, counts, strict=True):
            chosen += [id for id in firsts if times(id) == copies][:count]
    kept = keys.filter(pc.is_in(keys["id"], pa.array(chosen)))
    out.mkdir(parents=True, exist_ok=True)
    for folder in ("train", "held_out"):
        shutil.copytree(marked / folder, out / folder, dirs_exist_ok=True)
    pq.write_table(kept, out / "keys.parquet")
    written = {"keys": fingerprint(out / "keys.parquet")}
    written |= {"files": record(out, ("keys.parquet", "train", "held_out"))}
    write_ours(out / "manifest.json", read_manifest(marked) | written)
    return out


def pictures(out: Path, count: int, copies: Sequence[int]) -> tuple[str, str]:
    """Folders of digits, each there as often as its place says, and of others, for the controls."""
    digits = open_data("digits", resolution=12, mode="L", limit=count + CONTROL_EACH * len(COPIES))
    for number in range(len(digits)):
        trained, there = number < count, copies[number % len(copies)]
        for copy in range(there if trained else 1):
            name = f"{number:03d}-{copy:02d}of{there:02d}.png"
            write_image(out / ("trained" if trained else "unseen") / name, digits[number].image)
    return str(out / "trained"), str(out / "unseen")


def speed(model: str, asked: Path, out: Path, beta: float) -> dict[int, float]:
    """Seconds an image when so many are inverted at a time, measured one after the other."""
    found: dict[int, float] = {}
    inversion = replace(QUICK, steps=SPEED_STEPS, every=SPEED_STEPS)
    for at_once in (1, AT_ONCE, 1, AT_ONCE):
        # The first pass warms up; the second is what counts.
        folder = out / f"{at_once}"
        shutil.rmtree(folder, ignore_errors=True)
        limit = 2 if at_once == 1 else AT_ONCE // 2
        started = time.perf_counter()
        few = {"threshold": beta, "limit": limit, "batch_size": at_once}
        invert(InvMM(model, str(asked), folder, inversion, **few))
        found[at_once] = (time.perf_counter() - started) / (2 * limit)
    return found


def report(out: Path, beta: float, speeds: Mapping[int, float]) -> Iterator[str]:
    """The page."""
    yield "# InvMM: what it finds, and what it costs"
    yield ""
    yield (
        "`python benchmarks/inversion.py OUT`, one thread, one seed. KL in nats per dimension, low "
        "= memorized. Similarity: 1 - root mean square difference of the pictures without frames; "
        f"reproduced from {beta:.3f}, more than any of 780 pairs of different digits have."
    )
    yield ""
    yield from controls(out)
    yield from trained_network(out)
    yield from against_the_authors(out)
    yield ""
    yield "## Many images at a time"
    yield ""
    one, many = speeds[1], speeds[AT_ONCE]
    yield (
        f"{SPEED_STEPS} steps of `quick` and a check an image, side by side in one run: "
        f"{3600 / many:,.0f} images an hour {AT_ONCE} at a time, {3600 / one:,.0f} one at a time: "
        f"{one / many:.1f} times as many."
    )


def controls(out: Path) -> Iterator[str]:
    """A model that has memorized everything, and one that has memorized nothing."""
    yield "## A perfect memorizer, and a model that knows two moments"
    yield ""
    yield (
        f"The memorizer knows {CONTROL_EACH} digits for each number of copies and draws each as "
        f"often as it has copies; the other model knows the moments of {MANY} digits. "
        f"`quick` with checks every {CONTROL.every} steps, {CONTROL.steps} steps at most, "
        f"{CONTROL_RESTARTS} restarts (KL: their median), reproduced from {CONTROL_BETA}."
    )
    yield ""
    yield "| control | digits | reproduced | median KL |"
    yield "|---|---|---|---|"
    rows = scores(out / "memorizer")
    known = [row for row in rows if row["split"] == "trained"]
    for copies in COPIES:
        own = [row for row in known if row["copies"] == copies]
        yield f"| memorizer | {copies} x | {reproduced(own)} | {median_kl(own)} |"
    for name in ("memorizer", "gaussian"):
        for split, words in (("trained", "once"), ("held_out", "never seen")):
            own = [row for row in scores(out / name) if row["split"] == split]
            if (name, split) != ("memorizer", "trained"):
                yield f"| {name} | {words} | {reproduced(own)} | {median_kl(own)} |"
    found = [row for row in known if row["status"] == "reproduced"]
    rho = spearmanr([row["kl"] for row in found], [row["copies"] for row in found])
    yield ""
    yield (
        f"Rank correlation of KL and copies of the memorizer: {rho.statistic:.2f} "
        f"(p = {rho.pvalue:.1g}, n = {len(found)}; -1 = more copies, lower KL)."
    )
    yield ""


def trained_network(out: Path) -> Iterator[str]:
    """The areas by copies, beside other measures of the same images."""
    yield "## A network trained on digits with copies"
    yield ""
    yield (
        f"`digits-demo`, 40 epochs; {MOST} trained and {MOST} held-out digits. Area "
        "under the curve against the held-out ones (chance .5, high = found), "
        "with 95 % bootstrap interval; rho: Spearman's rank correlation with the copies over the "
        "trained digits (high = more copies look more memorized), and with the distance of Energy."
    )
    yield ""
    columns = [*(f"{c} x" for c in COPIES), "rho, copies", "rho, Energy", "calls an image"]
    yield f"| measure | {' | '.join(columns)} |"
    yield f"|---|{'---|' * len(COPIES)}---|---|---|"
    every = dict(measured(out))
    inverted = every[INVMM][0]
    energy = every["SolidMark, Energy (distance)"][0]
    for name, (all_values, calls) in every.items():
        values = {digit: all_values[digit] for digit in inverted}
        held_out = np.array([v for (_, split), v in values.items() if split == "held_out"])
        trained = {id: v for (id, split), v in values.items() if split == "trained"}
        cells = []
        for copies in COPIES:
            own = np.array([v for id, v in trained.items() if times(id) == copies])
            area = roc(own, held_out).auc
            cells.append(f"{area.value:.2f} ({area.ci_low:.2f} to {area.ci_high:.2f})")
        both = list(trained)
        rho = spearmanr([trained[id] for id in both], [-times(id) for id in both]).statistic
        same = spearmanr(
            [trained[id] for id in both], [energy[id, "trained"] for id in both]
        ).statistic
        yield f"| {name} | {' | '.join(cells)} | {rho:.2f} | {same:.2f} | {calls:,.1f} |"
    yield ""
    rows = scores(out / "quick")
    known = [times(str(row["id"])) for row in rows if row["split"] == "trained"]
    counts = ", ".join(str(known.count(copies)) for copies in COPIES)
    yield f"Trained digits by copies: {counts}."
    for split in ("trained", "held_out"):
        own = [r for r in rows if r["split"] == split]
        yield f"InvMM, {split}: {reproduced(own)} reproduced, median KL of these {median_kl(own)}."
    yield ""


def measured(out: Path) -> Iterator[tuple[str, tuple[dict[tuple[str, str], float], float]]]:
    """Each measure with its value (low = memorized) of every digit, and its calls an image."""
    rows = scores(out / "quick")
    calls = float(np.mean([row["network_calls"] for row in rows]))
    yield INVMM, ({(r["id"], r["split"]): r["score"] for r in rows}, calls)
    for reader, title in ((Energy(), "Energy"), (Blend(), "Blend")):
        folder = out / f"audit-{reader.name}"
        audit = pq.read_table(folder / "scores.parquet").to_pylist()
        spent = pq.read_table(folder / "evidence.parquet")["network_calls"]
        mean = float(pc.mean(spent).as_py())
        yield f"SolidMark, {title} (distance)", (once(audit, "distance"), mean)
        yield f"SolidMark, {title} (p-value)", (once(audit, "p_value"), mean)
    signals = pq.read_table(out / "signals" / "signals.parquet").to_pylist()
    cards = json.loads((out / "signals" / "results.json").read_text())["measures"]
    for name in SIGNALS:
        own = [row for row in signals if row["signal"] == name and row["value"] is not None]
        sign = 1 if cards[name]["direction"] == "low" else -1
        values = {(row["id"], row["split"]): sign * row["value"] for row in own}
        yield f"signal `{name}`", (values, float(np.mean([row["network_calls"] for row in own])))


def against_the_authors(out: Path) -> Iterator[str]:
    """What `quick` decides and costs, beside the authors' procedure, image by image."""
    ours, theirs = (
        {(r["split"], r["id"]): r for r in scores(out / f"{n}-few")} for n in ("quick", "ddpm")
    )
    yield "## Against the authors' procedure"
    yield ""
    yield (
        "The same network, images, similarity and threshold. `ddpm` is the authors' variant for "
        "CIFAR-10: 32 samples a step, checks of 8 samples by DDIM of 200 steps. Network calls "
        "until the decision; a call with a gradient counts as 2.3."
    )
    yield ""
    yield "| image | split | copies | `ddpm` | KL | calls | `quick` | KL | calls | fewer |"
    yield "|---|---|---|---|---|---|---|---|---|---|"
    for (split, id), row in theirs.items():
        own = ours[split, id]
        cells = [id, split, str(times(id) if split == "trained" else 0)]
        for one in (row, own):
            kl = "" if one["status"] != "reproduced" else f"{one['kl']:.2f}"
            cells += [one["status"], kl, f"{one['network_calls']:,.0f}"]
        yield f"| {' | '.join(cells)} | {row['network_calls'] / own['network_calls']:.0f} x |"
    total = [sum(row["network_calls"] for row in side.values()) for side in (theirs, ours)]
    same = sum(theirs[name]["status"] == ours[name]["status"] for name in theirs)
    rank = spearmanr([theirs[n]["score"] for n in theirs], [ours[n]["score"] for n in theirs])
    yield ""
    yield (
        f"Together {total[0]:,.0f} against {total[1]:,.0f} network calls: "
        f"{total[0] / total[1]:.1f} times fewer. The same outcome for {same} of "
        f"{len(theirs)} images; rank correlation of their scores {rank.statistic:.2f}."
    )


def scores(folder: Path) -> list[dict[str, Any]]:
    """The images of a run, each picture once."""
    rows = pq.read_table(folder / "scores.parquet").to_pylist()
    return [row for row in rows if row["copy_of"] is None]


def reproduced(rows: Sequence[Mapping[str, object]]) -> str:
    return f"{sum(row['status'] == 'reproduced' for row in rows)} of {len(rows)}"


def median_kl(rows: Sequence[Mapping[str, object]]) -> str:
    found = [float(str(row["kl"])) for row in rows if row["status"] == "reproduced"]
    return f"{np.median(found):.4f}" if found else ""


if __name__ == "__main__":
    main()
