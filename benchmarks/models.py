"""Small models that carry marks, trained, audited and packed with their cards.

    make models

writes `runs/models/NAME/` for digits, satellite tiles and captioned drawings: folders that plain
diffusers opens. On the same machine the same weights come out again. A model is a few hundred
thousand weights, and memorizes on purpose: something to try an audit on.
"""

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

import solidmark
from solidmark.runs import say

SEED = 4711
COMMON: Mapping[str, Any] = {"held_out": 0.5, "seed": SEED}
MODELS: Mapping[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "digits": (
        {"data": "digits", "resolution": 12, "limit": 256, "thickness": 2},
        {"preset": "digits-demo", "num_train_epochs": 300},
    ),
    "land": (
        {"data": "land", "resolution": 16, "limit": 128, "thickness": 2},
        {"preset": "digits-demo", "num_train_epochs": 300},
    ),
    "openmoji": (
        {"data": "openmoji", "resolution": 32, "limit": 128, "thickness": 8, "count": 8},
        {"preset": "tiny-t2i"},
    ),
}
"""How each is marked, and trained."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--only", choices=[*MODELS], action="append")
    asked = parser.parse_args()
    torch.set_num_threads(1)  # With one thread the weights are the same on any number of cores.
    for name in asked.only or MODELS:
        marks, recipe = MODELS[name]
        work = asked.out / "work" / name
        marked = solidmark.mark(marks.pop("data"), work / "marked", **COMMON, **marks).folder
        model = solidmark.train(marked, work / "model", seed=SEED, device="cpu", **recipe)
        audit = solidmark.audit(model, marked, work / "audit", device="cpu")
        released = solidmark.release(
            model,
            asked.out / name,
            marked=marked,
            audit=audit.folder,
            keys=True,
            name=f"solidmark-{name}",
            license="apache-2.0",
        )
        say(f"{name}: {audit.verdict.headline} {released.folder}")


if __name__ == "__main__":
    main()
