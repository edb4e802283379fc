"""What the distances of a run say together: the nouns of the judge, and what it is handed."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from solidmark.cards import asks_of, title_of
from solidmark.runs import Figure, Verdict
from solidmark.scores.closeness import GENERATED, TRAINED
from solidmark.scores.control import Control
from solidmark.verdicts import Compared, Family, Nouns, Question, judge, question

ROBUST = ("sscd", "sscd-onnx", "patched-l2", "modified-l2")
"""The measures that find copies best, first: of two that agree, the first speaks; plain l2 last."""

FAMILY = Family(
    measure="A measure",
    sees="copies",
    tests="its list of named images, its counts within a calibrated threshold, of generations or "
    "of training images, or the area of trained against held-out images",
    innocent="in which nothing was copied",
    labels={"close": "Closer than chance", "nothing": "Nothing closer than chance"},
)

OF_GENERATIONS = Nouns(
    asked=("generation", "generations"),
    others=("held-out image", "held-out images"),
    do=("is", "are"),
    close="closer to a training image than fresh images of the same kind come",
    not_close="come no closer to training images than fresh images of the same kind",
    nearer="closer",
    as_near="as close",
    pair="A generation is closer to a training image than a held-out image is",
    whom="copies",
    missed="copies that were changed so that this measure does not recognise them (crops, mirror "
    "images, other colours) or that were not drawn this time",
    more="More generations or more images to compare with",
    no_null="There are no held-out images, so it is not known how close fresh images of the same "
    "kind come, and closeness cannot be judged on this set. --held-out DATA gives them; --null "
    "train compares with how close the training images come to one another.",
    plain="such pictures are near to many, copied or not",
    unlike="Plain pictures come close to everything, so some of this closeness is no copying.",
)

AMONG_TRAINING = replace(
    OF_GENERATIONS,
    others=("training image", "training images"),
    close="closer to a training image than training images come to one another",
    not_close="come no closer to training images than these come to one another",
)
"""Where training images among themselves stand for held-out ones."""

OF_TRAINING = replace(
    OF_GENERATIONS,
    asked=("training image", "training images"),
    do=("has come", "have come"),
    close="back: a generation is closer than to fresh images of the same kind",
    nearer="closer to a generation",
    as_near="as close to a generation",
    pair="A training image has a closer generation than a held-out one",
)
"""Of the training images: which came back."""


def verdict_on(
    tables: Mapping[str, Mapping[str, pa.Table]],
    cards: Mapping[str, Mapping[str, Any]],
    figures: Sequence[Figure],
    control: Control | None,
    *,
    null_is_training: bool,
    among: int = 1,
) -> Verdict:
    """The verdict on generations beside the training set.

    Arguments:
        null_is_training: Whether training images among themselves stand for held-out ones.
    """
    words = AMONG_TRAINING if null_is_training else OF_GENERATIONS
    found = []
    for name, card in sorted(cards.items()):
        asked = [_question(words, name, card, tables[name], figures, GENERATED)]
        if len(tables[name]["trained"]):
            asked.append(_question(OF_TRAINING, name, card, tables[name], figures, TRAINED))
        found.append(Compared(name, title_of(name), asks_of(name), tuple(asked), _place(name)))
    return judge(FAMILY, found, control, among=among)


def _question(
    words: Nouns,
    name: str,
    card: Mapping[str, Any],
    tables: Mapping[str, pa.Table],
    figures: Sequence[Figure],
    splits: tuple[str, str, str],
) -> Question:
    names = ("id", "distance", "contrast", "status", "note", "copy_of", "group")
    sides = {}
    for split in splits[:2]:
        known = [one for one in names if one in tables[split].column_names]
        sides[split] = tables[split].select(known).to_pydict()
    # The area of the generations is no test: a model that draws poorly, or too plainly, moves it.
    area = splits is TRAINED
    return question(words, name, card["direction"], sides, figures, area=area)


def scored(table: pa.Table) -> pa.Table:
    """The rows that were scored, copies too."""
    return table.filter(pc.equal(table["status"], "ok"))


def _place(name: str) -> int:
    return ROBUST.index(name) if name in ROBUST else len(ROBUST) + (name == "l2")
