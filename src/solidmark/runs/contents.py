"""What a finished run has written, so that a folder that is no longer whole is not taken for one.

`files.json` names each file with its size and hash (but for pictures that only show), and the
manifest holds the hash of that list. The same command looks at all of it; who reads a folder leaves
out the pictures, which are many, and finds out when it reads one: what shows a mark is checked
against its key.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from solidmark.errors import BadInput, RunConflict
from solidmark.runs.files import fingerprint, write_json
from solidmark.runs.formats import VERSION
from solidmark.runs.sealed import read_ours

NAME = "files.json"
ASIDE = ".set-aside"
"""Where files go that are not what a run wrote, before it writes them again."""

_PICTURES = (".png",)
_SHOWN = "pictures"
"""The folder of pictures that a page shows, and nothing follows from."""
_ANY = "any"
_NAMED = 3


@dataclass(frozen=True)
class Damage:
    """In what a folder differs from what its run wrote.

    Arguments:
        changed: Files with other bytes.
    """

    missing: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.missing or self.changed)

    def __str__(self) -> str:
        """Says it in a few words: `"keys.parquet" is missing`."""
        parts = ((self.missing, "missing"), (self.changed, "not what was written"))
        return " and ".join(_said(names, how) for names, how in parts if names)


def record(folder: Path, products: Iterable[str], rewritten: Iterable[str] = ()) -> str | None:
    """Writes down what a run has made.

    Arguments:
        folder: That of the run.
        products: Files and folders of it that no later command changes; those that are not there
            were not to be made.
        rewritten: Files of which only that they are there is written down.

    Returns:
        The fingerprint of `files.json`; None where there is nothing to write down.
    """
    found = {
        (own := path.relative_to(folder).as_posix()): _entry(folder, own)
        for name in products
        for path in _files(folder / name)
    } | {name: _ANY for name in rewritten if (folder / name).is_file()}
    if not found:
        return None
    write_json(folder / NAME, {"version": VERSION, **found})
    return fingerprint(folder / NAME)


def recorded(folder: Path, manifest: Mapping[str, Any]) -> dict[str, str] | None:
    """The files of a finished run with their size and hash; None where it wrote none down.

    Raises:
        BadInput: When the list is gone, or is another one.
    """
    if manifest.get("files") is None:
        return None
    path = folder / NAME
    if not path.is_file() or fingerprint(path) != manifest["files"]:
        state = "not what was written" if path.is_file() else "missing"
        raise BadInput(f'"{path}" is {state}. {_cure(manifest)}')
    found = read_ours(path, _cure(manifest))
    return {name: str(told) for name, told in found.items() if name != "version"}


def damage(folder: Path, manifest: Mapping[str, Any], *, pictures: bool = True) -> Damage:
    """What of a finished run is gone or changed.

    Arguments:
        pictures: Whether they are looked at too.
    """
    try:
        files = recorded(folder, manifest)
    except BadInput:
        return Damage(missing=(NAME,))
    missing, changed = [], []
    for name, told in (files or {}).items():
        path = folder / name
        if not pictures and path.suffix in _PICTURES:
            continue
        if not path.is_file():
            missing.append(name)
        elif not _is_as_told(folder, name, told):
            changed.append(name)
    return Damage(tuple(missing), tuple(changed))


def require_whole(folder: Path, manifest: Mapping[str, Any], *names: str) -> None:
    """Checks what a finished run wrote, before another one reads it.

    Pictures are not looked at: who reads one finds out. Nor is a run that is not finished.

    Arguments:
        folder: That of the run.
        manifest: Its manifest.
        names: Only these files, and those in these folders; all when none is named.

    Raises:
        RunConflict: When a file is gone or changed.
    """
    if not manifest.get("finished"):  # One that is made good still has the list of before.
        return
    found = damage(folder, manifest, pictures=False)
    wanted = (*names, NAME)
    if names:
        missing, changed = (
            tuple(name for name in some if _is_among(name, wanted))
            for some in (found.missing, found.changed)
        )
        found = Damage(missing, changed)
    if found:
        raise RunConflict(f'"{folder}" is not whole: {found}. {_cure(manifest)}')


def set_aside(folder: Path, names: Iterable[str]) -> None:
    """Moves changed files out of the way, in case that somebody needs them."""
    for name in names:
        target = folder / ASIDE / name
        target.parent.mkdir(parents=True, exist_ok=True)
        (folder / name).replace(target)


def put_back(folder: Path, names: Iterable[str]) -> None:
    """Undoes `set_aside`."""
    for name in names:
        if (folder / ASIDE / name).is_file() and not (folder / name).exists():
            (folder / ASIDE / name).replace(folder / name)


def _is_among(name: str, wanted: Iterable[str]) -> bool:
    return any(name == one or name.startswith(f"{one}/") for one in wanted)


def _cure(manifest: Mapping[str, Any]) -> str:
    return (
        f'Put it back, or run the same "solidmark {manifest["command"]}" command again, which '
        "makes it anew."
    )


def _files(path: Path) -> Iterator[Path]:
    """A file, or those below a folder, hidden ones left out."""
    if path.is_file():
        yield path
    elif path.is_dir():
        for child in sorted(path.rglob("*")):
            parts = child.relative_to(path).parts
            if child.is_file() and not any(part.startswith(".") for part in parts):
                yield child


def entry(path: Path) -> str:
    """What is written down of a file: its size and its hash."""
    return f"{path.stat().st_size} {fingerprint(path)}"


def _entry(folder: Path, name: str) -> str:
    """The same of a file of a run; of pictures that only show the size."""
    path = folder / name
    shows = path.suffix in _PICTURES and _SHOWN in Path(name).parts
    return f"{path.stat().st_size}" if shows else entry(path)


def _is_as_told(folder: Path, name: str, told: str) -> bool:
    """Whether a file is what was written down of it: that it is there, its size, or its hash too.

    Of pictures an earlier version wrote down the size only.
    """
    if told == _ANY:
        return True
    size = told.partition(" ")[0]
    return f"{(folder / name).stat().st_size}" == size and told in (size, _entry(folder, name))


def _said(names: tuple[str, ...], how: str) -> str:
    shown = ", ".join(f'"{name}"' for name in names[:_NAMED])
    more = len(names) - _NAMED
    verb = "is" if len(names) == 1 else "are"
    return f"{shown}{f' and {more:,} more' if more > 0 else ''} {verb} {how}"
