"""Files that are either whole or not there, and fingerprints of what they hold."""

import errno
import hashlib
import io
import json
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from solidmark.errors import BadInput
from solidmark.runs.progress import Advance, progress_of_bytes
from solidmark.runs.saying import tame

_RUN = "manifest.json"
"""What the folders of runs have."""
SECRET = frozenset({_RUN, "config.yaml", "keys.parquet", "scores.parquet", "evidence.parquet"})
"""Files that hold the keys, or the seed that they follow from, or what is read of the ideal model,
which knows them all: nobody but their owner reads them. By name, so that no writer forgets it."""
_OWNER = 0o600
_PART = 2**20
_NOT_OURS = (errno.EROFS, errno.EACCES, errno.EPERM)
"""What the system answers where nothing can be written."""


def write_bytes(path: Path, data: bytes, *, private: bool = False) -> None:
    """Writes a file so that a kill at any moment leaves the old one or the new one, never half.

    Those that hold secrets can be read by their owner alone, whatever the umask is.

    Arguments:
        private: Whether this one does; those of `SECRET` do in any case.
    """
    with whole_file(path, private=private) as file:
        file.write(data)


@contextmanager
def whole_file(path: Path, *, private: bool = False) -> Iterator[BinaryIO]:
    """A file to be written in pieces, as `write_bytes`: it is there when the last one is.

    Where the folder cannot be written, what is written must be there already.

    Arguments:
        private: As of `write_bytes`.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    secret = private or path.name in SECRET
    try:
        # Of a killed process with our number; whose rights it has is not ours to say.
        temporary.unlink(missing_ok=True)
        opened = open(  # noqa: SIM115
            temporary, "xb", opener=_for_the_owner if secret else None
        )
    except OSError as error:
        if error.errno not in _NOT_OURS or not path.is_file():
            raise
        with open(path, "rb") as there:
            told = _Told(there)
            yield told
            if told.differs or there.read(1):
                error.filename = str(path)
                raise
        return
    try:
        with opened as file:
            if secret:
                os.fchmod(file.fileno(), _OWNER)
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


class _Told(io.RawIOBase, BinaryIO):
    """What is to be written where nothing can be: it is as good as written if it is there already.

    So whoever looks at a finished run again may do so where it cannot be written.
    """

    def __init__(self, there: BinaryIO) -> None:
        super().__init__()
        self._there, self.differs = there, False

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        told = bytes(data)
        self.differs = self.differs or self._there.read(len(told)) != told
        return len(told)

    def tell(self) -> int:
        return self._there.tell()


def write_once(path: Path, data: bytes) -> None:
    """Writes a file for its owner alone, unless it is there: the first of several writers wins."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        write_bytes(temporary, data, private=True)
        os.link(temporary, path)
    except FileExistsError:
        pass
    finally:
        temporary.unlink(missing_ok=True)


def _for_the_owner(path: str, flags: int) -> int:
    return os.open(path, flags, _OWNER)


def make_private(path: Path) -> None:
    """Makes a file that another library is to write, for its owner alone; keeps one that is there.

    What SQLite writes beside a file has its rights.
    """
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, _OWNER))
    path.chmod(_OWNER)


def remove_temporaries(folder: Path, *, below: bool = False, dead: bool = False) -> None:
    """Removes what `write_bytes` and `move_folder` left in a folder when they were killed.

    Arguments:
        folder: Where they wrote.
        below: Whether the folders below it are cleared too, but for those of other runs.
        dead: Whether those of other processes that are at work on this machine stay: for who does
            not have the folder for itself.
    """
    for path in folder.glob(".*.tmp"):
        if not (dead and _is_written(path)):
            _remove(path)
    for path in folder.glob(".*.old"):
        if path.is_dir():
            _remove(path)
    if below and folder.is_dir():
        for child in folder.iterdir():
            if child.is_dir() and not child.is_symlink() and not (child / _RUN).exists():
                remove_temporaries(child, below=True, dead=dead)


def _is_written(path: Path) -> bool:
    """Whether the process that a temporary file is named after is at work, and another one."""
    number = path.name.split(".")[-2]
    if not (number.isascii() and number.isdigit()) or int(number) == os.getpid():
        return False
    try:
        os.kill(int(number), 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        pass
    return True


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def write_json(path: Path, value: Any) -> None:
    """Writes JSON with sorted keys, so that the same content is the same file."""
    text = json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False)
    # Half of a surrogate pair (a path that is no text) becomes the JSON escape of itself.
    write_bytes(path, (tame(text) + "\n").encode("utf-8", "backslashreplace"))


def read_json(path: Path) -> Any:
    """Reads JSON.

    Raises:
        BadInput: When the file does not hold JSON, or is a pipe or a device, which never end.
    """
    if path.exists() and not path.is_file():
        raise BadInput(f'"{path}" is no file. Make it again.')
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise BadInput(f'"{path}" is not readable JSON ({error}). Make it again.') from error


def fingerprint(path: Path) -> str:
    """The hash of a file's bytes, or of all files below a folder with their names.

    Hidden files (temporary ones among them) do not count. Links count as what they lead to.
    """
    if not path.is_file():
        return fingerprint_files(path, visible_files(path))
    with _hashing(path, [path]) as advance:
        return _hash(path, advance)


def fingerprint_files(folder: Path, files: Iterable[Path]) -> str:
    """The hash of some files below a folder, with their names."""
    state, every = hashlib.sha256(), sorted(files)
    with _hashing(folder, every) as advance:
        for child in every:
            name = child.relative_to(folder).as_posix()
            state.update(f"{name}\0{_hash(child, advance)}\n".encode("utf-8", "surrogateescape"))
    return state.hexdigest()[:16]


@contextmanager
def _hashing(what: Path, files: Iterable[Path]) -> Iterator[Advance]:
    size = sum(path.stat().st_size for path in files)
    with progress_of_bytes(f'reading "{what.name}" to recognise it', size) as advance:
        yield advance


def _hash(path: Path, advance: Advance) -> str:
    state = hashlib.sha256()
    with open(path, "rb") as file:
        while data := file.read(_PART):
            state.update(data)
            advance(len(data))
    return state.hexdigest()[:16]


def visible_files(folder: Path) -> Iterator[Path]:
    """The files below a folder that are not hidden, links to folders followed."""
    for root, folders, names in os.walk(folder, followlinks=True):
        here = os.path.realpath(root)
        folders[:] = [
            name
            for name in folders
            if not name.startswith(".") and not _leads_up(Path(root, name), here)
        ]
        for name in names:
            if not name.startswith(".") and (path := Path(root, name)).is_file():
                yield path


def _leads_up(path: Path, here: str) -> bool:
    """Whether a link leads to a folder that it lies in, and so round in a circle."""
    return path.is_symlink() and Path(here).is_relative_to(os.path.realpath(path))


def move_folder(temporary: Path, folder: Path) -> None:
    """Moves a finished folder into its place. A folder that stands there goes first."""
    if folder.exists():
        old = folder.with_name(f".{folder.name}.old")
        shutil.rmtree(old, ignore_errors=True)
        os.replace(folder, old)
        shutil.rmtree(old)
    os.replace(temporary, folder)
