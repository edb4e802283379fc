"""A model that a program holds already, kept as a folder: a result must say what it looked at."""

import hashlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from solidmark.errors import BadInput
from solidmark.runs import open_run

if TYPE_CHECKING:
    from torch import Tensor

KEPT = "model"
"""The folder with the pipeline, inside the one that is kept."""


def is_live(model: object) -> bool:
    """Whether a model is an object of the program, and not a path or a name."""
    return not isinstance(model, str | os.PathLike)


def keep_model(model: Any, out: Path) -> Path:
    """Writes a live model into a folder, as diffusers does: safetensors and configurations.

    The same model into the same folder is written once; another one is refused.

    Arguments:
        model: A diffusers pipeline; or its denoiser with its scheduler, `(unet, scheduler)`.
        out: The folder to write.

    Returns:
        The folder of the pipeline.

    Raises:
        BadInput: When it is neither, or has layers of a LoRA in it.
        RunConflict: When the folder holds another model.
    """
    pipeline = _pipeline(model)
    parts = {
        name: part for name, part in pipeline.components.items() if hasattr(part, "state_dict")
    }
    _refuse_adapters(parts)
    config = {"class": type(pipeline).__name__, "parts": sorted(parts)}
    run = open_run(out, "keep", config, {name: _hash(part) for name, part in parts.items()})
    if not run.finished:
        pipeline.save_pretrained(out / KEPT, safe_serialization=True)
        run.finish(KEPT)
    return out / KEPT


def _pipeline(model: Any) -> Any:
    from diffusers import DDPMPipeline, DiffusionPipeline

    if isinstance(model, DiffusionPipeline):
        return model
    if isinstance(model, tuple | list) and len(model) == 2:
        network, scheduler = model
        network = _unwrapped(network)
        if hasattr(network, "state_dict") and hasattr(scheduler, "set_timesteps"):
            return DDPMPipeline(network, scheduler)
    raise BadInput(
        "A model is a path, a name on the hub, a diffusers pipeline, or (network, scheduler), not "
        f"{type(model).__name__}."
    )


def _unwrapped(network: Any) -> Any:
    """The network itself, where it was compiled or made ready for several processes."""
    for name in ("module", "_orig_mod"):
        network = getattr(network, name, network)
    return network


def _refuse_adapters(parts: Mapping[str, Any]) -> None:
    for name, part in parts.items():
        if any("lora_" in key for key in part.state_dict()):
            raise BadInput(
                f'The {name} has layers of a LoRA in it. Call "fuse_lora()" and '
                '"unload_lora_weights()" on the pipeline first, or save both and give the LoRA '
                "with loras=."
            )


def _hash(part: Any) -> str:
    """The hash of the weights of a part."""
    state = hashlib.sha256()
    for name, values in _tensors(part):
        state.update(f"{name} {values.dtype} {tuple(values.shape)}\n".encode())
        state.update(_bytes(values))
    return state.hexdigest()[:16]


def _tensors(part: Any) -> Iterator[tuple[str, "Tensor"]]:
    return iter(sorted(part.state_dict().items()))


def _bytes(values: "Tensor") -> bytes:
    import torch

    flat = values.detach().cpu().contiguous().reshape(-1)
    return flat.view(torch.uint8).numpy().tobytes() if flat.numel() else b""
