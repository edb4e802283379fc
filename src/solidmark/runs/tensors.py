"""Safetensors files of ours: whole or not there, with a checksum of all that is in them.

The format knows none: a bit that a disk has turned over in a weight is another weight. Files of
before have none, and are taken as they are.
"""

import json
import os
import re
import shutil
import zlib
from collections.abc import Mapping
from pathlib import Path

from solidmark.errors import BadInput
from solidmark.late import Tensor, torch

HEAD = "solidmark"
"""The one entry in the head of a file, JSON: of several, the library draws the order each time, and
the same tensors would be other bytes."""

CHECKSUM = "checksum"


def write_tensors(
    path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str] | None = None
) -> None:
    """Writes a safetensors file as `write_bytes` writes a file.

    The tensors go from where they are into the file: they are not held a second time as bytes.

    Arguments:
        tensors: On the CPU, contiguous, by name.
        metadata: What stands in the head of the file beside its checksum, as JSON under `HEAD`.

    Raises:
        OSError: When the system refuses.
    """
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    told = dict(metadata or {})
    told[CHECKSUM] = checksum_of(tensors, told)
    head = {HEAD: json.dumps(told, sort_keys=True)}
    path.parent.mkdir(parents=True, exist_ok=True)
    # The library writes a temporary file of its own beside the one that it is told, under a name
    # that nobody knows after a kill, and for the owner alone: so it gets a folder.
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    try:
        temporary.mkdir()
        written = temporary / path.name
        written.touch()
        mode = written.stat().st_mode
        save_file(dict(tensors), written, head)
        written.chmod(mode)
        with open(written, "rb+") as file:
            os.fsync(file.fileno())
        os.replace(written, path)
    except SafetensorError as error:
        # It says in words what the system said by a number.
        number = re.search(r"os error (\d+)", str(error))
        if number is None:
            raise
        refused = OSError(int(number[1]), os.strerror(int(number[1])), str(path))
        raise refused from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def read_tensors(path: Path, cure: str) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Reads what `write_tensors` wrote; the tensors are mapped, not copied.

    Arguments:
        path: The file.
        cure: What to do where it cannot be used, as a sentence.

    Returns:
        The tensors by name, and what stands in the head beside the checksum.

    Raises:
        BadInput: When it cannot be read, or is not what was written.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "pt") as file:
            head = dict(file.metadata() or {})
            tensors = {name: file.get_tensor(name) for name in list(file.keys())}
        head = dict(json.loads(head[HEAD])) if HEAD in head else head
    except (SafetensorError, OSError, ValueError, TypeError) as error:
        reason = " ".join(str(error).split())[:200]
        raise BadInput(f'"{path}" cannot be read ({reason}). {cure}') from error
    said = head.pop(CHECKSUM, None)
    if said is not None and said != checksum_of(tensors, head):
        raise BadInput(f'"{path}" is not what was written: its checksum differs. {cure}')
    return tensors, head


def checksum_of(tensors: Mapping[str, Tensor], head: Mapping[str, str]) -> str:
    """The CRC-32 of tensors, with their names, kinds and shapes, and of a head."""
    state = zlib.crc32(json.dumps(head, sort_keys=True).encode())
    for name in sorted(tensors):
        tensor = tensors[name]
        state = zlib.crc32(f"{name}\0{tensor.dtype}\0{list(tensor.shape)}".encode(), state)
        state = zlib.crc32(tensor.reshape(-1).view(torch.uint8).numpy().data, state)
    return f"{state:08x}"
