"""Reading a file of LoRA weights, and giving every matrix its own strength.

A file says the strength of each layer, alpha / r, in its own way: a tensor beside the matrices
(kohya), patterns of names in its header (diffusers), or a file beside it (peft). Loaders ask names
for it, and where a name is spelt otherwise a layer gets the strength of another one. So each
strength is multiplied into its matrices here, where all three stand under one name, and what is
handed on has the strength 1 everywhere.
"""

import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from solidmark.diffusion import Prediction
from solidmark.errors import BadInput
from solidmark.late import Tensor, torch
from solidmark.models.numbers import check_tensors
from solidmark.models.reading import first_line, read_config
from solidmark.models.stated import prediction_in
from solidmark.runs import memory_for

FORMS = (
    (".lora_down.weight", ".lora_up.weight"),
    (".lora_A.weight", ".lora_B.weight"),
    (".lora_A.default.weight", ".lora_B.default.weight"),
    (".lora_linear_layer.down.weight", ".lora_linear_layer.up.weight"),
    (".lora.down.weight", ".lora.up.weight"),
    ("_lora.down.weight", "_lora.up.weight"),
    (".down.weight", ".up.weight"),
)
"""How the names of the matrices A and B end: of kohya, peft, and older diffusers."""
ALPHAS = (".alpha", ".lora.alpha", "_lora.alpha", ".lora_linear_layer.alpha")
BIASES = (".lora_B.bias", ".lora_B.default.bias")
BESIDE_THEM = (ALPHAS, BIASES)
HEADER = "lora_adapter_metadata"
"""Where diffusers keeps the configuration of peft in the header of a file."""
BESIDE = "adapter_config.json"
"""Where peft keeps it."""
ON_OTHER_WEIGHTS = ("pissa", "olora", "corda", "loftq")
"""Ways to begin a LoRA that change the weights which it is added to."""
OF_FLUX = "lora_transformer_"
"""What kohya's scripts put before the names of diffusers, for Flux."""
PREFIX = "base_model.model."
"""What peft puts before the names."""


@dataclass(frozen=True)
class LoraFile:
    """The weights of a file, at strength 1.

    Arguments:
        tensors: The matrices in single precision, under the names of the file.
        biases: What is added beside the products, by the name of the layer.
        count: How many layers it changes.
        power: The sum of the squares of all that it adds to weights and biases. Translating
            names, cutting matrices and changing the order of rows leave it as it is.
        prediction: What the network predicts that it was trained on, where it says so.
    """

    path: Path
    tensors: Mapping[str, Tensor]
    biases: Mapping[str, Tensor]
    count: int
    power: float
    prediction: Prediction | None = None


def read_lora(path: Path) -> LoraFile:
    """Reads a file.

    Raises:
        BadInput: When it is no file of LoRA weights, or holds more than can be added.

    References:
        Hu et al., 2022, Section 4.1 (alpha / r); Kalajdzievski, 2023 (alpha / sqrt r).
    """
    held, metadata, header = _load(path)
    layers = _layers(held)
    if any("dora_scale" in name or "lora_magnitude_vector" in name for name in held):
        raise BadInput(
            f'The LoRA "{path}" is a DoRA, whose scales diffusers leaves out. '
            "Merge it into its model first."
        )
    if not layers:
        raise BadInput(f'"{path}" holds no LoRA weights. Name a file of diffusers or kohya.')
    tensors: dict[str, Tensor] = {}
    biases: dict[str, Tensor] = {}
    used, power = set(), 0.0
    of_flux = any(name.startswith(OF_FLUX) for name in held)
    for stem, (down, up) in layers.items():
        alphas, biased = (
            [stem + end for end in ends if stem + end in held] for ends in BESIDE_THEM
        )
        used |= {down, up, *alphas, *biased}
        a, b = _pair(path, held, down, up)
        strength = _strength(path, stem, len(a), [held[name] for name in alphas], header)
        tensors[down], tensors[up] = _multiplied(a, b, strength)
        power += product_power(tensors[down], tensors[up])
        if of_flux:  # diffusers wants alphas there; this one changes nothing.
            tensors[f"{stem}.alpha"] = torch.tensor(float(len(a)))
        for name in biased:
            biases[stem] = held[name].float() * strength
            power += float(biases[stem].double().square().sum())
    unknown = sorted(set(held) - used)
    if unknown:
        raise BadInput(
            f'The LoRA "{path}" holds {len(unknown)} tensors that are no part of a plain LoRA, '
            f'"{unknown[0]}" among them, and they would be left out. Merge it into its model first.'
        )
    return LoraFile(path, tensors, biases, len(layers), power, prediction_in(path, metadata))


