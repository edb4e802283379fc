"""What a stage spends inside of networks, and what it spends beside them.

The networks of diffusers are the only ones that are asked here. Their forward passes are timed
where they are called, and the way back where a gradient is taken; the rest of a stage is ours.
"""

import resource
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib import import_module
from typing import Any

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel, UNet2DModel

NETWORKS = ((UNet2DModel, "forward"), (UNet2DConditionModel, "forward"))
DECODING = ("solidmark.data.decode", "solidmark.data.prepare")
AUTOENCODERS = ((AutoencoderKL, "encode"), (AutoencoderKL, "decode"))


@dataclass
class Clock:
    """Seconds of the processor, and calls.

    Arguments:
        total: Of the whole stage, all threads.
        inside: In networks, there and back.
        images: Images that went through a denoiser, forward.
        calls: Calls of it, of however many images.
        gradients: How often the way back was gone.
        decoding: Seconds in which pictures are decoded.
        peak: The most memory of the process, in bytes, libraries included.
    """

    total: float = 0.0
    inside: float = 0.0
    images: int = 0
    calls: int = 0
    gradients: int = 0
    decoding: float = 0.0
    peak: int = 0

    def to_json(self) -> dict[str, float]:
        return asdict(self)


@contextmanager
def clocked() -> Iterator[Clock]:
    """Times what is done within, in this process."""
    clock = Clock()
    plain: list[tuple[Any, str, Any]] = []

    def replace(owner: Any, name: str, kind: str, told: Callable[..., None] = _nothing) -> None:
        plain.append((owner, name, getattr(owner, name)))
        setattr(owner, name, _timed(clock, kind, getattr(owner, name), told))

    def asked(_: Any, sample: torch.Tensor, *__: Any, **___: Any) -> None:
        clock.images += len(sample)
        clock.calls += 1

    def back(*_: Any, **__: Any) -> None:
        clock.gradients += 1

    for owner, name in NETWORKS:
        replace(owner, name, "inside", asked)
    for owner, name in AUTOENCODERS:
        replace(owner, name, "inside")
    replace(torch.autograd, "grad", "inside", back)
    replace(torch.Tensor, "backward", "inside", back)
    for module in DECODING:
        replace(import_module(module), "look", "decoding")
    began = time.process_time()
    try:
        yield clock
    finally:
        clock.total = time.process_time() - began
        clock.peak = 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        for owner, name, function in plain:
            setattr(owner, name, function)


def _nothing(*_: Any, **__: Any) -> None:
    """Nothing is counted but the time."""


def _timed(clock: Clock, kind: str, function: Any, told: Callable[..., None]) -> Any:
    def call(*given: Any, **named: Any) -> Any:
        told(*given, **named)
        began = time.thread_time()
        try:
            return function(*given, **named)
        finally:
            setattr(clock, kind, getattr(clock, kind) + time.thread_time() - began)

    return call
