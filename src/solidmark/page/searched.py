"""The section on what approximate searches find; a page of exact ones has none."""

from collections.abc import Sequence

from solidmark.cards import title_of
from solidmark.page.sections import Figures
from solidmark.page.tabled import Words, table_of_figures
from solidmark.runs import Figure, find
from solidmark.verdicts.searched import COPIES, NEAREST, PAIRS, RECALL

WORDS = Words(
    {},
    {
        f"{RECALL} {NEAREST}": "Nearest found, of images as they come",
        f"{RECALL} {PAIRS}": "Pairs found, within a distance of {threshold}",
        f"{RECALL} {COPIES}": "Changed copies found, within a distance of {threshold}",
    },
    (RECALL,),
)

_SIDES = {"training": "the training images", "generated": "the generations"}


def search_section(figures: Sequence[Figure]) -> Figures | None:
    """What the approximate searches of a run find, a table a measure.

    Arguments:
        figures: Those of the run.
    """
    told = find(figures, RECALL)
    tables = tuple(
        table_of_figures(
            f"{title_of(name)}: recall of the search among {_SIDES.get(side, side)}",
            [one for one in told if (one.measure, one.split) == (name, side)],
            WORDS,
        )
        for name, side in dict.fromkeys((one.measure, one.split) for one in told)
    )
    return Figures("search", "What the search finds", tables=tables) if tables else None
