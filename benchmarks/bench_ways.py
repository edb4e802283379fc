"""Ways to compute one network on a processor, turn by turn in one process.

What is asked is the noise that a U-Net predicts. The first way is what every model is opened in;
each other one is compared with it: seconds of the processor, and how far its answer is off.
OpenVINO is tried where it is installed; it may send nothing, so its telemetry is kept out.
"""

import copy
import importlib.util
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

import torch

from solidmark.runs import keep_freed

REPEATS = 3
Way = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


def network(side: int, channels: tuple[int, ...]) -> Any:
    """An untrained U-Net of pixels, with attention at its lowest level."""
    from diffusers import UNet2DModel

    torch.manual_seed(0)
    levels = len(channels) - 1
    return (
        UNet2DModel(
            sample_size=side,
            block_out_channels=channels,
            layers_per_block=1,
            norm_num_groups=min(32, channels[0]),
            attention_head_dim=min(64, channels[-1]),
            down_block_types=("DownBlock2D",) * levels + ("AttnDownBlock2D",),
            up_block_types=("AttnUpBlock2D",) + ("UpBlock2D",) * levels,
        )
        .eval()
        .requires_grad_(False)
    )


def ways(side: int, channels: tuple[int, ...], batch: int) -> dict[str, Mapping[str, float]]:
    """Each way: its seconds a call, those to get ready, and how far it is off.

    Returns:
        By the name of the way: `total` in seconds of the processor, a call, the median of a few
        that were made in turns; `ready`; `off`, the root mean square of the difference over that
        of the answer, and `worst`, the largest difference over the largest answer.
    """
    keep_freed()  # As the command line does; else chance decides between the ways.
    unet = network(side, channels)
    noise = torch.Generator().manual_seed(0)
    asked = torch.randn(batch, 3, side, side, generator=noise), torch.full((batch,), 500)
    made: dict[str, Way] = {}
    ready: dict[str, float] = {}
    for name, make in MAKERS.items():
        if name.startswith("OpenVINO") and importlib.util.find_spec("openvino") is None:
            continue
        began = time.process_time()
        made[name] = make(unet, asked)
        made[name](*asked)
        ready[name] = time.process_time() - began
    spent: dict[str, list[float]] = {name: [] for name in made}
    for _ in range(REPEATS):
        for name, way in made.items():
            began = time.process_time()
            way(*asked)
            spent[name].append(time.process_time() - began)
    right = made["torch, single precision"](*asked)
    return {
        name: {
            "total": statistics.median(spent[name]),
            "ready": ready[name],
            **_off(way(*asked), right),
        }
        for name, way in made.items()
    }


def _off(answer: torch.Tensor, right: torch.Tensor) -> dict[str, float]:
    missed = answer.double() - right.double()
    return {
        "off": float(missed.square().mean().sqrt() / right.double().square().mean().sqrt()),
        "worst": float(missed.abs().max() / right.abs().max()),
    }


def _plain(unet: Any, _: Any) -> Way:
    def way(z: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        with torch.no_grad():
            return unet(z, t).sample.float()

    return way


def _half(unet: Any, asked: Any) -> Way:
    plain = _plain(unet, asked)

    def way(z: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        with torch.autocast("cpu", torch.bfloat16):
            return plain(z, t)

    return way


def _last(inner: Callable[[Any, Any], Way]) -> Callable[[Any, Any], Way]:
    """Channels beside one another in memory, of weights and images."""

    def make(unet: Any, asked: Any) -> Way:
        way = inner(copy.deepcopy(unet).to(memory_format=torch.channels_last), asked)
        return lambda z, t: way(z.to(memory_format=torch.channels_last), t)

    return make


def _openvino(precision: str) -> Callable[[Any, Any], Way]:
    def make(unet: Any, asked: Any) -> Way:
        # Its package sends an event when it is imported, unless this one cannot be.
        sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]
        import openvino  # type: ignore[import-not-found]

        class Sample(torch.nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.unet = unet

            def forward(self, z: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
                return self.unet(z, t).sample

        with torch.no_grad():
            converted = openvino.convert_model(Sample(), example_input=asked)
        how = {"INFERENCE_PRECISION_HINT": precision, "INFERENCE_NUM_THREADS": 1, "NUM_STREAMS": 1}
        compiled = openvino.Core().compile_model(converted, "CPU", how)
        return lambda z, t: torch.from_numpy(compiled([z.numpy(), t.numpy()])[0])

    return make


MAKERS: dict[str, Callable[[Any, Any], Way]] = {
    "torch, single precision": _plain,
    "torch, channels last": _last(_plain),
    "torch, bf16 (`--precision bf16`)": _half,
    "torch, bf16, channels last": _last(_half),
    "OpenVINO, single precision": _openvino("f32"),
    "OpenVINO, bf16": _openvino("bf16"),
}
