"""A marked folder, opened: the images, their keys, and the check that both belong together."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from solidmark.data import Sample, content_hash
from solidmark.errors import BadInput, NotFound, UnknownName, WrongKeys
from solidmark.late import torch
from solidmark.marks.catalogue import pattern_from_json
from solidmark.marks.images import read_image
from solidmark.marks.lookup import Files, Lookup, read_lines
from solidmark.marks.pattern import Pattern
from solidmark.marks.planned import FOLDERS, words_file
from solidmark.randomness import LEVELS, digest
from solidmark.runs import fingerprint, made_by, read_manifest, read_table, recorded, typed
from solidmark.types import Image

KEYS = pa.schema(
    [
        *typed(pa.string(), "id", "file_name", "split"),
        ("marked", pa.bool_()),
        *typed(pa.string(), "group", "duplicate_group", "key_group"),
        ("key", pa.list_(pa.float64())),
        *typed(pa.string(), "content", "source_content"),
    ]
)
"""The columns of `keys.parquet`."""
_ALWAYS = tuple(name for name in KEYS.names if name != "group")

FEW = 8
"""In a bucket of fewer images keys have few others to be exchanged with, and readers are calibrated
on few."""

TOLERANCE = 0.5 / (LEVELS - 1)


@dataclass(frozen=True)
class Marked:
    """A folder of `solidmark mark`.

    Arguments:
        folder: Where it is.
        manifest: Its manifest.
        keys: Its `keys.parquet`.
        caption: What stands in for the caption of an image that has none.
    """

    folder: Path
    manifest: dict[str, Any]
    keys: pa.Table
    caption: str | None = None

    @cached_property
    def pattern(self) -> Pattern:
        return pattern_from_json(self.manifest["pattern"])

    @property
    def classes(self) -> list[str | None]:
        """The name of each class; its place is its number, None is one without images."""
        return list(self.manifest["classes"])

    @property
    def sizes(self) -> list[tuple[int, int, int]]:
        """Channels, height and width of the images before the marking: one, or one a bucket."""
        return sizes_of(self.manifest)

    @property
    def channels(self) -> int:
        return int(self.sizes[0][0])

    @property
    def marked_sizes(self) -> list[tuple[int, int]]:
        """The heights and widths of the marked images, in pixels: one, or one a bucket."""
        return [self.pattern.marked_size(height, width) for _, height, width in self.sizes]

    @property
    def marked_size(self) -> tuple[int, int]:
        """The height and width of the marked images, in pixels.

        Raises:
            BadInput: When they have several.
        """
        self.require_one_size()
        return self.marked_sizes[0]

    def require_one_size(self, verb: str = "") -> None:
        """Checks that all images have one size.

        Arguments:
            verb: The command that takes no others.

        Raises:
            BadInput: When they have several.
        """
        if len(self.sizes) > 1:
            names = ", ".join(map(bucket_name, self.marked_sizes))
            who = f'"solidmark {verb}"' if verb else "What was asked"
            cure = "Train by the trainer of these buckets, or mark" if verb == "train" else "Mark"
            raise BadInput(
                f'"{self.folder}" was marked in {len(self.sizes)} buckets ({names}), which '
                f'"solidmark audit" asks one by one. {who} takes one size. {cure} the data into '
                "another folder with --resolution."
            )

    def by_bucket(self, ids: Iterable[str]) -> dict[str, list[str]]:
        """Ids by the bucket of the image, in their order; "" where all images have one size."""
        if "bucket" not in self.keys.column_names:
            every = list(ids)
            return {"": every} if every else {}
        found: dict[str, list[str]] = {}
        for id in ids:
            found.setdefault(self._row(id).get("bucket") or "", []).append(id)
        return found

    def largest(self, ids: Iterable[str]) -> list[str]:
        """Those of the ids that lie in the bucket which holds most of them."""
        return max(self.by_bucket(ids).values(), key=len, default=[])

    @cached_property
    def _lookup(self) -> Lookup:
        return Lookup(self.keys)

    def _row(self, id: str) -> dict[str, Any]:
        found = self._lookup.row(id)
        if not found:
            raise KeyError(id)
        return found

    @cached_property
    def files(self) -> Files:
        """The file of each image, relative to the folder."""
        return Files(self.keys)

    @cached_property
    def _files(self) -> dict[str, str] | None:
        return recorded(self.folder, self.manifest)

    @cached_property
    def _metadata(self) -> dict[str, Lookup]:
        """The lines that have been read, by split."""
        return {}

    def _lines(self, split: str) -> Lookup:
        """The lines of a split. A half that lies elsewhere has none."""
        if split not in self._metadata:
            self._metadata[split] = read_lines(self._checked(split))
        return self._metadata[split]

    def _line(self, id: str) -> dict[str, Any]:
        return self._lines(self._row(id)["split"]).row(id)

    def _checked(self, split: str) -> Path:
        """The metadata of a split: captions and classes are what the marking wrote.

        Raises:
            NotFound: When they are gone, and the images are not.
            WrongKeys: When they are others.
        """
        name = words_file(split, in_tars=bool(self.manifest.get("shards")))
        path = self.folder / name
        entry = (self._files or {}).get(name)
        if entry is None or not (self.folder / FOLDERS[split]).is_dir():
            return path
        if not path.is_file():
            raise NotFound(
                f'"{path}" is missing, and with it the captions and classes. Put it back, or run '
                'the same "solidmark mark" command again.'
            )
        if fingerprint(path) != entry.split()[-1]:
            raise WrongKeys(
                f'"{path}" is not the file that was written with these images: captions or '
                "classes have changed. Put it back, or mark the data with the new ones."
            )
        return path

    def fingerprints(self, *splits: str) -> dict[str, str]:
        """What a run that reads this folder is recognised by: `keys`, and `metadata`.

        Arguments:
            splits: Whose captions and classes are read; all when none is named.
        """
        paths = [self._checked(split) for split in sorted(splits or FOLDERS)]
        words = [fingerprint(path) if path.is_file() else "" for path in paths]
        return {
            "keys": str(self.manifest["keys"]),
            "metadata": digest(0, "metadata", *words).hex()[:16],
        }

    def ids(self, split: str, marked: bool | None = True) -> list[str]:
        """The ids of a split, sorted; marked ones only, unless told otherwise."""
        if split not in FOLDERS:
            raise UnknownName("split", split, FOLDERS)
        wanted = pc.equal(self.keys["split"], split)
        if marked is not None:
            wanted = pc.and_(wanted, pc.equal(self.keys["marked"], marked))
        return list(self.keys["id"].filter(wanted).to_pylist())

    @property
    def captions(self) -> int:
        """How many different captions the images have."""
        every = pa.chunked_array(
            [chunk for split in FOLDERS for chunk in self._lines(split).table["text"].chunks],
            pa.binary(),
        )
        return int(pc.count_distinct(every.filter(pc.not_equal(every, b""))).as_py())

    def has_caption(self, id: str) -> bool:
        """Whether there is a caption for an image, its own or the one that stands in."""
        return bool(self._line(id).get("text") or self.caption)

    def words(self, id: str) -> tuple[str | None, str | None]:
        """The caption and the class of an image, as `sample` gives them; it is not read."""
        line = self._line(id)
        return line.get("text") or self.caption, line.get("class")

    def told(self, what: str | None = None) -> pa.Table:
        """The keys with what a model is told of each image: the columns `class` and `caption`.

        Arguments:
            what: "nothing", "class", "caption", or more than one of these words; everything that
                is known when None. What a model is not told stays empty.
        """
        found = self.keys
        for name, word in (("class", "class"), ("caption", "text")):
            asked = what is None or name in what
            words = self._words(word) if asked else pa.nulls(len(found), pa.string())
            if name in found.column_names:
                found = found.drop_columns(name)
            found = found.append_column(name, words)
        return found

    def _words(self, word: str) -> pa.Array:
        """The caption or the class of every image, null where it has none."""
        ids, split_of = self._lookup.ids, self.keys["split"]
        found = pa.nulls(len(ids), pa.string())
        for split in FOLDERS:
            told = self._lines(split).of(word, ids)
            said = pc.and_(pc.equal(split_of, split), pc.not_equal(told, "")).combine_chunks()
            found = pc.if_else(pc.fill_null(said, False), told, found)
        return found

    def sample(self, id: str) -> Sample:
        """A marked image as the trainer gets it, with caption and class.

        Raises:
            WrongKeys: When the file does not show what was marked, or not its key.
            BrokenImage: When the file is damaged.
        """
        row = self._row(id)
        image = read_image(self.folder / row["file_name"], self.channels)
        self._check(row, image)
        line = self._line(id)
        return Sample(
            id=id,
            image=image,
            content=row["content"],
            caption=line.get("text") or self.caption,
            label=line.get("class"),
            group=row["group"],
            class_index=line.get("label"),
        )

    def _check(self, row: dict[str, Any], image: Image) -> None:
        if content_hash(image) != row["content"]:
            raise WrongKeys(
                f'"{self.folder / row["file_name"]}" is not the image that keys.parquet was '
                "written for. Use the keys and the images of one marking."
            )
        if row["marked"]:
            shown = self.pattern.read(image[None])[0]
            if (shown - torch.tensor(row["key"])).abs().max() > TOLERANCE:
                raise WrongKeys(
                    f'"{self.folder / row["file_name"]}" does not show the key that keys.parquet '
                    "names. Use the keys and the images of one marking."
                )


def sizes_of(manifest: Mapping[str, Any]) -> list[tuple[int, int, int]]:
    """Channels, height and width of the images of a marked folder before the marking.

    Arguments:
        manifest: Its manifest.

    Returns:
        One size, or one a bucket.
    """
    found = manifest.get("sizes") or [manifest["size"]]
    return [(channels, height, width) for channels, height, width in found]


def bucket_name(size: tuple[int, int]) -> str:
    """What the bucket of marked images of a height and width is called: "HEIGHTxWIDTH"."""
    return f"{size[0]}x{size[1]}"


def few_line(buckets: Mapping[str, int], what: str = "images") -> str | None:
    """A sentence that names the buckets of few images; None where there is none.

    Arguments:
        buckets: How many images each has, by its name.
        what: Which images were counted.
    """
    small = [f"{name} ({count:,})" for name, count in buckets.items() if count < FEW]
    if not small:
        return None
    return (
        f"Buckets of fewer than {FEW} {what}: {', '.join(small)}. Little can be read in them, and "
        "their keys are exchanged with few others; name fewer sizes to bring these images together."
    )


def read_marked(folder: Path) -> dict[str, Any]:
    """The manifest of a folder of `solidmark mark`.

    Raises:
        NotFound: When it is not there.
        RunConflict: When it is not finished, or was made by another command.
    """
    if not folder.is_dir():
        raise NotFound(f'There is no folder "{folder}". "solidmark mark DATA {folder}" makes one.')
    return read_manifest(folder, "mark")


def open_marked(folder: Path) -> Marked:
    """Opens a folder of `solidmark mark`.

    Raises:
        NotFound: When it is not there.
        RunConflict: When it is not finished, or was made by another command.
        WrongKeys: When `keys.parquet` is not the one that was written with the images.
    """
    manifest = read_marked(folder)
    path = folder / "keys.parquet"
    if not path.is_file():
        raise NotFound(f'"{path}" is missing: without the keys nothing can be scored. Put it back.')
    if fingerprint(path) != manifest["keys"]:
        raise WrongKeys(
            f'"{path}" is not the file that was written with these images (its fingerprint '
            "differs). Use the keys and the images of one marking."
        )
    cure = "Use the file that was written with these images, or mark the data again."
    keys = read_table(path, KEYS, cure, once=("id",))
    for name in _ALWAYS:
        if keys[name].null_count:
            raise BadInput(f'The column "{name}" of "{path}" has empty cells. {cure}')
    return Marked(folder, manifest, keys)


def keep_ids(marked: Marked, hash_ids: Path | None) -> None:
    """Refuses to call marked images otherwise: their keys follow from their ids.

    Raises:
        BadInput: When that is asked.
    """
    if hash_ids is not None:
        raise BadInput(
            f'The images of "{marked.folder}" are called as they were marked. Leave --hash-ids '
            'out; it is an option of "solidmark mark".'
        )


def require_unmarked(where: str) -> None:
    """Checks that images are not those of a marking, which would be marked twice.

    Raises:
        BadInput: When they are.
    """
    path = Path(where)
    for folder in (path, path.absolute().parent):
        if path.is_dir() and made_by(folder) == "mark":
            raise BadInput(
                f'The images of "{where}" are marked already. Name those that they were made of'
                f"{_source_of(folder)}."
            )


def _source_of(folder: Path) -> str:
    source = read_manifest(folder)["config"].get("data")
    return f': "{source}"' if isinstance(source, str) else ""


def find_marked(where: str) -> Marked | None:
    """The marked folder of this name, if it is one.

    Raises:
        WrongKeys: When it is one, and its keys are not those that were written with the images.
    """
    path = Path(where)
    if not (path / "keys.parquet").is_file() and made_by(path) != "mark":
        return None
    return open_marked(path) if read_manifest(path)["command"] == "mark" else None
