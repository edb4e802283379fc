"""Energy against Outpaint on the same checkpoint: network calls and detections.

    python benchmarks/readers.py OUT --epochs 500 > benchmarks/readers.md

Trains one small network on 256 handwritten digits, then reads the keys of these and of 1,000
held-out digits with every reader. Seconds are given as a ratio to Energy with 9 candidates, all
measured in this one run.
"""

import argparse
import json
import re
import sys
import time
from pathlib import Path

import pyarrow.parquet as pq
import torch
from scipy import stats

from solidmark.data import open_data
from solidmark.marks import Border, Marking, mark_dataset
from solidmark.measures.audit import Question, observe, score
from solidmark.readers import Energy, Outpaint, Probe, Reader
from solidmark.training import preset, train

TRAINED, HELD_OUT = 256, 1000
READERS: dict[str, Reader] = {
    "Energy, K = 9": Energy(),
    "Energy, K = 5": Energy(candidates=5),
    "Probe": Probe(),
    "Outpaint, 250 steps (published)": Outpaint(),
    "Outpaint, 50 steps": Outpaint(steps=50),
    "Outpaint, 50 steps, RePaint 10 x 5": Outpaint(steps=50, jump_count=5),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--epochs", type=int, default=500)
    parser.add_argument("--threads", type=int, default=1)
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    data = open_data("digits", resolution=12, limit=TRAINED + HELD_OUT)
    marking = Marking(Border(2), seed=0, held_out=HELD_OUT / len(data))
    mark_dataset(data, asked.out / "marked", marking, {"data": "digits"})
    recipe = preset("digits-demo", num_train_epochs=asked.epochs)
    train(asked.out / "marked", asked.out / "model", recipe, device="cpu")
    rows = [measure(asked.out, title, reader) for title, reader in READERS.items()]
    sys.stdout.write(table(rows, asked.epochs) + "\n")


def measure(out: Path, title: str, reader: Reader) -> dict[str, float | str]:
    """Reads all keys with one reader; the seconds count everything, the calibration too."""
    folder = out / re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")
    question = Question(
        str(out / "model"), out / "marked", folder, (reader,), ceiling=False, batch_size=64
    )
    if not (folder / "evidence.parquet").is_file():
        start = time.perf_counter()
        observe(question)
        seconds = time.perf_counter() - start
        (folder / "seconds.json").write_text(json.dumps(seconds))
    seconds = json.loads((folder / "seconds.json").read_text())
    rows = score(folder)["rows"]

    def find(split: str, statistic: str, **which: float) -> dict[str, float]:
        wanted = {"split": split, "statistic": statistic, **which}
        return next(row for row in rows if wanted.items() <= row.items())

    hits = find("trained", "eidetic", delta=0.05)
    control = find("held_out", "eidetic", delta=0.05)
    one, tenth = (find("trained_vs_held_out", "tpr_at_fpr", fpr=fpr) for fpr in (0.01, 0.001))
    area = find("trained_vs_held_out", "auc")
    return {
        "title": title,
        "calls": hits["network_calls_per_image"],
        "seconds": seconds,
        "hits": f"{hits['count']} (chance {expected(hits)}, p {hits['p_value']:.1g})",
        "control": f"{control['count']} ({expected(control)})",
        "z": " / ".join(
            f"{find(s, 'permutation_z')['value']:.1f}" for s in ("trained", "held_out")
        ),
        "uniform": f"{uniformity(folder):.2f}",
        "auc": interval(area),
        "one": interval(one),
        "tenth": interval(tenth),
    }


def uniformity(folder: Path) -> float:
    """Kolmogorov and Smirnov's p-value for the p-values of the held-out images."""
    table = pq.read_table(folder / "scores.parquet", filters=[("split", "=", "held_out")])
    return float(stats.kstest(table["p_value"].to_numpy(), "uniform").pvalue)


def expected(row: dict[str, float]) -> str:
    return f"{row['chance'] * row['n']:.0f}"


def interval(row: dict[str, float]) -> str:
    return f"{row['value']:.3f} ({row['ci_low']:.3f} to {row['ci_high']:.3f})"


def table(rows: list[dict[str, float | str]], epochs: int) -> str:
    base = float(rows[0]["seconds"])
    lines = [
        "# Readers on the same checkpoint",
        "",
        f"`python benchmarks/readers.py OUT --epochs {epochs}`: {TRAINED} digits of 12 x 12 + 2 px "
        f"trained for {epochs} epochs with the recipe `digits-demo`, {HELD_OUT} held out. "
        "Detections are the share of trained images at a false-positive rate measured on the "
        "held-out ones (chance: that rate); intervals are 95 %. Time, calibration included, is "
        "the ratio to the first row, same run.",
        "",
        f"| reader | network calls an image | time | trained within .05 of {TRAINED} "
        "| held-out within .05 (chance) | held-out p-values uniform (KS p) "
        "| permutation z trained / held-out | AUC | detections at 1 % "
        "| detections at 0.1 % |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {row['title']} | {row['calls']:g} | {float(row['seconds']) / base:.1f} | {row['hits']} "
        f"| {row['control']} | {row['uniform']} | {row['z']} | {row['auc']} | {row['one']} "
        f"| {row['tenth']} |"
        for row in rows
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
