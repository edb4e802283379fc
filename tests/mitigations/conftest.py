"""Real tiny networks, and what they were told when they were called."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import tiny
import torch
from torch import Tensor

from solidmark.data import Sample
from solidmark.diffusion import Model
from solidmark.models import open_model

CAPTIONS = ("a red dog", "the small tree", "7 blue cat", "a house of the number")


@pytest.fixture(scope="session")
def stable_diffusion(tmp_path_factory: pytest.TempPathFactory) -> Model:
    """A text-to-image model."""
    return open_model(str(tiny.stable_diffusion(tmp_path_factory.mktemp("tiny") / "sd")))


@pytest.fixture
def classes(save_unet: Callable[..., Path]) -> Model:
    """A class-conditional model of pixels."""
    return open_model(str(save_unet(32, 3, num_class_embeds=4)))


@pytest.fixture
def samples() -> list[Sample]:
    """Images with captions and classes."""
    return [
        Sample(f"picture-{n}", torch.full((3, 32, 32), n / 4), f"{n}", caption, None, None, n)
        for n, caption in enumerate(CAPTIONS)
    ]


@contextmanager
def heard(network: Any, name: str = "encoder_hidden_states") -> Iterator[list[Tensor]]:
    """What a network is told under a name while the block runs, a tensor a call."""
    told: list[Tensor] = []

    def listen(module: Any, args: Any, kwargs: Any) -> None:
        told.append(kwargs[name].detach().clone())

    hook = network.register_forward_pre_hook(listen, with_kwargs=True)
    try:
        yield told
    finally:
        hook.remove()


@contextmanager
def embedded(network: Any) -> Iterator[list[Tensor]]:
    """The class embeddings that reach the first block of a U-Net, less those of the time."""
    told: list[Tensor] = []
    times: list[Tensor] = []
    hooks = [
        network.time_embedding.register_forward_hook(lambda m, args, out: times.append(out)),
        network.down_blocks[0]
        .resnets[0]
        .register_forward_pre_hook(
            lambda m, args: told.append((args[1] - times[-1]).detach().clone())
        ),
    ]
    try:
        yield told
    finally:
        for hook in hooks:
            hook.remove()


def ask(model: Model, samples: list[Sample]) -> Tensor:
    """Calls the network once for a batch, at one time, on grey images."""
    condition = model.condition(samples)
    z_t = model.encode(torch.full((len(samples), 3, 32, 32), 0.5))
    return model.denoise(z_t, 0.5, condition)
