"""The pictures of groups that a page shows, copied once: the page asks nothing of the sources."""

from collections.abc import Mapping
from pathlib import Path

from solidmark.data import Dataset, to_picture, to_tensor
from solidmark.errors import BrokenImage
from solidmark.marks import write_image
from solidmark.measures.nearest.pictures import as_compared
from solidmark.runs import write_json
from solidmark.types import Image

SIDE = 224
"""Larger pictures are made this small, in pixels."""


def keep_pictures(out: Path, data: Dataset, wanted: Mapping[int, str]) -> dict[str, str]:
    """Writes `pictures/` and `pictures/index.json`: by id, where the picture lies.

    Arguments:
        out: The folder of the run.
        data: The images.
        wanted: The numbers of those to show, with the hashes of the pixels that were compared.

    Returns:
        The index.

    Raises:
        RunConflict: When one is not the picture any more that was compared.
    """
    ids = data.ids
    index: dict[str, str] = {}
    for number, content in sorted(wanted.items()):
        path = f"pictures/{number:06d}.png"
        try:
            image = as_compared(out, data[number], content)
        except BrokenImage:
            continue  # It could be read before; the page says that it cannot be shown.
        write_image(out / path, _small(image))
        index[ids[number]] = path
    write_json(out / "pictures" / "index.json", index)
    return index


def _small(image: Image) -> Image:
    picture = to_picture(image)
    picture.thumbnail((SIDE, SIDE))
    return to_tensor(picture)
