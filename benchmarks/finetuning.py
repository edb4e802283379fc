"""Fine-tuning a text-to-image model in full and as a LoRA: what each remembers of new pictures.

    solidmark demo --text OUT
    python benchmarks/finetuning.py OUT > benchmarks/finetuning.md

The base is the model of the text demo. It is fine-tuned on 64 drawings that it has never seen; 64
more are held out. The base itself is audited on the same images: it must be at chance.
"""

import argparse
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from solidmark.data import open_data
from solidmark.demo import DRAWING_RESOLUTION, DRAWING_SEGMENTS, DRAWING_THICKNESS, DRAWINGS
from solidmark.marks import Marking, Segments, mark_dataset
from solidmark.measures.audit import Question, observe, score
from solidmark.readers import Blend, LatentOutpaint, Recall
from solidmark.runs import read_json
from solidmark.training import Recipe, train

SEED = 1
COMMON: dict[str, Any] = {
    "train_batch_size": 32,
    "lr_scheduler": "cosine",
    "lr_warmup_steps": 20,
    "ema_decay": 0.98,
    "caption_dropout": 0.1,
    "seed": SEED,
}
RECIPES = {
    "in full": {"learning_rate": 1e-3, "num_train_epochs": 150},
    "LoRA, rank 4": {"learning_rate": 1e-2, "num_train_epochs": 150, "lora_rank": 4},
    "LoRA, rank 32": {"learning_rate": 1e-2, "num_train_epochs": 150, "lora_rank": 32},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    out = parser.parse_args().out
    torch.set_num_threads(1)
    mark(out / "new")
    base = str(out / "model" / "model")
    lines = [
        "# Fine-tuning a text-to-image model, in full and as a LoRA",
        "",
        "`solidmark demo --text OUT`, then `python benchmarks/finetuning.py OUT`. 64 drawings that "
        f"the base never saw, 64 held out, {DRAWING_RESOLUTION} px with a frame of "
        f"{DRAWING_THICKNESS} px in {DRAWING_SEGMENTS} greys; 150 epochs of batch 32, one seed. "
        "Named: at a false-discovery rate of 5 %. Permutation z: all keys in one test, in standard "
        "deviations; chance is 0 +- 1. Correlation: of painted and read greys, with 95 % interval.",
        "",
        "| model | weights trained | reader | calls an image "
        "| trained: named, permutation z (p) | "
        "correlation | held out: named, permutation z (p) |",
        "|---|---|---|---|---|---|---|",
    ]
    lines += audit(out, "base, untouched", base, 0)
    for name, changes in RECIPES.items():
        folder = out / f"tuned-{name.replace(' ', '-').replace(',', '')}"
        recipe = Recipe(base=base, **{**COMMON, **changes})
        train(out / "new", folder, recipe, device="cpu")
        lines += audit(out, name, str(folder), read_json(folder / "manifest.json")["parameters"])
    sys.stdout.write("\n".join(lines) + "\n")


def mark(folder: Path) -> None:
    """Marks drawings that lie between those of the demo."""
    every = open_data("openmoji", resolution=DRAWING_RESOLUTION)
    step = len(every) // DRAWINGS
    between = replace(every, records=every.records[step // 2 :: step][:DRAWINGS])
    marking = Marking(Segments(DRAWING_THICKNESS, DRAWING_SEGMENTS), seed=SEED, held_out=0.5)
    mark_dataset(between, folder, marking, {"data": "openmoji between", "seed": SEED})


def audit(out: Path, name: str, model: str, weights: int) -> list[str]:
    """A row a reader."""
    folder = out / f"audit-{Path(model).parent.name}-{Path(model).name}"
    readers = (Blend(), LatentOutpaint(steps=50), Recall())
    question = Question(model=model, marked=out / "new", out=folder, readers=readers, ceiling=False)
    observe(question)
    rows = score(folder)["rows"]

    def find(reader: str, split: str, statistic: str) -> dict[str, Any]:
        wanted = {"reader": reader, "split": split, "statistic": statistic}
        return next(row for row in rows if wanted.items() <= row.items())

    def cell(reader: str, split: str) -> str:
        named, z = find(reader, split, "named"), find(reader, split, "permutation_z")
        return f"{named['count']} of {named['n']}, {z['value']:.1f} ({z['p_value']:.2g})"

    lines = []
    for reader in sorted(reader.name for reader in readers):
        r = find(reader, "trained", "correlation")
        calls = r["network_calls_per_image"]
        lines.append(
            f"| {name} | {weights:,} | {reader} | {calls:g} | {cell(reader, 'trained')} | "
            f"{r['value']:.2f} ({r['ci_low']:.2f} to {r['ci_high']:.2f}) | "
            f"{cell(reader, 'held_out')} |"
        )
    return lines


if __name__ == "__main__":
    main()
