"""How strongly an image is memorized, as one number: the reading error of its keys.

.. math:: \\hat k = R(k + \\sigma \\epsilon), \\quad \\epsilon \\sim N(0, 1), \\qquad
    E|k - \\hat k| = \\frac{1}{3} - \\frac{2}{\\pi^2} \\sum_{j \\ge 1}
    \\frac{e^{-j^2 \\pi^2 \\sigma^2 / 2}}{j^2}

R reflects at 0 and 1. So readings are spread evenly over [0, 1] whatever the noise, as they are in
trained models (standard deviation 0.28 to 0.33; evenly is 0.29), and the error runs from 0 to 1/3,
where reading and key are independent. Clipped noise would end in the corners of [0, 1] instead.

Against small trained models (docs/planning.md): at the error that was measured, the median p-value
of this law is 2 to 6 times too high for 16 keys, so a plan promises rather too little.
"""

from functools import lru_cache

import numpy as np
from jaxtyping import Float

from solidmark.errors import BadInput
from solidmark.late import optimize
from solidmark.scores.null import LEVELS
from solidmark.scores.saddlepoint import approximate_p_values

CHANCE = 1 / 3
"""The mean distance of two independent numbers that are uniform on [0, 1]."""

_DRAWS = 500
_SEED = 0
_SERIES = np.arange(1, 4000)
_RESOLVED = 1e-3


@lru_cache(maxsize=256)
def memorized_p_values(count: int, error: float) -> Float[np.ndarray, " D"]:
    """Draws of the p-values of images that are read with this error, ascending.

    Arguments:
        count: How many keys an image carries (M), 1 or more.
        error: The mean distance of keys and readings, in (0, 1/3).

    Returns:
        The p-values, with shape (500); the same ones whenever they are asked for.

    Raises:
        BadInput: When a number is outside its range.

    Example:
        >>> p = memorized_p_values(16, 0.1)
        >>> bool(p[250] < 1e-5), bool(p[0] >= 256.0**-16)
        (True, True)
    """
    key, key_read = _readings(count, error)
    p = np.sort(approximate_p_values(np.abs(key - key_read).mean(axis=1), key_read))
    p.flags.writeable = False  # it is kept
    return p


@lru_cache(maxsize=256)
def memorized_closeness(count: int, error: float) -> Float[np.ndarray, " D"]:
    """Draws of how near such images lie to their keys, standardised as `exchange.closeness` does.

    .. math:: E|k - \\hat k| = \\tfrac{1}{2}(\\hat k^2 + (1 - \\hat k)^2), \\qquad
        E|k - \\hat k|^2 = \\tfrac{1}{3}(\\hat k^3 + (1 - \\hat k)^3)

    Arguments:
        count: How many keys an image carries (M), 1 or more.
        error: The mean distance of keys and readings, in (0, 1/3).

    Returns:
        The closeness, in standard deviations, with shape (500); high = memorized, 0 is chance.

    Raises:
        BadInput: When a number is outside its range.

    Example:
        >>> bool(memorized_closeness(16, 0.1).mean() > 3)
        True
    """
    key, read = _readings(count, error)
    mean = (read**2 + (1 - read) ** 2) / 2
    variance = (read**3 + (1 - read) ** 3) / 3 - mean**2
    found = (mean - np.abs(key - read)).sum(axis=1) / np.sqrt(variance.sum(axis=1))
    found.flags.writeable = False
    return found


def _readings(count: int, error: float) -> tuple[np.ndarray, np.ndarray]:
    """Keys, and what is read of them with this error, each with shape (500, M)."""
    if count < 1:
        raise BadInput(f"count is {count}. An image carries 1 key or more.")
    generator = np.random.default_rng([_SEED, count])
    key = generator.integers(LEVELS, size=(_DRAWS, count)) / (LEVELS - 1)
    noise = generator.standard_normal((_DRAWS, count))
    # A reflection at 0 and at 1 is a fold of the line with period 2.
    folded = np.abs(key + noise_of(error) * noise) % 2
    return key, np.where(folded > 1, 2 - folded, folded)


def noise_of(error: float) -> float:
    """The noise that makes this reading error.

    Arguments:
        error: The mean distance of keys and readings, in (0, 1/3).

    Returns:
        The sigma of the equation above, above 0; high = weakly memorized.

    Raises:
        BadInput: When the error is not in (0, 1/3).

    Example:
        >>> round(noise_of(0.1), 3)
        0.137
    """
    if not 0 < error < CHANCE:
        raise BadInput(f"error is {error}. It must be above 0 and below 1/3, which is chance.")
    if error < _RESOLVED:  # the series has too few terms, and no key is near 0 or 1: E|noise|
        return error * float(np.sqrt(np.pi / 2))

    def excess(sigma: float) -> float:
        terms = np.exp(-0.5 * (_SERIES * np.pi * sigma) ** 2) / _SERIES**2
        return float(CHANCE - error - 2 / np.pi**2 * terms.sum())

    return float(optimize.brentq(excess, 0.0, 5.0))
