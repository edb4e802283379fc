"""What comes after a command, as lines that can be copied."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from solidmark.runs import command_line, path_word, shell_word

MULTIPLE = 8
"""Sides that the default recipe of `solidmark train` can halve as often as it must."""


def beside(folder: Path, what: str) -> str:
    """A new name beside a folder: `marked-audit` for an audit of `marked`."""
    return path_word(folder.with_name(f"{folder.resolve().name}-{what}"))


def after_marking(out: Path, manifest: Mapping[str, Any]) -> list[str]:
    """How to train on marked images, and how to audit then.

    Arguments:
        out: The marked folder.
        manifest: Its manifest.
    """
    from solidmark.marks import pattern_from_json, sizes_of

    pattern = pattern_from_json(manifest["pattern"])
    sizes = [pattern.marked_size(height, width) for _, height, width in sizes_of(manifest)]
    care = "no crops" if manifest["pattern"].get("mirrored") else "no flips, no crops"
    model, marked = beside(out, "model"), path_word(out)
    audit = command_line("audit", model, marked, beside(out, "audit"))
    stands = f"its model where {shell_word(model)} stands"
    hint = f"Next: train on {shell_word(str(out / 'train'))} with {care}, by your own trainer"
    if "buckets" in manifest:
        buckets = " ".join(map(shell_word, trainer_options(manifest["config"])))
        return [f"{hint}, with its buckets ({buckets}), then ({stands}):", f"  {audit}"]
    if any(side % MULTIPLE for size in sizes for side in size):
        return [
            f"{hint}, then ({stands}):",
            f"  {audit}",
        ]
    return [
        f"{hint} ({stands}), or by ours:",
        f"  {command_line('train', marked, model)}",
        f"  {audit}",
    ]


def trainer_options(config: Mapping[str, Any]) -> list[str]:
    """How a trainer is asked for the buckets that images were marked in.

    Arguments:
        config: Of the marking: `buckets` and, of kohya's, `resolution`.

    Example:
        >>> trainer_options({"buckets": "kohya", "resolution": "512x768"})
        ['--enable_bucket', '--resolution=768,512']
        >>> trainer_options({"buckets": "512,768;768,512"})
        ['--aspect_ratio_buckets=512,768;768,512']
    """
    from solidmark.data import parse_buckets, sides_of

    text, resolution = str(config["buckets"]), config.get("resolution")
    name, *numbers = text.split(":")
    if name != "kohya":
        sizes = parse_buckets(text).sizes
        return ["--aspect_ratio_buckets=" + ";".join(f"{high},{wide}" for high, wide in sizes)]
    high, wide = sides_of(resolution or 0)
    limits = ("min_bucket_reso", "max_bucket_reso", "bucket_reso_steps")
    own = [f"--{limit}={number}" for limit, number in zip(limits, numbers, strict=False)]
    return ["--enable_bucket", f"--resolution={wide},{high}", *own]


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
