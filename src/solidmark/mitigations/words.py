"""Captions as words, and a word put in at a random place."""

import math
from collections.abc import Sequence
from typing import TypeVar

from solidmark.errors import BadInput
from solidmark.late import torch

T = TypeVar("T")


def chosen(things: Sequence[T], generator: "torch.Generator") -> T:
    """One of several things, each as likely as the other."""
    return things[int(torch.randint(len(things), (), generator=generator))]


def inserted(words: Sequence[str], word: str, generator: "torch.Generator") -> list[str]:
    """The words with one more, before the first, between two or after the last."""
    place = int(torch.randint(len(words) + 1, (), generator=generator))
    return [*words[:place], word, *words[place:]]


def require_repeats(name: str, repeats: int) -> None:
    """Checks how often a caption is changed.

    Raises:
        BadInput: When it is no whole number of 0 or more.
    """
    if not math.isfinite(repeats) or repeats != int(repeats) or repeats < 0:
        raise BadInput(f"{name} takes a whole number of repeats, 0 or more, not {repeats}.")
