"""Where the keys are painted: `Border` round the image, `Center` in its middle.

A pattern is a layout, the index of the key that each pixel shows, and everything else follows from
it. Images and keys are in [0, 1] and keys are painted nowhere else, so that a key and what is read
of it are always on one scale.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from solidmark.errors import BadInput
from solidmark.late import functional, torch
from solidmark.types import Images, Keys, Layout, MarkedImages, Mask


@runtime_checkable
class Pattern(Protocol):
    """A mark: how a key vector is shown in an image, and how it is read again.

    Laws, for images and keys in [0, 1]:

    - ``read(apply(images, keys)) == keys``;
    - ``crop(apply(images, keys))`` is the image, bit for bit outside the mask;
    - ``apply(crop(marked), keys)`` paints other keys over a marked image.
    """

    @property
    def count(self) -> int:
        """How many keys an image carries (M)."""
        ...

    def marked_size(self, height: int, width: int) -> tuple[int, int]:
        """The height and width of a marked image, in pixels.

        Raises:
            BadInput: When the pattern does not fit an image of this size.
        """
        ...

    def layout(self, height: int, width: int) -> Layout:
        """The key index of each pixel of a marked image of this size, -1 where the image is."""
        ...

    def apply(self, images: Images, keys: Keys) -> MarkedImages:
        """Marks images with their keys."""
        ...

    def mask(self, height: int, width: int) -> Mask:
        """True where the key is painted, for a marked image of this size."""
        ...

    def read(self, marked: MarkedImages) -> Keys:
        """The mean over the pixels and channels that show each key."""
        ...

    def crop(self, marked: MarkedImages) -> Images:
        """What goes back to the user: the image without the frame."""
        ...


@dataclass(frozen=True)
class Border:
    """A solid grey border added round the image, the same value in all channels.

    Arguments:
        thickness: In pixels; 16 in the paper.

    References:
        SolidMark (Kriplani et al., 2025), Section 4.
    """

    thickness: int = 16

    def __post_init__(self) -> None:
        if self.thickness < 1:
            raise BadInput(
                f"Border({self.thickness}) paints nothing. Use a thickness of 1 or more."
            )

    @property
    def count(self) -> int:
        return 1

    def marked_size(self, height: int, width: int) -> tuple[int, int]:
        return height + 2 * self.thickness, width + 2 * self.thickness

    def layout(self, height: int, width: int) -> Layout:
        p = self.thickness
        if min(height, width) <= 2 * p:
            raise BadInput(
                f"Border({p}) leaves no image inside {height} x {width} pixels. "
                f"Use a thickness below {(min(height, width) + 1) // 2}, or larger images."
            )
        inside = torch.full((height - 2 * p, width - 2 * p), -1)
        return functional.pad(inside, (p, p, p, p), value=0)

    def apply(self, images: Images, keys: Keys) -> MarkedImages:
        p = self.thickness
        return paint(functional.pad(images, (p, p, p, p)), self.layout, keys)

    def mask(self, height: int, width: int) -> Mask:
        return self.layout(height, width) >= 0

    def read(self, marked: MarkedImages) -> Keys:
        return read_layout(marked, self.layout(*marked.shape[-2:]), self.count)

    def crop(self, marked: MarkedImages) -> Images:
        p = self.thickness
        return marked[..., p:-p, p:-p]


@dataclass(frozen=True)
class Center:
    """A solid grey square that replaces the middle of the image.

    What lay under the square is lost: `crop` gives the marked image as it is.

    Arguments:
        size: The side of the square in pixels; 16 in the paper.

    References:
        SolidMark (Kriplani et al., 2025), Appendix D.
    """

    size: int = 16

    def __post_init__(self) -> None:
        if self.size < 1:
            raise BadInput(f"Center({self.size}) paints nothing. Use a size of 1 or more.")

    @property
    def count(self) -> int:
        return 1

    def marked_size(self, height: int, width: int) -> tuple[int, int]:
        self._require_room(height, width)
        return height, width

    def _require_room(self, height: int, width: int) -> None:
        if self.size >= min(height, width):
            raise BadInput(
                f"Center({self.size}) leaves no image in {height} x {width} pixels. "
                f"Use a size below {min(height, width)}, or larger images."
            )

    def layout(self, height: int, width: int) -> Layout:
        self._require_room(height, width)
        layout = torch.full((height, width), -1)
        top, left = (height - self.size) // 2, (width - self.size) // 2
        layout[top : top + self.size, left : left + self.size] = 0
        return layout

    def apply(self, images: Images, keys: Keys) -> MarkedImages:
        return paint(images, self.layout, keys)

    def mask(self, height: int, width: int) -> Mask:
        return self.layout(height, width) >= 0

    def read(self, marked: MarkedImages) -> Keys:
        return read_layout(marked, self.layout(*marked.shape[-2:]), self.count)

    def crop(self, marked: MarkedImages) -> Images:
        return marked


def paint(canvas: MarkedImages, layout: Callable[[int, int], Layout], keys: Keys) -> MarkedImages:
    """Writes each key over the pixels that show it; the canvas is left alone."""
    where = layout(*canvas.shape[-2:]).to(canvas.device)
    if keys.shape != (len(canvas), int(where.max()) + 1):
        raise BadInput(
            f"{len(canvas)} images with {int(where.max()) + 1} key(s) each were asked for, "
            f"keys of shape {tuple(keys.shape)} were given. Give one row of keys an image."
        )
    painted = keys.to(canvas)[:, where.clamp(min=0)].unsqueeze(1)
    return torch.where(where >= 0, painted, canvas)


def read_layout(marked: MarkedImages, layout: Layout, count: int) -> Keys:
    """Averages over channels and over the pixels of each key, in double precision.

    Double precision makes `read(apply(x, k)) == k` hold to the bit: a float32 sum of many equal
    values is not that value times their number.
    """
    pixels = marked.double().mean(1).flatten(1)
    where = layout.flatten().to(marked.device)
    return torch.stack([pixels[:, where == m].mean(1) for m in range(count)], 1).to(marked.dtype)
