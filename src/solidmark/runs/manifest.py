"""The manifest: what a folder was made from, so that the same command resumes it.

`manifest.json` is written before any work and marked finished after it. The same command into the
same folder goes on where it stopped; another configuration is refused, since rows of two
configurations must never stand in one table. A finished folder that has lost something is not
finished any more: the same command goes on with it too, and makes what is missing.

`files.json` vouches for what was written, the manifest for that list, and its checksum for the
manifest: a bit that a disk has turned over in a number of the configuration is no configuration.
"""

import importlib.metadata
import json
import platform
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from solidmark.errors import BadInput, NotFound, RunConflict
from solidmark.runs.contents import ASIDE, Damage, damage, put_back, record, set_aside
from solidmark.runs.files import remove_temporaries
from solidmark.runs.formats import VERSION
from solidmark.runs.lock import Lock, sweep, take
from solidmark.runs.processes import Processes
from solidmark.runs.saying import say
from solidmark.runs.sealed import read_ours, write_ours

NAME = "manifest.json"
SECRETS = {("mark", "seed")}
"""Values of a configuration, by its command, that are shown to nobody."""
HIDDEN_LEDGER = ".ledger"
"""Where a run keeps its rows that has nothing to show of them."""
PACKAGES = ("solidmark", "torch", "diffusers", "accelerate", "datasets", "numpy", "pillow", "scipy")


@dataclass(frozen=True)
class Run:
    """An open run folder.

    Arguments:
        folder: Where it is.
        manifest: What was asked, and when finished what came of it.
        lost: What a finished run has lost, and is now to be made again.
        lock: Keeps other processes out while this one writes.
    """

    folder: Path
    manifest: dict[str, Any]
    lost: Damage = field(default_factory=Damage)
    lock: Lock | None = field(default=None, repr=False, compare=False)

    @property
    def finished(self) -> bool:
        return bool(self.manifest["finished"])

    def finish(self, *products: str, rewritten: Sequence[str] = (), **facts: Any) -> None:
        """Marks the folder as whole, and clears away what killed writers left in it.

        Arguments:
            products: The files and folders that it is whole with; those that a later command
                writes anew from them (results, pages) are not among them.
            rewritten: Files that must be there, and that a later command may change.
            facts: What is worth keeping beside the configuration.
        """
        remove_temporaries(self.folder, below=True)
        self._own_up()
        files = record(self.folder, products, rewritten)
        self.manifest.update(finished=True, **facts)
        if files is not None:
            self.manifest["files"] = files
        _write(self.folder, self.manifest)
        self._let_go()

    def _own_up(self) -> None:
        """Says what a run that had lost something could not make again, and puts back what it was.

        Such are pictures of what was asked once: what they show is counted, and nothing is asked
        anew.
        """
        lost = (*self.lost.missing, *self.lost.changed)
        still = tuple(name for name in lost if not (self.folder / name).is_file())
        if still:
            put_back(self.folder, self.lost.changed)
            say(
                f"{Damage(missing=still)} still: what it was made from is not asked again. Where "
                f'you need it, remove "{self.folder}" and run the same command.',
                error=True,
            )

    def give_up(self) -> None:
        """Leaves a run that has lost something as it was found, since it cannot be made again."""
        put_back(self.folder, self.lost.changed)
        self.manifest["finished"] = True
        _write(self.folder, self.manifest)
        self._let_go()

    def abandon(self) -> None:
        """Forgets a run that cannot be done as asked, so that the folder can be named again."""
        (self.folder / NAME).unlink(missing_ok=True)
        self._let_go()

    def _let_go(self) -> None:
        if self.lock is not None:
            self.lock.release()


def open_run(
    folder: Path,
    command: str,
    config: Mapping[str, Any],
    fingerprints: Mapping[str, str] | None = None,
) -> Run:
    """Opens a run folder: new, or the same run again.

    Until the run is finished or forgotten, other processes that open the folder are refused; those
    of one launch share it. A finished run is looked at: when files of it are gone or changed, it
    is not finished any more (`Run.lost` says what), and changed ones are set aside.

    Arguments:
        folder: The folder to write.
        command: The verb.
        config: The whole configuration, as JSON values.
        fingerprints: The hashes of the folders and files that are read.

    Raises:
        RunConflict: When the folder holds another run, or files of somebody else, or another
            process writes into it.
    """
    asked = {"command": command, "config": dict(config), "fingerprints": dict(fingerprints or {})}
    asked = json.loads(json.dumps(asked))  # As it will be read again: a tuple is a list.
    check_free(folder, command)
    manifest = _same(folder, asked)
    if manifest is not None and manifest["finished"] and not damage(folder, manifest):
        if Processes.here().is_main:
            sweep(folder, command)
        return Run(folder, manifest)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = take(folder, command) if Processes.here().is_main else None
        # Whoever had the lock before may have begun, or come to an end.
        manifest = _same(folder, asked)
        if manifest is None:
            return _begun(folder, asked, lock)
        return (
            _reopened(folder, manifest, lock)
            if manifest["finished"]
            else Run(folder, manifest, lock=lock)
        )
    except OSError as error:
        raise BadInput(
            f'"{folder}" cannot be written ({error.strerror}). Name a folder that can be.'
        ) from error


def check_free(folder: Path, command: str) -> None:
    """Checks that a command may write into a folder, as far as the folder alone can say.

    Arguments:
        folder: The folder to write.
        command: The verb.

    Raises:
        RunConflict: When it holds a run of another verb, or files of somebody else.
    """
    if folder.exists() and not folder.is_dir():
        raise RunConflict(f'"{folder}" is a file. Name a folder to write to.')
    if (folder / NAME).exists():
        manifest = read_manifest(folder)
        if manifest["command"] != command:
            raise _conflict(folder, _difference(manifest, {"command": command}))
    elif folder.is_dir() and any(map(_is_foreign, folder.iterdir())):
        raise RunConflict(
            f'"{folder}" is not empty and was not made by solidmark. Name a new folder.'
        )


