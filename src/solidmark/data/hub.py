"""Anything that the `datasets` library opens: a hub name, or a folder of `save_to_disk`."""

import os
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image as Picture

from solidmark.data.classes import named_class
from solidmark.data.columns import Columns, missing
from solidmark.data.inventory import Found, Unused
from solidmark.data.records import FileBytes, Record, embedded, picture_in, quoted
from solidmark.errors import BadInput, BrokenImage, NotFound, SolidmarkError
from solidmark.runs import asking_the_hub

TIMEOUT_SECONDS = 10
_NAME = re.compile(r"[A-Za-z0-9][\w.-]*(/[\w.-]+)?")
_SAVED = ("dataset_dict.json", "state.json")


@dataclass(frozen=True)
class Row:
    """Reads one picture of a `datasets` table when called."""

    table: Any
    column: str
    number: int

    def __call__(self) -> bytes | Picture.Image:
        try:
            return _picture(self.table[self.number][self.column])
        except (OSError, ValueError) as error:
            raise BrokenImage(f"Row {self.number} cannot be read ({error}).") from error


def _picture(value: Any) -> bytes | Picture.Image:
    """A cell's picture. The library's paths are its own, also those outside a data folder."""
    import datasets

    path = value.get("path") if isinstance(value, dict) and not value.get("bytes") else None
    if isinstance(value, str):
        path = None if embedded(value) is not None else value
    if path and "://" in path:  # Inside an archive, which the library knows how to open.
        return datasets.Image().decode_example({"path": path, "bytes": None})
    return FileBytes(Path(path))() if path else picture_in(value, Path.cwd())


def is_saved(folder: Path) -> bool:
    """Whether `save_to_disk` wrote this folder."""
    return any((folder / name).is_file() for name in _SAVED)


def is_hub_name(where: str) -> bool:
    """Whether this can be the name of a data set on the hub."""
    return _NAME.fullmatch(where) is not None


def hub_records(where: str, columns: Columns, split: str | None = None) -> Found:
    """The rows of a data set of the `datasets` library. The id is the split and the row's number.

    No code of a data set is ever run (`trust_remote_code=False`).

    Arguments:
        where: A name on the hub, or a path.
        split: The split; without one "train", or the only one.

    Raises:
        NotFound: When there is no such data set, or no network to ask.
        BadInput: When a split or a column is missing.
    """
    return table_records(_opened(where), where, columns, split)


def table_records(opened: Any, where: str, columns: Columns, split: str | None = None) -> Found:
    """The rows of a table of the `datasets` library, or of one of its splits.

    Raises:
        BadInput: When a split or a column is missing.
    """
    table, split = _split(opened, split, where)
    known = columns.found_in(table.column_names, quoted(where))
    image = _image_column(columns.image, table, quoted(where))
    unused = [Unused(name, "columns") for name in known.unused(table.column_names, image)]
    others = opened if isinstance(opened, dict) else ()
    unused += [Unused(str(name), "splits") for name in others if str(name) != split]
    return Found(list(_records(table, image, known, split)), unused)


def _opened(where: str) -> Any:
    path = Path(where).expanduser()
    if not path.exists():  # Before the library is imported, which takes its time.
        with asking_the_hub():
            _ask_the_hub(where)
    import datasets

    try:
        if path.is_dir() and is_saved(path):
            return datasets.load_from_disk(str(path))
        if path.exists():
            return datasets.load_dataset(str(path), trust_remote_code=False)
        with asking_the_hub():
            return datasets.load_dataset(where, trust_remote_code=False)
    except SolidmarkError:
        raise
    except Exception as error:  # The library's errors share no class.
        text = " ".join(str(error).split())[:300]
        raise NotFound(f"The data set {quoted(where)} cannot be opened ({text}).") from error


def _ask_the_hub(name: str) -> None:
    """Fails at once where `load_dataset` would try again for half a minute."""
    from huggingface_hub import HfApi, constants

    # As the library has it, which reads it from there too.
    cache = Path(os.environ.get("HF_DATASETS_CACHE") or Path(constants.HF_HOME) / "datasets")
    if "datasets" in sys.modules:
        cache = Path(sys.modules["datasets"].config.HF_DATASETS_CACHE)
    if cache.is_dir() and _letters(name) in {_letters(child.name) for child in cache.iterdir()}:
        return
    try:
        HfApi().dataset_info(name, timeout=TIMEOUT_SECONDS)
    except Exception as error:  # No network, no such name, no permission: the cure is the same.
        text = " ".join(str(error).split())[:120]
        raise NotFound(
            f"There is no path {quoted(name)}, and no data set of that name could be had from "
            f"the hub ({text}). Check the path, or the name and the network."
        ) from error


def _letters(name: str) -> str:
    """A name without what the library's cache spells in another way."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _split(opened: Any, split: str | None, where: str) -> tuple[Any, str]:
    """One table and the name of its split."""
    import datasets

    if isinstance(opened, datasets.Dataset):
        own = str(opened.split) if opened.split is not None else "train"
        opened = {own: opened}
    names = [str(name) for name in opened]
    if split is None:
        split = "train" if "train" in names else names[0] if len(names) == 1 else None
    if split not in names:
        raise BadInput(
            f"{quoted(where)} has the splits {', '.join(map(quoted, names))}. "
            f'Name one of them: "datasets:{where}:{names[0]}".'
        )
    return opened[split], split


def _image_column(asked: str, table: Any, name: str) -> str:
    """The column that was asked for, else the only one with images."""
    import datasets

    if asked in table.column_names:
        return asked
    images = [c for c, f in table.features.items() if isinstance(f, datasets.Image)]
    if asked != "image" or len(images) != 1:
        raise missing(asked, table.column_names, name)
    return str(images[0])


def _records(table: Any, image: str, columns: Columns, split: str) -> Iterator[Record]:
    import datasets

    plain = table.with_format(None)
    words = plain.select_columns(columns.words).to_dict() if columns.words else {}
    for name, values in words.items():
        feature = table.features[name]
        if isinstance(feature, datasets.ClassLabel):
            words[name] = [named_class(value, feature.names) for value in values]
    pictures = plain.select_columns([image])
    if isinstance(table.features[image], datasets.Image):
        pictures = pictures.cast_column(image, datasets.Image(decode=False))
    for number in range(len(table)):
        row = {name: values[number] for name, values in words.items()}
        id = f"{split}/{number:08d}"
        yield columns.record(row, id, Row(pictures, image, number), f"row {number} of {split}")
