"""One door for every kind of data set: looks at what is there and calls its source."""

import glob
import os
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from solidmark.cards.asked import Mode, Resolution
from solidmark.data.aspect import AspectBuckets
from solidmark.data.classes import class_numbers
from solidmark.data.columns import Columns
from solidmark.data.examples import EXAMPLES, Example
from solidmark.data.folder import (
    GIVES_DATA,
    OURS,
    are_classes,
    folder_records,
    walk,
    with_class_folders,
)
from solidmark.data.hashed import hashed, open_pseudonyms
from solidmark.data.hub import hub_records, is_hub_name, is_saved
from solidmark.data.inventory import Found, Unused, inventory_of, note
from solidmark.data.live import Live, live_records
from solidmark.data.metadata import metadata_records, names_images
from solidmark.data.parquet import parquet_records
from solidmark.data.prepare import Preparation
from solidmark.data.records import Records, ordered, path_id, quoted
from solidmark.data.samples import PACKED, is_image, no_image
from solidmark.data.tars import tar_records
from solidmark.errors import BadInput, NotFound, UnknownName
from solidmark.runs import made_by

HELD = "the images that were given"
"""What images are called that have no path."""
_BRACES = re.compile(r"\{(\d+)\.\.(\d+)\}")


def open_data(
    where: str | os.PathLike[str] | Live,
    *,
    resolution: Resolution | None = None,
    mode: Mode | None = None,
    image_column: str = "image",
    caption_column: str | None = None,
    label_column: str | None = None,
    group_column: str | None = None,
    id_column: str | None = None,
    class_folders: bool | None = None,
    limit: int | None = None,
    window: str = "full",
    keep_grey: bool = True,
    buckets: AspectBuckets | None = None,
    hash_ids: str | os.PathLike[str] | None = None,
) -> Records:
    """Opens a data set of any kind. Nothing is decoded before it is asked for.

    Arguments:
        where: A folder of images (alone, with `.txt` captions or JSON beside them, or with
            `metadata.jsonl`, `.csv` or `.parquet`); Parquet files or WebDataset tars (a file, a
            folder or a pattern like `shards/{000..099}.tar`); a folder of `save_to_disk`; an
            example ("digits"); a name on the hub, or "datasets:NAME:SPLIT"; or images that the
            program holds (`live.Held`).
        resolution: The side in pixels, or "HEIGHTxWIDTH"; `None` keeps each image as it is.
        mode: "RGB" or "L"; `None` is the source's own: that of an example, "L" where the pictures
            are grey (some are looked at; one in colour among the others is then quarantined),
            else "RGB".
        image_column: The column of the pictures; metadata files have "file_name". In tars, what
            follows the first dot of their names ("depth.png"), the plain ones if not given.
        caption_column: The column of the texts; else "text" or "caption", if there.
        label_column: The column of the classes; else "class" or "label", if there.
        group_column: The column of the groups; else "group", if there.
        id_column: The column of the ids; else "id", if there; else the path is the id.
        class_folders: Whether the first folder of each image's path is its class; None takes them
            where they are few and hold many (`folder.are_classes`).
        limit: How many images to keep, the first in the order of their ids.
        window: Which values of 16-bit pictures, floats and DICOM files are black and white:
            "full", "used" (each picture's own lowest and highest) or "LOW:HIGH".
        keep_grey: Whether grey pictures become "L" where no mode is given; else they are "RGB",
            as most models take them.
        buckets: The sizes that images are sorted into by their shape, in place of a resolution.
        hash_ids: The file with the secret by which ids and groups are hashed; it is made where it
            is not there. None keeps them as they are.

    Raises:
        NotFound: When there is no such data.
        BadInput: When there are no images in it, or it cannot be used as asked. One row that
            cannot be used among others is none: it is broken when it is asked for.
    """
    is_held, held = not isinstance(where, str | os.PathLike), where
    where = os.fspath(where) if isinstance(where, str | os.PathLike) else HELD
    if not where:  # An unset shell variable must not open the current folder.
        raise BadInput('The data set is "". Name a folder, a file, an example or a hub name.')
    if limit is not None and limit < 1:
        raise BadInput(f'A limit of "{limit}" images leaves nothing. Use 1 or more.')
    columns = Columns(image_column, caption_column, label_column, group_column, id_column)
    example = None if is_held else _example(where)
    kind = mode or (example.mode if example else "RGB")
    preparation = Preparation(resolution, kind, window, buckets=buckets)
    if is_held:
        found = live_records(held, columns)  # type: ignore[arg-type]
    elif example:
        _refuse(columns, class_folders, f"The example {quoted(example.name)}")
        found = Found(list(example.load()))
    else:
        found = _source(where, columns, class_folders)
    by_folder = bool(class_folders)
    if class_folders is None and found.foldered and are_classes(found.records):
        found = Found(with_class_folders(found.records), found.unused)
        by_folder = True
    _check(found, where)
    # Of all images, so that --limit moves no number.
    classes = class_numbers((record.label, record.class_number) for record in found.records)
    records = ordered(found.records)
    pseudonyms = None
    if hash_ids is not None:
        pseudonyms = open_pseudonyms(Path(hash_ids))
        records = hashed(records, pseudonyms, Path(hash_ids))
    records = records[:limit]
    inventory = inventory_of(records, found.unused, by_folder)
    if pseudonyms is not None:
        inventory = inventory.without_names()
    own_mode = keep_grey and mode is None and example is None
    opened = Records(records, preparation, classes, inventory, own_mode, hashed=pseudonyms)
    note(where, inventory, opened.lost)
    return opened


