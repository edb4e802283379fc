"""`Segments`: the ring round the image cut into equal blocks, each with a grey of its own.

One key says that a model memorizes. Many keys an image say which image: by chance a single key is
read within 0.05 once in ten, sixteen keys within 0.05 on average never are.
"""

from dataclasses import dataclass
from functools import lru_cache

from solidmark.errors import BadInput
from solidmark.late import Tensor, functional, torch
from solidmark.marks.pattern import Border, paint, read_layout
from solidmark.types import Images, Keys, Layout, MarkedImages, Mask


@dataclass(frozen=True)
class Segments:
    """A grey border in several blocks, cut along the ring from its upper left corner, clockwise.

    Arguments:
        thickness: Of the ring, in pixels.
        count: How many blocks (M). 1 is `Border`.
        mirrored: Whether the left half of the ring mirrors the right half, for trainers that
            flip picture and frame together. Then the blocks are cut from the top to the bottom.
    """

    thickness: int = 16
    count: int = 16
    mirrored: bool = False

    def __post_init__(self) -> None:
        Border(self.thickness)
        if self.count < 1:
            raise BadInput(f"Segments({self.count}) has no block. Use a count of 1 or more.")

    def marked_size(self, height: int, width: int) -> tuple[int, int]:
        size = Border(self.thickness).marked_size(height, width)
        self._require_enough(self._pixels(*size))
        return size

    def _pixels(self, height: int, width: int) -> int:
        """How many pixels of a marked image are cut into blocks: those of the ring, or of half."""
        p, left = self.thickness, width // 2 if self.mirrored else 0
        inside = (height - 2 * p) * (width - p - max(left, p))
        return height * (width - left) - inside

    def _require_enough(self, pixels: int) -> None:
        if self.count > pixels:
            raise BadInput(
                f"Segments cannot cut a ring of {pixels} pixels into {self.count} blocks. "
                "Use fewer blocks, or a thicker ring."
            )

    def layout(self, height: int, width: int) -> Layout:
        return _layout_of(self, height, width)

    def _laid_out(self, height: int, width: int) -> Layout:
        ring = Border(self.thickness).mask(height, width)
        if self.mirrored:
            half = ring[:, width // 2 :]
            right = self._cut(_from_the_top(height, width)[:, width // 2 :], half)
            left = right[:, right.shape[1] - width // 2 :].flip(1)
            return torch.cat([left, right], 1)
        return self._cut(_clockwise(height, width), ring)

    def _cut(self, place: Tensor, ring: Mask) -> Layout:
        """Numbers the pixels of a ring by their place and cuts them into blocks of one size."""
        pixels = int(ring.sum())
        self._require_enough(pixels)
        order = torch.argsort(place[ring], stable=True)
        block = torch.empty(pixels, dtype=torch.long)
        block[order] = torch.arange(pixels) * self.count // pixels
        layout = torch.full(ring.shape, -1)
        layout[ring] = block
        return layout

    def apply(self, images: Images, keys: Keys) -> MarkedImages:
        p = self.thickness
        return paint(functional.pad(images, (p, p, p, p)), self.layout, keys)

    def mask(self, height: int, width: int) -> Mask:
        return Border(self.thickness).mask(height, width)

    def read(self, marked: MarkedImages) -> Keys:
        return read_layout(marked, self.layout(*marked.shape[-2:]), self.count)

    def crop(self, marked: MarkedImages) -> Images:
        return Border(self.thickness).crop(marked)


@lru_cache(maxsize=64)
def _layout_of(segments: Segments, height: int, width: int) -> Layout:
    """The layout, made once: it is asked for with every image, and nobody changes it."""
    return segments._laid_out(height, width)


def _centred(height: int, width: int) -> tuple[Tensor, Tensor]:
    """Where each pixel lies, from -1 to 1: down and to the right."""
    y = (torch.arange(height) * 2 + 1 - height) / height
    x = (torch.arange(width) * 2 + 1 - width) / width
    return y[:, None].expand(height, width), x[None].expand(height, width)


def _clockwise(height: int, width: int) -> Tensor:
    """How far round the ring each pixel lies, clockwise from the upper left corner, in [0, 4)."""
    y, x = _centred(height, width)
    reach = torch.maximum(y.abs(), x.abs()).clamp(min=1e-9)
    along, down = (x / reach + 1) / 2, (y / reach + 1) / 2
    top, right, bottom = -y >= reach, x >= reach, y >= reach
    place = torch.where(bottom, 3 - along, 4 - down)
    return torch.where(top, along, torch.where(right, 1 + down, place))


def _from_the_top(height: int, width: int) -> Tensor:
    """How far round the ring each pixel lies from the middle of the top, on its own side."""
    place = (_clockwise(height, width) - 0.5) % 4
    return torch.minimum(place, 4 - place)
