"""A folder with everything that the documents speak of, small, under their names for it."""

import json
import shutil
import warnings
from collections.abc import Iterator
from contextlib import chdir
from pathlib import Path

import numpy as np
import pytest
import torch
from loras import random_lora, save_peft
from PIL import Image
from tiny import stable_diffusion

from solidmark.cli import main

SIDE = 28
"""Of a picture; with its frame as large as the models take, 32 pixels."""

MARK = ["--thickness", "2", "--held-out", "0.5", "--seed", "0"]
ASK = ["--no-ceiling", "--device", "cpu", "--limit", "4"]


def write_pictures(folder: Path, count: int, first: int = 0) -> Path:
    """Writes colour pictures of noise with captions; equal numbers give equal pictures."""
    folder.mkdir()
    lines = []
    for number in range(first, first + count):
        values = np.random.default_rng(number).integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)
        Image.fromarray(values).save(folder / f"{number}.png")
        told = {"text": f"a dog number {number}", "patient": f"patient {number // 2}"}
        lines.append(json.dumps({"file_name": f"{number}.png", **told}))
    (folder / "metadata.jsonl").write_text("\n".join(lines), encoding="utf-8")
    return folder


def write_pixel_model(folder: Path) -> Path:
    """Writes a network of pixels that was not trained."""
    from diffusers import DDPMPipeline, DDPMScheduler, UNet2DModel

    torch.manual_seed(0)
    network = UNet2DModel(
        sample_size=SIDE + 4,
        layers_per_block=1,
        block_out_channels=(8, 16),
        down_block_types=("DownBlock2D",) * 2,
        up_block_types=("UpBlock2D",) * 2,
        norm_num_groups=4,
        add_attention=False,
    )
    DDPMPipeline(network, DDPMScheduler()).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder; who writes into it takes a copy."""
    here = tmp_path_factory.mktemp("documents")
    for number, name in enumerate(("photos", "control", "generated")):
        write_pictures(here / name, 16, 100 * number)
    write_pictures(here / "never-shown", 99, 1000)  # So many show a rate of 0.01.
    for name in ("scans", "prompts"):
        shutil.copytree(here / "photos", here / name)
    (here / "prompts.txt").write_text("a dog\na tree\n")
    (here / "known.jsonl").write_text('{"feature": "dog", "caption_contains": "dog"}\n')
    (here / "expected.csv").write_text("feature,expected,prompt\ndog,yes,\n")
    write_pixel_model(here / "model")
    shutil.copytree(here / "model", here / "epochs" / "epoch-0001")
    shutil.move(here / "epochs", here / "model")
    for name in ("text-model", "tuned"):
        stable_diffusion(here / name)
    (here / "solidmark-judgements.csv").write_text("generation,image,verdict\n200.png,0.png,not\n")
    _write_single_files(here)
    indexing = ["--held-out", "control", "--fpr", "0.1", "--distance", "l2", "--device", "cpu"]
    with chdir(here):
        for line in (
            ["mark", "photos", "marked", *MARK],
            ["audit", "memorizer", "marked", "audit", "--reader", "linear", *ASK],
            ["index", "photos", "index", *indexing],
            ["fit", "scans", "embedder", "--steps", "1", "--device", "cpu"],
            ["nearest", "generated", "photos", "near", "--distance", "l2", "--device", "cpu"],
        ):
            assert main(line) == 0, line
        for name in ("audit-gni", "audit-crop"):
            shutil.copytree("audit", name)
        shutil.copytree("audit", "runs/demo")
    return here


def _write_single_files(here: Path) -> None:
    from diffusers import StableDiffusionPipeline

    pipe = StableDiffusionPipeline.from_pretrained(here / "text-model")
    save_peft(random_lora(pipe, "unet"), here / "my-lora.safetensors")
    (here / "lora").mkdir()
    shutil.copy(here / "my-lora.safetensors", here / "lora" / "pytorch_lora_weights.safetensors")
    (here / "lora" / "solidmark.json").write_text(json.dumps({"base": str(here / "text-model")}))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch.jit is on its way out, SSCD's files are not.
        torch.jit.script(_Descriptor().eval()).save(str(here / "sscd_disc_mixup.torchscript.pt"))


class _Descriptor(torch.nn.Module):
    """In the shape of SSCD: normalised squares to a row an image."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution = torch.nn.Conv2d(3, 6, 3, stride=2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.relu(self.convolution(x)).mean(dim=[2, 3])


@pytest.fixture
def here(prepared: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The prepared folder, to stand in; nothing of it may be changed."""
    monkeypatch.setenv("SOLIDMARK_CACHE", str(prepared / "cache"))
    monkeypatch.chdir(prepared)
    yield prepared
    shutil.rmtree(prepared / "compared", ignore_errors=True)
