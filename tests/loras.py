"""LoRA weights whose rank and alpha differ by layer, in every form that people pass on."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor

ATTENTION = ("to_q", "to_k", "to_v", "to_out.0", "to_add_out", "add_q_proj", "ff.net.2")
TEXT = ("q_proj", "k_proj", "v_proj", "out_proj", "fc1", "fc2")
CONVOLUTIONS = ("resnets.0.conv1",)


@dataclass(frozen=True)
class Layer:
    """The matrices of one layer; what is added is alpha / r B A."""

    a: Tensor
    b: Tensor
    alpha: float
    bias: Tensor | None = None

    @property
    def strength(self) -> float:
        return self.alpha / len(self.a)

    @property
    def product(self) -> Tensor:
        """What is added to the weight, computed by hand in double precision."""
        flat = self.b.double().flatten(1) @ self.a.double().flatten(1)
        return self.strength * flat.reshape(len(self.b), *self.a.shape[1:])


Lora = Mapping[tuple[str, str], Layer]


def random_lora(pipe: Any, *parts: str, seed: int = 0, bias: bool = False) -> Lora:
    """Random matrices for the layers of some parts, ranks 1 to 4, alphas 0.5 to 8."""
    draw = torch.Generator().manual_seed(seed)
    found: dict[tuple[str, str], Layer] = {}
    for part in parts:
        targets = TEXT if part.startswith("text") else ATTENTION + CONVOLUTIONS
        for name, module in getattr(pipe, part).named_modules():
            if not name.endswith(targets) or "weight" not in dict(module.named_parameters()):
                continue
            rows, columns, *kernel = module.weight.shape
            rank, alpha = 1 + len(found) % 4, (0.5, 1.0, 2.0, 8.0, 3.0)[len(found) % 5]
            a = torch.randn(rank, columns, *kernel, generator=draw) / 4
            b = torch.randn(rows, rank, *[1] * len(kernel), generator=draw) / 8
            more = torch.randn(rows, generator=draw) if bias and not kernel else None
            found[part, name] = Layer(a, b, alpha, more)
    return found


def merge(pipe: Any, lora: Lora, scale: float = 1.0) -> None:
    """Adds the products to the weights of a pipeline, by hand."""
    for (part, name), layer in lora.items():
        module = getattr(pipe, part).get_submodule(name)
        module.weight.data += (scale * layer.product).to(module.weight)
        if layer.bias is not None:
            more = scale * layer.strength * layer.bias
            module.bias = torch.nn.Parameter(more if module.bias is None else module.bias + more)


def save_peft(lora: Lora, path: Path) -> Path:
    """Names of peft, the alphas as tensors beside the matrices."""
    found = {}
    for (part, name), layer in lora.items():
        stem = f"{part}.{name}"
        found |= {f"{stem}.lora_A.weight": layer.a, f"{stem}.lora_B.weight": layer.b}
        found[f"{stem}.alpha"] = torch.tensor(layer.alpha)
        if layer.bias is not None:
            found[f"{stem}.lora_B.bias"] = layer.bias
    save_file(found, path)
    return path


def save_header(lora: Lora, path: Path) -> Path:
    """Older names of diffusers, the alphas as patterns in the header."""
    found, header = {}, {}
    for (part, name), layer in lora.items():
        link = "lora_linear_layer" if part.startswith("text") else "lora"
        stem = f"{part}.{name}.{link}"
        found |= {f"{stem}.down.weight": layer.a, f"{stem}.up.weight": layer.b}
    for part in {part for part, _ in lora}:
        alphas = {name: layer.alpha for (one, name), layer in lora.items() if one == part}
        header[f"{part}.alpha_pattern"] = alphas
        header[f"{part}.lora_alpha"] = 1
        header[f"{part}.r"] = 1
    save_file(found, path, {"lora_adapter_metadata": json.dumps(header)})
    return path


def save_beside(lora: Lora, folder: Path) -> Path:
    """As peft saves a network: its configuration is a file beside the weights."""
    folder.mkdir()
    found = {}
    for (_, name), layer in lora.items():
        stem = f"base_model.model.{name}"
        found |= {f"{stem}.lora_A.weight": layer.a, f"{stem}.lora_B.weight": layer.b}
    save_file(found, folder / "adapter_model.safetensors")
    alphas = {name: layer.alpha for (_, name), layer in lora.items()}
    config = {"peft_type": "LORA", "r": 1, "lora_alpha": 1, "alpha_pattern": alphas}
    (folder / "adapter_config.json").write_text(json.dumps(config))
    return folder


def save_kohya(lora: Lora, path: Path, rename: Callable[[str, str], str]) -> Path:
    """Names of kohya's scripts, with an alpha for each layer."""
    found = {}
    for (part, name), layer in lora.items():
        stem = rename(part, name)
        found |= {f"{stem}.lora_down.weight": layer.a, f"{stem}.lora_up.weight": layer.b}
        found[f"{stem}.alpha"] = torch.tensor(layer.alpha)
    save_file(found, path)
    return path


def kohya(part: str, name: str) -> str:
    """The names of kohya's scripts for Stable Diffusion 1 and 2, and Flux's text encoder."""
    place = name.removeprefix("text_model.").replace(".", "_")
    return f"lora_unet_{place}" if part == "unet" else f"lora_te_text_model_{place}"


def kohya_xl(part: str, name: str) -> str:
    """Those for Stable Diffusion XL, whose U-Net has the names of the original code."""
    place = name.removeprefix("text_model.")
    if part != "unet":
        number = 2 if part.endswith("2") else 1
        return f"lora_te{number}_text_model_{place}".replace(".", "_")
    block = re.match(r"(down|mid|up)_blocks?\.(?:(\d+)\.)?(attentions|resnets)\.(\d+)\.(.*)", place)
    assert block is not None, place
    way, number, kind, layer, rest = block.groups()
    rest = rest.replace("conv1", "in_layers_2")
    inner = 0 if kind == "resnets" else 1
    if way == "mid":
        middle = 1 if kind == "attentions" else 2 * int(layer)
        stem = f"middle_block_{middle}"
    elif way == "down":
        stem = f"input_blocks_{1 + int(number) * 2 + int(layer)}_{inner}"
    else:
        stem = f"output_blocks_{int(number) * 2 + int(layer)}_{inner}"
    return f"lora_unet_{stem}_{rest}".replace(".", "_")


def kohya_flux(part: str, name: str) -> str:
    """Those for Flux, of the kind that keeps the names of diffusers."""
    place = name.removeprefix("text_model.").replace(".", "_")
    whole = f"text_model_{place}" if part != "transformer" else place
    return f"lora_te1_{whole}" if part != "transformer" else f"lora_transformer_{whole}"
