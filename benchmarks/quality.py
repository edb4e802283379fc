"""What the mark does to the images that a model learns: one grey, sixteen, or none.

    python benchmarks/quality.py OUT > benchmarks/quality.md

OUT is the folder of `naming.py`, whose networks for 256 digits are used; a third one is trained on
the same digits in a frame that is neutral grey for all, which is no key. Writes
`benchmarks/quality.png`: samples of the three, side by side. Ten minutes beyond those.
"""

import argparse
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from naming_cases import CASES, EPOCHS, SIDE, THICKNESS, Case
from PIL import Image as Picture
from torch import Tensor
from torch.nn.functional import pad

from solidmark.data import open_data, to_picture
from solidmark.diffusion import Model, Sampler, spaced_times
from solidmark.marks import Center, Marking, mark_dataset, open_marked
from solidmark.models import open_model
from solidmark.randomness import generator, normal
from solidmark.scores import roc
from solidmark.training import preset, train

TIMES = (0.1, 0.3)
DRAWS = 8
"""Noises an image: the loss is their mean."""
SAMPLES, STEPS = 48, 100
SHEET = Path(__file__).parent / "quality.png"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    out = parser.parse_args().out
    torch.set_num_threads(1)
    solid, segments = (next(c for c in CASES if c.name == f"digits-{n}") for n in (1, 16))
    for case in (solid, segments):
        case.make(out)
    networks = {
        "neutral frame (no key)": train_without_key(segments, out),
        "one grey": out / "model" / solid.name,
        "16 greys": out / "model" / segments.name,
    }
    sheets, lines = [], []
    trained, held_out = pictures(segments, out)
    for name, folder in networks.items():
        for epoch in (EPOCHS[2], EPOCHS[-1]):
            model = open_model(str(folder / "epochs" / f"epoch-{epoch:04d}"))
            lines.append(line(name, epoch, folder, model, trained, held_out))
        sheets.append(sheet(samples(model)))
    gap = np.full((8, sheets[0].shape[1]), 255, np.uint8)
    Picture.fromarray(np.concatenate([x for one in sheets for x in (one, gap)][:-1])).save(SHEET)
    sys.stdout.write("\n".join([*HEAD, *lines]) + "\n")


HEAD = (
    "# Image quality: one grey, sixteen, or no key",
    "",
    "`python benchmarks/quality.py OUT`. 256 digits, the networks of [naming.md](naming.md) and "
    "one that was trained in a frame of neutral grey, which tells nothing; the same recipe, seed "
    "and number of steps.",
    "",
    "Training loss: mean over the 5 % of the steps before this epoch (v-prediction, the frame "
    "counts too). Loss in the image: squared error of the predicted image over its pixels, "
    f"neutral frame, mean of {DRAWS} noises an image; held-out over trained, and the AUC of the "
    "two, say how much the network remembers without any key. The network without a key is asked "
    "in the frame that it was trained in, the others in one that is new to them.",
    "",
    f"![samples](quality.png) {SAMPLES} samples each at {EPOCHS[-1]} epochs, frames cut off: "
    "neutral frame above, one grey in the middle, 16 greys below.",
    "",
    "| trained with | epochs | training loss | "
    + " | ".join(f"t = {t:g}: loss in the image, held-out / trained (AUC)" for t in TIMES)
    + " |",
    "|---|---|---|" + "---|" * len(TIMES),
)


def train_without_key(case: Case, out: Path) -> Path:
    """Trains on the same images in a neutral frame. One of them has to bear a mark: 1 in 256."""
    framed, marked, model = (out / kind / "neutral" for kind in ("data", "marked", "model"))
    framed.mkdir(parents=True, exist_ok=True)
    source = open_marked(case.marked(out))
    for number, id in enumerate(sorted(source.ids("trained"))):
        image = source.pattern.crop(source.sample(id).image[None])
        to_picture(frame(image)[0]).save(framed / f"{number:03d}.png")
    share = 1 / case.trained
    marking = Marking(Center(4), seed=0, held_out=0.0, canaries=share, near_duplicates=False)
    mark_dataset(open_data(str(framed), mode="L"), marked, marking, {"data": "neutral"})
    recipe = preset("digits-demo", num_train_epochs=EPOCHS[-1], checkpoint_at=EPOCHS)
    train(marked, model, recipe, device="cpu")
    return model


def frame(images: Tensor) -> Tensor:
    return pad(images, (THICKNESS,) * 4, value=0.5)


def pictures(case: Case, out: Path) -> tuple[Tensor, Tensor]:
    """The trained and the held-out images without their marks."""
    source = open_marked(case.marked(out))
    trained, held_out = (
        torch.stack([source.sample(id).image for id in sorted(source.ids(split))])
        for split in ("trained", "held_out")
    )
    return source.pattern.crop(trained), source.pattern.crop(held_out)


def line(
    name: str, epoch: int, folder: Path, model: Model, trained: Tensor, held_out: Tensor
) -> str:
    rows = (folder / "loss.csv").read_text().splitlines()
    place = rows[0].split(",").index("loss")
    losses = [float(row.split(",")[place]) for row in rows[1:]]
    end = round(len(losses) * epoch / EPOCHS[-1])
    mean = np.mean(losses[end - max(1, len(losses) // 20) : end])
    cells = []
    for t in TIMES:
        known, unknown = (in_the_image(model, images, t) for images in (trained, held_out))
        gap = float(unknown.mean() / known.mean())
        auc = roc(known.numpy(), unknown.numpy()).auc.value
        cells.append(f"{float(known.mean()):.4f}, x {gap:.2f} ({auc:.3f})")
    return f"| {name} | {epoch} | {mean:.4f} | " + " | ".join(cells) + " |"


def in_the_image(model: Model, images: Tensor, t: float) -> Tensor:
    """The squared error of the predicted image, one mean an image."""
    alpha, sigma = model.schedule(t)
    z_0 = model.encode(frame(images))
    total = torch.zeros(len(images), dtype=torch.float64)
    for draw in range(DRAWS):
        noises = [generator(0, str(number), draw, "quality") for number in range(len(images))]
        z_t = alpha * z_0 + sigma * normal(noises, z_0.shape[1:])
        error = (model.denoise(z_t, t, None) - z_0) ** 2
        total += error[..., THICKNESS:-THICKNESS, THICKNESS:-THICKNESS].double().mean((1, 2, 3))
    return total / DRAWS


def samples(model: Model) -> Tensor:
    """Samples by ancestral steps, the same noise for every model; frames cut off."""
    sampler = Sampler(model.schedule, 1.0)
    noises = [generator(0, str(number), 0, "sample") for number in range(SAMPLES)]
    shape = (1, SIDE + 2 * THICKNESS, SIDE + 2 * THICKNESS)
    z = normal(noises, shape)
    for t, s in pairwise([*spaced_times(STEPS, 1.0), -1.0]):
        expected = model.denoise(z, t, None).clamp(-1, 1)
        z = sampler.step(z, expected, normal(noises, shape), t, s)
    return model.decode(z)[..., THICKNESS:-THICKNESS, THICKNESS:-THICKNESS]


def sheet(images: Tensor, columns: int = 24, scale: int = 3) -> np.ndarray:
    """The samples in rows, enlarged."""
    tiles = pad(images[:, 0], (1, 1, 1, 1), value=1.0)
    rows = [torch.cat(list(row), 1) for row in tiles.split(columns)]
    levels = (torch.cat(rows) * 255).round().to(torch.uint8).numpy()
    return levels.repeat(scale, 0).repeat(scale, 1)


if __name__ == "__main__":
    main()
