"""Chance for cliques: generations of different prompts, drawn as if they were of one.

Under "the generations of a prompt are no closer to one another than those of different prompts"
such a draw is as good as a prompt. It is a low bar: pictures of one subject are closer than that
without any memory of a training image, so a low p-value says that the prompt decides the picture,
and only the size of the clique, at a small threshold, speaks of a copy.
"""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy.typing import NDArray

from solidmark.errors import BadInput
from solidmark.late import torch
from solidmark.randomness import generator
from solidmark.scores.conformal import images_needed, threshold_at

CLOSER = 20
"""How many pairs of different prompts a calibrated threshold is to have below it, about."""

AT_ONCE = 256
"""Images of one draw that a threshold is calibrated on."""

LEFT_OUT = 0.1
"""Where more of the pairs of a draw than this are of one prompt, it is no fair comparison."""


@dataclass(frozen=True)
class Draws:
    """Draws of generations from different prompts.

    Arguments:
        prompt: The number of each row's prompt.
    """

    prompt: Int[NDArray[np.int64], " N"]
    seed: int

    def rows(self, purpose: str, number: int, count: int) -> Int[NDArray[np.int64], " n"]:
        """Some rows, from as many different prompts as there are, in random order.

        The first n of a draw are a draw of n.

        Arguments:
            purpose: Keeps draws for different ends apart.
            number: Of the draw.
            count: The most rows.
        """
        generated = generator(self.seed, str(number), 0, f"cliques {purpose}")
        luck = torch.rand(2, len(self.prompt), generator=generated, dtype=torch.float64).numpy()
        # One generation of each prompt, then a second one of each, and so on.
        order = np.lexsort((luck[0], self.prompt))
        first = np.searchsorted(self.prompt[order], self.prompt[order])
        turn = np.empty(len(order), dtype=np.int64)
        turn[order] = np.arange(len(order)) - first
        return np.lexsort((luck[1], turn))[:count]

    def apart(self, rows: Int[NDArray[np.int64], " n"]) -> Bool[NDArray[np.bool_], "n n"]:
        """Which pairs are of different prompts."""
        drawn = self.prompt[rows]
        different: NDArray[np.bool_] = drawn[:, None] != drawn[None, :]
        return different

    @property
    def pairs(self) -> int:
        """How many pairs of different prompts there are in all."""
        sizes = np.unique(self.prompt, return_counts=True)[1]
        return int(len(self.prompt) ** 2 - (sizes**2).sum()) // 2

    def share_left_out(self, count: int) -> float:
        """The share of the pairs of a draw of so many rows that are of one prompt."""
        different = self.apart(self.rows("size", 0, count))
        pairs = len(different) * (len(different) - 1)
        return 1 - float(different.sum()) / pairs if pairs else 1.0


@dataclass(frozen=True)
class Calibration:
    """How many pairs a threshold is calibrated on.

    Arguments:
        fpr: The share of pairs of different prompts that the threshold lets through, at most.
    """

    draws: Draws
    fpr: float

    def __post_init__(self) -> None:
        needed = images_needed(self.fpr)
        if self.draws.pairs < needed:
            raise BadInput(
                f"A false-positive rate of {self.fpr:g} needs {needed:,} pairs of generations of "
                f"different prompts; there are {self.draws.pairs:,}. Draw more, or use --fpr "
                f"{_rounded_up(1 / (self.draws.pairs + 1)):g}."
            )

    @property
    def count(self) -> int:
        """How many draws: one of all rows where they are few, else enough for the rate."""
        if len(self.draws.prompt) <= AT_ONCE:
            return 1
        pairs = AT_ONCE * (AT_ONCE - 1) / 2 * (1 - self.draws.share_left_out(AT_ONCE))
        return math.ceil(CLOSER / self.fpr / pairs)

    def rows(self, number: int) -> Int[NDArray[np.int64], " n"]:
        """The rows of a draw."""
        return self.draws.rows("calibration", number, AT_ONCE)

    def kept(
        self, among: Float[NDArray[np.float64], "n n"], rows: Int[NDArray[np.int64], " n"]
    ) -> tuple[list[float], int]:
        """The smallest distances of a draw, all that can matter, and how many pairs it has.

        Arguments:
            among: The distances of all pairs of the rows.
        """
        values = among[np.triu(self.draws.apart(rows), 1)]
        # Twice the rank that decides, since draws differ a little in how many pairs they have.
        most = 2 * math.ceil(self.fpr * (len(values) * self.count + 1))
        return np.sort(values)[:most].tolist(), len(values)

    def threshold(self, smallest: list[float], pairs: int) -> float:
        """The largest distance that at most `fpr` of all pairs are within.

        Arguments:
            smallest: What was kept of all draws.
            pairs: How many pairs they had.
        """
        # What was not kept is larger than the rank that decides, whatever it is.
        null = np.full(pairs, np.inf)
        null[: len(smallest)] = np.sort(smallest)
        found = threshold_at(null, self.fpr)
        assert found is not None
        return found


def _rounded_up(rate: float) -> float:
    """A rate to one digit, never below it."""
    step = 10.0 ** math.floor(math.log10(rate))
    return math.ceil(rate / step) * step
