"""Rows that share a key are not independent: how many independent rows they are worth.

The images of one duplicate group have one key, and so have the repeats of one image. A draw of
the null law is a draw per `key_group`, and an interval counts key groups, not rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import pyarrow as pa
from jaxtyping import Int

from solidmark.late import stats
from solidmark.scores.columns import codes

_SMALLEST = float(np.finfo(np.float64).tiny)


@dataclass(frozen=True)
class Estimate:
    """A statistic with what it is worth; None is a value that cannot be had, and `note` says why.

    Arguments:
        value: The statistic.
        ci_low: The lower end of its 95 % interval.
        ci_high: The upper end.
        p_value: The one-sided chance of a value at least this much on the side of memorization.
        note: Why something is missing, or how something was had.
    """

    value: float | None = None
    ci_low: float | None = None
    ci_high: float | None = None
    p_value: float | None = None
    note: str | None = None


def writable(p_value: float) -> float:
    """The p-value, or 2e-308 where it is too small to be written down: none is ever zero."""
    return min(max(float(p_value), _SMALLEST), 1.0)


Groups: TypeAlias = Sequence[str] | pa.Array | Int[np.ndarray, " N"]
"""The group of each row, by a name or a number."""


def group_codes(groups: Groups | None, count: int) -> Int[np.ndarray, " N"]:
    """The number of each row's group, 0 ... G - 1 in the order of their names.

    Arguments:
        groups: The group of each row; None gives each row its own.
    """
    if groups is None:
        return np.arange(count)
    if isinstance(groups, np.ndarray) and groups.dtype.kind == "i":
        return np.unique(groups, return_inverse=True)[1].reshape(-1)
    return codes(groups)[0]


def effective_n(codes: Int[np.ndarray, " N"]) -> float:
    """The independent rows that N grouped rows are worth, at least.

    .. math:: n_e = \\left(\\sum_g r_g\\right)^2 / \\sum_g r_g^2

    The rows of a group are taken to agree fully, the worst that sharing a key can do: the number
    is N for groups of one row and the number of groups for groups of equal size.

    References:
        Survey Sampling (Kish, 1965), section 8.2, at an intraclass correlation of 1.
    """
    sizes = np.bincount(codes).astype(float)
    return float(sizes.sum() ** 2 / (sizes**2).sum())


def clopper_pearson(count: float, n: float) -> tuple[float, float]:
    """The exact 95 % interval of a share, also for the counts in between that `effective_n` makes.

    Arguments:
        count: The hits, in [0, n].
        n: The trials, above 0.

    Returns:
        The lower and the upper end, in [0, 1].

    References:
        Clopper and Pearson (1934), by the quantiles of the beta law.

    Example:
        >>> low, high = clopper_pearson(0, 10)
        >>> print(f"{low:.3f} {high:.3f}")
        0.000 0.308
    """
    low = float(stats.beta.ppf(0.025, count, n - count + 1)) if count > 0 else 0.0
    high = float(stats.beta.ppf(0.975, count + 1, n - count)) if count < n else 1.0
    return low, high
