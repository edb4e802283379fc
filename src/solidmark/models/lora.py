"""Adding LoRA weights to a pipeline of diffusers, and checking that they were added.

.. math:: W' = W + s \\frac{\\alpha}{r} B A

s is the scale, :math:`\\alpha` and r stand in the file. The matrices stay beside the weights: where
those are of half precision, adding the product to them would round it away.
"""

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from solidmark.errors import BadInput, MissingCapability, NotFound, UnsafeCheckpoint
from solidmark.models.reading import PICKLES, first_line, hush_diffusers, hush_transformers

WEIGHTS = "pytorch_lora_weights.safetensors"
DOWN = ("down.weight", "lora_A.weight", "lora_A.default.weight")
"""How the names of the matrices A end: of kohya and older diffusers, of peft."""


def add_loras(pipe: Any, loras: Sequence[str], scale: float = 1.0) -> None:
    """Adds LoRA weights to the denoiser and the text encoders of a pipeline.

    Arguments:
        pipe: A pipeline of diffusers; it is changed.
        loras: Files or folders, as diffusers or kohya's scripts save them; their sum is added.
        scale: What all of them are multiplied with.

    Raises:
        MissingCapability: When diffusers adds none to pipelines of this class.
        NotFound: When nothing is there.
        UnsafeCheckpoint: When a file is a pickle.
        BadInput: When not all matrices of a file fit the pipeline.

    References:
        Hu et al., 2022.
    """
    if not loras:
        return
    if not hasattr(pipe, "load_lora_weights"):
        raise MissingCapability(
            f"A {type(pipe).__name__} has no LoRA: diffusers adds none to it. Leave --lora out."
        )
    names = [f"lora_{number}" for number in range(len(loras))]
    for name, where in zip(names, loras, strict=True):
        _add(pipe, find_lora(where), name)
    pipe.set_adapters(names, [scale] * len(names))


def find_lora(where: str) -> Path:
    """The file of LoRA weights that a path means.

    Arguments:
        where: A .safetensors file, a folder with one, or a folder of `solidmark train`.

    Raises:
        NotFound: When nothing is there.
        UnsafeCheckpoint: When it is a pickle.
        BadInput: When a folder holds no file or several.
    """
    path = Path(where)
    if path.suffix.lower() in PICKLES and path.is_file():
        raise UnsafeCheckpoint(
            f'The LoRA "{where}" is a pickle, and opening it could run any code. '
            "Take it as .safetensors."
        )
    if path.is_file():
        return path
    if not path.is_dir():
        raise NotFound(f'There is no LoRA "{where}", neither file nor folder. Check the path.')
    for folder in (path, path / "model"):
        if (folder / WEIGHTS).is_file():
            return folder / WEIGHTS
    found = sorted(path.glob("*.safetensors"))
    if len(found) != 1:
        raise BadInput(
            f'"{where}" holds {len(found)} .safetensors files and no {WEIGHTS}. Name the file.'
        )
    return found[0]


def _add(pipe: Any, path: Path, name: str) -> None:
    """Adds one file under a name of its own."""
    held = _matrices(path)
    hush_transformers()
    hush_diffusers()
    try:
        with warnings.catch_warnings():
            # peft warns of every adapter after the first; several are what was asked for.
            warnings.filterwarnings("ignore", "Already found a `peft_config`")
            pipe.load_lora_weights(
                str(path.parent),
                weight_name=path.name,
                adapter_name=name,
                use_safetensors=True,
                local_files_only=True,
            )
    except (OSError, ValueError, RuntimeError, TypeError, KeyError, AttributeError) as error:
        raise BadInput(
            f'The LoRA "{path}" does not fit a {type(pipe).__name__} ({first_line(error)}). '
            "Add it to the model that it was trained on."
        ) from error
    added = _added(pipe, name)
    if added < held:
        fitting = "no matrix" if added == 0 else f"only {added} of {held} matrices"
        raise BadInput(
            f'Of the LoRA "{path}", {fitting} fits a {type(pipe).__name__} of this size. '
            "Add it to the model that it was trained on."
        )


def _matrices(path: Path) -> int:
    """How many matrices A a file holds.

    Raises:
        BadInput: When it is no file of LoRA weights, or not of the plain kind.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "pt") as file:
            keys = list(file.keys())
    except (OSError, SafetensorError) as error:
        raise BadInput(
            f'The LoRA "{path}" is not readable as safetensors ({first_line(error)}). '
            "Copy it again."
        ) from error
    count = sum(key.endswith(DOWN) for key in keys)
    if not count:
        raise BadInput(f'"{path}" holds no LoRA weights. Name a file of diffusers or kohya.')
    if any("dora_scale" in key for key in keys):
        raise BadInput(
            f'The LoRA "{path}" is a DoRA, whose scales diffusers leaves out. '
            "Merge it into its model first."
        )
    return count


def _added(pipe: Any, name: str) -> int:
    """How many layers of the pipeline have got matrices of this name."""
    parts = [part for part in pipe.components.values() if isinstance(part, torch.nn.Module)]
    return sum(name in getattr(module, "lora_A", ()) for part in parts for module in part.modules())
