"""`solidmark inspect WHAT`."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from solidmark.cli.asked import Asked
from solidmark.cli.command import command
from solidmark.cli.following import (
    after_drawing,
    after_indexing,
    after_marking,
    after_observing,
    after_training,
)
from solidmark.cli.judging import verdict_of
from solidmark.cli.options import Json
from solidmark.runs import Verdict


@dataclass(frozen=True)
class Ended:
    """How what is found is shown."""

    json: Json = False


@command(ends=Ended)
def inspect(asked: Asked, what: Annotated[str, "WHAT"]) -> None:
    """Say what a folder or file is, and what to do with it.

    What it holds, what of it is not used and why, whether it can be audited, the next command. The
    Hugging Face hub is not asked, and nothing in a file is run.

    Example: solidmark inspect marked/

    Arguments:
        what: Any folder that solidmark has written; a model or a part of one (folder, .safetensors,
            LoRA, ONNX, TorchScript); pictures, as solidmark mark takes them.
    """
    from solidmark.errors import NotFound
    from solidmark.runs import read_manifest, shown

    folder = Path(what)
    try:
        manifest = read_manifest(folder)
    except NotFound:
        manifest = None
    if manifest is None:
        return _described(what, asked)
    manifest = shown(manifest)
    verdict = _verdict(folder, manifest)
    after = _next(folder, manifest)
    lines = [f'{what.rstrip("/")}: made by "solidmark {manifest["command"]}", {_state(manifest)}']
    lines += [verdict.headline] if verdict.label else []
    for title in ("config", "fingerprints", "versions"):
        lines += [f"{title}:", *_indented(manifest.get(title) or {})]
    rest = {
        name: value
        for name, value in manifest.items()
        if name not in ("command", "config", "fingerprints", "versions", "finished")
    }
    lines += ["facts:", *_indented(rest)] if rest else []
    return asked.answer(manifest, *lines, *after, verdict=verdict)


def _described(what: str, asked: Asked) -> None:
    from solidmark.inspecting import describe

    found = describe(what)
    said = f"{what.rstrip('/') or what}: {found.kind}"
    asked.answer(found.to_json(), said, *found.lines, verdict=Verdict("done", f"{said}."))


def _state(manifest: Mapping[str, Any]) -> str:
    return "finished" if manifest.get("finished") else "NOT finished: run the command again"


def _verdict(folder: Path, manifest: Mapping[str, Any]) -> Verdict:
    """What the folder says; that it is done, or is not."""
    said = f'made by "solidmark {manifest["command"]}", {_state(manifest)}'
    if not manifest.get("finished"):
        return Verdict("unfinished", said)
    return verdict_of(folder) or Verdict("done", said)


def _next(folder: Path, manifest: Mapping[str, Any]) -> list[str]:
    """What to do with a finished folder."""
    if not manifest.get("finished"):
        return []
    command, config = manifest["command"], manifest["config"]
    if command == "mark":
        from solidmark.marks import pattern_from_json

        _, height, width = manifest["size"]
        size = pattern_from_json(manifest["pattern"]).marked_size(height, width)
        return after_marking(folder, size, bool(manifest["pattern"].get("mirrored")))
    if command == "train":
        return after_training(folder, Path("MARKED"))
    if command == "generate":
        return after_drawing(folder, Path(config["marked"]) if config.get("marked") else None)
    if command == "audit" and not (folder / "results.json").is_file():
        return after_observing(folder)
    if command == "index":
        return after_indexing(folder)
    from solidmark.page.made import PAGE, is_stale
    from solidmark.runs import command_line, path_word

    again = command_line("report", path_word(folder))
    if is_stale(folder):
        return [f"{folder / PAGE} does not show the results beside it.", f"Next: {again}"]
    return [f"The page: {folder / PAGE}"] if (folder / PAGE).is_file() else []


def _indented(values: Mapping[str, Any]) -> list[str]:
    return [f"  {name}: {value}" for name, value in values.items()]
