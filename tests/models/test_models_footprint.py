"""The estimate of what an image takes, beside what torch keeps of networks of the published sizes.

The networks stand on the device `meta`, where torch has shapes without numbers.
"""

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import diffusers
import pytest
import torch

from solidmark.diffusion import Metered
from solidmark.models import Gaussian, Opening, footprint, open_model
from solidmark.models.footprint import image_bytes, of_autoencoder, of_network, room_for

CLIP = {"sample_size": 64, "cross_attention_dim": 768, "attention_head_dim": 8}
SD15: dict[str, Any] = {"block_out_channels": (320, 640, 1280, 1280), **CLIP}
SDXL: dict[str, Any] = {
    "block_out_channels": (320, 640, 1280),
    "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
    "up_block_types": ("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
    "transformer_layers_per_block": (1, 2, 10),
    "attention_head_dim": (5, 10, 20),
    "cross_attention_dim": 2048,
    "use_linear_projection": True,
}
VAE: dict[str, Any] = {
    "block_out_channels": (128, 256, 512, 512),
    "down_block_types": ("DownEncoderBlock2D",) * 4,
    "up_block_types": ("UpDecoderBlock2D",) * 4,
    "layers_per_block": 2,
}
PIXELS: dict[str, Any] = {"sample_size": 64, "block_out_channels": (128, 256, 384, 512)}
DIT: dict[str, Any] = {"num_layers": 4, "norm_type": "ada_norm_zero", "in_channels": 4}


class _Attention(torch.autograd.Function):
    """What attention without a table of all pairs keeps: what it was given, and its answer."""

    @staticmethod
    def forward(context: Any, *given: torch.Tensor) -> torch.Tensor:
        query, _, value = given
        answer = query.new_empty((*query.shape[:-1], value.shape[-1]))
        context.save_for_backward(*given, answer)
        return answer

    @staticmethod
    def backward(context: Any, *given: torch.Tensor) -> Any:
        raise NotImplementedError


@pytest.fixture(autouse=True)
def _flash(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "torch.nn.functional.scaled_dot_product_attention",
        lambda query, key, value, *_, **__: _Attention.apply(query, key, value),
    )


def kept(network: torch.nn.Module, call: Callable[[], Any]) -> int:
    """How many numbers torch keeps for a gradient of what went in, beside the weights."""
    own = {
        p.untyped_storage()._cdata for p in itertools.chain(network.parameters(), network.buffers())
    }
    held: dict[int, torch.Tensor] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        held.setdefault(tensor.untyped_storage()._cdata, tensor)
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        answer = call()
    assert answer is not None
    return sum(t.untyped_storage().nbytes() // 4 for key, t in held.items() if key not in own)


def on_meta(kind: Any, config: dict[str, Any]) -> Any:
    with torch.device("meta"):
        return kind(**config).eval().requires_grad_(False)


def near(estimate: int, counted: int) -> None:
    assert 0.8 * counted <= estimate <= 1.4 * counted, estimate / counted


@pytest.mark.parametrize(
    ("config", "side"), [(SD15, 64), (SD15, 16), (SDXL, 128), (SDXL, 64)], ids=str
)
def test_a_network_that_is_told_captions(config: dict[str, Any], side: int) -> None:
    unet = on_meta(diffusers.UNet2DConditionModel, config)
    z = torch.empty(1, 4, side, side, device="meta", requires_grad=True)
    told = torch.empty(1, 77, config["cross_attention_dim"], device="meta")
    counted = kept(unet, lambda: unet(z, torch.empty(1, device="meta"), told).sample)
    near(of_network(unet.config, (side, side)).kept, counted)


def test_a_network_of_pixels() -> None:
    kinds = ("DownBlock2D", "DownBlock2D", "AttnDownBlock2D", "AttnDownBlock2D")
    ups = ("AttnUpBlock2D", "AttnUpBlock2D", "UpBlock2D", "UpBlock2D")
    config = {**PIXELS, "down_block_types": kinds, "up_block_types": ups}
    unet = on_meta(diffusers.UNet2DModel, config)
    x = torch.empty(1, 3, 64, 64, device="meta", requires_grad=True)
    counted = kept(unet, lambda: unet(x, torch.empty(1, device="meta")).sample)
    near(of_network(unet.config, (64, 64)).kept, counted)


@pytest.mark.parametrize("sides", [(512, 512), (544, 544), (64, 128)], ids=str)
def test_an_autoencoder(sides: tuple[int, int]) -> None:
    """At 512 pixels these are three gigabytes an image."""
    vae = on_meta(diffusers.AutoencoderKL, VAE)
    x = torch.empty(1, 3, *sides, device="meta", requires_grad=True)
    counted = kept(vae, lambda: vae.encode(x).latent_dist.mode())
    estimate = of_autoencoder(vae.config, sides).kept
    near(estimate, counted)
    if sides == (512, 512):
        assert 2.8e9 < 4 * estimate < 3.3e9


def test_a_transformer() -> None:
    network = on_meta(diffusers.DiTTransformer2DModel, DIT)
    z = torch.empty(1, 4, 32, 32, device="meta", requires_grad=True)
    step = torch.empty(1, device="meta", dtype=torch.long)
    counted = kept(network, lambda: network(z, step, step).sample)
    near(of_network(network.config, (32, 32)).kept, counted)


def test_joint_transformers() -> None:
    config = {"num_layers": 4, "attention_head_dim": 64, "num_attention_heads": 24}
    wide = {"joint_attention_dim": 4096, "caption_projection_dim": 1536, "sample_size": 128}
    network = on_meta(diffusers.SD3Transformer2DModel, {**config, **wide})
    z = torch.empty(1, 16, 64, 64, device="meta", requires_grad=True)
    told, pooled = torch.empty(1, 333, 4096, device="meta"), torch.empty(1, 2048, device="meta")
    step = torch.empty(1, device="meta")
    counted = kept(network, lambda: network(z, told, pooled, step).sample)
    near(of_network(network.config, (64, 64)).kept, counted)


@pytest.mark.parametrize("name", ["sd", "sdxl", "sd3", "flux-dev", "dit", "pixart-sigma"])
def test_every_family_has_an_estimate(name: str, tiny_folder: Callable[[str], Path]) -> None:
    """More with a gradient, less in half precision, and in proportion to the pixels."""
    model = open_model(str(tiny_folder(name)))
    half = open_model(str(tiny_folder(name)), Opening(precision="bf16", vae_precision="bf16"))
    none, network, images = (
        image_bytes(model, (64, 64), how)  # type: ignore[arg-type]
        for how in ("none", "network", "images")
    )
    assert 0 < none <= network < images
    assert image_bytes(Metered(half), (64, 64), "images") * 2 == images
    assert image_bytes(model, (128, 128), "images") > 2 * images


def test_a_network_of_pixels_has_one(save_unet: Callable[..., Path]) -> None:
    model = open_model(str(save_unet()))
    assert 0 < image_bytes(model, (12, 12)) < image_bytes(model, (12, 12), "images")
    assert image_bytes(Gaussian(torch.rand(3, 1, 8, 8)), (8, 8), "images") == 0


def test_as_many_images_as_fit(
    tiny_folder: Callable[[str], Path],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    model = open_model(str(tiny_folder("sd")))
    image = image_bytes(model, (64, 64), "images")

    def room(images: float, device: str = "cuda:0", sizes: Any = ((64, 64), (8, 8))) -> int:
        free = int(images * image / footprint.SHARE) + 1
        monkeypatch.setattr(footprint, "free_bytes", lambda device: free)
        return room_for(model, 8, device, sizes, "images").size

    capsys.readouterr()
    assert room(8) == 8
    assert capsys.readouterr().err == ""
    assert room(3) == 3
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "3 at a time, and not 8: one of 64 x 64 pixels takes about" in said
    assert 'with its gradient, and "cuda:0" has' in said
    assert room(0.1) == 1, "the last one is tried"
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "2")
    assert room(6, "cpu") == 3, "processes share the memory"
    assert room(6) == 6, "and have a GPU each"


def test_where_nobody_says_what_is_free_all_are_tried(
    tiny_folder: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(footprint, "free_bytes", lambda device: None)
    model = open_model(str(tiny_folder("sd")))
    assert room_for(model, 8, "xpu", [(64, 64)], "images").size == 8