def _conflict(folder: Path, difference: str) -> RunConflict:
    return RunConflict(
        f'"{folder}" holds another run ({difference}). Choose another folder, or remove this one.'
    )


def _same(folder: Path, asked: Mapping[str, Any]) -> dict[str, Any] | None:
    """The manifest of a folder that holds what is asked; None where it holds none.

    Raises:
        RunConflict: When it holds another run.
    """
    if not (folder / NAME).exists():
        return None
    manifest = read_manifest(folder)
    found = {key: manifest.get(key) for key in asked}
    if found != asked:
        raise _conflict(folder, _difference(found, asked))
    return manifest


def _begun(folder: Path, asked: Mapping[str, Any], lock: Lock | None) -> Run:
    """A new run. Rows that another one has left in the folder are not its own."""
    if lock is not None and (folder / HIDDEN_LEDGER).exists():  # The main process clears it away.
        shutil.rmtree(folder / HIDDEN_LEDGER)
    manifest = {"version": VERSION, **asked, "finished": False, "versions": versions()}
    _write(folder, manifest)
    return Run(folder, manifest, lock=lock)


def _reopened(folder: Path, manifest: dict[str, Any], lock: Lock | None) -> Run:
    """A finished run, or one that has to be finished again, since something of it is lost."""
    lost = damage(folder, manifest)
    if not lost:
        if lock is not None:
            lock.release()
        return Run(folder, manifest)
    manifest["finished"] = False
    _write(folder, manifest)
    if lock is not None:  # The main process; the others go on with what it has found.
        aside = f' What was changed is kept in "{folder / ASIDE}".' if lost.changed else ""
        say(f'"{folder}" is not whole: {lost}. It is made good.{aside}', error=True)
        set_aside(folder, lost.changed)
    return Run(folder, manifest, lost, lock)


def _write(folder: Path, manifest: Mapping[str, Any]) -> None:
    write_ours(folder / NAME, manifest)


def read_manifest(folder: Path, command: str | None = None) -> dict[str, Any]:
    """Reads the manifest of a run folder.

    Arguments:
        folder: The folder.
        command: The verb that must have made it, and must have finished it. What it wrote is not
            looked at: `require_whole` does that.

    Raises:
        NotFound: When there is no manifest.
        BadInput: When it is none, or not what was written.
        RunConflict: When another verb made the folder, or it is not finished.
    """
    path = folder / NAME
    if not path.is_file():
        made = f' "solidmark {command}" makes one.' if command else " Check the path."
        raise NotFound(f'"{folder}" has no {NAME}: it is not a folder of solidmark.{made}')
    cure = "Put it back, or make the folder again."
    manifest = read_ours(path, cure)
    if not _is_manifest(manifest):
        raise BadInput(f'"{path}" is not a manifest of solidmark. {cure}')
    if command and manifest["command"] != command:
        raise RunConflict(
            f'"{folder}" was made by "solidmark {manifest["command"]}", '
            f'but a folder of "solidmark {command}" is needed.'
        )
    if command and not manifest.get("finished"):
        raise RunConflict(
            f'"{folder}" is not finished. Run the same "solidmark {command}" command again first.'
        )
    return manifest


def is_whole(folder: Path) -> bool:
    """Whether a folder holds all of a finished run, as it was written.

    Raises:
        NotFound: When it holds none.
        BadInput: When its manifest cannot be read.
    """
    manifest = read_manifest(folder)
    return bool(manifest["finished"]) and not damage(folder, manifest)


def config_of(folder: Path) -> dict[str, Any] | None:
    """The configuration of the run that a folder holds; None where it holds none."""
    return None if made_by(folder) is None else dict(read_manifest(folder)["config"])


def made_by(folder: Path) -> str | None:
    """The verb that made a folder; None where it is not ours, whatever its manifest.json is."""
    try:
        return str(read_manifest(folder)["command"])
    except (BadInput, NotFound, OSError):
        return None


def _is_manifest(value: Mapping[str, Any]) -> bool:
    kinds = {"command": str, "config": dict, "fingerprints": dict, "finished": bool}
    return all(isinstance(value.get(name), kind) for name, kind in kinds.items())


def _is_foreign(child: Path) -> bool:
    """Whether something in a folder is neither hidden nor a run of its own."""
    return not child.name.startswith(".") and not (child / NAME).is_file()


def versions() -> dict[str, str]:
    """The versions of this package, of Python and of what it stands on."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def _difference(found: Mapping[str, Any], asked: Mapping[str, Any]) -> str:
    """Names the first thing in which two runs differ."""
    if found["command"] != asked["command"]:
        return f'made by "solidmark {found["command"]}"'
    for part, word in (("config", ""), ("fingerprints", "the content of ")):
        old, new = found[part], asked[part]
        for key in sorted({*old, *new}):
            if old.get(key) != new.get(key):
                if (asked["command"], key) in SECRETS:
                    return f"another {key}"
                return f"{word}{_differing(key, old.get(key), new.get(key))}"
    return "another version"


def _differing(name: str, old: Any, new: Any) -> str:
    """Names the first thing in which two values differ, within what is nested."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted({*old, *new}):
            if old.get(key) != new.get(key):
                return _differing(key, old.get(key), new.get(key))
    return f"{name}: there {old!r}, here {new!r}"


def shown(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """A manifest as it may be shown: without the secret that the keys of a marking follow from."""
    config = manifest["config"]
    if manifest["command"] == "mark":
        config = {name: value for name, value in config.items() if name != "seed"}
    return {**manifest, "config": config}
