"""The members of a tar: each image with all that is known of it, as WebDataset has them."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from solidmark.marks.images import png
from solidmark.marks.planned import Planned
from solidmark.marks.tables import json_line
from solidmark.runs import tame
from solidmark.types import MarkedImage

Member = tuple[Planned, Mapping[str, Any], Callable[[], MarkedImage]]
"""What was planned for an image, what the trainer is told of it, and what paints it."""


def members(images: Iterable[Member]) -> Iterator[tuple[str, bytes]]:
    """The members of a tar: each image, what is known of it, and its caption and class alone.

    Arguments:
        images: In the order of the tar; each is painted when it is its turn.
    """
    for row, told, marked in images:
        name = row.file_name.rpartition("/")[2]
        stem = name.removesuffix(".png")
        yield name, png(marked())
        yield f"{stem}.json", json_line({k: v for k, v in told.items() if k != "file_name"})
        for suffix, column in (("txt", "text"), ("cls", "label")):
            if column in told:
                text = tame(str(told[column]))
                yield f"{stem}.{suffix}", text.encode("utf-8", "backslashreplace")
