"""A marked image seen otherwise: in other frames, in a mirror, cut out, without its frame.

What a trainer does to images on their way to the network (crops, flips, another folder) decides
which of these views the network knows. Each has the size of the marked image, so that any model
that takes the one takes the others.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from jaxtyping import Bool

from solidmark.late import Tensor, functional, torch
from solidmark.marks import Pattern, Segments
from solidmark.types import MarkedImages, Mask

CUT_OUT = 0.75
"""The share of a side that a cut-out keeps: enough to know the picture, too little for a frame."""

HALF = 0.5
"""Half of the greys: as far as two greys can lie apart on average when they may wrap round."""


@dataclass(frozen=True)
class Contrast:
    """A frame as it is marked, and the same greys where no mark has them.

    Both show the same greys at the same places but for the edges between them, so a model that
    knows nothing of these frames finds neither easier.

    Arguments:
        right: Images in frames of the pattern.
        wrong: The same pictures in frames whose cells lie elsewhere.
        where: The pixels of the frame at which the two are compared.
    """

    right: MarkedImages
    wrong: MarkedImages
    where: Mask


def contrasts(pattern: Pattern, images: MarkedImages) -> list[Contrast]:
    """The frames of images beside frames that only a model which knows the frames tells from them.

    Frames of several greys are turned by half a cell round the picture. A frame of one grey is
    compared with one whose right half has a grey of its own: its left half with the frame as it
    is, its right half with the frame all in that other grey.

    Returns:
        None at all where the cells are too small to be turned.
    """
    height, width = images.shape[-2:]
    where, keys = pattern.mask(height, width), pattern.read(images)
    if pattern.count == 1:
        left = where & (torch.arange(width) < width / 2)
        other = torch.where(where, ((keys + HALF) % 1.0)[:, :, None, None], images)
        both = torch.where(left, images, other)
        return [Contrast(images, both, left), Contrast(other, both, where & ~left)]
    cells = turned_layout(pattern, height, width)
    if cells is None:
        return []
    greys = keys[:, cells.clamp(min=0)].unsqueeze(1)
    return [Contrast(images, torch.where(where, greys, images), where)]


def turned_layout(pattern: Pattern, height: int, width: int) -> Tensor | None:
    """The layout of a frame of several greys, turned by half a cell.

    Arguments:
        height: Of a marked image, in pixels.

    Returns:
        The key of each pixel, -1 where the image is; None where cells cannot be halved.
    """
    if not isinstance(pattern, Segments) or pattern.count == 1:
        return None
    if 2 * pattern.count > int(pattern.mask(height, width).sum()):
        return None
    halves = Segments(pattern.thickness, 2 * pattern.count, pattern.mirrored).layout(height, width)
    return torch.where(halves >= 0, (halves + 1) // 2 % pattern.count, -1)


def without_frame(pattern: Pattern, images: MarkedImages) -> MarkedImages:
    """The pictures cut out of their frames and scaled up to the size of the marked images."""
    return _scaled(pattern.crop(images), images)


def cut_out(images: MarkedImages, generators: "Sequence[torch.Generator]") -> MarkedImages:
    """A part of each image, three quarters of its side, scaled up to the whole.

    Arguments:
        generators: One an image, of which the place is drawn.
    """
    height, width = (round(CUT_OUT * side) for side in images.shape[-2:])
    parts = []
    for image, generator in zip(images, generators, strict=True):
        top, left = (
            int(torch.randint(room + 1, (1,), generator=generator))
            for room in (image.shape[-2] - height, image.shape[-1] - width)
        )
        parts.append(image[:, top : top + height, left : left + width])
    return _scaled(torch.stack(parts), images)


def at_latents(where: Mask, shape: Sequence[int]) -> Bool[Tensor, "h w"]:
    """The cells of the latents that show the pixels of a mask, most of them or, else, any.

    Arguments:
        shape: The height and the width of the latents.
    """
    share = functional.adaptive_avg_pool2d(where[None, None].float(), (shape[0], shape[1]))[0, 0]
    return share > HALF if bool((share > HALF).any()) else share > 0


def _scaled(images: Tensor, like: Tensor) -> Tensor:
    size = (like.shape[-2], like.shape[-1])
    return functional.interpolate(
        images, size, mode="bilinear", align_corners=False, antialias=True
    )
