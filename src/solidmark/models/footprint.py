"""How much memory one image takes beside the weights, estimated from the sizes of the layers.

What is computed without a gradient is dropped as soon as it was used: what counts is the widest
moment, with what skips over it. A gradient needs on its way back what was computed on the way
there. A linear layer with frozen weights keeps nothing, a convolution keeps its input all the same:
in a block of two convolutions these, both norms and both activations keep theirs (6 tensors), in a
block of a transformer three norms, queries, keys, values and answers of two attentions, and both
halves of the gate, which are four times as wide (20).

References:
    `tests/models/test_models_footprint.py` counts what torch keeps of networks of every family, up
    to the size of Stable Diffusion XL.
"""

import math
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from solidmark.diffusion import Model
from solidmark.models.latent import LatentModel
from solidmark.models.pixel import PixelModel
from solidmark.runs import Processes, Room, free_bytes, in_words, say

Gradient = Literal["none", "network", "images"]
"""What a gradient is taken through: nothing, the denoiser, or the autoencoder before it too."""

Config = Mapping[str, Any]
Size = tuple[int, int]

BLOCK, JOINED, ATTENTION, TRANSFORMER, LAYER = 6, 9, 6, 20, 12
"""Tensors that a gradient needs of a block of two convolutions, of one whose input is joined with
that of a level above, of a plain attention, of a block of a transformer in such a network, and of
one in a network of transformers alone, which has one attention and no gate."""
AROUND, MIDDLE = 4, 14
"""The same of what stands round the blocks of a transformer, and of the middle of an autoencoder.
"""
WIDEST = 12
"""Tensors of a layer that live at a time where no gradient is wanted: the gate of a transformer is
8 times as wide as its input."""
DECODED = 4
"""The same of the last blocks of a decoder."""
JOINT = 512
"""Tokens of a caption that stand beside those of the image, where attention is over both."""
SHARE = 0.8
"""Of the memory that is free, what images may take: an estimate is off by a fifth."""


@dataclass(frozen=True)
class Numbers:
    """How many numbers an image takes.

    Arguments:
        widest: At the widest moment, without a gradient.
        kept: For a gradient.
    """

    widest: int
    kept: int


NOTHING = Numbers(0, 0)
"""Of a network whose configuration does not say it."""


def of_network(config: Config, size: Size) -> Numbers:
    """What a denoiser takes.

    Arguments:
        config: Its configuration, as diffusers has it.
        size: The height and width of its latents.
    """
    if "block_out_channels" in config:
        return _of_unet(config, size)
    if "num_attention_heads" not in config:
        return NOTHING
    patch = int(config.get("patch_size") or 1) * (2 if "num_single_layers" in config else 1)
    tokens = _area(size, 0) // patch**2  # Flux packs 2 x 2 cells before its network sees them.
    if "joint_attention_dim" in config:
        tokens += JOINT
    width = int(config["num_attention_heads"]) * int(config["attention_head_dim"])
    layers = int(config.get("num_layers") or 1) + int(config.get("num_single_layers") or 0)
    return Numbers(2 * WIDEST * tokens * width, LAYER * layers * tokens * width)


def _of_unet(config: Config, size: Size) -> Numbers:
    widths = list(config["block_out_channels"])
    layers = _each(config.get("layers_per_block", 2), widths)
    depths = _each(config.get("transformer_layers_per_block", 1), widths)
    kinds = list(config.get("down_block_types") or [""] * len(widths))
    widest = kept = skipped = inner = 0
    for level, width in enumerate(widths):
        numbers = _area(size, level) * int(width)
        inner = 0
        if "CrossAttn" in kinds[level]:
            inner = AROUND + TRANSFORMER * depths[level]
        elif "Attn" in kinds[level]:
            inner = ATTENTION
        down, up = layers[level], layers[level] + 1
        kept += numbers * (down * (BLOCK + inner) + up * (JOINED + inner))
        skipped += numbers * up
        widest = max(widest, WIDEST * numbers)
    middle = _area(size, len(widths) - 1) * int(widths[-1])
    if config.get("mid_block_type") is not None or config.get("add_attention"):
        kept += middle * (2 * BLOCK + max(inner, ATTENTION))
    return Numbers(widest + skipped, kept)


