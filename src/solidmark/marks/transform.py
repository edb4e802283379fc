"""Marking on the fly, for a training loop that keeps its own data."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from PIL import Image as Picture

from solidmark.data import decode, to_picture, to_tensor
from solidmark.errors import BadInput
from solidmark.marks.keymap import Keymap
from solidmark.marks.pattern import Pattern
from solidmark.types import Image, MarkedImage


@dataclass(frozen=True)
class MarkTransform:
    """Marks an image by its id, the same way every time it is seen.

    The same seed and pattern give the same pixels as `solidmark mark` does for an image whose
    copies do not share a key.

    Arguments:
        pattern: What is painted.
        keymap: Gives the keys.

    Example:
        >>> import torch
        >>> from solidmark.marks import Border, Keymap, MarkTransform
        >>> transform = MarkTransform(Border(2), Keymap(seed=1))
        >>> transform(torch.zeros(3, 8, 8), "cat.png").shape
        torch.Size([3, 12, 12])
    """

    pattern: Pattern
    keymap: Keymap

    def __call__(self, image: Image, id: str) -> MarkedImage:
        """Marks one image in [0, 1]."""
        return self.pattern.apply(image[None], self.keymap([id]))[0]

    def batch(
        self, rows: Mapping[str, Sequence[Any]], image_column: str = "image", id_column: str = "id"
    ) -> dict[str, Any]:
        """Marks the pictures of a batch of a `datasets` data set: `data.with_transform(t.batch)`.

        Raises:
            BadInput: When a column is missing.
        """
        for column in (image_column, id_column):
            if column not in rows:
                raise BadInput(
                    f'There is no column "{column}" to mark by. Available: {", ".join(rows)}.'
                )
        pictures = [
            self._mark_picture(picture, str(id))
            for picture, id in zip(rows[image_column], rows[id_column], strict=True)
        ]
        return {**rows, image_column: pictures}

    def _mark_picture(self, picture: Picture.Image, id: str) -> Picture.Image:
        return to_picture(self(to_tensor(decode(picture)), id))
