"""A look: an audit of its own in `looks/`, of the model as it is at one step.

A look that is whole has a `look.json`, which says which one it is: its part of the level hangs on
that (`scores.level.shares_of`). A step that has one is not asked twice.
"""

import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from solidmark.errors import BadInput
from solidmark.marks import Marked
from solidmark.measures.audit import Question, observe
from solidmark.models.live import borrowed
from solidmark.runs import (
    RESULTS,
    Processes,
    is_whole,
    made_by,
    open_run,
    read_ours,
    write_ours,
)

LOOKS = "looks"
LOOK = "look.json"

LARGEST = 2**53
"""No look, step or count of images has a higher number."""


@dataclass(frozen=True)
class Made:
    """A look that was made.

    Arguments:
        look: Which one it is, in the order in which they were made, from 1.
        step: At which step of the training, or after which epoch.
        images: How many images the training had seen, where that is known.
    """

    folder: Path
    look: int
    step: int
    images: int | None


def begin(question: Question, unit: str = "step") -> Marked:
    """Opens the folder of a watch: new, or one that goes on.

    Arguments:
        question: What is asked at every look; its `out` is the folder.
        unit: What is counted: "step" or "epoch".

    Returns:
        The marked images.

    Raises:
        RunConflict: When the folder holds something else, or a watch of another question.
        BadInput: When a split has no marked image.
    """
    marked = question.open_images()
    config = {**question.to_json(), "unit": unit}
    if Processes.here().is_main:  # The others wait for it before they look.
        run = open_run(question.out, "watch", config, marked.fingerprints(*question.splits))
        if not run.finished:
            run.finish()  # Whole with any number of looks; each has a lock of its own.
    return marked


def check(question: Question, live: Any) -> None:
    """Checks that a model in training can be asked, before it has trained for long.

    Raises:
        BadInput: When it cannot be asked, or was made for other images.
        MissingCapability: When a reader or a mitigation needs what it has not.
    """
    with borrowed(live, question.opening.precision) as found:
        question.fitted(found.model, question.open_images())


def ask(
    question: Question, step: int, *, live: Any = None, images: int | None = None
) -> Path | None:
    """Makes a look, unless it is there already, and whole where it can be made again.

    Arguments:
        question: What is asked, and of which model; its `out` is the folder of the watch.
        step: At which step.
        live: The model, where a program has it in memory.
        images: How many images the training has seen.

    Returns:
        The folder of the look; None where it was there.

    Raises:
        BadInput: When the model cannot be asked.
    """
    folder = question.out / LOOKS / f"{step:08d}"
    kept = _kept(folder)
    # The weights of a training that goes on cannot be had again.
    if kept is not None and (live is not None or is_whole(folder)):
        return None
    processes = Processes.here()
    own = replace(question, out=folder)
    if processes.is_main and kept is not None:
        (folder / RESULTS).unlink(missing_ok=True)  # It is scored anew.
    if processes.is_main and live is not None:
        _clear(folder)
    processes.wait()
    if live is None:
        observe(own)
    else:
        with borrowed(live, question.opening.precision) as found:
            opening = replace(question.opening, device=found.device)
            observe(replace(own, opening=opening), found)
    if processes.is_main:
        look = len(made_in(question.out)) + 1 if kept is None else kept["look"]
        write_ours(folder / LOOK, {"look": look, "step": step, "images": images})
    processes.wait()
    return folder


def made_in(out: Path) -> list[Made]:
    """The looks of a watch, in the order in which they were made.

    Raises:
        BadInput: When one of their files cannot be read.
    """
    found = []
    for path in sorted((out / LOOKS).glob(f"*/{LOOK}")):
        kept = _kept(path.parent) or {}
        found.append(Made(path.parent, kept["look"], kept["step"], kept.get("images")))
    return sorted(found, key=lambda one: one.look)


def _kept(folder: Path) -> dict[str, Any] | None:
    """What is written down of a look that was made; None where none was.

    Raises:
        BadInput: When it cannot be read.
    """
    path = folder / LOOK
    if not path.is_file():
        return None
    cure = "Remove its folder, and make the look again."
    kept = read_ours(path, cure, look=int, step=int, images=(int, type(None)))
    for name, least in (("look", 1), ("step", 0), ("images", 0)):
        number = least if kept.get(name) is None else kept[name]
        if isinstance(number, bool) or not least <= number <= LARGEST:
            raise BadInput(f'The {name} in "{path}" is {str(number)[:20]}. {cure}')
    return kept


def _clear(folder: Path) -> None:
    """Removes what a killed look has left: the weights that it asked cannot be had again."""
    if not folder.exists():
        return
    if made_by(folder) != "audit":
        raise BadInput(f'"{folder}" is no look of a watch. Remove it.')
    shutil.rmtree(folder)
