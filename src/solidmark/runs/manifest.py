"""The manifest: what a folder was made from, so that the same command resumes it.

`manifest.json` is written before any work and marked finished after it. The same command into the
same folder goes on where it stopped; another configuration is refused, since rows of two
configurations must never stand in one table.
"""

import importlib.metadata
import json
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from solidmark.errors import BadInput, NotFound, RunConflict
from solidmark.runs.files import read_json, write_json

NAME = "manifest.json"
PACKAGES = ("solidmark", "torch", "diffusers", "accelerate", "datasets", "numpy", "pillow", "scipy")


@dataclass(frozen=True)
class Run:
    """An open run folder."""

    folder: Path
    manifest: dict[str, Any]

    @property
    def finished(self) -> bool:
        return bool(self.manifest["finished"])

    def finish(self, **facts: Any) -> None:
        """Marks the folder as whole, with facts worth keeping beside the configuration."""
        self.manifest.update(finished=True, **facts)
        write_json(self.folder / NAME, self.manifest)

    def abandon(self) -> None:
        """Forgets a run that cannot be done as asked, so that the folder can be named again."""
        (self.folder / NAME).unlink(missing_ok=True)


def open_run(
    folder: Path,
    command: str,
    config: Mapping[str, Any],
    fingerprints: Mapping[str, str] | None = None,
) -> Run:
    """Opens a run folder: new, or the same run again.

    Arguments:
        folder: The folder to write.
        command: The verb.
        config: The whole configuration, as JSON values.
        fingerprints: The hashes of the folders and files that are read.

    Raises:
        RunConflict: When the folder holds another run, or files of somebody else.
    """
    asked = {"command": command, "config": dict(config), "fingerprints": dict(fingerprints or {})}
    asked = json.loads(json.dumps(asked))  # As it will be read again: a tuple is a list.
    if folder.exists() and not folder.is_dir():
        raise RunConflict(f'"{folder}" is a file. Name a folder to write to.')
    path = folder / NAME
    if path.exists():
        manifest = read_manifest(folder)
        found = {key: manifest.get(key) for key in asked}
        if found != asked:
            raise RunConflict(
                f'"{folder}" holds another run ({_difference(found, asked)}). '
                "Choose another folder, or remove this one."
            )
        return Run(folder, manifest)
    if folder.is_dir() and any(_is_foreign(child) for child in folder.iterdir()):
        raise RunConflict(
            f'"{folder}" is not empty and was not made by solidmark. Name a new folder.'
        )
    manifest = {**asked, "finished": False, "versions": versions()}
    try:
        write_json(path, manifest)
    except OSError as error:
        raise BadInput(
            f'"{folder}" cannot be written ({error.strerror}). Name a folder that can be.'
        ) from error
    return Run(folder, manifest)


def read_manifest(folder: Path, command: str | None = None) -> dict[str, Any]:
    """Reads the manifest of a run folder.

    Arguments:
        folder: The folder.
        command: The verb that must have made it, and must have finished it.

    Raises:
        NotFound: When there is no manifest.
        RunConflict: When another verb made the folder, or it is not finished.
    """
    path = folder / NAME
    if not path.is_file():
        made = f' "solidmark {command}" makes one.' if command else " Check the path."
        raise NotFound(f'"{folder}" has no {NAME}: it is not a folder of solidmark.{made}')
    manifest = read_json(path)
    if not isinstance(manifest, dict) or not _is_manifest(manifest):
        raise BadInput(f'"{path}" is not a manifest of solidmark. Make the folder again.')
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


def made_by(folder: Path) -> str | None:
    """The verb that made a folder; None where it is not ours, whatever its manifest.json is."""
    try:
        return str(read_manifest(folder)["command"])
    except (BadInput, NotFound):
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
                return f"{word}{_differing(key, old.get(key), new.get(key))}"
    return "another version"


def _differing(name: str, old: Any, new: Any) -> str:
    """Names the first thing in which two values differ, within what is nested."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted({*old, *new}):
            if old.get(key) != new.get(key):
                return _differing(key, old.get(key), new.get(key))
    return f"{name}: there {old!r}, here {new!r}"
