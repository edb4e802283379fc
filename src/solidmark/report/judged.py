"""What a page may say of its tests: one rule for the pages of distances, halves, signals, InvMM.

In this order: nothing scored; nothing held out; a control of another kind; a test beyond luck; a
hint; and nothing seen, but only where something could have been seen. The last one alone is green.
"""

from typing import Literal

from solidmark.report.numbers import percent
from solidmark.scores.control import Control
from solidmark.scores.level import ALPHA
from solidmark.scores.level import HINT as HINT_ALPHA

Outcome = Literal["failed", "no_null", "other_kind", "beyond", "unclear", "nothing", "too_few"]

HINT = HINT_ALPHA / ALPHA
"""A hint is a p-value below so many times the one that decides: 5 % over all tests of a run."""

REACH = 0.5
"""A page that would have missed every second image, had they been memorized, has seen nothing."""


def outcome(
    asked: int,
    null: int,
    control: Control | None,
    best: float,
    needed: float,
    named: int,
    seen: float | None,
) -> Outcome:
    """The outcome of a measure.

    A control of another kind can hide memory as well as feign it. So a user who trusts it gets the
    names, but no green badge.

    Arguments:
        asked: How many images in question were scored.
        null: How many of the null were.
        control: Whether they are of the same kind; None where that is not known.
        best: The smallest p-value of all tests of the measure.
        needed: Below this a p-value is beyond luck.
        named: How many images are named.
        seen: The smallest share that would have been seen; None where none would.
    """
    if not asked:
        return "failed"
    if not null:
        return "no_null"
    if control is not None and control.is_shut:
        return "other_kind"
    if best < needed:
        return "beyond"
    if best < HINT * needed or named:
        return "unclear"
    if control is not None and control.is_other:
        return "other_kind"
    return "too_few" if seen is None or seen > REACH else "nothing"


def too_few(seen: float | None, whom: str, sides: str) -> str:
    """Why nothing can be said, as a sentence.

    Arguments:
        seen: The smallest share that would have been seen.
        whom: What would have been seen, such as "copies".
        sides: How many there are of each.
    """
    if seen is None:
        return f"Cannot be judged: {sides} are too few to see any number of {whom}."
    return (
        f"Cannot be judged: with {sides}, {whom} are seen (four times in five) only where they are "
        f"{percent(seen)} or more. More images of both kinds see fewer."
    )


def unseen(seen: float | None, whom: str, else_: str) -> str:
    """What a green verdict cannot see, in one sentence.

    Arguments:
        seen: The smallest share that would have been seen.
        whom: Of what, such as "copies that are fewer than".
        else_: What else is not seen, whatever its number.
    """
    share = "" if seen is None else f"{whom} {percent(seen)} of them, "
    return f"What this cannot see: {share}{'and ' * bool(share)}{else_}."
