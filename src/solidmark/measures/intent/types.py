"""The four answers: what a feature of a prompt's generations is, by what the user may expect.

- explicit: the prompt names the feature, and it comes often;
- implicit: it is not named, comes often, and an entity of the prompt brings it;
- unintended: it comes often, though it is neither named nor brought by an entity;
  so is a copy of one training picture that an entity brings, unless the user's file says that the
  picture shows what is named or brought: whoever writes "a dog" does not ask for that photograph;
- not memorized: everything else.

The three kinds of memorization are the paper's; what decides between them is ours.

References:
    Naseh, Roh and Houmansadr, 2023, "Understanding (un)intended memorization in text-to-image
    generative models".
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from solidmark.measures.intent.counting import Share

Type = Literal["explicit", "implicit", "unintended", "not memorized"]

TYPES: tuple[Type, ...] = ("unintended", "implicit", "explicit", "not memorized")
"""In the order of a report."""

FALL = 0.5
"""Without an entity that brings it, a feature comes at most at this share of its frequency."""

ELSEWHERE = 0.5
"""An entity that brings a feature does so in at least this share of the other prompts with it."""


@dataclass(frozen=True)
class Removal:
    """What is left of a feature when an entity is taken out of the prompt.

    Arguments:
        share: How often the feature comes without it.
        p_value: Of the test that it comes more often with it; None without generations.
        q_value: The same among all such tests.
        falls: Whether it comes clearly less often.
        elsewhere: In how many other prompts with this entity the feature comes often.
        elsewhere_n: How many other prompts have this entity.
    """

    entity: str
    share: Share
    p_value: float | None = None
    q_value: float | None = None
    falls: bool = False
    elsewhere: int = 0
    elsewhere_n: int = 0


def falls(with_it: Share, without: Share, q_value: float | None, fdr: float) -> bool:
    """Whether a feature is clearly rarer without an entity: by a test, and by half at least."""
    if q_value is None or with_it.value is None or without.value is None:
        return False
    return q_value <= fdr and without.value <= FALL * with_it.value


def bringing(removals: Sequence[Removal], often_elsewhere: int) -> str | None:
    """The entity that brings a feature, or None.

    The feature falls without it, and it is this entity rather than the prompt as a whole:

    - where other prompts have the entity, the feature comes often in half of them or more;
    - where none has it, another entity can be taken out and the feature stays (or there is no
      other), and no other prompt shows the feature often.

    Arguments:
        removals: One an entity.
        often_elsewhere: How many other prompts show the feature often.
    """
    every = all(one.falls for one in removals)
    for one in sorted(removals, key=lambda one: (one.share.value or 0.0, one.entity)):
        if not one.falls:
            continue
        if one.elsewhere_n:
            if one.elsewhere >= ELSEWHERE * one.elsewhere_n:
                return one.entity
        elif (len(removals) == 1 or not every) and not often_elsewhere:
            return one.entity
    return None


def type_of(named: bool, often: bool, entity: str | None) -> Type:
    """The type of a feature of a prompt.

    Arguments:
        named: Whether the prompt names it.
        often: Whether it comes often.
        entity: The entity that brings it.

    Example:
        >>> type_of(False, True, None)
        'unintended'
    """
    if not often:
        return "not memorized"
    if named:
        return "explicit"
    return "unintended" if entity is None else "implicit"


def intended(type: Type, expected: str | None) -> str | None:
    """Whether a memorized feature is intended: by the user's word, else by its type."""
    if type == "not memorized":
        return None
    return expected or ("no" if type == "unintended" else "yes")
