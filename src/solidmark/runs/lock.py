"""One run at a time in a folder: whoever writes into it holds its lock, and says who it is.

The operating system gives a lock back when its process dies, so what a kill or a power cut leaves
behind blocks nobody. Where a file system knows no locks, what the file says decides.
"""

import contextlib
import errno
import fcntl
import json
import os
import socket
import time
import weakref
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from solidmark.errors import RunConflict

NAME = ".lock"
_UNKNOWN = (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL)
"""What a file system without locks answers."""


@dataclass(frozen=True)
class Holder:
    """Who writes into a folder.

    Arguments:
        started: When the process began, as its system counts it, with the system's own start: a
            number that is given again after a reboot is not taken for it.
        host: The name of its machine.
        since: When it took the folder, UTC.
    """

    command: str
    process: int
    started: str
    host: str
    since: str

    @classmethod
    def here(cls, command: str) -> "Holder":
        """This process."""
        now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
        own = os.getpid()
        return cls(command, own, _started(own), socket.gethostname(), now)

    @property
    def is_here(self) -> bool:
        return self.host == socket.gethostname()

    @property
    def lives(self) -> bool:
        """Whether the process is still there; only its own machine knows."""
        return self.started == _started(self.process)

    def __str__(self) -> str:
        return (
            f'"solidmark {self.command}" (process {self.process} on "{self.host}", since '
            f"{self.since})"
        )


class Lock:
    """A folder that this process writes into, until it lets go or is forgotten."""

    def __init__(self, path: Path, handle: int) -> None:
        self._path, self._handle = path, handle

    def release(self) -> None:
        """Lets go. Twice is once."""
        if self._handle < 0:
            return
        handle, self._handle = self._handle, -1
        _HELD.pop(self._path, None)
        if _is_file(self._path, handle):  # The folder may have gone, and be another one now.
            self._path.unlink(missing_ok=True)
        os.close(handle)

    def forget(self) -> None:
        """Closes what a fork copied: the lock is that of the other process."""
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1

    def __del__(self) -> None:
        with contextlib.suppress(OSError):
            self.release()


_HELD: "weakref.WeakValueDictionary[Path, Lock]" = weakref.WeakValueDictionary()


def _after_fork() -> None:
    for lock in list(_HELD.values()):
        lock.forget()
    _HELD.clear()


os.register_at_fork(after_in_child=_after_fork)


def take(folder: Path, command: str) -> Lock:
    """Takes a folder for this process; the same lock again where it has it already.

    Arguments:
        folder: It must be there.
        command: The verb, for the message that others get.

    Raises:
        RunConflict: When another process writes into it; names that.
        OSError: When the folder cannot be written.
    """
    path = folder.resolve() / NAME
    if (held := _HELD.get(path)) is not None:
        return held
    handle = _opened(path)
    try:
        # In one write, so that whoever is refused reads all of it.
        os.ftruncate(handle, 0)
        os.pwrite(handle, json.dumps(asdict(Holder.here(command))).encode(), 0)
    except OSError:
        os.close(handle)
        raise
    lock = Lock(path, handle)
    _HELD[path] = lock
    return lock


def sweep(folder: Path, command: str) -> None:
    """Clears away what a process left that was killed between its last line and letting go.

    Arguments:
        folder: That of a finished run.
        command: The verb.
    """
    if (folder / NAME).is_file():
        with contextlib.suppress(OSError, RunConflict):  # Another one is at work, or none may be.
            take(folder, command).release()


def _opened(path: Path) -> int:
    """The open and locked file of this name."""
    deadline = time.monotonic() + 2
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = _holder(handle)
            os.close(handle)
            # It has taken the lock and not yet said who it is, or it is dying.
            unclear = holder is None or (holder.is_here and not holder.lives)
            if unclear and time.monotonic() < deadline:
                time.sleep(0.05)
                continue
            raise _refused(path, holder) from None
        except OSError as error:
            if error.errno not in _UNKNOWN:
                os.close(handle)
                raise
            holder = _holder(handle)
            if holder is not None and (not holder.is_here or holder.lives):
                os.close(handle)
                raise _refused(path, holder) from None
        # Its last holder may have removed it between our two steps.
        if _is_file(path, handle):
            return handle
        os.close(handle)


def _is_file(path: Path, handle: int) -> bool:
    try:
        there, ours = os.stat(path), os.fstat(handle)
    except OSError:
        return False
    return (there.st_dev, there.st_ino) == (ours.st_dev, ours.st_ino)


def _holder(handle: int) -> Holder | None:
    """Who the file says has the folder; None where it says nothing that can be read."""
    try:
        said: Any = json.loads(os.pread(handle, 10_000, 0))
        return Holder(**said)
    except (ValueError, TypeError):
        return None


def _refused(path: Path, holder: Holder | None) -> RunConflict:
    who = "another process" if holder is None else str(holder)
    cure = "Wait for it, stop it, or name another folder."
    if holder is not None and not holder.is_here:
        cure += f' If nothing runs on "{holder.host}" any more, remove "{path}".'
    return RunConflict(f'"{path.parent}" is being written by {who}. {cure}')


def _started(process: int) -> str:
    """When a process began; empty where there is none, or the system does not say."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        line = Path(f"/proc/{process}/stat").read_text()
    except OSError:
        return _is_there(process)
    # The name of the program, in brackets, may hold anything; the times come after it.
    fields = line.rpartition(")")[2].split()
    return "" if fields[0] == "Z" else f"{boot} {fields[19]}"


def _is_there(process: int) -> str:
    """All that other systems say: whether there is such a process."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return ""
    except PermissionError:
        pass
    return "there"