def is_lora(path: Path) -> bool:
    """Whether a file holds LoRA weights, by the names in its head; what cannot be read does not.

    Arguments:
        path: A .safetensors file.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "np") as file:
            return bool(_layers(file.keys()))
    except (OSError, SafetensorError):
        return False


def _layers(held: Iterable[str]) -> dict[str, tuple[str, str]]:
    """The names of both matrices of each layer, by what comes before."""
    found = {}
    for name in held:
        ends = next((pair for pair in FORMS if name.endswith(pair[0])), None)
        if ends is not None:
            stem = name.removesuffix(ends[0])
            found[stem] = (name, stem + ends[1])
    return found


def product_power(a: Tensor, b: Tensor) -> float:
    """The sum of the squares of B A, without computing it.

    Arguments:
        b: The matrix B, with shape (..., r) or (..., r, 1, 1).
    """
    a, b = a.double().flatten(1), b.double().reshape(len(b), -1)
    return float(((b.mT @ b) * (a @ a.mT)).sum())


def _multiplied(a: Tensor, b: Tensor, strength: float) -> tuple[Tensor, Tensor]:
    """Two matrices whose product is the strength times that of A and B.

    They are made equally large, so that neither falls out of the range of half precision, for
    which files have an alpha. A power of two goes to A, which rounds nothing.
    """
    large, small = (float(matrix.abs().max()) for matrix in (a, b))
    if strength == 1 or not large or not small:
        return a, b * strength
    move = 2.0 ** round(math.log2(small * abs(strength) / large) / 2)
    return a * move, b * (strength / move)


def _load(path: Path) -> tuple[dict[str, Tensor], dict[str, str], dict[str, Any]]:
    """The tensors, the header, and what it or a file beside says of alphas."""
    from safetensors import SafetensorError, safe_open

    try:
        with (
            memory_for(f'the LoRA "{path}"', path.stat().st_size),
            safe_open(path, "pt") as file,
        ):
            header = dict(file.metadata() or {})
            held = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise BadInput(
            f'The LoRA "{path}" is not readable as safetensors ({first_line(error)}). '
            "Copy it again."
        ) from error
    cure = "Take an earlier LoRA, or another copy of it."
    check_tensors(held.items(), path, cure, variety=False)
    try:
        said = json.loads(header.get(HEADER) or "{}")
    except ValueError as error:
        raise BadInput(f'The header of the LoRA "{path}" is not readable ({error}).') from error
    beside = path.with_name(BESIDE)
    if not said and beside.is_file() and all(name.startswith(PREFIX) for name in held):
        said = read_config(beside)
    return held, header, said if isinstance(said, dict) else {}


def _pair(path: Path, held: Mapping[str, Tensor], down: str, up: str) -> tuple[Tensor, Tensor]:
    """The matrices A and B of a layer, in single precision."""
    if up not in held:
        raise BadInput(f'The LoRA "{path}" has "{down}" but no "{up}". Copy it again.')
    a, b = held[down].float(), held[up].float()
    flat = a.dim() < 2 or b.dim() < 2 or 0 in (*a.shape, *b.shape)
    if flat or b.shape[1] != len(a) or b[0, 0].numel() != 1:
        raise BadInput(
            f'In the LoRA "{path}", "{up}" with shape {tuple(b.shape)} does not fit "{down}" with '
            f"shape {tuple(a.shape)}. Merge it into its model first."
        )
    return a, b


def _strength(
    path: Path, stem: str, rank: int, alphas: Sequence[Tensor], header: Mapping[str, Any]
) -> float:
    """What the product of a layer is multiplied with: alpha / r, and 1 where the file is silent."""
    divisor = float(rank)
    if alphas:
        found = float(alphas[0]) if alphas[0].numel() == 1 else math.nan
    else:
        part, _, layer = stem.partition(".")
        if stem.startswith(PREFIX):
            layer, said = stem.removeprefix(PREFIX), header
        else:
            said = {
                name.removeprefix(f"{part}."): value
                for name, value in header.items()
                if name.startswith(f"{part}.")
            }
        begun = said.get("init_lora_weights")
        if isinstance(begun, str) and begun.lower().startswith(ON_OTHER_WEIGHTS):
            raise BadInput(
                f'The LoRA "{path}" was begun with "{begun}", which changes the weights that it is '
                "added to. Merge it into its model first."
            )
        given = _of_pattern(said.get("alpha_pattern"), layer, said.get("lora_alpha"))
        found = float(rank) if given is None else _number(given)
        if given is not None and said.get("use_rslora"):
            divisor = math.sqrt(rank)
    if not math.isfinite(found) or found == 0:
        raise BadInput(
            f'The LoRA "{path}" has an alpha of {found:g} for "{stem}", so its strength is not '
            "known. Take another copy, or merge it into its model first."
        )
    return found / divisor


def _of_pattern(patterns: Any, layer: str, default: Any) -> Any:
    """What peft takes for a layer: that of the first pattern that its name ends with."""
    for pattern, value in (patterns or {}).items():
        try:
            if re.match(rf"(.*\.)?({pattern})$", layer):
                return value
        except re.error:
            continue
    return default


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) else math.nan
