"""Breaks the folder of a run, for tests of what is said then."""

import json
from pathlib import Path
from typing import Any

from solidmark.runs import read_manifest


def tear(folder: Path, name: str, content: bytes | None) -> None:
    """Takes a file out, or puts something else in its place."""
    (folder / name).unlink()
    if content is not None:
        (folder / name).write_bytes(content)


def unfinish(folder: Path) -> None:
    """Makes a run one that was stopped before its end."""
    manifest = read_manifest(folder) | {"finished": False}
    (folder / "manifest.json").write_text(json.dumps(manifest))


def held(path: Path) -> dict[str, Any]:
    """What stands in a JSON file of ours without its checksum, so that it may be written back."""
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    found.pop("checksum", None)
    return found