def _check(found: Found, where: str) -> None:
    """Refuses a source without one image that can be used."""
    if not found.records:
        there = inventory_of((), found.unused).left_out
        but = f" It has {', '.join(map(str, there))}." if there else ""
        raise BadInput(f"{quoted(where)} holds no images.{but} Name a folder or a file that does.")
    if all(record.flaw is not None for record in found.records):
        raise BadInput(
            f"None of the {len(found.records):,} rows of {quoted(where)} can be used, the first "
            f"because: {found.records[0].flaw}"
        )


def _example(where: str) -> Example | None:
    """The example set that is meant, unless a path has this name."""
    kind, _, name = where.rpartition(":")
    if kind == "example" and name not in EXAMPLES:
        raise UnknownName("example", name, EXAMPLES)
    if kind == "example" or (not kind and not Path(name).exists()):
        return EXAMPLES.get(name)
    return None


def _source(where: str, columns: Columns, class_folders: bool | None) -> Found:
    path = Path(where).expanduser()
    if where.startswith("datasets:"):
        name, split = _name_and_split(where.removeprefix("datasets:"))
        _refuse(Columns(), class_folders, quoted(where))
        return hub_records(name, columns, split)
    if path.is_dir():
        return _folder(path, columns, class_folders)
    _refuse(Columns(), class_folders, quoted(where))
    if path.exists():
        return _files([path], path.parent, columns)
    missing: list[Unused] = []
    if matches := _matches(str(path), missing):
        folder = Path(os.path.commonpath([m.parent for m in matches]))
        found = _files(matches, folder, columns)
        return Found(found.records, [*found.unused, *missing])
    looks_like_a_file = path.suffix.lower() in (".tar", ".parquet", ".jsonl", ".csv", *PACKED)
    if is_hub_name(where) and not looks_like_a_file:
        return hub_records(where, columns)
    raise NotFound(
        f"There is no path {quoted(where)}. Check its spelling, or name an example: "
        f"{', '.join(sorted(EXAMPLES))}."
    )


