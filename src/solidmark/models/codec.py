"""The way between images and what a model denoises, when it is the pixels themselves."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from solidmark.types import Images, Latents


@runtime_checkable
class Codec(Protocol):
    """From images to latents and back. An autoencoder is one, a whole `Model` is one too."""

    @property
    def factor(self) -> int: ...

    def encode(self, images: Images) -> Latents: ...

    def decode(self, latents: Latents) -> Images: ...


@dataclass(frozen=True)
class Pixels:
    """The pixels themselves: :math:`z = 2x - 1`."""

    @property
    def factor(self) -> int:
        return 1

    def encode(self, images: Images) -> Latents:
        return images * 2 - 1

    def decode(self, latents: Latents) -> Images:
        return latents.float() / 2 + 0.5
