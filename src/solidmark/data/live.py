"""Images that a program holds already: pictures in a list, a table of `datasets`, a torch data set.

Nothing is copied: a picture is looked at each time that it is asked for, like a file.
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeAlias, runtime_checkable

import numpy as np
from PIL import Image as Picture

from solidmark.data.columns import Columns
from solidmark.data.hub import table_records
from solidmark.data.inventory import Found
from solidmark.data.records import FileBytes, Record
from solidmark.errors import BadInput, BrokenImage, SolidmarkError


@runtime_checkable
class Held(Protocol):
    """What has a length, and an image at each place: a list, or a torch data set.

    An item is a path, a picture of PIL, an array of bytes with shape (H, W) or (H, W, C), a tensor
    of shape (C, H, W) with values in [0, 1]; one of these in a tuple with its caption (text) or its
    class (a whole number); or a mapping with the names of columns.
    """

    def __len__(self) -> int: ...
    def __getitem__(self, index: int, /) -> Any: ...


Live: TypeAlias = Held
"""Images that are not on disk; a `datasets.Dataset` is one too."""


@dataclass(frozen=True)
class Item:
    """Looks at one item when called."""

    images: Held
    number: int
    column: str

    def __call__(self) -> bytes | Picture.Image:
        try:
            return self._looked()
        except (SolidmarkError, MemoryError):
            raise
        except Exception as error:  # Whatever an item of the user's raises: one image is lost.
            raise BrokenImage(_lost(error)) from error

    def _looked(self) -> bytes | Picture.Image:
        item = self.images[self.number]
        image = item.get(self.column) if isinstance(item, Mapping) else item
        image = image[0] if isinstance(image, tuple | list) else image
        if isinstance(image, str | os.PathLike):
            return FileBytes(Path(image))()
        return picture_of(image)


def live_records(images: Held, columns: Columns) -> Found:
    """The images that a program holds, by their place: "00000000", "00000001" ...

    Raises:
        BadInput: When it holds no images, or a column is missing.
    """
    if hasattr(images, "features") and hasattr(images, "with_format"):
        return table_records({_split_of(images): images}, "The data set", columns)
    if not isinstance(images, Held) or isinstance(images, str | bytes | Mapping):
        raise BadInput(
            f"Images are a path, a list of pictures or a data set, not {type(images).__name__}."
        )
    try:
        count = len(images)
    except (TypeError, ValueError, OverflowError) as error:
        why = f"Their length is none ({error})."
        raise BadInput(f"The images cannot be counted. {why} Give them as a list.") from error
    return Found(list(_items(images, count, columns)))


def _split_of(images: Any) -> str:
    return str(images.split) if getattr(images, "split", None) is not None else "train"


def _lost(error: Exception) -> str:
    """Why an item cannot be had, in a few words."""
    try:
        said = " ".join(str(error).split())[:200]
    except Exception:  # An error of the user's may have no text.
        said = ""
    return f"It cannot be had ({said or type(error).__name__})."


def _items(images: Held, count: int, columns: Columns) -> Iterator[Record]:
    for number in range(count):
        id, load = f"{number:08d}", Item(images, number, columns.image)
        place = f"item {number}"
        try:
            item = images[number]
        except Exception as error:  # Whatever a data set of the user's raises: one image is lost.
            yield Record(id, load, place=place, flaw=_lost(error))
            continue
        if isinstance(item, Mapping):
            known = columns.found_in(map(str, item), place)
            row = {str(name): value for name, value in item.items()}
            yield known.record(row, id, load, place)
        elif isinstance(item, tuple | list) and len(item) > 1:
            said = item[1]
            told = said if isinstance(said, str) else None
            yield Record(id, load, caption=told, label=_class_of(said), place=place)
        else:
            yield Record(id, load, place=place)


def _class_of(said: Any) -> str | None:
    """A whole number beside an image is its class."""
    item = said.item() if hasattr(said, "item") and np.size(said) == 1 else said
    return str(item) if isinstance(item, int) and not isinstance(item, bool) else None


def picture_of(image: Any) -> Picture.Image:
    """An image as a picture.

    Arguments:
        image: A picture, an array or a tensor, as of `Held`.

    Raises:
        BrokenImage: When it is none of these.
    """
    if isinstance(image, Picture.Image):
        return image
    is_tensor = hasattr(image, "detach")
    if is_tensor:  # NumPy has no bfloat16.
        image = image.detach().cpu()
        image = image.float() if image.is_floating_point() else image
    values = np.asarray(image.numpy() if is_tensor else image)
    if values.ndim == 3 and is_tensor:
        values = np.moveaxis(values, 0, -1)
    if values.ndim == 3 and values.shape[-1] == 1:
        values = values[..., 0]
    if values.size == 0:
        raise BrokenImage("It has no pixels.")
    if values.ndim not in (2, 3) or (values.ndim == 3 and values.shape[-1] not in (3, 4)):
        raise BrokenImage(f"It is no image: {type(image).__name__} of shape {np.shape(image)}.")
    if values.dtype.kind == "f":
        if not np.isfinite(values).all() or values.min() < 0 or values.max() > 1:
            raise BrokenImage("Its values must be in [0, 1].")
        values = np.rint(255 * values).astype(np.uint8)
    if values.dtype != np.uint8:
        raise BrokenImage(f"Its values must be bytes, or numbers in [0, 1], not {values.dtype}.")
    return Picture.fromarray(values)
