"""What reading a key costs on a latent model: Energy against Algorithm 1, side by side.

    python benchmarks/reading.py [--device cuda --size 512 --full] > benchmarks/reading.md

Random weights: only time and memory are measured, no key is read. Small by default, so that it runs
on a processor; `--full` takes the sizes of Stable Diffusion 1.5.
"""

import argparse
import platform
import resource
import sys
import time
from multiprocessing import get_context
from typing import Any

import torch
from diffusers import AutoencoderKL, DDIMScheduler, UNet2DConditionModel

from solidmark.diffusion import Metered
from solidmark.marks import Border, Pattern
from solidmark.models import Conditions, LatentModel
from solidmark.models.conditions import EMBEDS
from solidmark.models.pipelines import schedule_of
from solidmark.models.stable_diffusion import StableDiffusion
from solidmark.models.vae import Vae, factor_of
from solidmark.readers import Blend, Energy, LatentOutpaint, Query, Reader, Recall

REPEATS = 3


READERS: dict[str, Reader] = {
    "Algorithm 1, 100 steps, guidance 3": LatentOutpaint(),
    "the same, pasting latents": LatentOutpaint(paste="latents"),
    "Energy, K = 9": Energy(t=0.1),
    "Blend": Blend(t=0.1),
    "Recall": Recall(),
}


class Untold(StableDiffusion):
    """Stable Diffusion without its encoder: any numbers stand for captions."""

    def unconditional(self, condition: Conditions) -> Conditions:
        return condition.map(torch.zeros_like)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--images", type=int, default=4)
    parser.add_argument("--full", action="store_true")
    asked = parser.parse_args()
    rows = {}
    for name in READERS:
        # A process of its own, since the peak of a process never falls.
        with get_context("spawn").Pool(1) as pool:
            rows[name] = pool.apply(measure, (READERS[name], asked))
    slowest = next(iter(rows.values()))["seconds"]
    first = next(iter(rows.values()))
    lines = [
        "# What reading a key costs on a latent model",
        "",
        f"`python benchmarks/reading.py{' --full' if asked.full else ''}`: random weights, a U-Net "
        f"of {first['parameters'] / 1e6:.1f} M parameters and an autoencoder with a factor of 8, "
        f"{asked.size} px and a frame of 2 x 16 px in one grey, {first['dtype']}, batches of "
        f"{asked.images}, {first['where']}, one thread; the fastest of {REPEATS} runs. "
        "Calibration is left out: it is once a run.",
        "",
        "| reader | network calls an image | images per second, over Algorithm 1 | peak memory |",
        "|---|---|---|---|",
    ]
    for name, row in rows.items():
        ratio, memory = slowest / row["seconds"], row["memory"] / 2**20
        lines.append(f"| {name} | {row['calls']:g} | x {ratio:.1f} | {memory:.0f} MiB |")
    sys.stdout.write("\n".join(lines) + "\n")


def build(full: bool, device: str, dtype: torch.dtype) -> LatentModel:
    """Stable Diffusion's networks with random weights, in its own sizes or small."""
    torch.manual_seed(0)
    widths = (320, 640, 1280, 1280) if full else (32, 64, 64)
    width = 768 if full else 64
    levels = len(widths) - 1
    unet = UNet2DConditionModel(
        block_out_channels=widths,
        layers_per_block=2 if full else 1,
        down_block_types=("CrossAttnDownBlock2D",) * levels + ("DownBlock2D",),
        up_block_types=("UpBlock2D",) + ("CrossAttnUpBlock2D",) * levels,
        cross_attention_dim=width,
    )
    blocks = (128, 256, 512, 512) if full else (32, 32, 64, 64)
    vae = AutoencoderKL(
        block_out_channels=blocks,
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        latent_channels=4,
        layers_per_block=2 if full else 1,
        scaling_factor=0.18215,
    )
    for network in (unet, vae):
        network.to(device, dtype).eval().requires_grad_(False)
    schedule, prediction = schedule_of(DDIMScheduler())
    family = Untold(None, None)
    return LatentModel(unet, Vae(vae, factor_of(vae)), family, schedule, prediction)


def measure(reader: Reader, asked: argparse.Namespace, repeats: int = REPEATS) -> dict[str, Any]:
    """Seconds and calls an image, and the peak memory in bytes."""
    torch.set_num_threads(1)
    model = build(asked.full, asked.device, torch.bfloat16 if asked.full else torch.float32)
    cuda = asked.device.startswith("cuda")
    width = model.network.config.cross_attention_dim
    told = Conditions({EMBEDS: torch.randn(asked.images, 77, width)})
    images = torch.rand(asked.images, 3, asked.size, asked.size)
    took = timed(model, reader, images, Border(16), told, repeats)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {
        **took,
        "memory": torch.cuda.max_memory_allocated() if cuda else peak,
        "parameters": sum(p.numel() for p in model.network.parameters()),
        "dtype": str(model.network.dtype).removeprefix("torch."),
        "where": torch.cuda.get_device_name() if cuda else platform.machine(),
    }


def timed(
    model: Any, reader: Reader, images: torch.Tensor, pattern: Pattern, told: Any, repeats: int
) -> dict[str, float]:
    """Seconds of the clock and of the processor, the least of some repeats, and calls an image.

    Calibration is once a run, and left out.
    """

    def query() -> Query:
        generators = [torch.Generator().manual_seed(n) for n in range(len(images))]
        return Query(images, pattern, told, generators)

    calibration = reader.calibrate(model, query())
    clock, processor = [], []
    for _ in range(repeats):
        metered = Metered(model, len(images))
        begun, used = time.perf_counter(), time.process_time()
        reader.read(metered, query(), calibration)
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        clock.append(time.perf_counter() - begun)
        processor.append(time.process_time() - used)
    calls = metered.calls / len(images)
    return {"seconds": min(clock), "cpu_seconds": min(processor), "calls": calls}


if __name__ == "__main__":
    main()
