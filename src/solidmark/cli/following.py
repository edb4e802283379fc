"""What comes after a command, as lines that can be copied."""

from pathlib import Path

from solidmark.runs import command_line, path_word, shell_word

MULTIPLE = 8
"""Sides that the default recipe of `solidmark train` can halve as often as it must."""


def beside(folder: Path, what: str) -> str:
    """A new name beside a folder: `marked-audit` for an audit of `marked`."""
    return path_word(folder.with_name(f"{folder.resolve().name}-{what}"))


def after_marking(out: Path, size: tuple[int, int], mirrored: bool) -> list[str]:
    """How to train on marked images, and how to audit then.

    Arguments:
        out: The marked folder.
        size: Height and width of the marked images, in pixels.
        mirrored: Whether its frames survive flips.
    """
    care = "no crops" if mirrored else "no flips, no crops"
    model, marked = beside(out, "model"), path_word(out)
    audit = command_line("audit", model, marked, beside(out, "audit"))
    stands = f"its model where {shell_word(model)} stands"
    hint = f"Next: train on {shell_word(str(out / 'train'))} with {care}, by your own trainer"
    if any(side % MULTIPLE for side in size):
        return [
            f"{hint}, then ({stands}):",
            f"  {audit}",
        ]
    return [
        f"{hint} ({stands}), or by ours:",
        f"  {command_line('train', marked, model)}",
        f"  {audit}",
    ]


def after_training(model: Path, marked: Path) -> list[str]:
    """How to audit a model that was trained on marked images."""
    words = ("audit", path_word(model), path_word(marked), beside(model, "audit"))
    return [f"Next: {command_line(*words)}"]


def after_drawing(drawn: Path, marked: Path | None) -> list[str]:
    """How to compare generations with what their model was trained on."""
    training = "TRAINING" if marked is None else path_word(marked)
    words = ("nearest", path_word(drawn), training, beside(drawn, "nearest"))
    note = " (TRAINING: the images that the model was trained on)" if marked is None else ""
    return [f"Next: {command_line(*words)}{note}"]


def after_observing(out: Path) -> list[str]:
    """How to score what a model has answered."""
    words = path_word(out)
    return [f"Next: {command_line('score', words)}", f"      {command_line('report', words)}"]


def after_indexing(index: Path) -> list[str]:
    """How to have an image judged."""
    return [f"Next: {command_line('guard', path_word(index), 'IMAGE')}"]


def after_fitting(out: Path) -> list[str]:
    """How to compare generations by an embedder of one's own."""
    words = ("nearest", "GENERATED", "TRAINING", "nearest", "--distance", f"own:{path_word(out)}")
    return [f"Next: {command_line(*words)}"]
