"""The checkpoints of a training that is over, or goes on elsewhere, as looks at it."""

import re
from dataclasses import dataclass, replace
from pathlib import Path

from solidmark.errors import BadInput, NotFound
from solidmark.measures.audit import Question
from solidmark.measures.watch.asking import ask, begin
from solidmark.models.finding import FACTS, find_pipeline
from solidmark.models.lora import WEIGHTS
from solidmark.models.lora_file import is_lora
from solidmark.runs import Processes, say, visible_files

STEPS = ("step", "checkpoint")
"""Words in a name whose number counts optimizer steps; without one it counts epochs."""


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint.

    Arguments:
        number: The last number in its name.
        unit: What the number counts: "step" or "epoch".
        is_lora: Whether it is added to a model, and none itself.
    """

    number: int
    path: Path
    unit: str
    is_lora: bool


def checkpoints_in(folder: Path) -> list[Checkpoint]:
    """The checkpoints in a folder, by their numbers.

    They are pipelines (`epochs/epoch-0010` of `solidmark train`), LoRA folders
    (`checkpoint-500` of the diffusers scripts) or files (`name-000002.safetensors` and
    `name-step00000500.safetensors` of kohya's).

    Arguments:
        folder: The folder.

    Raises:
        NotFound: When there is no such folder.
        BadInput: When it holds no checkpoint, two of one number, or counts steps and epochs.
    """
    if not folder.is_dir():
        raise NotFound(f'There is no folder "{folder}". Name the folder with the checkpoints.')
    every = [path for path in sorted(folder.iterdir()) if not path.name.startswith(".")]
    some = [path for path in every if path.is_dir() or path.suffix == ".safetensors"]
    found = sorted(filter(None, map(_checkpoint, some)), key=lambda one: one.number)
    passed = [path.name for path in some if path not in {one.path for one in found}]
    if not found:
        raise BadInput(
            f'"{folder}" holds no checkpoint: a folder or .safetensors file with a number in its '
            "name, such as epoch-0010, checkpoint-500 or name-000002.safetensors."
        )
    if len({one.number for one in found}) < len(found) or len({one.unit for one in found}) > 1:
        raise BadInput(
            f'The checkpoints of "{folder}" are not those of one training, each with a number of '
            f"its own: {', '.join(one.path.name for one in found)}. Move the others elsewhere."
        )
    if passed and Processes.here().is_main:
        say(f"Not asked, since no checkpoint with a number: {', '.join(passed)}.", error=True)
    return found


def _checkpoint(path: Path) -> Checkpoint | None:
    numbers = re.findall(r"\d+", path.stem if path.is_file() else path.name)
    if not numbers:
        return None
    lora = is_lora(path) if path.is_file() else _is_lora_folder(path)
    if path.is_dir() and not lora and not _is_model(path):
        return None
    unit = "step" if any(word in path.name.lower() for word in STEPS) else "epoch"
    return Checkpoint(int(numbers[-1]), path, unit, lora)


def _is_lora_folder(path: Path) -> bool:
    """Whether a folder holds LoRA weights that do not say what they were trained on."""
    return (path / WEIGHTS).is_file() and not (path / FACTS).is_file()


def _is_model(path: Path) -> bool:
    if (path / WEIGHTS).is_file():
        return True
    try:
        find_pipeline(str(path))
    except BadInput:
        return False
    return any(file.suffix == ".safetensors" for file in visible_files(path))


def watch_checkpoints(question: Question, folder: Path) -> list[Checkpoint]:
    """Asks every checkpoint of a folder; those that were asked already are not asked again.

    Arguments:
        question: What is asked. Its model is what LoRAs are added to; other checkpoints are asked
            in its place. Its `out` is the folder of the watch.
        folder: The folder with the checkpoints.

    Returns:
        The checkpoints.

    Raises:
        NotFound: When there is no such folder.
        BadInput: When it holds no checkpoint, or one cannot be asked.
    """
    found = checkpoints_in(folder)
    begin(question, found[0].unit)
    for one in found:
        if one.is_lora:
            loras = (*question.opening.loras, str(one.path))
            asked = replace(question, opening=replace(question.opening, loras=loras))
        else:
            asked = replace(question, model=str(one.path))
        ask(asked, one.number)
    return found
