"""Studies: the tables of the papers, and ours, as data that one engine runs."""

from solidmark.studies.catalogue import find_study, sized
from solidmark.studies.engine import run_studies
from solidmark.studies.study import Setting
from solidmark.studies.table import markdown

__all__ = [
    "Setting",
    "find_study",
    "markdown",
    "run_studies",
    "sized",
]
