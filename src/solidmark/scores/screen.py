"""Which sums of costs are so ordinary that nobody is named by them: their law by a few frequencies.

.. math:: P(T \\le x) \\approx \\tfrac12 + \\tfrac{2}{\\pi} \\sum_{j = 1, 3, 5 \\dots} \\tfrac1j
    \\operatorname{Im}\\bigl(e^{i \\omega_j x} \\textstyle\\prod_s \\varphi_s(\\omega_j)\\bigr),
    \\quad \\omega_j = \\pi j / R, \\quad \\varphi_s(\\omega) = E e^{-i \\omega c_s(L_s)}

T is within R of x (but for 1e-6 of its law at most), so that the square wave of period 2 R is the
step at x. The sum over many keys is smooth and its transform is over after a few dozen frequencies,
where the exact way (`additive.py`) convolves grids of thousands of places, tilted to the row. It
has an absolute error, so it decides about the bulk alone: what is below `CERTAIN` is computed
exactly, and so is every row for which the law might not be smooth.
"""

import numpy as np
from jaxtyping import Bool, Float

CERTAIN = 0.02
"""Twice the level at which an image is looked at: nothing at or near it rests on a screen."""

_BINS = 256
_FEWEST_KEYS = 5
"""Fewer keys have their sums counted, and have steps that one would see in the bulk."""

_LARGEST_STEP = 1e-6
"""Of the most probable choice of levels: beyond it, the law has steps and not a slope."""

_FEWEST_STEPS = 200
"""Between sums of neighbouring greys, to a standard deviation of the sum: eight keys have 209."""

_NARROWEST, _WIDEST = 40.0, 80.0
"""In bins and roots of M: the standard deviations of a sum that its frequencies are laid out for.

Keys that are drawn evenly have 74. The layout is fixed: no row depends on its neighbours."""

_REACH = 10.0
"""How many inverse standard deviations the frequencies go; a normal law needs 5, skewed ones 9."""

_OVER = 1e-5
"""Where a transform is this small at the last frequency, what is left out does not count."""

_WITHIN, _BEYOND = 5.0, 7.0
"""In standard deviations: how far a row may be from the mean, and how far its law is followed."""


def screened_p_values(
    costs: Float[np.ndarray, "N M L"], own: Float[np.ndarray, " N"], rates: Float[np.ndarray, "M L"]
) -> Float[np.ndarray, " N"]:
    """The chance of a sum of costs at most as large, where it is ordinary.

    Each cost is shared out between two of 256 bins, which keeps its mean and adds 1e-4 to its
    variance. Sums of keys on neighbouring grey levels count with half the chance of the sum itself,
    which is .4 % of p at most. Both ways the error is below 1 % of p; the tests hold it to that.

    Arguments:
        costs: The cost of each level of each key, with shape (N, M, 256); the least that is
            possible is 0.
        own: The sum of the key, with shape (N), in the unit of the costs.
        rates: How probable each level is, with shape (M, 256); each row sums to 1.

    Returns:
        The p-values, with shape (N), in [0.02, 1]; NaN where the exact way has to decide.

    References:
        Gil-Pelaez (1951), "Note on the inversion theorem", with the integral as a series.
    """
    undecided = np.full(len(costs), np.nan)
    if not _is_smooth(rates):
        return undecided
    root = np.sqrt(len(rates))
    half_period = min(len(rates) * _BINS, (_WITHIN + _BEYOND) * _WIDEST * root)
    odd = np.arange(1, _REACH / (_NARROWEST * root) * half_period / np.pi, 2)
    angle = np.pi / half_period * odd
    bins = np.arange(_BINS)
    turns = np.outer(bins, angle)
    asked = np.column_stack([np.cos(turns), -np.sin(turns), bins, bins**2])
    reach = np.where(rates > 0, costs, 0.0).max(axis=(1, 2))
    # In bins of the row's own largest cost, so that rows of all scales share their frequencies.
    scale = (_BINS - 1) / np.where(reach > 0, reach, 1.0)
    # One product a row, whose rounding is the same whatever rows stand beside it.
    found = np.matmul(_shared_out(costs, scale, rates), asked)
    real, imaginary = found[..., : len(odd)], found[..., len(odd) : -2]
    mean, square = found[..., -2], found[..., -1]
    spread = np.sqrt((square - mean**2).sum(axis=1).clip(0))
    transform = (real + 1j * imaginary).prod(axis=1)
    turned = np.exp(1j * np.outer(own * scale, angle)) * transform
    p = 0.5 + 2 / np.pi * (turned.imag / odd).sum(axis=1)
    usable = (reach > 0) & (spread > 0) & (spread <= _WIDEST * root)
    usable &= np.abs(own * scale - mean.sum(axis=1)) < _WITHIN * spread
    usable &= (np.abs(transform[:, -1]) < _OVER) & (p >= CERTAIN) & _has_many_values(costs, rates)
    return np.where(usable, p.clip(None, 1.0), undecided)


def _is_smooth(rates: Float[np.ndarray, "M L"]) -> bool:
    """Whether the sums are so many, and so spread, that their law has no steps in the bulk."""
    if len(rates) < _FEWEST_KEYS or rates.max(axis=1).prod() > _LARGEST_STEP:
        return False
    # Greys that keep a distance (0, 16, 32 ...) make sums that keep it too.
    kept = np.gcd.reduce(np.concatenate([np.diff(np.flatnonzero(rate)) for rate in rates]))
    levels = np.arange(rates.shape[1])
    mean = rates @ levels
    spread = np.sqrt((rates @ levels**2 - mean**2).sum())
    return bool(kept > 0 and spread / kept >= _FEWEST_STEPS)


def _has_many_values(
    costs: Float[np.ndarray, "N M L"], rates: Float[np.ndarray, "M L"]
) -> Bool[np.ndarray, " N"]:
    """Whether the costs of a key tell its levels apart; two that are as far from it may be one.

    A few keys suffice: where their sum is smooth, it is with any others too.
    """
    many = np.ones(len(costs), dtype=bool)
    for key in range(_FEWEST_KEYS):
        found = np.sort(costs[:, key, rates[key] > 0], axis=1)
        apart = np.diff(found, axis=1) > 1e-9 * found[:, -1:]
        many &= apart.sum(axis=1) + 1 >= 0.4 * found.shape[1]
    return many


def _shared_out(
    costs: Float[np.ndarray, "N M L"],
    scale: Float[np.ndarray, " N"],
    rates: Float[np.ndarray, "M L"],
) -> Float[np.ndarray, "N M B"]:
    """How probable each bin is for each key: a cost between two bins is in both, by nearness."""
    rows, count = costs.shape[:2]
    at = np.where(rates > 0, costs * scale[:, None, None], 0.0)
    low = at.astype(np.int32).clip(max=_BINS - 2)
    above = (at - low) * rates
    low += (_BINS * np.arange(rows * count, dtype=np.int32)).reshape(rows, count, 1)
    size = rows * count * _BINS
    low, below = low.ravel(), (rates - above).ravel()
    found = np.bincount(low, below, size)
    found[1:] += np.bincount(low, above.ravel(), size)[:-1]
    return found.reshape(rows, count, _BINS)