def _folder(folder: Path, columns: Columns, class_folders: bool | None) -> Found:
    """Chooses a folder's kind by the files in it; metadata go first, since they name the rest."""
    if is_saved(folder):
        _refuse(Columns(), class_folders, quoted(folder))
        return hub_records(str(folder), columns)
    if (verb := made_by(folder)) not in (None, GIVES_DATA, "mark"):
        raise BadInput(
            f'{quoted(folder)} was made by "solidmark {verb}": its pictures are no data. Name a '
            "folder of images."
        )
    unread: list[Unused] = []
    files = list(walk(folder, unread))
    if not any(
        is_image(file.name) or file.suffix.lower() in (".tar", ".parquet") for file in files
    ):
        unread.clear()  # Nothing but what we have drawn, so that is meant.
        files = list(walk(folder, unread, generated=True))
    tables = [file for file in files if names_images(file)]
    packed = [file for file in files if file.suffix.lower() in (".tar", ".parquet")]
    images = any(is_image(file.name) for file in files)
    if tables:
        _refuse(Columns(), class_folders, quoted(folder) + ", which has metadata,")
        found = metadata_records(tables, folder, columns, files)
    elif images and packed:
        raise BadInput(
            f"{quoted(folder)} holds images and {quoted(packed[0].name)}. "
            f'Name the files instead: "{folder}/**/*{packed[0].suffix}", or move them apart.'
        )
    elif packed:
        _refuse(Columns(), class_folders, quoted(folder))
        found = _files(packed, folder, columns)
        taken = set(packed)
        rest = (file for file in files if file not in taken and file.name not in OURS)
        unread += [no_image(path_id(file.relative_to(folder))) for file in rest]
    else:
        found = folder_records(files, folder, columns)
        if class_folders:
            found = replace(found, records=with_class_folders(found.records))
    return replace(found, unused=[*found.unused, *unread])


def _files(files: list[Path], folder: Path, columns: Columns) -> Found:
    """Reads files of one kind."""
    readers: dict[str, Callable[[list[Path], Path, Columns], Found]] = {
        ".tar": tar_records,
        ".parquet": parquet_records,
        ".jsonl": _metadata,
        ".csv": _metadata,
    }
    kinds = sorted({file.suffix.lower() for file in files})
    if len(kinds) > 1:
        raise BadInput(
            f"{quoted(folder)} mixes {' and '.join(kinds)} files. Name those of one kind."
        )
    if kinds[0] in PACKED:
        raise BadInput(f"{quoted(files[0])} is compressed. Unpack it first.")
    if kinds == [".parquet"] and all(names_images(file) for file in files):
        return _metadata(files, folder, columns)
    if kinds[0] not in readers:
        raise BadInput(
            f"{quoted(files[0])} is no data set. Name a folder of images, or a file that ends in "
            f"{', '.join(sorted(readers))}."
        )
    return readers[kinds[0]](files, folder, columns)


def _metadata(files: list[Path], folder: Path, columns: Columns) -> Found:
    return metadata_records(files, folder, columns, list(walk(folder)))


def _matches(pattern: str, missing: list[Unused]) -> list[Path]:
    """The files that a pattern names; `{000..012}` counts, as WebDataset writes it.

    Arguments:
        missing: Takes the files that a count names and that are not there.
    """
    if braces := _BRACES.search(pattern):
        first, last = braces.groups()
        found: list[Path] = []
        for number in range(int(first), int(last) + 1):
            text = str(number).zfill(len(first))
            one = pattern[: braces.start()] + text + pattern[braces.end() :]
            each = _matches(one, missing)
            if not each and not _BRACES.search(one):
                missing.append(Unused(one, "files of the pattern that are not there"))
            found += each
        return found
    return [Path(match) for match in sorted(glob.glob(pattern, recursive=True))]


def _name_and_split(name: str) -> tuple[str, str | None]:
    """Divides NAME:SPLIT; a colon in a path is no split."""
    head, colon, tail = name.rpartition(":")
    if colon and re.fullmatch(r"\w+", tail) and not Path(name).exists():
        return head, tail
    return name, None


def _refuse(columns: Columns, class_folders: bool | None, what: str) -> None:
    """Refuses options that mean nothing for this source, since silence would hide a mistake."""
    if class_folders:
        raise BadInput(f"{what} has no class folders. Name the column of the class instead.")
    if columns.asked:
        raise BadInput(
            f"{what} has no column {quoted(columns.asked[0])}: it has no columns at all."
        )
