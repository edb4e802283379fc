"""What a process does that another one has started: opens what the work needs, and does batches.

It is told paths and configurations, and gives back rows and the bytes of files. Whether it is on
this machine or on another it does not know.
"""

import os
import shutil
import socket
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from solidmark.errors import BadInput, SolidmarkError
from solidmark.late import torch
from solidmark.runs.engines import Answer, Away, Job, Work
from solidmark.runs.manifest import versions
from solidmark.runs.memory import Room, memory_name, memory_row
from solidmark.runs.offline import stay_offline

SAME = ("solidmark", "torch", "diffusers")
"""Packages that must have the same version everywhere."""


@dataclass(frozen=True)
class Told:
    """What a worker is told.

    Arguments:
        away: How it opens the work.
        room: How much fits at a time at first.
        threads: Those of a network on the CPU, of which the last digits may depend.
        folder: Where the command was given, which its paths may start from.
        versions: Of the packages that must be the same.
    """

    away: Away
    room: Room
    threads: int
    folder: str
    versions: Mapping[str, str | None]


def told(job: Job[Any]) -> Told:
    """What the workers of a job are told; the job has an `away`."""
    assert job.away is not None
    room = Room(job.room.size, job.room.device)
    threads = job.threads or torch.get_num_threads()
    return Told(job.away, room, threads, os.getcwd(), _same_versions())


class Worker:
    """One process elsewhere: has model and data open, and does batches.

    Nothing that can fail happens before the first batch, whose answer can say why.

    Arguments:
        told: What to do.
    """

    def __init__(self, told: Told) -> None:
        self._told = told
        self._folder = Path(tempfile.gettempdir()) / f"solidmark-{uuid4().hex}"
        self._name = memory_name(f"on {socket.gethostname()} {os.getpid()}")
        self._work: Work[Any] | None = None

    def do(self, batch: Sequence[Any]) -> Answer | str:
        """Does a batch. What a user can mend is said, and not raised: it must pass as it is."""
        self._folder.mkdir(mode=0o700)  # It is there for a batch, since a worker may be killed.
        try:
            if self._work is None:
                self._work = self._open()
            rows = {**self._work(batch), self._name: memory_row(self._told.room)}
            files = {
                path.relative_to(self._folder).as_posix(): path.read_bytes()
                for path in self._folder.rglob("*")
                if path.is_file()
            }
            return Answer(rows, files)
        except SolidmarkError as error:
            return str(error)
        finally:
            shutil.rmtree(self._folder)

    def _open(self) -> Work[Any]:
        stay_offline()
        for name, version in _same_versions().items():
            if version != self._told.versions[name]:
                raise BadInput(
                    f'"{socket.gethostname()}" has {name} {version}, and the command was given '
                    f"with {self._told.versions[name]}. Install the same on all machines."
                )
        torch.set_num_threads(self._told.threads)
        with suppress(OSError):
            os.chdir(self._told.folder)
        return self._told.away.open(self._folder, self._told.room)


def _same_versions() -> dict[str, str | None]:
    found = versions()
    return {name: found.get(name) for name in SAME}
