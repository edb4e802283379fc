"""What a guard is asked about: whatever holds one image."""

from pathlib import Path
from typing import Any

from PIL import Image as Picture

from solidmark.data import Sample, to_picture
from solidmark.data.records import FileBytes
from solidmark.errors import BadInput
from solidmark.late import Tensor
from solidmark.types import Image

Asked = Image | Picture.Image | Sample | Path | str
"""What a guard is asked about: a tensor (C, H, W) in [0, 1], a picture, a file."""

_ROUNDING = 1e-3


def source_of(image: Asked, name: str) -> tuple[str, Any]:
    """The name of an image, and what gives its picture."""
    if isinstance(image, Sample):
        return image.id, lambda: to_picture(image.image)
    if isinstance(image, str | Path):
        return str(image), FileBytes(Path(image))
    if isinstance(image, Picture.Image):
        return str(getattr(image, "filename", "")) or name, lambda: image
    if not isinstance(image, Tensor):
        raise BadInput(
            "A guard is asked about a tensor (C, H, W), a PIL picture or a file, not about a "
            f"{type(image).__name__}."
        )
    _check_tensor(image)
    return name, lambda: to_picture(image)


def _check_tensor(image: Tensor) -> None:
    """Refuses a network's own range, in which everything would pass."""
    if image.ndim != 3 or image.shape[0] not in (1, 3) or not image.is_floating_point():
        raise BadInput(
            f"A tensor of shape {tuple(image.shape)} and kind {image.dtype} is no image. Give "
            "floats with shape (C, H, W), C = 1 or 3."
        )
    low, high = float(image.min()), float(image.max())
    if not (low >= -_ROUNDING and high <= 1 + _ROUNDING):  # Also true of what is no number.
        raise BadInput(
            f"An image is in [0, 1], and this one runs from {low:g} to {high:g}. Scale it: "
            "(x + 1) / 2 for a network's own [-1, 1]."
        )
