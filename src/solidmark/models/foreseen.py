"""A model as its files describe it: enough to judge a command line, before anything is loaded.

It has what the checks of a model look at (size, channels, what it is told), and is opened on the
device `meta`, where torch has shapes without numbers. It cannot be asked.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from solidmark.data import Sample
from solidmark.diffusion import Model
from solidmark.errors import MissingCapability
from solidmark.models.controls import CONTROLS
from solidmark.models.finding import part_of
from solidmark.models.flux import DISTILLED
from solidmark.models.index import kind_of
from solidmark.models.pixel import NEVER_WITHOUT
from solidmark.models.reading import read_config

META = "meta"
"""The device of a model that is only foreseen."""


@dataclass(frozen=True)
class Foreseen:
    """A model that is not opened.

    Arguments:
        factor: The pixels along a side of a cell of its latents; 1 = it works on pixels.
        channels: Of its images; None of a control, which is made of the images.
        sample_size: The height and width it was built for, where its files say so.
        multiple: What the sides of an image must be multiples of.
        captioned: Whether it draws from captions.
        classes: How many classes it draws from; 0 = it is told none.
        is_network: Whether there is a network to look into.
        told: What a control is told, if anything.
        never_without: Why it cannot be told nothing, where that is so.
        schedule: Unknown.
    """

    factor: int = 1
    channels: int | None = None
    sample_size: tuple[int, int] | None = None
    multiple: int = 1
    captioned: bool = False
    classes: int = 0
    is_network: bool = True
    told: str | None = None
    never_without: str = ""
    schedule: Any = None

    def _ask(self, *asked: Any) -> Any:
        """What it would answer, nobody knows before it is opened."""
        raise NotImplementedError("A model that is only foreseen cannot be asked.")

    encode = decode = denoise = _ask

    def condition(self, samples: Sequence[Sample]) -> str | None:
        """Whether there is anything that it is told; the images are not looked at."""
        return "something" if self.captioned or self.classes or self.told else None

    def unconditional(self, condition: str | None) -> None:
        """Checks that it can be told nothing too.

        Raises:
            MissingCapability: When it was never trained so.
        """
        if self.never_without:
            raise MissingCapability(self.never_without)


def foresee_control(name: str) -> Model:
    """One of `CONTROLS`, made of whatever images are named."""
    told = "caption or class" if name == CONTROLS[-1] else None
    return cast(Model, Foreseen(told=told, is_network=False))


def foresee_pipeline(folder: Path) -> Model:
    """The model in the folder of a latent pipeline."""
    is_transformer = (folder / "transformer").is_dir()
    network = read_config(folder / ("transformer" if is_transformer else "unet") / "config.json")
    vae = read_config(part_of(folder, "vae") / "config.json")
    blocks = vae.get("encoder_block_out_channels") or vae.get("block_out_channels") or [0] * 4
    factor = int(2 ** (len(blocks) - 1))
    multiple = factor
    if "patch_size" in network:
        packed = network.get("in_channels") == 4 * int(vae.get("latent_channels") or 0)
        multiple = factor * int(network["patch_size"] or 1) * (2 if packed else 1)
    kind = kind_of(folder)
    by_class = kind == "DiTPipeline"
    found = Foreseen(
        factor,
        channels=3,
        sample_size=_size(network, factor),
        multiple=multiple,
        captioned=not by_class,
        classes=int(network.get("num_embeds_ada_norm") or 0) if by_class else 0,
        never_without=DISTILLED if kind == "FluxPipeline" else "",
    )
    return cast(Model, found)


def foresee_unet(folder: Path) -> Model:
    """The model of pixels in a folder."""
    config = read_config(part_of(folder, "unet") / "config.json")
    classes = int(config.get("num_class_embeds") or 0)
    found = Foreseen(
        channels=int(config.get("in_channels") or 3),
        sample_size=_size(config, 1),
        classes=classes,
        never_without=NEVER_WITHOUT if classes else "",
    )
    return cast(Model, found)


def _size(config: dict[str, Any], factor: int) -> tuple[int, int] | None:
    size = config.get("sample_size")
    if not size:
        return None
    height, width = (size, size) if isinstance(size, int) else size
    return factor * int(height), factor * int(width)
