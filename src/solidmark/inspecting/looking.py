"""Whatever a path or a name stands for, told apart by what lies there; the network is not asked."""

from pathlib import Path

from solidmark.errors import BadInput, NotFound
from solidmark.inspecting.description import Description
from solidmark.inspecting.models import describe_model
from solidmark.runs import command_line

CONTROLS = {
    "memorizer": "knows every marked image",
    "gaussian": "knows none",
    "average": "knows the mean and variance of each pixel",
    "average-per-caption": "knows those of each caption, or class",
}
"""Models that are made of the marked images; the table of `models` takes seconds to import."""

EXAMPLES = ("digits", "emoji", "land", "land48", "land64", "openmoji")
"""Data that come with the install; the table of `data` takes a second to import."""


def describe(where: str) -> Description:
    """What a file, a folder or a name is: a model, a part of one, or pictures.

    Arguments:
        where: A path, a hub id, an example, or the name of a control.

    Raises:
        NotFound: When there is nothing here by that name.
        BadInput: When it is nothing that a command takes, or is damaged.
    """
    path = Path(where)
    if path.exists():
        return describe_model(path) or _pictures(where)
    if where in CONTROLS:
        how = "yes: a control, which shows what a reader can see."
        facts = {"it": CONTROLS[where]}
        command = command_line("audit", where, "MARKED", "OUT")
        return Description("a control, made of the marked images", facts, how, next=(command,))
    if where in EXAMPLES or any(letter in where for letter in "*?["):
        return _pictures(where)
    kept = _kept(where)
    if kept is not None:
        return kept
    if _is_hub_id(where):
        raise NotFound(
            f'There is no path "{where}", and no copy of a model of that name from the Hugging '
            "Face hub, which is not asked here. Commands that take a model or data ask it for them."
        )
    raise NotFound(f'There is no path "{where}". Check its spelling.')


def _pictures(where: str) -> Description:
    from solidmark.inspecting.pictures import describe_pictures

    try:
        return describe_pictures(where)
    except BadInput as error:
        raise BadInput(f"{error} Nor is it a model or a folder of solidmark.") from error


def _kept(where: str) -> Description | None:
    """A model of the hub that lies here already."""
    if not _is_hub_id(where):
        return None
    from huggingface_hub.constants import HF_HUB_CACHE

    kept = Path(HF_HUB_CACHE) / f"models--{where.replace('/', '--')}"
    try:
        commit = (kept / "refs" / "main").read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return None
    folder = kept / "snapshots" / commit
    found = describe_model(folder) if folder.is_dir() else None
    if found is None:
        return None
    from dataclasses import replace

    # The name is what the other commands are given, not where the copy lies.
    named = tuple(command.replace(str(folder), where) for command in found.next)
    return replace(found, facts={"a copy of the hub": commit, **found.facts}, next=named)


def _is_hub_id(where: str) -> bool:
    owner, slash, name = where.partition("/")
    return bool(slash and owner and name) and "/" not in name and owner[0] not in ".~"
