"""A model that a program holds already: kept as a folder, or asked where it stands.

A result must say what it looked at: by the files of the folder, or by the hashes of the weights.
"""

import hashlib
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from solidmark.diffusion import DiscreteSchedule, Model
from solidmark.errors import BadInput
from solidmark.models.loading import Precision
from solidmark.models.pipelines import FAMILIES, schedule_of, to_model
from solidmark.models.pixel import PixelModel
from solidmark.runs import open_run

if TYPE_CHECKING:
    from torch import Tensor

KEPT = "model"
"""The folder with the pipeline, inside the one that is kept."""


@dataclass(frozen=True)
class Live:
    """A model in memory, ready to be asked.

    Arguments:
        model: The model.
        device: Where it stands.
        hashes: Those of the weights of its parts, by name.
    """

    model: Model
    device: str
    hashes: Mapping[str, str]


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


@contextmanager
def borrowed(model: Any, precision: Precision = "fp32") -> Iterator[Live]:
    """A model that is being trained, to be asked where it stands; afterwards it is as it was.

    Nothing is copied, so that layers of a LoRA and the like count as they do in the training. While
    it is asked all its parts are in evaluation mode; that, which weights learn and where parts
    stand is put back. What was drawn at random meanwhile, `randomness.undisturbed` undoes.

    Arguments:
        model: As of `keep_model`, of the classes that can be opened.
        precision: What a network of pixels computes in. All others compute in that of their
            weights.

    Raises:
        BadInput: When it is no such model.
    """
    import torch

    pipeline = _pipeline(model)
    parts = [part for part in pipeline.components.values() if isinstance(part, torch.nn.Module)]
    modes = [(one, one.training) for part in parts for one in part.modules()]
    learning = [(one, one.requires_grad) for part in parts for one in part.parameters()]
    stood = [(part, _device(part)) for part in parts]
    try:
        yield _lent(pipeline, precision)
    finally:
        for part, device in stood:
            if device is not None and _device(part) != device:
                part.to(device)
        for module, training in modes:
            module.training = training
        for parameter, learns in learning:
            parameter.requires_grad_(learns)


def _lent(pipeline: Any, precision: Precision) -> Live:
    denoiser = pipeline.components.get("transformer", pipeline.components.get("unet"))
    device = _device(denoiser)
    named = {n: part for n, part in pipeline.components.items() if hasattr(part, "state_dict")}
    hashes = {name: _hash(part) for name, part in named.items()}
    if type(pipeline).__name__ in FAMILIES:
        return Live(to_model(pipeline, device), str(device), hashes)
    schedule, prediction = schedule_of(pipeline.scheduler)
    if not isinstance(schedule, DiscreteSchedule) or set(named) != {"unet"}:
        raise BadInput(
            f"A {type(pipeline).__name__} of a {type(denoiser).__name__} cannot be asked. Give a "
            f"pixel-space DDPM or DDIM, or a {', '.join(FAMILIES)}."
        )
    unet = denoiser.eval().requires_grad_(False)
    return Live(PixelModel(unet, schedule, prediction, precision), str(device), hashes)


def _device(part: Any) -> Any:
    """Where a part stands, by its first weight."""
    return next((one.device for one in part.parameters()), None)


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
    for name, values in sorted(part.state_dict().items()):
        state.update(f"{name} {values.dtype} {tuple(values.shape)}\n".encode())
        state.update(_bytes(values))
    return state.hexdigest()[:16]


def _bytes(values: "Tensor") -> bytes:
    import torch

    flat = values.detach().cpu().contiguous().reshape(-1)
    return flat.view(torch.uint8).numpy().tobytes() if flat.numel() else b""
