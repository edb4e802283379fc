"""What the signals of a run say together: the nouns of the judge, and what it is handed."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from jaxtyping import Float

from solidmark.cards import SIGNALS, asks_of, title_of
from solidmark.runs import Figure, Verdict
from solidmark.scores import TRAINED
from solidmark.scores.control import Control
from solidmark.verdicts import Columns, Compared, Family, Nouns, judge, question

Row = Mapping[str, Any]

FAMILY = Family(
    measure="A signal",
    sees="a trace of training",
    innocent="in which training left no trace",
    labels={
        "close": "Trained images stand out",
        "plain": "Plain pictures stand out",
        "nothing": "Nothing stands out",
    },
    # That training left a trace is no memory yet.
    states={"close": "hint"},
    proof="A signal tells that the model was trained on an image, or told its prompt, better than "
    "luck. That is not yet memory: whether the image can be brought back is asked by solidmark "
    "audit, inpaint and invmm, of these images first.",
)

OF_IMAGES = Nouns(
    asked=("trained image", "trained images"),
    others=("held-out image", "held-out images"),
    do=("stands", "stand"),
    close="out from held-out images, which the model never saw",
    not_close="do not stand out from held-out images, which the model never saw",
    nearer="further out",
    as_near="as far out",
    nearest="most suspicious",
    pair="A trained image looks more memorized than a held-out one",
    whom="images that lie beyond every held-out one",
    missed="memory that leaves no trace in this signal",
    more="More images, or more calls for each,",
    no_null="Without held-out images it is not known what the signal says of images that the model "
    "never saw, so nothing can be judged. --held-out DATA gives some.",
    plain="that is enough to stand out",
    unlike="The signal may tell that instead.",
    unlike_how="two-sided",
    turned="Careful: held-out ones look more memorized than trained ones, beyond luck. Either the "
    "direction of this signal does not hold here, or both sides differ in kind.",
)

OF_PROMPTS = replace(
    OF_IMAGES,
    asked=("trained prompt", "trained prompts"),
    others=("held-out prompt", "held-out prompts"),
    close="out from held-out prompts, which the model never saw",
    not_close="do not stand out from held-out prompts, which the model never saw",
    pair="A trained prompt looks more memorized than a held-out one",
    whom="prompts that lie beyond every held-out one",
    no_null="There is no held-out prompt that the model was not trained on, so it is not known "
    "what a prompt does that it never saw. --held-out DATA with captions of their own gives some.",
)


def verdict_on(
    scored: Mapping[str, Sequence[Row]],
    cards: Mapping[str, Row],
    figures: Sequence[Figure],
    control: Control | None,
    among: int = 1,
) -> Verdict:
    """The verdict on a run of signals."""
    found = [_compared(name, scored[name], cards[name], figures) for name in in_order(scored)]
    best = sorted(found, key=lambda one: min(one.p_values, default=1.0))
    return judge(
        FAMILY, [replace(one, place=best.index(one)) for one in found], control, among=among
    )


def in_order(names: Mapping[str, Any]) -> list[str]:
    """The signals in the order of the page."""
    return sorted(names, key=lambda name: (*SIGNALS, name).index(name))


def counts(row: Row) -> bool:
    """Whether a row counts: it has a value, and shares it with no row before it."""
    return row["status"] == "ok" and row["copy_of"] is None


def distances(rows: Sequence[Row], card: Row) -> Float[np.ndarray, " N"]:
    """Values as the scores want them, low = memorized: a value v of which high is so is 1 - v.

    That is how a similarity becomes a distance, so that its rows are reported as they were.
    """
    values = np.array([row["value"] for row in rows], dtype=np.float64)
    return values if card["direction"] == "low" else 1 - values


def groups_in(rows: Sequence[Row]) -> list[str | None] | None:
    """The groups of rows; None where nobody has any."""
    return [row.get("group") for row in rows] if any("group" in row for row in rows) else None


def _compared(name: str, rows: Sequence[Row], card: Row, figures: Sequence[Figure]) -> Compared:
    of_prompts = card["per"] == "prompt"
    # What failed of one prompt failed once; what was left out has not failed.
    shared = "prompt" if of_prompts else "id"
    lost = {(row["split"], row[shared]): row for row in rows if row["status"] == "failed"}
    sides: dict[str, Columns] = {}
    for split in TRAINED[:2]:
        every = [row for row in rows if row["split"] == split]
        own = [r for r in every if r["status"] == "ok" or lost.get((split, r[shared])) is r]
        columns: Columns = {
            one: [row[one] for row in own] for one in ("id", "status", "note", "copy_of")
        }
        # A prompt has no contrast.
        contrast = [None if of_prompts else row["contrast"] for row in own]
        if (named := groups_in(own)) is not None:
            columns = {**columns, "group": named}
        sides[split] = {**columns, "distance": distances(own, card), "contrast": contrast}
    words = OF_PROMPTS if of_prompts else OF_IMAGES
    asked = question(words, name, card["direction"], sides, figures)
    return Compared(name, title_of(name), asks_of(name), (asked,))
