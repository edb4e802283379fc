"""Which rows can be named, when many are looked at: false-discovery rates.

.. math:: q_{(i)} = \\min_{j \\ge i} \\frac{n}{j} p_{(j)}

Among the rows with q at most 0.05, at most 5 % are expected to be named wrongly.
"""

from typing import Literal, get_args

import numpy as np
from jaxtyping import Float

from solidmark.errors import BadInput
from solidmark.late import stats

Correction = Literal["bh", "by"]

CORRECTIONS: tuple[Correction, ...] = get_args(Correction)
"""Benjamini-Hochberg, the default, and Benjamini-Yekutieli."""

_ROUNDED = 1e-6
"""From here on q-values are rounded to 15 decimals: as ratios of whole numbers, which conformal
p-values are, they equal a rate that is asked for, and the last digit must not decide."""


def q_values(
    p_value: Float[np.ndarray, " N"], method: Correction = "bh"
) -> Float[np.ndarray, " N"]:
    """The smallest false-discovery rate at which each row would be named.

    Arguments:
        p_value: The p-values, with shape (N), in [0, 1]; NaN for a row that could not be scored.
        method: Benjamini-Hochberg, for rows that are independent or lean the same way (rows that
            share a key do); Benjamini-Yekutieli for rows that depend in any way, at a price of
            about ln N.

    Returns:
        The q-values, with shape (N), in [0, 1], NaN where p is; low means memorized. Rows that
        are NaN do not count among the rows that were looked at.

    Raises:
        BadInput: When a p-value is outside [0, 1].

    References:
        Benjamini and Hochberg (1995); Benjamini and Yekutieli (2001).

    Example:
        >>> q_values(np.array([0.01, np.nan, 0.04]))
        array([0.02,  nan, 0.04])
    """
    p = np.asarray(p_value, dtype=np.float64)
    wrong = (p < 0) | (p > 1)
    if wrong.any():
        raise BadInput(f'p_value holds "{p[wrong][0]}". Each value must be in [0, 1], or NaN.')
    q = np.full(p.shape, np.nan)
    scored = ~np.isnan(p)
    if scored.any():
        q[scored] = stats.false_discovery_control(p[scored], method=method)
    # 20 images at p = 1/320 of 64 have q = 0.01, and 0.010000000000000002 is not at most that.
    return np.where(q > _ROUNDED, np.round(q, 15), q)


def least_p(n: int, fdr: float, method: Correction = "bh") -> float:
    """The p-value that one image alone needs to be named among n.

    Arguments:
        n: How many images are looked at.
        fdr: The false-discovery rate at which images are named.
        method: As of `q_values`.

    Example:
        >>> least_p(64, 0.064)
        0.001
    """
    return fdr / n / (harmonic_penalty(n) if method == "by" else 1.0)


def harmonic_penalty(n: int) -> float:
    """What Benjamini-Yekutieli multiplies p-values by: 1 + 1/2 + ... + 1/n.

    Example:
        >>> harmonic_penalty(2)
        1.5
    """
    return float((1 / np.arange(1, n + 1)).sum())
