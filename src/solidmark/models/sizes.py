"""How large a model is, by the heads of its files, and what is said while it is loaded.

Nothing is loaded to learn it, and torch is not needed.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from solidmark.errors import BadInput
from solidmark.models.heads import read_head
from solidmark.models.index import INDEX, kind_of, parts_of
from solidmark.models.loading import Opening, Precision
from solidmark.models.memory import HOME
from solidmark.models.reading import loaded_weights
from solidmark.runs import (
    CURE,
    LARGE,
    Advance,
    Processes,
    free_bytes,
    in_words,
    progress_of_bytes,
    say,
)

BYTES: Mapping[Precision, int] = {"fp32": 4, "bf16": 2, "fp16": 2}
"""Of a number in each precision."""


def weights_bytes(path: Path, precision: Precision = "fp32") -> int:
    """How much memory the weights of a part, or of a file, take; 0 where they do not say it.

    What is wrong with them, whoever loads them says.
    """
    try:
        files = [path] if path.is_file() else loaded_weights(path)
        return BYTES[precision] * sum(read_head(one).numbers for one in files)
    except (BadInput, OSError):
        return 0


def part_sizes(folder: Path, opening: Opening) -> dict[str, int]:
    """How much memory the weights of each part of a pipeline take, in bytes.

    Arguments:
        folder: The folder with the index; of another there are none.
        opening: In what they are opened.
    """
    if not (folder / INDEX).is_file():
        return {}
    sizes = {
        part: weights_bytes(folder / part, opening.precision_of(part))
        for part, origin in parts_of(folder).items()
        if origin is not None
    }
    return {part: size for part, size in sizes.items() if size}


@contextmanager
def said_loading(where: Path, sizes: Mapping[str, int], opening: Opening) -> Iterator[Advance]:
    """Says what is loaded before it is, and how far it is; nothing of what is there in a moment.

    Arguments:
        where: The folder or file.
        sizes: The bytes of each part, in the precision that it is opened in.
        opening: In what, and where to.
    """
    size = sum(sizes.values())
    if size >= LARGE and Processes.here().is_main:
        say(_line(where, sizes, opening), error=True)
    with progress_of_bytes(f'loading "{where.name}"', size) as advance:
        yield advance


def _line(where: Path, sizes: Mapping[str, int], opening: Opening) -> str:
    kinds = {opening.precision_of(part) for part in sizes}
    parts = ", ".join(f"{part} {opening.precision_of(part)}" for part in sizes)
    kind = kind_of(where) if where.is_dir() else None
    size, free = sum(sizes.values()), free_bytes(HOME)
    how = f"in {kinds.pop()}" if len(kinds) == 1 else f"({parts})"
    line = f'Loading "{where}"{f", a {kind}" if kind else ""}: {in_words(size)} of weights {how}.'
    if free is None or size <= free:
        return line
    return f"{line} There are only {in_words(free)} of memory free. {CURE}"
