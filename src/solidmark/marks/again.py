"""How a marked folder is made again in another form, with the keys that it has."""

from typing import Any

from solidmark.data import Mode
from solidmark.marks.marked import Marked
from solidmark.runs import command_line, path_word

OPTIONS = "config.yaml"
"""Where `solidmark mark` keeps its command line, beside what it has made."""


def mark_again(marked: Marked, mode: Mode) -> str:
    """What to do where a model wants colour and the marked images are in grey, or the reverse.

    A key is a function of the seed and the id of an image, so the same seed gives the same keys
    and the same held-out half: a model that was trained on the marked images stays one of them.

    Arguments:
        marked: The folder as it is.
        mode: "RGB" or "L", as it should be.

    Returns:
        A sentence with the command.
    """
    kept = _options(marked)
    data = kept.get("data", "DATA")
    out = marked.folder.with_name(f"{marked.folder.resolve().name}-{mode}")
    words: list[object] = ["mark", path_word(data), path_word(out)]
    if kept:
        words += ["--config", marked.folder / OPTIONS]
    words += ["--mode", mode]
    said = command_line(*words)
    if "seed" not in kept:
        said += " --seed SEED"
    return f'Mark again with --mode {mode} ("{said}"): the same seed keeps the keys as they are.'


def _options(marked: Marked) -> dict[str, Any]:
    """The command line that made the folder; empty where it is not there."""
    import yaml

    try:
        kept = yaml.safe_load((marked.folder / OPTIONS).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return {}
    return kept if isinstance(kept, dict) and kept.get("command") == "mark" else {}
