"""Which models are said to know the marked images, and why the others are said not to.

    python benchmarks/knowing.py OUT > benchmarks/knowing.md

The networks are the demo's, after 1 to 400 of its epochs, with frames of sixteen greys and of one,
and with flips. The models in closed form stand for trainers that crop, flip, or read another
folder: each once as a memorizer and once as a Gaussian, which memorizes nothing.
"""

import argparse
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from solidmark.data import open_data
from solidmark.demo import DIGITS, EPOCHS, RESOLUTION, SEGMENTS, THICKNESS
from solidmark.diffusion import Model
from solidmark.marks import Border, Marked, Marking, Segments, mark_dataset, open_marked
from solidmark.measures.audit.knowing import keep_knowing, knowing_of
from solidmark.models import open_model
from solidmark.models.analytic import Gaussian, Memorizer
from solidmark.models.controls import control_samples
from solidmark.runs import Room
from solidmark.subjects.views import without_frame
from solidmark.training import preset, train

KEPT = (1, 4, 10, 20, 40, 100, 200, 400)
CUT = (0.75, 1.0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    out = parser.parse_args().out
    torch.set_num_threads(1)
    data = open_data("digits", resolution=RESOLUTION, limit=DIGITS)
    say("# Does the model know the marked images?\n\n`python benchmarks/knowing.py OUT`")
    for pattern in (Segments(THICKNESS, SEGMENTS), Border(THICKNESS)):
        folder = out / type(pattern).__name__.lower()
        mark_dataset(
            data, folder / "marked", Marking(pattern, seed=0, held_out=0.5), {"data": "digits"}
        )
        marked = open_marked(folder / "marked")
        say(f"\n## {pattern!r}\n")
        say("| model | frames | pictures | cut-outs | no frame | mirror | said | reason |")
        say("|---|---|---|---|---|---|---|---|")
        for name, model in models(folder, marked):
            say(line(name, folder / "asked" / name, marked, model))


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def models(folder: Path, marked: Marked) -> Iterator[tuple[str, Model]]:
    """The networks, then the models in closed form."""
    flips = (False, True) if isinstance(marked.pattern, Segments) else (False,)
    for flip in flips:
        out = folder / ("flips" if flip else "plain")
        recipe = preset(
            "digits-demo", num_train_epochs=EPOCHS, random_flip=flip, checkpoint_at=KEPT
        )
        train(marked.folder, out, recipe, device="cpu")
        for epoch in KEPT:
            where = out / "epochs" / f"epoch-{epoch:04d}"
            yield f"{out.name}, {epoch} epochs", open_model(str(where))
    others = open_data("digits", resolution=RESOLUTION)
    last = torch.stack([others[i].image for i in range(len(others) - 64, len(others))])
    keys = torch.rand(64, marked.pattern.count, generator=torch.Generator().manual_seed(1))
    shown: dict[str, Callable[[Tensor], Tensor]] = {
        "as marked": lambda x: x,
        "flips": lambda x: torch.cat([x, x.flip(-1)]),
        "all mirrored": lambda x: x.flip(-1),
        "crops of 3/4": lambda x: crops(x, CUT[:1] * 2),
        "crops of 3/4 to 1": lambda x: crops(x, CUT),
        "no frames": lambda x: without_frame(marked.pattern, x),
        "other digits": lambda x: marked.pattern.apply(last, keys),
    }
    images = {
        name: torch.stack([sample.image for sample in control_samples(marked, name, 0)])
        for name in ("memorizer", "gaussian")
    }
    for name, change in shown.items():
        yield f"memorizer, {name}", Memorizer(change(images["memorizer"]))
        yield f"gaussian, {name}", Gaussian(change(images["gaussian"]))


def crops(images: Tensor, shares: tuple[float, float], repeats: int = 16) -> Tensor:
    """Cut-outs as a trainer with random crops shows them, scaled up to the whole."""
    draw, size = torch.Generator().manual_seed(0), images.shape[-1]
    low, high = (round(share * size) for share in shares)
    parts = []
    for image in images[:256].repeat(max(1, repeats * 64 // len(images[:256])), 1, 1, 1):
        side = int(torch.randint(low, high + 1, (1,), generator=draw))
        top, left = (int(torch.randint(size - side + 1, (1,), generator=draw)) for _ in range(2))
        part = image[None, :, top : top + side, left : left + side]
        parts.append(interpolate(part, (size, size), mode="bilinear", antialias=True))
    return torch.cat(parts)


def line(name: str, out: Path, marked: Marked, model: Model) -> str:
    """A row of the table: the gains, mean logarithms of ratios of errors, and what is said."""
    keep_knowing(out, marked, model, marked.ids("trained"), 0, Room(64, "cpu"))
    found = knowing_of(out)
    assert found is not None
    views = ("frames", "pictures", "cropped", "unmarked", "mirrored")
    shown = " | ".join(f"{found.gains[view].value:+.2f}" for view in views)
    also = ", mirror too" if found.state == "known" and found.mirrored_too else ""
    return f"| {name} | {shown} | {found.state}{also} | {found.reason or ''} |"


if __name__ == "__main__":
    main()
