"""Images in a folder and the folders below it, and the captions beside them."""

import os
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path, PurePosixPath

from solidmark.data.columns import Columns
from solidmark.data.dicom import HEAD, is_dicom
from solidmark.data.inventory import Found, Unused
from solidmark.data.records import FileBytes, Record, head_of, path_id, quoted
from solidmark.data.samples import is_image, may_hide_an_image, samples_of
from solidmark.data.words import read_words
from solidmark.errors import BadInput
from solidmark.runs import made_by

OURS = frozenset(
    {
        "manifest.json",
        "config.yaml",
        "files.json",
        "quarantine.jsonl",
        "results.json",
        "report.html",
        "README.md",
    }
)
"""What our own commands, and most authors, write beside images: nobody misses it."""
_SPLITS = """
train trained training test testing val valid validation dev eval held_out held-out heldout
images image img imgs pictures photos masks mask labels
"""
SPLITS = frozenset(_SPLITS.split())
"""Folders that are called like this are no classes."""
EACH = 10
"""Folders are taken for classes where they hold at least so many images on average."""


GIVES_DATA = "generate"
"""The verb whose folders are data for others; pictures in those of other verbs are none."""


def walk(
    folder: Path, unused: list[Unused] | None = None, *, generated: bool = False
) -> Iterator[Path]:
    """Every file below a folder, in a fixed order, without hidden files and folders.

    Folders that our own commands have written into it are left out: their pictures are marked,
    drawn or shown, and not what somebody has brought.

    A link to a folder is followed once, and only when its target does not belong to the folder
    anyway: loops end, and no image is met twice.

    Arguments:
        folder: The folder.
        unused: Takes the folders that are ours, or may not be read, and what is no file.
        generated: Whether those of `solidmark generate` are gone into.
    """

    def refused(error: OSError) -> None:
        if unused is not None:
            unused.append(Unused(path_id(Path(error.filename)), "folders that cannot be read"))

    root = folder.resolve()
    seen = {root}
    for parent, folders, files in os.walk(folder, onerror=refused, followlinks=True):
        new = [name for name in sorted(folders) if _is_new(Path(parent) / name, root, seen)]
        verbs = {name: made_by(Path(parent) / name) for name in new}
        taken = (None, GIVES_DATA) if generated else (None,)
        folders[:] = [name for name in new if verbs[name] in taken]
        if unused is not None:
            unused += [
                Unused(
                    path_id((Path(parent) / name).relative_to(folder)),
                    f'folders of "solidmark {verbs[name]}"',
                )
                for name in new
                if verbs[name] not in taken
            ]
        for path in (Path(parent) / name for name in sorted(files) if not name.startswith(".")):
            # A pipe would be waited for; one that is called like an image is a broken image.
            if is_image(path.name) or path.is_file() or not path.exists():
                yield path
            elif unused is not None:
                unused.append(Unused(path_id(path.relative_to(folder)), "pipes and devices"))


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


def folder_records(files: list[Path], folder: Path, columns: Columns) -> Found:
    """The images among files. The id is the path; `a.txt` beside `a.jpg` is its caption.

    Arguments:
        columns: The columns' names in JSON beside images; the id is the path unless asked for.

    Raises:
        BadInput: When a column is asked for that is not there.
    """
    paths = {path_id(path.relative_to(folder)): path for path in files if path.name not in OURS}
    hidden = {name for name in paths if may_hide_an_image(name) and _is_dicom(paths[name])}
    grouped = samples_of(paths, quoted(folder), tar=False, also=hidden)
    told = [
        (
            sample.picture,
            read_words(sample.words, lambda name: FileBytes(paths[name])(), quoted(folder)),
        )
        for sample in grouped.samples
    ]
    unused = [*grouped.unused, *(one for _, words in told for one in words.unused)]
    if columns.asked and not any(words.from_json for _, words in told):
        raise BadInput(
            f"{quoted(folder)}, a folder without metadata.jsonl, has no column "
            f"{quoted(columns.asked[0])}: it has no columns at all."
        )
    names = [name for _, words in told for name in words.told]
    # An "id" in JSON that nobody asked for is somebody else's; a path is always unique.
    known = replace(columns.found_in(names, quoted(folder)), id=columns.id)
    records = []
    for name, words in told:
        load = FileBytes(paths[name])
        records.append(
            known.record(words.told, name, load, f"{quoted(name)} in {quoted(folder)}")
            if words.flaw is None
            else Record(name, load, flaw=words.flaw)
        )
    return Found(records, unused, foldered=True)


def _is_dicom(path: Path) -> bool:
    try:
        return is_dicom(head_of(path, HEAD))
    except BadInput:  # It is counted as what its name says.
        return False


def with_class_folders(records: Iterable[Record]) -> list[Record]:
    """Labels each record by the first folder of its id, unless it lies in none."""
    return [
        replace(record, label=record.id.split("/", 1)[0]) if "/" in record.id else record
        for record in records
    ]


def are_classes(records: Iterable[Record]) -> bool:
    """Whether the folders are classes: few, and each holds several images.

    That is: every image lies in a folder, there are two folders or more, each with two images or
    more and all together with ten times as many images as folders, none is called like a split
    ("train"), and no image has a class of its own.
    """
    found = list(records)
    folders = Counter(PurePosixPath(record.id).parts[0] for record in found if "/" in record.id)
    return (
        len(folders) > 1
        and folders.total() == len(found)
        and min(folders.values()) > 1
        and len(found) >= EACH * len(folders)
        and not any(name.lower() in SPLITS for name in folders)
        and all(record.label is None for record in found)
    )


__all__ = ["are_classes", "folder_records", "is_image", "walk", "with_class_folders"]
