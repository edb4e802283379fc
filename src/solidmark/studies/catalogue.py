"""The studies by name; each is one file, which is read when it is asked for."""

from dataclasses import fields
from importlib import import_module
from typing import Any

from solidmark.cards import STUDIES
from solidmark.errors import BadInput, UnknownName
from solidmark.studies.study import Setting, Study


def find_study(name: str) -> Study:
    """A study by its name; that of its file has `_` where the name has `-`.

    Raises:
        UnknownName: When there is none of this name.
    """
    if name not in STUDIES:
        raise UnknownName("study", name, STUDIES)
    found: Study = import_module(f"solidmark.studies.{name.replace('-', '_')}").STUDY
    return found


def sized(study: Study, quick: bool, **chosen: Any) -> Setting:
    """The size at which a study is run: its own, with what is chosen otherwise.

    Arguments:
        study: The study.
        quick: Whether the size for minutes of a processor is taken instead of the advised one.
        chosen: Fields of `Setting`. Of `size`, `recipe` and `read` the parts that are named change.

    Raises:
        UnknownName: When there is no such field, or the study has no such size.
        BadInput: When the study has no use for a field, or no seed is left.
    """
    base = study.quick if quick else study.full
    known = [one.name for one in fields(Setting)]
    for option in chosen:
        if option not in known:
            raise UnknownName("option of a study", option, known)
        if getattr(base, option) is None:
            own = ", ".join(f"{one} = {value}" for one, value in base.size.items())
            raise BadInput(f"{study.name} takes no {option}: it has sizes of its own ({own}).")
    for part in ("size", "recipe", "read"):
        chosen[part] = {**getattr(base, part), **chosen.get(part, {})}
    for option in chosen["size"]:
        if option not in base.size:
            raise UnknownName(f"size of {study.name}", option, base.size)
    if not chosen.get("seeds", base.seeds):
        raise BadInput("A study needs a seed. Give one or more.")
    return base.but(**chosen)
