"""Parts on a device, and two ways of needing less there: visits, and attention in slices.

The libraries have hooks for the first, which do not serve here. `cpu_offload_with_hook` of
accelerate leaves a part on the device until another one comes, and its `cpu_offload` leaves no
weights in the part, so that nobody can say where it lives. Both see `forward` only, and an
autoencoder is asked through `encode` and `decode`.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

from solidmark.errors import MissingCapability
from solidmark.late import torch
from solidmark.runs import memory_for

HOME = "cpu"


def move(network: Any, device: "torch.device | str", what: str) -> None:
    """Moves a network to a device.

    Arguments:
        what: What it is, as it stands behind "for".

    Raises:
        OutOfMemory: When it does not fit there.
    """
    held = (*network.parameters(), *network.buffers())
    with memory_for(what, sum(one.numel() * one.element_size() for one in held), str(device)):
        network.to(device)


def offload(part: Any, device: "torch.device") -> None:
    """Keeps a part on the CPU, and moves it to a device only while it is called.

    What it is given is moved there too, and what it answers stays there. A gradient can be taken
    through it afterwards: until then its weights stay on the device beside those at home.

    Arguments:
        part: A network; it is changed. An autoencoder is called through `encode` and `decode`,
            everything else through `forward`.
    """
    part.to(HOME)
    ways = ("encode", "decode") if hasattr(part, "decode") else ("forward",)
    for way in ways:
        setattr(part, way, _visiting(part, getattr(part, way), device))


def _visiting(part: Any, call: Callable[..., Any], device: "torch.device") -> Callable[..., Any]:
    """A method of a part, which moves the part to the device and home again."""

    @wraps(call)
    def visit(*given: Any, **named: Any) -> Any:
        from accelerate.utils import send_to_device

        part.to(device)
        try:
            # A graph keeps its weights as they are, and these hold what is at home as soon as they
            # are moved: so it is given a view of what they hold now.
            with torch.autograd.graph.saved_tensors_hooks(torch.Tensor.detach, lambda kept: kept):
                return call(*send_to_device(given, device), **send_to_device(named, device))
        finally:
            part.to(HOME)

    return visit


def slice_attention(pipe: Any) -> None:
    """Makes the denoiser compute its attention in slices, one after another.

    Arguments:
        pipe: A pipeline of diffusers; it is changed.

    Raises:
        MissingCapability: When its denoiser cannot: diffusers would leave it as it is.
    """
    network = pipe.components.get("unet")
    if not hasattr(network, "set_attention_slice"):
        raise MissingCapability(
            f"A {type(pipe).__name__} cannot slice its attention. Leave --attention-slicing out; "
            "--offload and --precision bf16 save memory too."
        )
    pipe.enable_attention_slicing()
