"""The tables of a marked folder: the metadata for the trainer, the keys, what could not be read."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa

from solidmark.marks.marked import bucket_name
from solidmark.marks.pattern import Pattern
from solidmark.marks.planned import FOLDERS, Plan, Planned, words_file
from solidmark.runs import table_bytes, tame, whole_file

AT_ONCE = 16_384
"""So many rows are Python objects at a time."""


def write_tables(
    out: Path,
    planned: Plan,
    images: Mapping[str, Any],
    broken: Mapping[str, str],
    classes: Sequence[str | None],
    keys: bytes,
) -> None:
    """Writes the metadata that goes to the trainer, what could not be read, and the keys.

    Arguments:
        out: The marked folder.
        planned: What was done with each image.
        images: What was seen of each, by id.
        broken: Why the others could not be read, by id.
        classes: The name of each class.
        keys: What `keys_bytes` gave.
    """
    in_tars = planned.shards is not None
    for split in FOLDERS:
        lines = (metadata(row, images[row.id], classes) for row in planned if row.split == split)
        if any(row.split == split for row in planned):
            _write_lines(out / words_file(split, in_tars=in_tars), lines)
    _write_lines(
        out / "quarantine.jsonl",
        ({"id": id, "reason": reason} for id, reason in sorted(broken.items())),
    )
    with whole_file(out / "keys.parquet") as file:
        file.write(keys)


def keys_bytes(
    planned: Plan,
    images: Mapping[str, Any],
    contents: Mapping[str, str],
    seed: int,
    bucketed: Pattern | None,
) -> bytes:
    """The bytes of `keys.parquet`.

    Arguments:
        planned: What was done with each image.
        images: What was seen of each, by id.
        contents: The hash of each marked image, by id.
        seed: The secret of the keys.
        bucketed: What was painted, where images were sorted into buckets.
    """
    ids = planned.names
    table = pa.table(
        {
            "id": planned.ids,
            "file_name": _column(row.file_name for row in planned),
            "split": planned.splits(),
            "marked": pa.array(planned.marked),
            "group": planned.groups.column(),
            "duplicate_group": planned.duplicate_group,
            "key_group": planned.key_group,
            "key": planned.keys(),
            "content": _column(contents[id] for id in ids),
            "source_content": _column(images[id]["content"] for id in ids),
        }
    )
    if bucketed is not None:
        sizes = (bucketed.marked_size(*images[id]["size"][1:]) for id in ids)
        table = table.append_column("bucket", _column(map(bucket_name, sizes)))
    # The manifest has its hash, which is that of markings of before.
    return table_bytes(table, checksums=False, seed=seed)


def _column(texts: Iterable[str]) -> pa.Array:
    """Texts as a column; few of them are objects at a time."""
    left, chunks = iter(texts), []
    while some := list(islice(left, AT_ONCE)):
        chunks.append(pa.array(some, pa.string()))
    return pa.concat_arrays(chunks)


def sizes_told(
    planned: Plan, images: Mapping[str, Any], bucketed: Pattern | None
) -> dict[str, Any]:
    """What the manifest says of sizes: `size`, or `sizes` and how many images each bucket has."""
    counted = Counter(tuple(images[id]["size"]) for id in planned.names)
    sizes = sorted(counted)
    if bucketed is None:
        return {"size": list(sizes[0])}
    names = [bucket_name(bucketed.marked_size(*size[1:])) for size in sizes]
    counts = [counted[size] for size in sizes]
    return {"sizes": list(map(list, sizes)), "buckets": dict(zip(names, counts, strict=True))}


def metadata(
    row: Planned, seen: Mapping[str, Any], classes: Sequence[str | None]
) -> dict[str, Any]:
    """What the trainer is told of an image.

    Arguments:
        row: What was done with it.
        seen: What was seen of it.
        classes: The name of each class.
    """
    line: dict[str, Any] = {"file_name": row.file_name.split("/", 1)[1], "id": row.id}
    if seen["caption"] is not None:
        line["text"] = seen["caption"]
    if row.class_index is not None:
        line |= {"label": row.class_index, "class": classes[row.class_index]}
    if row.group is not None:
        line["group"] = row.group
    return line


def json_line(line: Mapping[str, Any]) -> bytes:
    """One object as a line of JSON."""
    text = tame(json.dumps(line, ensure_ascii=False)) + "\n"
    return text.encode("utf-8", "backslashreplace")


def _write_lines(path: Path, lines: Iterable[Mapping[str, Any]]) -> None:
    with whole_file(path) as file:
        file.writelines(map(json_line, lines))
