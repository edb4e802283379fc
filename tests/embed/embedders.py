"""Tiny networks with random weights, saved offline as users have them."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

SIDE = 32
NAMES = [
    "clip",
    "dinov2",
    "function",
    "onnx",
    "onnx-bytes",
    "own",
    "pdq",
    "phash",
    "pixels",
    "siglip",
    "sscd",
    "sscd-onnx",
]


class Descriptor(torch.nn.Module):
    """A network as those of SSCD: from normalised squares to one row an image."""

    def __init__(self, dimensions: int = 6) -> None:
        super().__init__()
        self.convolution = torch.nn.Conv2d(3, dimensions, 3, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.convolution(x)).mean(dim=[2, 3])


class Saver(torch.nn.Module):
    """A program that writes a file while it embeds."""

    def forward(self, x: Tensor) -> Tensor:
        torch.save(x, "stolen.pt")
        return x.mean(dim=[2, 3])


class Reader(torch.nn.Module):
    """A program that reads a file while it embeds."""

    def forward(self, x: Tensor) -> Tensor:
        secret = torch.from_file("secret", False, 4)
        return x.mean(dim=[2, 3]) + secret.sum()


def descriptor() -> Descriptor:
    torch.manual_seed(0)
    return Descriptor().eval()


def save_script(network: torch.nn.Module, path: Path) -> Path:
    """Saves a network as TorchScript."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*torch.jit.*", DeprecationWarning)
        torch.jit.save(torch.jit.script(network), path)
    return path


def save_onnx(
    network: Descriptor,
    path: Path,
    shape: tuple[Any, ...] = ("batch", 3, "height", "width"),
    takes_bytes: bool = False,
) -> Path:
    """Saves a network as ONNX, with the shape that its input declares."""
    from onnx import TensorProto, helper, numpy_helper, save

    weight = network.convolution.weight.detach().numpy()
    bias = network.convolution.bias.detach().numpy()
    nodes = [
        helper.make_node("Conv", ["squares", "weight", "bias"], ["convolved"], strides=[2, 2]),
        helper.make_node("Relu", ["convolved"], ["positive"]),
        helper.make_node("GlobalAveragePool", ["positive"], ["pooled"]),
    ]
    kind, name = TensorProto.FLOAT, "squares"
    if takes_bytes:
        kind, name = TensorProto.UINT8, "bytes"
        nodes = [
            helper.make_node("Cast", ["bytes"], ["floats"], to=TensorProto.FLOAT),
            helper.make_node("Transpose", ["floats"], ["squares"], perm=[0, 3, 1, 2]),
            *nodes,
        ]
    graph = helper.make_graph(
        nodes,
        "descriptor",
        [helper.make_tensor_value_info(name, kind, shape)],
        [helper.make_tensor_value_info("pooled", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(weight, "weight"), numpy_helper.from_array(bias, "bias")],
    )
    opset = [helper.make_opsetid("", 17)]
    save(helper.make_model(graph, opset_imports=opset, ir_version=8), path)
    return path


def _tower(**more: Any) -> dict[str, Any]:
    return {
        "hidden_size": 16,
        "intermediate_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "image_size": SIDE,
        "patch_size": 8,
        **more,
    }


def save_dinov2(folder: Path) -> Any:
    """Saves a tiny DINOv2 and its processor; gives the model."""
    from transformers import BitImageProcessorPil, Dinov2Config, Dinov2Model

    torch.manual_seed(1)
    model = Dinov2Model(Dinov2Config(**_tower(mlp_ratio=2))).eval()
    model.save_pretrained(folder)
    BitImageProcessorPil(
        size={"shortest_edge": 40},
        crop_size={"height": SIDE, "width": SIDE},
        image_mean=[0.485, 0.456, 0.406],
        image_std=[0.229, 0.224, 0.225],
    ).save_pretrained(folder)
    return model


def save_clip(folder: Path) -> Any:
    """Saves a tiny CLIP, both towers, and its processor; gives the model."""
    from transformers import CLIPConfig, CLIPImageProcessorPil, CLIPModel

    torch.manual_seed(2)
    text = {"vocab_size": 40, "max_position_embeddings": 8}
    config = CLIPConfig(
        vision_config=_tower(),
        text_config={**_tower(), **text},
        projection_dim=12,
    )
    model = CLIPModel(config).eval()
    model.save_pretrained(folder)
    CLIPImageProcessorPil(
        size={"shortest_edge": SIDE}, crop_size={"height": SIDE, "width": SIDE}
    ).save_pretrained(folder)
    return model


def save_siglip(folder: Path) -> Any:
    """Saves a tiny SigLIP, both towers, and its processor; gives the model."""
    from transformers import SiglipConfig, SiglipImageProcessorPil, SiglipModel

    torch.manual_seed(3)
    text = {"vocab_size": 40, "max_position_embeddings": 8}
    config = SiglipConfig(vision_config=_tower(), text_config={**_tower(), **text})
    model = SiglipModel(config).eval()
    model.save_pretrained(folder)
    SiglipImageProcessorPil(size={"height": SIDE, "width": SIDE}).save_pretrained(folder)
    return model


SAVE = {"clip": save_clip, "dinov2": save_dinov2, "siglip": save_siglip}


def images(count: int = 8, seed: int = 0) -> list[Tensor]:
    """Random images of different sizes and channels, with values k/255."""
    generator = np.random.default_rng(seed)
    sides = [(33, 47), (20, 20), (64, 50), (32, 32)]
    made = []
    for number in range(count):
        height, width = sides[number % len(sides)]
        coarse = generator.integers(0, 256, (3 if number % 3 else 1, 5, 5)).astype(np.float32)
        smooth = torch.nn.functional.interpolate(
            torch.from_numpy(coarse)[None], (height, width), mode="bilinear"
        )[0]
        made.append(smooth.round() / 255)
    return made
