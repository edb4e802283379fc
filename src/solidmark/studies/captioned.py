"""Pictures with captions, and a text-to-image model of them, which several studies share."""

import os
from pathlib import Path
from typing import Any

from solidmark.randomness import uniform
from solidmark.studies.stage import Stage, stage
from solidmark.studies.study import Setting
from solidmark.studies.written import write_data

PARTS = (20, 10, 4, 2, 1)
"""Weights are kept after a 20th, a tenth ... of all passes over the data, and after all."""


def picked(
    data: str | os.PathLike[str],
    out: Path,
    *,
    images: int,
    resolution: int,
    seed: int,
    **read: Any,
) -> None:
    """Writes an image folder of some pictures with captions, drawn at random.

    Neighbours in a data set are often alike, so the first ones would be no fair sample.

    Arguments:
        resolution: The side of the images in pixels.
    """
    from solidmark.data import open_data
    from solidmark.errors import BadInput

    opened = open_data(data, resolution=resolution, **read)
    told = [n for n, record in enumerate(opened.records) if record.caption]
    if len(told) < images:
        raise BadInput(f'"{data}" has {len(told)} images with a caption, and {images} were asked.')
    order = sorted(told, key=lambda n: uniform(seed, "picked", opened.ids[n]))[:images]
    asked = {"data": str(data), "images": images, "resolution": resolution, "seed": seed, **read}
    write_data(out, "picked", asked, (opened[n] for n in order))


def captioned(setting: Setting) -> Stage:
    """The pictures, the same for every seed."""
    return stage(
        picked,
        setting.data,
        images=setting.images,
        resolution=setting.resolution,
        seed=setting.seeds[0],
        **setting.read,
    ).at("images")


def text_model(
    setting: Setting, seed: int, data: Stage, held_out: float = 0.5
) -> tuple[Stage, Stage]:
    """Marks pictures as the preset has them, and trains a model of them.

    Where the model is a tiny one that is made whole, its autoencoder and text encoder are trained
    once, on all pictures under frames that mean nothing: they know no key, know held-out pictures
    as well as trained ones, and are the same for every seed.

    Returns:
        The marked pictures, and the model.
    """
    from solidmark.cards.recipe import TINY
    from solidmark.training.presets import PRESETS

    preset = PRESETS[setting.preset]
    look = {"pattern": preset.pattern, "near_duplicates": False}
    marked = setting.mark(seed, data, held_out=held_out, **look)
    recipe: dict[str, Any] = {"max_train_steps": None, "checkpoint_at": passes(setting.epochs or 1)}
    if setting.recipe.get("base", preset.recipe.base) == TINY:
        first = setting.seeds[0]
        whole = setting.mark(first, captioned(setting), held_out=0.0, **look)
        parts = setting.train(whole, first, num_train_epochs=1, base=TINY)
        recipe |= {"base": parts, "from_scratch": True}
    return marked, setting.train(marked, seed, **recipe)


def passes(epochs: int) -> tuple[int, ...]:
    """After how many passes over the data weights are kept."""
    return tuple(dict.fromkeys(max(1, epochs // part) for part in PARTS))


def after(model: Stage, epoch: int) -> Stage:
    """The model as it was after some passes."""
    return model.at(f"epochs/epoch-{epoch:04d}")
