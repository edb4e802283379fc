"""What one card does with models of the published sizes: images a second, and memory.

    python benchmarks/gpu.py OUT [--minutes 8]     a card, in at most so many minutes
    python benchmarks/gpu.py OUT --tiny --device cpu     the same script in small, in a minute

Pipelines of the sizes of Stable Diffusion 1.5 and XL with random weights in bf16, autoencoder in
fp32, are asked about 512 px with a frame of 16 px in 16 greys; text encoders and autoencoder on the
card, or at home (offload). Then a network of pixels of 35 million weights is trained on 2,000
pictures of 64 px. What does not fit into its share of the minutes is cut short, and said. Writes
OUT/gpu.md and OUT/gpu.json after every row, so that what was measured is there whatever comes.
"""

import argparse
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from published_sizes import stable_diffusion, stable_diffusion_xl

from solidmark.data import Sample
from solidmark.diffusion import Metered, Model
from solidmark.errors import OutOfMemory
from solidmark.marks import Marking, Segments, mark_dataset
from solidmark.models.footprint import image_bytes, room_for
from solidmark.models.pipelines import to_model
from solidmark.randomness import generator
from solidmark.readers import DESCENDING, Blend, Energy, LatentOutpaint, Reader, Recall
from solidmark.runs import Room, forget_peak, free_bytes, peak_memory_bytes
from solidmark.subjects import SolidMark
from solidmark.training import Recipe, train

SIDE, FRAME, GREYS = 512, 16, 16
BATCH, SMALL_BATCH = 16, 2
REFERENCES = 2
"""Images that a reader is calibrated on: enough to ask, and its time is told apart."""
MODELS: dict[str, Callable[..., Any]] = {"SD 1.5": stable_diffusion, "SDXL": stable_diffusion_xl}
READERS: tuple[Reader, ...] = (
    Recall(),
    Blend(t=0.1),
    Energy(candidates=3, t=0.1),
    LatentOutpaint(steps=20, guidance=3.0),
)
TITLES = {
    "recall": "Recall, 4 draws",
    "blend": "Blend, 4 gradients",
    "energy": "Energy, 3 candidates a grey",
    "latent-outpaint": "Algorithm 1, 20 of its 100 steps",
}
SHARE_OF_TRAINING = 0.15


@dataclass(frozen=True)
class Row:
    """What was measured.

    Arguments:
        what: The model, or the training.
        how: The reader, or the recipe.
        offload: Whether what is not needed stays at home.
        images: How many images were asked about.
        at_once: How many at a time.
        seconds: How long that took, the first ones left out.
        peak: The most memory on the device, in bytes.
        foreseen: What was estimated for weights and images, in bytes.
        note: What was cut short, or did not fit.
    """

    what: str
    how: str
    offload: bool
    images: int
    at_once: int
    seconds: float
    peak: int
    foreseen: int
    note: str = ""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--minutes", type=float, default=8.0)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--tiny", action="store_true")
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    rows: list[Row] = []
    for row in _rows(asked, time.monotonic() + 60 * asked.minutes):
        rows.append(row)
        text = json.dumps([asdict(one) for one in rows], indent=1)
        (asked.out / "gpu.json").write_text(text)
        (asked.out / "gpu.md").write_text(_page(rows, asked))


def _rows(asked: Any, end: float) -> Iterator[Row]:
    left = len(MODELS) * 2 * len(READERS)
    training = SHARE_OF_TRAINING * (end - time.monotonic())
    for name, build in MODELS.items():
        for offload in (False, True):
            pipe = build(torch.bfloat16, asked.device, asked.tiny)
            model = to_model(pipe, torch.device(asked.device), offloaded=offload)
            weights = sum(
                part.numel() * part.element_size()
                for kind in pipe.components.values()
                if isinstance(kind, torch.nn.Module)
                for part in kind.parameters()
                if part.device.type == asked.device.partition(":")[0]
            )
            for reader in READERS:
                seconds = (end - training - time.monotonic()) / max(1, left)
                left -= 1
                yield _ask(asked, name, model, reader, offload, weights, seconds)
            del pipe, model
            if asked.device != "cpu":
                torch.cuda.empty_cache()
    yield _train(asked, end)


