"""`solidmark inspect WHAT`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from solidmark.cli.asked import Asked
from solidmark.cli.command import Said, command
from solidmark.cli.following import (
    after_drawing,
    after_fitting,
    after_indexing,
    after_marking,
    after_observing,
    after_training,
)
from solidmark.runs import Verdict

COMMANDS = {"unmarked": "audit"}
"""What makes a folder whose manifest says another verb."""


@command(ends=Said)
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
    from solidmark.inspecting import describe
    from solidmark.runs import RESULTS, open_results, read_manifest, shown

    folder = Path(what)
    try:
        manifest = shown(read_manifest(folder))
    except NotFound:
        found = describe(what)
        said = f"{what.rstrip('/') or what}: {found.kind}"
        verdict = Verdict("done", f"{said}.")
        return asked.answer(found.to_json(), said, *found.lines, verdict=verdict)
    is_finished = bool(manifest.get("finished"))
    state = "finished" if is_finished else "NOT finished: run the command again"
    made = COMMANDS.get(manifest["command"], manifest["command"])
    said = f'made by "solidmark {made}", {state}'
    is_scored = is_finished and (folder / RESULTS).is_file()
    judged = open_results(folder).verdict if is_scored else None
    verdict = judged or Verdict("done" if is_finished else "unfinished", said)
    lines = [f"{what.rstrip('/')}: {said}"]
    lines += [verdict.headline] if verdict.label else []
    parts = {title: manifest.get(title) or {} for title in ("config", "fingerprints", "versions")}
    known = ("command", "finished", *parts)
    facts = {name: value for name, value in manifest.items() if name not in known}
    for title, values in (parts | ({"facts": facts} if facts else {})).items():
        lines += [f"{title}:", *(f"  {name}: {value}" for name, value in values.items())]
    after = _next(folder, manifest) if is_finished else []
    return asked.answer(manifest, *lines, *after, verdict=verdict)


def _next(folder: Path, manifest: Mapping[str, Any]) -> list[str]:
    """What to do with a finished folder."""
    command, config = manifest["command"], manifest["config"]
    if command == "mark":
        return after_marking(folder, manifest)
    if command == "train":
        return after_training(folder, Path("MARKED"))
    if command == "generate":
        return after_drawing(folder, Path(config["marked"]) if config.get("marked") else None)
    if command == "audit" and not (folder / "results.json").is_file():
        return after_observing(folder)
    if command == "index":
        return after_indexing(folder)
    if command == "fit":
        return after_fitting(folder)
    from solidmark.page.made import PAGE, is_stale
    from solidmark.runs import command_line, path_word

    again = command_line("report", path_word(folder))
    if is_stale(folder):
        return [f"{folder / PAGE} does not show the results beside it.", f"Next: {again}"]
    return [f"The page: {folder / PAGE}"] if (folder / PAGE).is_file() else []
