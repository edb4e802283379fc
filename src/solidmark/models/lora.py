"""Adding LoRA weights to a pipeline of diffusers, and checking that they were added.

.. math:: W' = W + s \\frac{\\alpha}{r} B A

s is the scale, :math:`\\alpha` and r stand in the file. The matrices stay beside the weights: where
those are of half precision, adding the product to them would round it away.
"""

import math
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from solidmark.errors import BadInput, MissingCapability, NotFound, UnsafeCheckpoint
from solidmark.late import Tensor, torch
from solidmark.models.lora_file import PREFIX, LoraFile, product_power, read_lora
from solidmark.models.reading import (
    PICKLES,
    errors_are_raised,
    first_line,
    hush_diffusers,
    hush_transformers,
)
from solidmark.runs import memory_for

WEIGHTS = "pytorch_lora_weights.safetensors"
OTHERS = (AttributeError, IndexError, AssertionError)
"""What diffusers raises beside its own errors where names are not what it expects."""


def add_loras(pipe: Any, loras: Sequence[str], scale: float = 1.0) -> list[LoraFile]:
    """Adds LoRA weights to the denoiser and the text encoders of a pipeline.

    Arguments:
        pipe: A pipeline of diffusers; it is changed.
        loras: Files or folders, as diffusers or kohya's scripts save them; their sum is added.

    Returns:
        What was added.

    Raises:
        MissingCapability: When diffusers adds none to pipelines of this class.
        NotFound: When nothing is there.
        UnsafeCheckpoint: When a file is a pickle.
        BadInput: When not all matrices of a file fit the pipeline.

    References:
        Hu et al., 2022.
    """
    if not loras:
        return []
    if not hasattr(pipe, "load_lora_weights"):
        raise MissingCapability(
            f"A {type(pipe).__name__} has no LoRA: diffusers adds none to it. Leave --lora out."
        )
    names = [f"lora_{number}" for number in range(len(loras))]
    files = [_add(pipe, find_lora(where), name) for name, where in zip(names, loras, strict=True)]
    pipe.set_adapters(names, [scale] * len(names))
    for name, where in zip(names, loras, strict=True):
        for layer in _layers(pipe, name):
            if name not in layer.active_adapters:
                raise _unfit(pipe, Path(where), "diffusers has not activated all of it")
            layer.scaling[name] = scale
    return files


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


def _add(pipe: Any, path: Path, name: str) -> LoraFile:
    """Adds one file under a name of its own, at strength 1, and checks that all of it arrived."""
    file = read_lora(path)
    hush_transformers()
    hush_diffusers()
    try:
        with warnings.catch_warnings(), errors_are_raised():
            # peft warns of every adapter after the first; several are what was asked for.
            warnings.filterwarnings("ignore", "Already found a `peft_config`")
            # It also pads what is too small for a network with zeros, and takes names for layers.
            with memory_for(f'the LoRA "{path}"', path.stat().st_size):
                pipe.load_lora_weights(_of_parts(pipe, file.tensors), adapter_name=name)
    except (OSError, ValueError, RuntimeError, TypeError, KeyError, *OTHERS) as error:
        raise _unfit(pipe, path, first_line(error)) from error
    _add_biases(pipe, file, name)
    layers = list(_layers(pipe, name))
    for layer in layers:
        # What the loader made of alphas is overruled: the strength is in the matrices.
        layer.lora_alpha[name] = layer.r[name]
        layer.use_rslora[name] = False
    if len(layers) < file.count:
        fitting = f"only {len(layers)} of {file.count} matrices" if layers else "no matrix"
        raise BadInput(
            f'Of the LoRA "{path}", {fitting} fits a {type(pipe).__name__} of this size. '
            "Add it to the model that it was trained on."
        )
    power = sum(_power(layer, name) for layer in layers)
    if not math.isclose(power, file.power, rel_tol=_tolerance(layers, name)):
        share = math.sqrt(power / file.power) if file.power else math.inf
        raise _unfit(pipe, path, f"what has arrived is {share:.4g} times what the file holds")
    return file


def _of_parts(pipe: Any, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors, those that peft saved of a denoiser alone under the name of the denoiser."""
    part = "transformer" if "transformer" in pipe.components else "unet"
    layers = {name for name, _ in getattr(pipe, part).named_modules()}
    found = {}
    for name, tensor in tensors.items():
        inner = name.removeprefix(PREFIX)
        alone = inner != name and inner.split(".lora_")[0] in layers
        found[f"{part}.{inner}" if alone else name] = tensor
    return found


def _layers(pipe: Any, name: str) -> Iterator[Any]:
    """The layers of a pipeline that have got matrices of this name."""
    for part in pipe.components.values():
        if isinstance(part, torch.nn.Module):
            for module in part.modules():
                if name in getattr(module, "lora_A", ()):
                    yield module


def _power(layer: Any, name: str) -> float:
    """The sum of the squares of what a layer adds to its weights and its bias."""
    a, b = layer.lora_A[name], layer.lora_B[name]
    bias = 0.0 if b.bias is None else float(b.bias.detach().double().square().sum())
    return product_power(a.weight.detach(), b.weight.detach()) + bias


def _tolerance(layers: Sequence[Any], name: str) -> float:
    """How far a sum of squares of products may be off, for what the matrices were rounded to.

    Each product of two rounded numbers is off by twice the spacing at most, its square by four
    times.
    """
    types = {layer.lora_A[name].weight.dtype for layer in layers}
    return 8 * max((torch.finfo(dtype).eps for dtype in types), default=0.0)


def _add_biases(pipe: Any, file: LoraFile, name: str) -> None:
    """Adds the biases of a file: diffusers takes none where some layers have none."""
    for stem, bias in file.biases.items():
        where, part, inner = stem, "", stem
        if stem.startswith(PREFIX):
            part = "transformer" if "transformer" in pipe.components else "unet"
            inner = stem.removeprefix(PREFIX)
        else:
            part, _, inner = stem.partition(".")
        network = pipe.components.get(part)
        layers = dict(network.named_modules()) if isinstance(network, torch.nn.Module) else {}
        layer = layers.get(inner) or layers.get(inner.removeprefix("text_model."))
        if layer is None or name not in getattr(layer, "lora_B", ()):
            raise _unfit(pipe, file.path, f'the bias of "{where}" has no layer')
        matrix = layer.lora_B[name]
        if len(bias) != len(matrix.weight):
            raise _unfit(pipe, file.path, f'the bias of "{where}" has another length')
        matrix.bias = torch.nn.Parameter(bias.to(matrix.weight), requires_grad=False)


def _unfit(pipe: Any, path: Path, reason: str) -> BadInput:
    return BadInput(
        f'The LoRA "{path}" does not fit a {type(pipe).__name__} ({reason}). '
        "Add it to the model that it was trained on."
    )
