"""What an inpainting attack comes to: the nouns of the judge, and what it is handed."""

from collections.abc import Mapping, Sequence
from typing import Any

from solidmark.cards import asks_of, title_of
from solidmark.runs import Figure, Verdict
from solidmark.scores.closeness import TRAINED
from solidmark.scores.control import Control
from solidmark.verdicts import Columns, Compared, Family, Nouns, judge, question
from solidmark.verdicts.words import counted_once

FAMILY = Family(
    measure="A measure",
    sees="memory",
    innocent="in which nothing was memorized",
    labels={"close": "Closer than chance", "nothing": "Nothing closer than chance"},
)

WORDS = Nouns(
    asked=("trained image", "trained images"),
    others=("held-out image", "held-out images"),
    do=("is", "are"),
    close="inpainted better than images that the model never saw",
    not_close="are inpainted no better than images that the model never saw",
    nearer="closer",
    as_near="as close",
    pair="A trained image is inpainted better than a held-out one",
    whom="images that are drawn closer than chance allows",
    missed="images that the shown half does not bring back in so many draws",
    more="More images, or more draws of each,",
    no_null="Without held-out images it is not known how well the model inpaints images that it "
    "never saw, so nothing can be judged. solidmark mark --held-out sets some aside, and --split "
    "held_out asks about them.",
    looks="have a hidden half",
    plain="such a half is easy to draw, memorized or not",
    unlike="Plain halves are easy to draw, so some of this closeness is no memory.",
)

SHOWN = (
    "The frames were shown, and the key of a frame says which image is meant: this is what the key "
    "brings back, more than the other half of the picture does alone."
)


def verdict_on(
    tables: Mapping[str, tuple[Columns, Columns]],
    config: Mapping[str, Any],
    figures: Sequence[Figure],
    control: Control | None,
    lowest: int,
    among: int = 1,
) -> Verdict:
    """The verdict on an inpainting attack.

    Arguments:
        tables: By measure, the columns about the trained images and about the held-out ones.
    """
    found = []
    names = different(int(config.get("draws") or 0), lowest, tables)
    for place, name in enumerate(names):
        sides = dict(zip(TRAINED[:2], tables[name], strict=True))
        asked = question(WORDS, name, "low", sides, figures)
        found.append(Compared(name, title_of(name), asks_of(name), (asked,), place))
    copies = {
        split: sum(first is not None for first in columns["copy_of"])
        for split, columns in zip(TRAINED[:2], tables[names[0]], strict=True)
    }
    shown = SHOWN if config.get("frame") == "shown" else ""
    return judge(FAMILY, found, control, counted_once(copies), shown, among=among)


def different(draws: int, lowest: int, measures: Mapping[str, Any]) -> list[str]:
    """The measures that differ: twice the same number would look like two witnesses.

    Of few draws the lowest are all, and of one draw it is the best too.
    """
    same = {"inpainting-lowest"} if 0 < draws <= lowest else set()
    same |= {"inpainting-mean"} if draws == 1 else set()
    return [name for name in measures if name not in same]
