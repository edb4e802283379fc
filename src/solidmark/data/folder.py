"""Images in a folder and the folders below it, and the captions beside them."""

import os
from collections.abc import Iterator
from pathlib import Path, PurePath

from solidmark.data.records import FileBytes, Record, path_id, quoted
from solidmark.errors import BadInput

_IMAGES = (
    ".apng .avif .bmp .dib .gif .heic .heif .ico .j2k .jfif .jp2 .jpe .jpeg .jpg .jpx .mpo "
    ".pbm .pcx .pgm .png .pnm .ppm .qoi .sgi .tga .tif .tiff .webp"
)
EXTENSIONS = frozenset(_IMAGES.split())
CAPTION_EXTENSIONS = (".txt", ".caption")


def is_image(name: str) -> bool:
    """Whether a file's name is that of an image, in any case; hidden files are not."""
    path = PurePath(name)
    return path.suffix.lower() in EXTENSIONS and not path.name.startswith(".")


def walk(folder: Path) -> Iterator[Path]:
    """Every file below a folder, in a fixed order, without hidden files and folders.

    A link to a folder is followed once, and only when its target does not belong to the folder
    anyway: loops end, and no image is met twice.
    """
    root = folder.resolve()
    seen = {root}
    for parent, folders, files in os.walk(folder, followlinks=True):
        folders[:] = [name for name in sorted(folders) if _is_new(Path(parent) / name, root, seen)]
        yield from (Path(parent) / name for name in sorted(files) if not name.startswith("."))


def _is_new(path: Path, root: Path, seen: set[Path]) -> bool:
    """Whether to go down into a folder; remembers that it was met."""
    if path.name.startswith("."):
        return False
    target = path.resolve()
    if path.is_symlink() and (target.is_relative_to(root) or root.is_relative_to(target)):
        return False
    if target in seen:
        return False
    seen.add(target)
    return True


def folder_records(files: list[Path], folder: Path) -> list[Record]:
    """The images among files. The id is the path; `a.txt` beside `a.jpg` is its caption.

    Arguments:
        files: What `walk` found.
        folder: The data folder, which the ids are relative to.

    Raises:
        BadInput: When a caption file is not UTF-8.
    """
    captions = {path for path in files if path.suffix.lower() in CAPTION_EXTENSIONS}
    return [
        Record(path_id(path.relative_to(folder)), FileBytes(path), _caption(path, captions))
        for path in files
        if is_image(path.name)
    ]


def _caption(image: Path, captions: set[Path]) -> str | None:
    """The text of the caption file with the same stem."""
    for extension in CAPTION_EXTENSIONS:
        for path in (image.with_suffix(extension), image.with_suffix(extension.upper())):
            if path in captions:
                return _read(path)
    return None


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{quoted(path)} cannot be read ({error}). Save it as UTF-8.") from error
