"""States that a killed run resumes from: whole or not there, and without a pickle in them.

A state is a folder of safetensors files and one JSON file. It is written under a hidden name,
marked COMPLETE and renamed; the two newest are kept.
"""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from solidmark.errors import BadInput, NotFound, OutOfMemory
from solidmark.late import Tensor
from solidmark.runs import (
    memory_for,
    move_folder,
    read_ours,
    read_tensors,
    write_bytes,
    write_ours,
    write_tensors,
)

COMPLETE = "COMPLETE"
FACTS = "state.json"
KEPT = 2


@dataclass(frozen=True)
class Snapshot:
    """A state at rest.

    Arguments:
        tensors: By the file they stand in, and by name.
        facts: Everything else, as JSON values; `step` among them.
    """

    tensors: Mapping[str, Mapping[str, Tensor]]
    facts: Mapping[str, Any]

    @property
    def step(self) -> int:
        return int(self.facts["step"])


def checkpoint_name(step: int) -> str:
    """The name of the folder of a state."""
    return f"checkpoint-{step:08d}"


def write_checkpoint(folder: Path, snapshot: Snapshot) -> Path:
    """Writes a state, then removes those that are older than the one before."""
    path = folder / checkpoint_name(snapshot.step)
    temporary = path.with_name(f".{path.name}.tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    for name, tensors in snapshot.tensors.items():
        write_tensors(temporary / f"{name}.safetensors", tensors)
    write_ours(temporary / FACTS, snapshot.facts)
    write_bytes(temporary / COMPLETE, b"")
    move_folder(temporary, path)
    for old in _paths(folder)[:-KEPT]:
        shutil.rmtree(old)
    return path


def read_checkpoint(path: Path) -> Snapshot:
    """Reads a state.

    Raises:
        NotFound: When there is none.
        BadInput: When it is not whole.
    """
    if not path.is_dir():
        raise NotFound(f'There is no checkpoint "{path}". Name one that is, or "latest".')
    if not (path / COMPLETE).is_file():
        raise BadInput(f'The checkpoint "{path}" is not whole. Name another one, or "latest".')
    files = sorted(path.glob("*.safetensors"))
    try:
        size = sum(file.stat().st_size for file in files)
        with memory_for(f'the checkpoint "{path}"', size):
            tensors = {file.stem: _read(file) for file in files}
        facts = read_ours(path / FACTS, "")
        return Snapshot(tensors, {**facts, "step": int(facts["step"])})
    except OutOfMemory:
        raise
    except (OSError, KeyError, TypeError, ValueError, BadInput) as error:
        raise BadInput(
            f'The checkpoint "{path}" is damaged ({error}). Name another one, or "latest".'
        ) from error


def _read(file: Path) -> dict[str, Tensor]:
    """Tensors of their own: a mapped file must not be removed, and states are."""
    return {name: tensor.clone() for name, tensor in read_tensors(file, "")[0].items()}


def read_latest(folder: Path) -> Snapshot | None:
    """The newest state that can be read; None when there is none."""
    for path in reversed(_paths(folder)):
        try:
            return read_checkpoint(path)
        except OutOfMemory:  # It is whole, and an older one takes as much.
            raise
        except BadInput:
            continue
    return None


def clear_after(folder: Path, step: int) -> None:
    """Removes what a kill left half written, and the states after a step that is trained anew."""
    for path in folder.glob(".checkpoint-*"):
        shutil.rmtree(path, ignore_errors=True)
    for path in _paths(folder):
        if _step(path) > step:
            shutil.rmtree(path)


def _paths(folder: Path) -> list[Path]:
    """The folders of states, by step."""
    return sorted(folder.glob("checkpoint-*"), key=_step)


def _step(path: Path) -> int:
    number = path.name.rsplit("-", 1)[1]
    return int(number) if number.isdecimal() else -1
