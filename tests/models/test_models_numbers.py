"""Weights that no network has learned are one line, whichever part they are in."""

import shutil
from collections.abc import Callable
from pathlib import Path

import diffusers
import pytest
import torch
from embed import embedders
from original import save_original
from safetensors.torch import load_file, save_file

from solidmark.cli import main
from solidmark.embed import open_embedder
from solidmark.errors import BadInput
from solidmark.measures.intent.naming import open_encoder
from solidmark.models import Opening, open_model
from solidmark.models.numbers import FEW, LARGEST, check_tensors

Folder = Callable[[str], Path]
Fault = Callable[[torch.Tensor], torch.Tensor]


def one(value: float) -> Fault:
    """Puts one number somewhere into a tensor."""

    def change(weight: torch.Tensor) -> torch.Tensor:
        weight = weight.clone()
        weight.view(-1)[weight.numel() // 2] = value
        return weight

    return change


FAULTS: dict[str, tuple[Fault, str]] = {
    "NaN": (one(torch.nan), 'not finite: "'),
    "infinite": (one(-torch.inf), 'not finite: "'),
    "huge": (one(-3e30), 'huge: ".*goes up to 3e'),
    "a little too large": (one(1.01 * LARGEST), 'huge: "'),
    "constant": (lambda weight: torch.full_like(weight, 0.01), 'constant: ".*holds 0.01 every'),
}


def spoil(path: Path, fault: Fault, part: str = "") -> None:
    """Spoils the largest matrix of a file, among those whose names hold a part."""
    held = load_file(path)
    name = max((n for n in held if part in n), key=lambda n: (held[n].dim() > 1, held[n].numel()))
    save_file({**held, name: fault(held[name])}, path, {"format": "pt"})


@pytest.fixture
def sd(tiny_folder: Folder, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_folder("sd"), tmp_path / "sd"))


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("part", ["unet", "vae", "text_encoder"])
def test_a_part_of_a_folder(part: str, fault: str, sd: Path) -> None:
    change, message = FAULTS[fault]
    spoil(next((sd / part).glob("*.safetensors")), change)
    with pytest.raises(BadInput, match=f'sd/{part}" are {message}') as raised:
        open_model(str(sd))
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("part", ["model.diffusion_model", "first_stage", "cond_stage"])
def test_a_part_of_a_single_file(part: str, fault: str, sd: Path, tmp_path: Path) -> None:
    pipe = diffusers.StableDiffusionPipeline.from_pretrained(sd, safety_checker=None)
    path = save_original(pipe, tmp_path / "model.safetensors")
    change, message = FAULTS[fault]
    spoil(path, change, part)
    with pytest.raises(BadInput, match=f'model.safetensors: .*" are {message}') as raised:
        open_model(str(path), Opening(base_config=str(sd)))
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("name", ["sdxl", "sd3", "flux-dev", "dit", "pixart-alpha"])
def test_the_denoiser_of_every_family(name: str, tiny_folder: Folder, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(tiny_folder(name), tmp_path / name))
    open_model(str(folder))
    part = "transformer" if (folder / "transformer").is_dir() else "unet"
    spoil(folder / part / "diffusion_pytorch_model.safetensors", one(torch.nan))
    with pytest.raises(BadInput, match=f'{part}" are not finite'):
        open_model(str(folder))


@pytest.mark.parametrize("fault", FAULTS)
def test_a_model_of_pixels_by_its_command(
    fault: str, save_unet: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = save_unet()
    change, _ = FAULTS[fault]
    spoil(folder / "unet" / "diffusion_pytorch_model.safetensors", change)
    capsys.readouterr()
    out = tmp_path / "out"
    assert main(["generate", str(folder), str(out), "-n", "1", "--device", "cpu"]) == 2
    said = capsys.readouterr().err.strip()
    assert said.startswith("Error: The weights of ")
    assert "\n" not in said
    assert not out.exists()


@pytest.mark.parametrize("value", [0.0, 0.5])
def test_all_matrices_of_one_number(value: float, sd: Path) -> None:
    path = sd / "unet" / "diffusion_pytorch_model.safetensors"
    held = {name: torch.full_like(weight, value) for name, weight in load_file(path).items()}
    save_file(held, path, {"format": "pt"})
    with pytest.raises(BadInput, match='unet" are constant'):
        open_model(str(sd))


@pytest.mark.parametrize("fault", [fault for fault in FAULTS if fault != "constant"])
def test_a_lora(fault: str, sd: Path, tmp_path: Path) -> None:
    layer = "unet.down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q"
    matrices = {
        f"{layer}.lora_A.weight": torch.rand(2, 8),
        f"{layer}.lora_B.weight": torch.rand(8, 2),
    }
    path = tmp_path / "lora.safetensors"
    save_file(matrices, path)
    open_model(str(sd), Opening(loras=(str(path),)))
    change, message = FAULTS[fault]
    spoil(path, change)
    with pytest.raises(BadInput, match=f'lora.safetensors" are {message}') as raised:
        open_model(str(sd), Opening(loras=(str(path),)))
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("name", ["clip", "sentences"])
def test_networks_of_transformers(name: str, fault: str, sd: Path, tmp_path: Path) -> None:
    folder = tmp_path / "net"
    if name == "clip":
        embedders.save_clip(folder)
    else:
        shutil.copytree(sd / "text_encoder", folder)
        shutil.copytree(sd / "tokenizer", folder, dirs_exist_ok=True)
    change, message = FAULTS[fault]
    spoil(folder / "model.safetensors", change, "vision_model" if name == "clip" else "")
    ask: Callable[[str], object] = (
        (lambda where: open_embedder(f"clip:{where}"))
        if name == "clip"
        else lambda where: open_encoder(where, "cpu")
    )
    with pytest.raises(BadInput, match=message) as raised:
        ask(str(folder))
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_program(fault: str, tmp_path: Path) -> None:
    network = embedders.descriptor()
    change, message = FAULTS[fault]
    weight = network.convolution.weight
    weight.data = change(weight.data)
    path = embedders.save_script(network, tmp_path / "a.pt")
    with pytest.raises(BadInput, match=f'a.pt" are {message}'):
        open_embedder(f"sscd:{path}@32")


@pytest.mark.parametrize("value", [torch.nan, torch.inf, 3e38])
def test_an_onnx_file_that_answers_with_no_numbers(value: float, tmp_path: Path) -> None:
    network = embedders.descriptor()
    network.convolution.weight.data = torch.full_like(network.convolution.weight, value)
    path = embedders.save_onnx(network, tmp_path / "a.onnx")
    with pytest.raises(BadInput, match="not numbers") as raised:
        open_embedder(f"onnx:{path}@32")
    assert "\n" not in str(raised.value)


def test_what_networks_do_hold_is_let_pass() -> None:
    """Layers that begin with zeros or ones, few numbers, and counts of what was seen."""
    held = {
        "weight": torch.rand(4, 4),
        "zeros": torch.zeros(8, 8),
        "norm.weight": torch.ones(64),
        "few": torch.ones(1, FEW - 1),
        "largest": torch.tensor([LARGEST, -LARGEST]),
        "whole": torch.full((5, 5), 10**9),
    }
    check_tensors(held.items(), "here")
    check_tensors({"mean": torch.full((9, 9), 1e9)}.items(), "here", size=False, variety=False)
    check_tensors({"bias": torch.zeros(3)}.items(), "here")
    with pytest.raises(BadInput, match="not finite"):
        check_tensors(
            {"mean": torch.tensor([torch.nan])}.items(), "here", size=False, variety=False
        )
