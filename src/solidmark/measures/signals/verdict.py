"""What the signals of a run say together: the nouns of the judge, and what it is handed."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from jaxtyping import Bool, Int

from solidmark.cards import SIGNALS, asks_of, title_of
from solidmark.measures.signals.judging import Judged
from solidmark.runs import Figure, Verdict
from solidmark.scores import TRAINED
from solidmark.scores.columns import numbers
from solidmark.scores.control import Control
from solidmark.verdicts import Columns, Compared, Family, Nouns, judge, question

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
    scored: Mapping[str, Judged],
    figures: Sequence[Figure],
    control: Control | None,
    among: int = 1,
) -> Verdict:
    """The verdict on a run of signals."""
    found = [_compared(name, scored[name], figures) for name in in_order(scored)]
    best = sorted(found, key=lambda one: min(one.p_values, default=1.0))
    return judge(
        FAMILY, [replace(one, place=best.index(one)) for one in found], control, among=among
    )


def in_order(names: Mapping[str, Any]) -> list[str]:
    """The signals in the order of the page."""
    return sorted(names, key=lambda name: (*SIGNALS, name).index(name))


def _compared(name: str, own: Judged, figures: Sequence[Figure]) -> Compared:
    sides: dict[str, Columns] = {}
    for split in TRAINED[:2]:
        places = np.flatnonzero(own.of(split) & (own.has("ok") | _lost(own)))
        names = ("id", "status", "note", "copy_of")
        columns: Columns = {one: own.column(one, places) for one in names}
        if (named := own.groups(places)) is not None:
            columns = {**columns, "group": named}
        # A prompt has no contrast.
        contrast = numbers(own.table["contrast"])[places] * (np.nan if own.of_prompts else 1)
        sides[split] = {**columns, "distance": own.distance[places], "contrast": contrast}
    words = OF_PROMPTS if own.of_prompts else OF_IMAGES
    asked = question(words, name, own.card["direction"], sides, figures)
    return Compared(name, title_of(name), asks_of(name), (asked,))


def _lost(own: Judged) -> Bool[np.ndarray, " N"]:
    """The rows that failed; what failed of one prompt failed once, and the last row says why."""
    failed = own.has("failed")
    if not own.of_prompts:
        return failed
    # What was left out has not failed.
    last = {(n, one): place for place, n, one in _prompts(own, np.flatnonzero(failed))}
    found = np.zeros(len(failed), dtype=bool)
    found[[*last.values()]] = True
    return found


def _prompts(own: Judged, places: Int[np.ndarray, " n"]) -> Iterator[tuple[int, bool, str | None]]:
    """The split and the prompt of some rows."""
    told = own.column("prompt", places)
    yield from zip(places.tolist(), own.trained[places].tolist(), told, strict=True)
