"""What each part of the Energy reader is worth, on a trained network and on a perfect memorizer.

    python benchmarks/readers.py OUT --epochs 500 > benchmarks/readers.md
    python benchmarks/energy.py OUT > benchmarks/energy.md

Uses the checkpoint and the marked images of `benchmarks/readers.py`, and the first 128 trained and
128 held-out digits of them.
"""

import argparse
import sys
from pathlib import Path

import torch

from solidmark.diffusion import Model
from solidmark.marks import Marked, open_marked
from solidmark.models import Memorizer, open_model
from solidmark.randomness import generator
from solidmark.readers import Energy, Query
from solidmark.readers.energy import TIMES, minimum
from solidmark.types import Images, Keys

N = 128


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    marked = open_marked(asked.out / "marked")
    ids = marked.ids("trained")[:N] + marked.ids("held_out")[:N]
    images = torch.stack([marked.sample(id).image for id in ids])
    keys = marked.pattern.read(images)
    models = {
        "network": open_model(str(asked.out / "model")),
        "perfect memorizer": Memorizer(images[:N]),
    }
    lines = [
        "# What each part of the Energy reader is worth",
        "",
        f"`python benchmarks/energy.py OUT`, after `benchmarks/readers.py OUT`: of {N} trained "
        f"digits (and {N} held out, in brackets) how many keys are read within 0.05, at K = 9. "
        "`chosen` is the time that the reader picks without the keys.",
        "",
        "| model | weight of the frame | standardised | "
        + " | ".join(f"t = {t:g}" for t in TIMES)
        + " | chosen |",
        "|---|---|---|" + "---|" * (len(TIMES) + 1),
    ]
    for name, model in models.items():
        for weight in (0.0, 0.1, 1.0):
            reader = Energy(frame_weight=weight)
            for standardised in (True, False):
                cells = [count(model, marked, images, keys, reader, t, standardised) for t in TIMES]
                chosen = pick(model, marked, images, reader) if standardised else None
                cells.append("" if chosen is None else f"t = {chosen:g}")
                lines.append(
                    f"| {name} | {weight:g} | {'yes' if standardised else 'no'} | "
                    + " | ".join(cells)
                    + " |"
                )
    sys.stdout.write("\n".join(lines) + "\n")


def query(marked: Marked, images: Images) -> Query:
    return Query(marked.pattern.crop(images), marked.pattern, None)


def count(
    model: Model,
    marked: Marked,
    images: Images,
    keys: Keys,
    reader: Energy,
    t: float,
    standardised: bool,
) -> str:
    curves = reader.energies(model, query(marked, images), t)
    curves = curves - curves.mean(-1, keepdim=True)
    if standardised:
        curves = (curves - curves.mean(0)) / curves.std(0, correction=0).clamp(min=1e-6)
    near = ((minimum(curves) - keys).abs() <= 0.05).squeeze(1)
    return f"{int(near[:N].sum())} ({int(near[N:].sum())})"


def pick(model: Model, marked: Marked, images: Images, reader: Energy) -> float:
    chosen = torch.randperm(len(images), generator=generator(0, "reference"))[:64]
    return float(reader.calibrate(model, query(marked, images[chosen]))["t"])


if __name__ == "__main__":
    main()
