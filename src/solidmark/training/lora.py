"""LoRA: small matrices beside the attention of a frozen network, instead of all its weights.

.. math:: W' = W + \\frac{\\alpha}{r} B A, \\qquad
    A \\in \\mathbb{R}^{r \\times d}, \\;
    B \\in \\mathbb{R}^{d' \\times r}, \\; B = 0 \\text{ at first}
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from solidmark.cards.recipe import Recipe
from solidmark.late import Tensor
from solidmark.models.lora import WEIGHTS
from solidmark.randomness import seeded
from solidmark.runs import write_bytes

TARGETS = ["to_q", "to_k", "to_v", "to_out.0"]
"""The layers that the examples of diffusers train: queries, keys, values, and what comes out."""


def add_lora(network: Any, recipe: Recipe) -> None:
    """Adds the matrices to a frozen network; they alone want gradients then.

    References:
        Hu et al., 2022.
    """
    from peft import LoraConfig

    network.requires_grad_(False)
    config = LoraConfig(
        r=recipe.lora_rank,
        lora_alpha=recipe.lora_alpha or recipe.lora_rank,
        init_lora_weights="gaussian",  # That of A.
        target_modules=TARGETS,
    )
    with seeded(recipe.seed, "lora"):
        network.add_adapter(config)


def save_lora(
    folder: Path, pipe: Any, part: str, network: Any, weights: Mapping[str, Tensor]
) -> None:
    """Saves the matrices in the format of diffusers.

    Arguments:
        folder: The folder to write; `pytorch_lora_weights.safetensors` in it.
        weights: The matrices, under the names of its `state_dict`.
    """
    from diffusers.utils import convert_state_dict_to_diffusers
    from peft import get_peft_model_state_dict

    layers = convert_state_dict_to_diffusers(
        get_peft_model_state_dict(network, state_dict=dict(weights))
    )
    config = network.peft_config["default"].to_dict()
    # A set would be written in another order each time.
    config = {name: sorted(v) if isinstance(v, set) else v for name, v in config.items()}
    named = {f"{part}_lora_layers": layers, f"{part}_lora_adapter_metadata": config}
    type(pipe).save_lora_weights(folder, **named, safe_serialization=True)
    _sort_metadata(folder / WEIGHTS)


def _sort_metadata(path: Path) -> None:
    """Sorts the facts in the header of a safetensors file, which come in another order each time.

    The header is JSON after eight bytes with its length, filled up with spaces to a multiple of 8.
    """
    data = path.read_bytes()
    end = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:end])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    write_bytes(path, len(text).to_bytes(8, "little") + text + data[end:])