def of_autoencoder(config: Config, size: Size) -> Numbers:
    """What an autoencoder takes: to decode without a gradient, to encode with one.

    Arguments:
        config: Its configuration, as diffusers has it.
        size: The height and width of an image, in pixels.
    """
    widths = list(config.get("encoder_block_out_channels") or config["block_out_channels"])
    layers = _each(config.get("layers_per_block", 2), widths)
    kept = sum(
        BLOCK * layers[level] * _area(size, level) * int(width)
        for level, width in enumerate(widths)
    )
    kept += MIDDLE * _area(size, len(widths) - 1) * int(widths[-1])
    return Numbers(DECODED * _area(size, 0) * int(widths[min(1, len(widths) - 1)]), kept)


def image_bytes(model: Model, size: Size, gradient: Gradient = "none") -> int:
    """The memory that one image takes, in bytes; 0 where nothing says it.

    A model in closed form takes little; what a network without a configuration takes is found by
    `Room`, as what an estimate misses.

    Arguments:
        model: The model, with whatever stands round it.
        size: The height and width of the image, in pixels.
        gradient: What a gradient is taken through.
    """
    adapter: Any = model
    while hasattr(adapter, "model"):
        adapter = adapter.model
    if isinstance(adapter, PixelModel):
        found = of_network(getattr(adapter.unet, "config", {}), size)
        itemsize = 4 if adapter.precision == "fp32" else 2
        return itemsize * (found.widest if gradient == "none" else found.kept)
    if not isinstance(adapter, LatentModel):
        return 0
    cells = math.ceil(size[0] / adapter.factor), math.ceil(size[1] / adapter.factor)
    autoencoder = of_autoencoder(adapter.vae.network.config, size)
    network = of_network(getattr(adapter.network, "config", {}), cells)
    of_both = adapter.vae.network.dtype.itemsize, adapter.network.dtype.itemsize
    return bytes_of(autoencoder, network, of_both, gradient)


def bytes_of(
    autoencoder: Numbers, network: Numbers, itemsizes: tuple[int, int], gradient: Gradient
) -> int:
    """The bytes of an image in a model of latents: its two parts are asked one after the other."""
    first, second = itemsizes
    if gradient == "images":
        return first * autoencoder.kept + second * network.kept
    asked = network.widest if gradient == "none" else network.kept
    return max(first * autoencoder.widest, second * asked)


def room_for(
    model: Model,
    batch_size: int,
    device: str,
    sizes: Iterable[Size],
    gradient: Gradient = "none",
) -> Room:
    """How many images go to a model at a time: as many as fit, by the estimate, into what is free.

    What the estimate misses, `Room` finds by halving. Rows do not depend on it.

    Arguments:
        batch_size: The most.
        device: Where the model is.
        sizes: The heights and widths of the images, in pixels; the largest counts.
        gradient: What a gradient is taken through.
    """
    largest = max(sizes, key=lambda size: size[0] * size[1])
    image, free = image_bytes(model, largest, gradient), free_bytes(device)
    if not image or free is None:
        return Room(batch_size, device)
    # Processes of one machine share its memory, and have a GPU each.
    sharing = int(os.environ.get("LOCAL_WORLD_SIZE", 1)) if device == "cpu" else 1
    most = max(1, int(SHARE * free / sharing) // image)
    if most >= batch_size:
        return Room(batch_size, device)
    if Processes.here().is_main:
        height, width = largest
        how = ", with its gradient" if gradient != "none" else ""
        say(
            f"Images go to the model {most} at a time, and not {batch_size}: one of {height} x "
            f'{width} pixels takes about {in_words(image)}{how}, and "{device}" has '
            f"{in_words(free)} free.",
            error=True,
        )
    return Room(most, device)


def _area(size: Size, level: int) -> int:
    """The cells of a level, each of which has half the side of the one before."""
    return math.ceil(size[0] / 2**level) * math.ceil(size[1] / 2**level)


def _each(value: Any, widths: list[Any]) -> list[int]:
    """A number for each level; of several numbers the largest."""
    if isinstance(value, int):
        return [value] * len(widths)
    return [int(max(one)) if isinstance(one, list | tuple) else int(one) for one in value]
