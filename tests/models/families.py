"""The tiny pipelines of all families, and what the tests ask of them."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import tiny
import torch

from solidmark.data import Sample

PIPELINES: dict[str, Callable[[Path], Path]] = {
    "sd": tiny.stable_diffusion,
    "sd-v": partial(tiny.stable_diffusion, prediction_type="v_prediction"),
    "sdxl": tiny.stable_diffusion_xl,
    "sdxl-empty": partial(tiny.stable_diffusion_xl, force_zeros_for_empty_prompt=False),
    "sd3": tiny.stable_diffusion_3,
    "sd3-no-t5": partial(tiny.stable_diffusion_3, t5=False),
    "flux-dev": tiny.flux,
    "flux-schnell": partial(tiny.flux, dev=False),
    "dit": tiny.dit,
    "pixart-alpha": tiny.pixart,
    "pixart-sigma": partial(tiny.pixart, sigma=True),
}
GUIDED = [name for name in PIPELINES if "flux" not in name]
TOLD_CAPTIONS = [name for name in PIPELINES if name != "dit"]


def size(name: str) -> tuple[int, int]:
    """Height and width of what a family is asked: no square, where it can."""
    return (32, 32) if name == "dit" else (24, 32)


def samples(count: int, height: int, width: int) -> list[Sample]:
    """Smooth pictures with captions and classes."""
    found = []
    for number in range(count):
        noise = torch.rand(3, 4, 4, generator=torch.Generator().manual_seed(number))
        image = torch.nn.functional.interpolate(noise[None], (height, width), mode="bilinear")[0]
        word = tiny.WORDS[number % len(tiny.WORDS)]
        caption = f" A small {word}" + " of the red house" * 4 * number  # Some are cut.
        found.append(Sample(f"{number}", image, f"{number}", caption, class_index=7 + number))
    return found


def said(model: Any, condition: Any, sides: tuple[int, int] = (6, 8)) -> torch.Tensor:
    """What a model makes of the same noise under a condition, at half time."""
    z = torch.randn(len(condition), 4, *sides, generator=torch.Generator().manual_seed(1))
    return model.denoise(z, 0.5, condition)


def differ(one: torch.Tensor, two: torch.Tensor) -> bool:
    """Whether two tensors are not the same up to rounding."""
    return not torch.allclose(one, two, rtol=1e-4, atol=1e-5)
