"""`solidmark inspect FOLDER`."""

from pathlib import Path
from typing import Annotated, Any

import typer

from solidmark.cli.options import Json, show


def inspect(
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="Any folder that solidmark has written.")
    ],
    json: Json = False,
) -> None:
    """Say what a folder is and how it was made.

    Example: solidmark inspect marked/
    """
    from solidmark.runs import read_manifest

    manifest = read_manifest(folder)
    state = "finished" if manifest.get("finished") else "NOT finished: run the command again"
    lines = [f'{folder}: made by "solidmark {manifest["command"]}", {state}']
    for title in ("config", "fingerprints", "versions"):
        lines += [f"{title}:", *_indented(manifest.get(title) or {})]
    rest = {
        name: value
        for name, value in manifest.items()
        if name not in ("command", "config", "fingerprints", "versions", "finished")
    }
    lines += ["facts:", *_indented(rest)] if rest else []
    show(manifest, json, *lines)


def _indented(values: dict[str, Any]) -> list[str]:
    return [f"  {name}: {value}" for name, value in values.items()]
