"""Pictures nearly of one colour: they come close to everything, and are easy for every model."""

from typing import Literal

import numpy as np
from jaxtyping import Float

from solidmark.late import stats

LOW_CONTENT = 0.1
"""Pictures of less contrast than this are nearly of one colour: the standard deviation round the
mean of each channel; black and white in halves have 0.5."""

UNLIKE = 0.01
"""How seldom luck must make the contrasts of both sides differ so, to be warned of."""


def contrast(pixels: Float[np.ndarray, "*D C"]) -> float:
    """The standard deviation of pixels round the mean of their channel, in [0, 0.5].

    Arguments:
        pixels: Values in [0, 1], channels last.

    Example:
        >>> contrast(np.array([[[0.0], [1.0]]]))
        0.5
    """
    values = np.asarray(pixels, dtype=np.float64).reshape(-1, pixels.shape[-1])
    return float(np.sqrt(np.square(values - values.mean(axis=0)).mean()))


def low_content(contrast: Float[np.ndarray, " N"]) -> int:
    """How many of some pictures are nearly of one colour; one without a contrast is not.

    Example:
        >>> low_content(np.array([0.01, 0.3, np.nan]))
        1
    """
    return int((np.asarray(contrast, dtype=np.float64) < LOW_CONTENT).sum())


def unlike_shares(
    own: Float[np.ndarray, " N"],
    null: Float[np.ndarray, " M"],
    alternative: Literal["greater", "two-sided"] = "greater",
) -> tuple[float, float] | None:
    """Which shares of two sides are nearly of one colour, where that tells the sides apart.

    Arguments:
        own: The contrasts of the images in question, with shape (N).
        null: Those of the others, with shape (M).
        alternative: "greater" where only more such images in question matter.

    Returns:
        Both shares; None where luck makes them differ so (Fisher's exact test).

    Example:
        >>> unlike_shares(np.zeros(20), np.ones(20)), unlike_shares(np.zeros(20), np.zeros(20))
        ((1.0, 0.0), None)
    """
    n, m = len(own), len(null)
    if not n or not m:
        return None
    k, j = low_content(own), low_content(null)
    p = stats.fisher_exact([[k, n - k], [j, m - j]], alternative=alternative).pvalue
    return None if float(p) >= UNLIKE else (k / n, j / m)
