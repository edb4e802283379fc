"""Marked folders made again: with one grey in all marks, or with the first copies alone."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from solidmark.runs import Run, fingerprint, open_run, table_bytes, write_bytes

if TYPE_CHECKING:
    from solidmark.marks import Marked

GREY = 128
"""The level of all marks that are no key."""

FACTS = ("pattern", "size", "classes", "quarantined", "lost")
"""What a marked folder tells of itself, and one that is made of it too."""


def keyless(marked: str, out: Path) -> None:
    """Writes a marked folder again with the same grey in all marks: frames, but no keys.

    Arguments:
        out: The folder to write, which is one too: the same images, split alike.
    """
    import torch

    from solidmark.data import content_hash
    from solidmark.marks import open_marked, write_image
    from solidmark.randomness import LEVELS

    source = open_marked(Path(marked))
    run = _open(source, out, "keyless")
    if run.finished:
        return
    rows = source.keys.to_pylist()
    keys = torch.full((1, source.pattern.count), GREY / (LEVELS - 1))
    for row in rows:
        picture = source.pattern.crop(source.sample(row["id"]).image[None])
        image = source.pattern.apply(picture, keys)[0]
        write_image(out / row["file_name"], image)
        row |= {"key": [GREY / (LEVELS - 1)] * source.pattern.count, "content": content_hash(image)}
    _finish(run, source, rows)


def firsts(marked: str, out: Path) -> None:
    """Writes a marked folder again with the first image of each group: every picture once.

    Arguments:
        out: The folder to write, which is one too.
    """
    from solidmark.marks import open_marked

    source = open_marked(Path(marked))
    run = _open(source, out, "firsts")
    if run.finished:
        return
    rows: dict[str, dict[str, Any]] = {}
    for row in sorted(source.keys.to_pylist(), key=lambda row: str(row["id"])):
        rows.setdefault(row["group"] or row["id"], row)
    for row in rows.values():
        write_bytes(out / row["file_name"], (source.folder / row["file_name"]).read_bytes())
    _finish(run, source, list(rows.values()))


def _open(source: "Marked", out: Path, how: str) -> Run:
    config = {**source.manifest["config"], "made": how}
    return open_run(out, "mark", config, source.fingerprints())


def _finish(run: Run, source: "Marked", rows: Sequence[dict[str, Any]]) -> None:
    """Writes the tables of what was made, and says that it is whole."""
    import pyarrow as pa

    from solidmark.marks import FOLDERS

    out, ids = run.folder, {row["id"] for row in rows}
    for folder in FOLDERS.values():
        lines = source.folder / folder / "metadata.jsonl"
        if lines.is_file():
            kept = [
                line
                for line in lines.read_bytes().split(b"\n")
                if line and json.loads(line)["id"] in ids
            ]
            write_bytes(out / folder / lines.name, b"".join(line + b"\n" for line in kept))
    keys = pa.Table.from_pylist(rows, source.keys.schema)
    write_bytes(out / "keys.parquet", table_bytes(keys))
    write_bytes(out / "quarantine.jsonl", b"")
    splits = [row["split"] for row in rows]
    run.finish(
        *(*FOLDERS.values(), "keys.parquet", "quarantine.jsonl"),
        **{name: source.manifest[name] for name in FACTS},
        trained=splits.count("trained"),
        held_out=splits.count("held_out"),
        duplicates=len(rows) - len({row["duplicate_group"] for row in rows}),
        keys=fingerprint(out / "keys.parquet"),
    )
