"""How many segments name how many images, by epochs, on a small scale.

    python benchmarks/segments.py OUT > benchmarks/segments.md

Trains one small network a count of segments on 64 handwritten digits, keeps it at several epochs,
and names images among these and 64 held-out ones at a false-discovery rate of 1 %.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import torch

from solidmark.audit import Question, observe, score
from solidmark.data import open_data
from solidmark.marks import Border, Marking, Segments, mark_dataset
from solidmark.readers import Energy, Gradient, Linear, Outpaint, Reader
from solidmark.scores import q_values
from solidmark.training import preset, train

DIGITS = 128
EPOCHS = (100, 200, 300, 400, 600)
FDR = 0.01


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    lines = [
        "# Segments, by epochs",
        "",
        f"`python benchmarks/segments.py OUT`: {DIGITS // 2} digits of 12 x 12 + 2 px trained with "
        f"the recipe `digits-demo`, {DIGITS // 2} held out, one network a count of segments. Each "
        "cell: trained images named at a false-discovery rate of 1 % when mixed with the held-out "
        "ones + held-out images named with them (median p-value of the trained). One seed.",
        "",
        "| segments | reader | network calls an image | "
        + " | ".join(f"{epoch} epochs" for epoch in EPOCHS)
        + " |",
        "|---|---|---|" + "---|" * len(EPOCHS),
    ]
    for count in (1, 4, 16):
        lines += rows(asked.out, count)
    sys.stdout.write("\n".join(lines) + "\n")


def rows(out: Path, count: int) -> list[str]:
    data = open_data("digits", resolution=12, limit=DIGITS)
    marked, model = out / f"marked-{count}", out / f"model-{count}"
    pattern = Border(2) if count == 1 else Segments(2, count)
    mark_dataset(data, marked, Marking(pattern, held_out=0.5), {"data": "digits"})
    recipe = preset("digits-demo", num_train_epochs=EPOCHS[-1], checkpoint_at=EPOCHS)
    train(marked, model, recipe, device="cpu")
    readers: tuple[Reader, ...] = (Energy(), Outpaint())
    if count > 1:
        readers = (Gradient(), Linear(), Outpaint())
    table: dict[str, list[str]] = {reader.name: [] for reader in readers}
    for epoch in EPOCHS:
        folder = out / f"audit-{count}-{epoch}"
        network = str(model / "epochs" / f"epoch-{epoch:04d}")
        observe(Question(network, marked, folder, readers, ceiling=False))
        calls = {row["reader"]: row["network_calls_per_image"] for row in score(folder)["rows"]}
        for name, cells in table.items():
            cells.append(cell(folder, name))
    return [
        f"| {count} | {name} | {calls[name]:g} | " + " | ".join(cells) + " |"
        for name, cells in table.items()
    ]


def cell(folder: Path, reader: str) -> str:
    """Named among the trained + named among the held-out (median p-value of the trained)."""
    found = pq.read_table(folder / "scores.parquet", filters=[("reader", "=", reader)])
    p_values = found["p_value"].to_numpy()
    trained = np.array(found["split"].to_pylist()) == "trained"
    named = q_values(p_values) <= FDR
    median = np.median(p_values[trained])
    return f"{int(named[trained].sum())} + {int(named[~trained].sum())} ({median:.1g})"


if __name__ == "__main__":
    main()
