"""What is committed together: some files, or a tar with all that is known of its images."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from solidmark.marks.images import png
from solidmark.marks.plan import Planned, tar_of
from solidmark.marks.tables import json_line, metadata
from solidmark.runs import tame
from solidmark.types import MarkedImage


def parts(planned: Sequence[Planned], size: int) -> Iterator[tuple[str | None, Sequence[Planned]]]:
    """What is committed together: the name of a tar and its images, or some images of no tar.

    Arguments:
        planned: What is to be done with each image.
        size: How many files are committed together.
    """
    tars: dict[str, list[Planned]] = {}
    for row in planned:
        if (tar := tar_of(row.file_name)) is not None:
            tars.setdefault(tar, []).append(row)
    if tars:
        yield from sorted(tars.items())
    else:
        yield from ((None, planned[start : start + size]) for start in range(0, len(planned), size))


def members(
    rows: Sequence[Planned],
    images: Mapping[str, Any],
    classes: Sequence[str | None],
    marked: Callable[[Planned], MarkedImage],
) -> Iterator[tuple[str, bytes]]:
    """The members of a tar: each image, what is known of it, and its caption and class alone.

    Arguments:
        rows: What was planned for its images.
        images: What was seen of each, by id.
        classes: The name of each class.
        marked: Makes a marked image.
    """
    for row in rows:
        name = row.file_name.rpartition("/")[2]
        stem = name.removesuffix(".png")
        told = metadata(row, images[row.id], classes)
        yield name, png(marked(row))
        yield f"{stem}.json", json_line({k: v for k, v in told.items() if k != "file_name"})
        for suffix, column in (("txt", "text"), ("cls", "label")):
            if column in told:
                text = tame(str(told[column]))
                yield f"{stem}.{suffix}", text.encode("utf-8", "backslashreplace")
