"""Keys are read through every family, in any batch, and in half precision."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from families import GUIDED, differ, said, samples, size

from solidmark.data import Sample
from solidmark.marks import Border
from solidmark.models import LatentModel, Opening, open_model
from solidmark.models.loading import dtype_of
from solidmark.randomness import generator
from solidmark.readers import Energy, LatentOutpaint, Reader
from solidmark.subjects import SolidMark

FAMILIES = ["sd", "sdxl", "sd3", "flux-dev", "dit", "pixart-alpha"]
Folder = Callable[[str], Path]
Opened = Callable[[str], LatentModel]


@pytest.mark.parametrize("name", FAMILIES[1:])
@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_half_precision_says_nearly_the_same(
    name: str, precision: Any, tiny_folder: Folder, opened: Opened
) -> None:
    """Sizes and classes stay whole numbers, and what comes out is in single precision."""
    half = open_model(
        str(tiny_folder(name)), Opening(precision=precision, text_precision=precision)
    )
    assert isinstance(half, LatentModel)
    assert half.network.dtype is dtype_of(precision)
    asked, sides = samples(2, *size(name)), tuple(side // 4 for side in size(name))
    ours = said(half, half.condition(asked), sides)
    assert ours.dtype is torch.float32
    whole = opened(name)
    torch.testing.assert_close(ours, said(whole, whole.condition(asked), sides), rtol=0.1, atol=0.1)


def marked(name: str, count: int) -> tuple[Border, list[Sample]]:
    height, width = size(name)
    pattern = Border(4)
    found = samples(count, height - 8, width - 8)
    keys = torch.linspace(0, 1, count)[:, None]
    images = pattern.apply(torch.stack([sample.image for sample in found]), keys)
    return pattern, [replace(s, image=image) for s, image in zip(found, images, strict=True)]


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("kind", ["energy", "latent-outpaint"])
@pytest.mark.rounding
def test_keys_are_read_the_same_in_any_batch(name: str, kind: str, opened: Opened) -> None:
    guidance = 2.0 if name in GUIDED else 1.0
    reader: Reader = (
        Energy(candidates=5)
        if kind == "energy"
        else LatentOutpaint(steps=4, every=2, guidance=guidance)
    )
    model = opened(name)
    pattern, asked = marked(name, 8)
    measure = SolidMark(reader, pattern)
    calibration = json.loads(json.dumps(measure.calibrate(model, asked)))

    def observe(batch: list[Sample]) -> list[Any]:
        generators = [generator(0, sample.id) for sample in batch]
        return measure.observe(model, batch, generators, calibration)

    together = observe(asked)
    for sample, one in zip(asked, together, strict=True):
        (alone,) = observe([sample])
        assert alone.key_read == pytest.approx(one.key_read, abs=1e-4)
        assert all(0 <= key <= 1 for key in one.key_read)
    if kind == "latent-outpaint":
        pictures = torch.stack([evidence.picture for evidence in together])
        assert pictures.shape[1:] == (3, *size(name))
        assert pictures.isfinite().all()
        assert differ(pictures[0], pictures[1])
    else:
        assert torch.tensor([evidence.energies for evidence in together]).isfinite().all()
