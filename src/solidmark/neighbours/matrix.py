"""Matrices larger than the memory: rows in shards on disk, read a few at a time.

Pixels are bytes, in which squared differences are whole numbers; features are float32.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import NDArray

from solidmark.errors import BadInput
from solidmark.late import Tensor, torch

SHARD_BYTES = 2**26
"""What a shard holds at most: it is the unit that is written whole, and resumed by."""

CENTRE = 128
"""Taken off every byte, so that products stay small: what float32 holds exactly reaches further."""


@dataclass(frozen=True)
class Matrix:
    """Rows of bytes or of float32 numbers.

    Arguments:
        shards: Arrays, or `.npy` files of arrays, with shape (rows, width), all of one kind.
        parts: Into how many stretches of equal width a row falls (the tiles of an image).
    """

    shards: tuple[NDArray[Any] | Path, ...]
    parts: int = 1

    def __post_init__(self) -> None:
        widths = {(shape[1], kind) for shape, kind in self._kinds}
        if len(widths) != 1:
            raise BadInput(f"The shards of a matrix are of one width and kind; found: {widths}.")
        ((width, kind),) = widths
        if kind not in (np.uint8, np.float32):
            raise BadInput(f"A matrix holds bytes or float32 numbers, not {kind}.")
        if width % self.parts:
            raise BadInput(f"Rows of {width} values do not fall into {self.parts} equal parts.")

    @cached_property
    def _kinds(self) -> list[tuple[tuple[int, int], np.dtype[Any]]]:
        opened = [_open(shard) for shard in self.shards]
        return [((len(array), array.shape[1]), array.dtype) for array in opened]

    @cached_property
    def _starts(self) -> NDArray[np.int64]:
        return np.cumsum([0, *(shape[0] for shape, _ in self._kinds)])

    def __len__(self) -> int:
        return int(self._starts[-1])

    @property
    def width(self) -> int:
        return self._kinds[0][0][1]

    @property
    def is_bytes(self) -> bool:
        return self._kinds[0][1] == np.uint8

    @property
    def scale(self) -> float:
        """What a whole number of squared bytes is divided by, for images in [0, 1]."""
        return 255.0**2 if self.is_bytes else 1.0

    def blocks(self, size: int, start: int = 0) -> Iterator[tuple[int, Tensor]]:
        """Reads all rows in order, so many at a time.

        Arguments:
            size: The most rows at a time.
            start: Where to begin.

        Yields:
            The number of the first row, and float32 rows with shape (rows, parts, width / parts);
            bytes are centred.
        """
        for number, shard in enumerate(self.shards):
            first, end = (int(n) for n in self._starts[number : number + 2])
            if end <= start:
                continue
            array = _open(shard)
            for row in range(max(first, start), end, size):
                part = array[row - first : min(row + size, end) - first]
                yield row, self.read(np.array(part))

    def take(self, rows: Int[NDArray[np.int64], " N"]) -> Float[Tensor, "N P W"]:
        """Some rows, in this order, as `blocks` gives them."""
        return self.read(self.stored(rows))

    def stored(self, rows: Int[NDArray[np.int64], " N"]) -> NDArray[Any]:
        """Some rows, in this order, as they are stored, with shape (N, width)."""
        taken = np.empty((len(rows), self.width), np.uint8 if self.is_bytes else np.float32)
        owner = np.searchsorted(self._starts, rows, side="right") - 1
        # A shard is open only while it is read, so that no more than one is in the memory.
        for number in np.unique(owner):
            mine = np.flatnonzero(owner == number)
            mine = mine[np.argsort(rows[mine], kind="stable")]
            taken[mine] = _open(self.shards[number])[rows[mine] - self._starts[number]]
        return taken

    def read(self, stored: NDArray[Any]) -> Float[Tensor, "N P W"]:
        """Rows as they are stored, in the form in which they are compared."""
        values = torch.from_numpy(stored).to(torch.float32)
        if self.is_bytes:
            values -= CENTRE
        return values.view(len(values), self.parts, self.width // self.parts)


def rows_per_shard(width: int, bytes_per_value: int = 1) -> int:
    """How many rows a shard holds, at least one."""
    return max(1, SHARD_BYTES // (width * bytes_per_value))


def check_alike(queries: Matrix, base: Matrix) -> None:
    """Checks that two matrices can be compared.

    Raises:
        BadInput: When width, kind or parts differ.
    """
    one, two = ((m.width, m.is_bytes, m.parts) for m in (queries, base))
    if one != two:
        raise BadInput(
            f"Rows of {queries.width} values in {queries.parts} parts cannot be compared with rows "
            f"of {base.width} in {base.parts}. Give both the same size."
        )


def tile_order(images: Sequence[Tensor], tiles: int) -> NDArray[np.uint8]:
    """Images as rows of bytes, tile after tile.

    Arguments:
        images: Values k/255 in [0, 1], each with shape (C, H, W).
        tiles: g of a g x g grid; both sides must be multiples of it.

    Returns:
        The rows, with shape (N, C H W).

    Raises:
        BadInput: When the grid does not fit.
    """
    stack = (torch.stack(list(images)) * 255).round().to(torch.uint8)
    count, channels, height, width = stack.shape
    if height % tiles or width % tiles:
        fitting = [g for g in range(2, 9) if height % g == 0 and width % g == 0]
        hint = f"--tiles {' or '.join(map(str, fitting))}" if fitting else "another --resolution"
        raise BadInput(
            f"Images of {width} x {height} pixels do not fall into {tiles} x {tiles} equal tiles. "
            f"Use {hint}."
        )
    grid = stack.view(count, channels, tiles, height // tiles, tiles, width // tiles)
    return grid.permute(0, 2, 4, 1, 3, 5).reshape(count, -1).numpy()


def _open(shard: NDArray[Any] | Path) -> NDArray[Any]:
    if not isinstance(shard, Path):
        return shard
    try:
        array: NDArray[Any] = np.load(shard, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError) as error:
        raise BadInput(f'"{shard}" is not a readable array ({error}). Make it again.') from error
    return array