def _ask(
    asked: Any, name: str, model: Model, reader: Reader, offload: bool, weights: int, most: float
) -> Row:
    """Asks about batches until the time is spent; the first one is not counted."""
    side, frame = (32, 16) if asked.tiny else (SIDE, FRAME)
    pattern = Segments(frame, GREYS)
    size = pattern.marked_size(side, side)
    began = time.monotonic()
    through = "images" if isinstance(reader, DESCENDING) else "none"
    image = image_bytes(model, size, through)  # type: ignore[arg-type]
    wanted = SMALL_BATCH if asked.tiny else BATCH
    room: Room = room_for(model, wanted, asked.device, [size], through)  # type: ignore[arg-type]
    measure = SolidMark(reader, pattern)
    forget_peak(asked.device)
    images, seconds, note = 0, 0.0, ""
    try:
        references = _samples(REFERENCES, size)
        calibration = room.fit(lambda n: measure.calibrate(Metered(model, n), references))
        for warm in (False, True):
            images, seconds = 0, 0.0
            while not images or (warm and time.monotonic() - began < most):
                samples = _samples(room.size, size)
                before = time.monotonic()
                images += room.fit(partial(_answers, measure, model, samples, calibration))
                seconds += time.monotonic() - before
            if time.monotonic() - began > most:
                note = "" if warm else "the first batch only"
                break
    except OutOfMemory as error:
        note = str(error)[:120]
    foreseen = weights + image * room.size
    how = TITLES[reader.name]
    peak = peak_memory_bytes(asked.device)
    return Row(name, how, offload, images, room.size, seconds, peak, foreseen, note)


def _answers(
    measure: SolidMark, model: Model, samples: list[Sample], calibration: Any, most: int
) -> int:
    part = samples[:most]
    noise = [generator(0, sample.id) for sample in part]
    measure.observe(Metered(model, len(part)), part, noise, calibration)
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return len(part)


def _samples(count: int, size: tuple[int, int]) -> list[Sample]:
    found = []
    for number in range(count):
        noise = torch.Generator().manual_seed(number)
        image = torch.rand(3, *size, generator=noise)
        found.append(Sample(f"{number}", image, f"{number}", f"picture number {number}"))
    return found


class _Pictures:
    """Pictures of noise, in memory."""

    def __init__(self, count: int, side: int) -> None:
        self.ids = [f"{number:05d}" for number in range(count)]
        self.side = side

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, number: int) -> Sample:
        noise = torch.Generator().manual_seed(number)
        image = torch.randint(256, (3, self.side, self.side), generator=noise) / 255
        return Sample(self.ids[number], image, self.ids[number])


def _train(asked: Any, end: float) -> Row:
    """Trains a network of pixels: some steps to get warm, then as many as there is time for."""
    count, side, batch = (24, 16, 4) if asked.tiny else (2000, 64, 64)
    widths = (32, 32) if asked.tiny else (128, 256, 256, 256)
    folder = asked.out / "marked"
    if not (folder / "manifest.json").is_file():
        marking = Marking(Segments(4, GREYS), seed=0, held_out=0.5)
        mark_dataset(_Pictures(2 * count, side - 8), folder, marking, {"count": 2 * count})
    recipe: dict[str, Any] = {
        "block_out_channels": widths,
        "attention_levels": (len(widths) - 1,),
        "attention_head_dim": 8 if asked.tiny else 64,
        "train_batch_size": batch,
        "mixed_precision": "bf16" if asked.device != "cpu" else "no",
    }
    forget_peak(asked.device)
    took = {}
    for steps in (4, 12) if asked.tiny else (20, 220):
        before = time.monotonic()
        out = asked.out / f"trained-{steps}"
        train(folder, out, Recipe(**recipe, max_train_steps=steps), device=asked.device)
        took[steps] = time.monotonic() - before
        if time.monotonic() > end:
            break
    steps = max(took) - min(took)
    seconds = max(took.values()) - min(took.values())
    note = "" if steps else "no time was left for it"
    peak = peak_memory_bytes(asked.device)
    how = f"{' '.join(map(str, widths))}, {side} px"
    return Row("training of pixels", how, False, steps * batch, batch, seconds, peak, 0, note)


def _page(rows: list[Row], asked: Any) -> str:
    device = torch.cuda.get_device_name() if asked.device.startswith("cuda") else asked.device
    free = free_bytes(asked.device) or 0
    lines = [
        "# One card: images a second, and memory",
        "",
        f"`python benchmarks/gpu.py OUT{' --tiny' if asked.tiny else ''}` on {device}, torch "
        f"{torch.__version__}, {free / 2**30:.1f} GiB free at the end. Random weights in bf16, "
        f"autoencoder in fp32; {SIDE} + 2 x {FRAME} px, {GREYS} greys. Estimated: weights on the "
        "card and what `models/footprint.py` says of so many images.",
        "",
        "| model | asked by | offload | at a time | images a second | peak | estimated | |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        pace = f"{row.images / row.seconds:.2f}" if row.seconds else ""
        estimated = f"{row.foreseen / 2**30:.1f} GiB" if row.foreseen else ""
        lines.append(
            f"| {row.what} | {row.how} | {'yes' if row.offload else 'no'} | {row.at_once} | {pace} "
            f"| {row.peak / 2**30:.1f} GiB | {estimated} | {row.note} |"
        )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
