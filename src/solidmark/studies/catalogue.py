"""The studies by name; each is one file, which is read when it is asked for."""

from importlib import import_module

from solidmark.cards import STUDIES
from solidmark.errors import UnknownName
from solidmark.studies.study import Study


def find_study(name: str) -> Study:
    """A study by its name; that of its file has `_` where the name has `-`.

    Raises:
        UnknownName: When there is none of this name.
    """
    if name not in STUDIES:
        raise UnknownName("study", name, STUDIES)
    found: Study = import_module(f"solidmark.studies.{name.replace('-', '_')}").STUDY
    return found
