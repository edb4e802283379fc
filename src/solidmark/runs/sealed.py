"""JSON files of ours: each says the version of its format, and vouches for all that stands in it.

A bit that a disk has turned over in a number of JSON is still JSON, and would be another verdict,
another threshold, another secret. So what we write to read it again has a checksum of its content;
files of before have none, and are taken as they are.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from solidmark.errors import BadInput, NotFound
from solidmark.runs.files import write_json
from solidmark.runs.formats import VERSION, require_version

CHECKSUM = "checksum"
"""The entry of the checksum: of all that stands beside it."""


def sealed(value: Mapping[str, Any]) -> dict[str, Any]:
    """What is to be written, with the version of its format and its checksum.

    Arguments:
        value: As JSON has it; a checksum of before is left out.
    """
    whole = {"version": VERSION, **value}
    whole.pop(CHECKSUM, None)
    return {**whole, CHECKSUM: _checksum(whole)}


def write_ours(path: Path, value: Mapping[str, Any]) -> None:
    """Writes a JSON file of ours, whole or not at all, so that `read_ours` sees what changes it."""
    write_json(path, sealed(value))


def read_ours(path: Path, cure: str, **parts: type | tuple[type, ...]) -> dict[str, Any]:
    """Reads a JSON file of ours, or says in one line why it cannot be used.

    Arguments:
        path: The file.
        cure: What to do where it cannot be used, as a sentence.
        parts: What it must hold, and of which type (or types), by name.

    Returns:
        What stands in it, but for its checksum.

    Raises:
        NotFound: When it is missing.
        BadInput: When it is no JSON object, of another version, not what was written, or lacks a
            part.
    """
    if not path.is_file():
        raise NotFound(f'"{path.parent}" has no {path.name}. {cure}')
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise BadInput(f'"{path}" is not readable JSON ({error}). {cure}') from error
    if not isinstance(value, dict):
        raise BadInput(f'"{path}" is not a file of solidmark. {cure}')
    require_version(path, value.get("version"), cure)
    said = value.pop(CHECKSUM, None)
    for name, kind in parts.items():
        if not isinstance(value.get(name), kind):
            raise BadInput(f'"{path}" has no "{name}" that can be used. {cure}')
    if said is not None and said != _checksum(value):
        raise BadInput(f'"{path}" is not what was written: its checksum differs. {cure}')
    return value


def _checksum(value: Mapping[str, Any]) -> str:
    """The hash of what is in a file, however it is written down."""
    text = json.dumps(json.loads(json.dumps(value)), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
