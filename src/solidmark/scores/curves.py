"""What is drawn of readings: shares within delta, what luck gives, intervals, ROC."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from solidmark.scores.groups import Groups, clopper_pearson, effective_n, group_codes

Array = NDArray[np.float64]

LEVELS = np.arange(256) / 255
"""The grey levels that a key can have."""

AT_ONCE = 4096
"""So many rows of one key are counted at a time."""

POINTS = 2000
"""A curve of more points than these says no more and weighs down the page."""

ENOUGH = 200
"""So many rows give the chance curve of keys with several values; all rows where a key has one."""


def within(distances: ArrayLike, deltas: ArrayLike) -> Array:
    """The share of the distances that are at most each delta."""
    ordered = np.sort(np.asarray(distances, float))
    # Distances are sums of thousandths in binary: 0.05 must count within 0.05.
    found = np.searchsorted(ordered, np.asarray(deltas, float) + 1e-9, side="right")
    return found / max(1, len(ordered))


def band(share: ArrayLike, groups: Groups) -> tuple[Array, Array]:
    """The 95 % interval of each share, where rows of one key group count as one.

    Arguments:
        share: The shares of the same rows within several deltas.
        groups: The key group of each row.
    """
    n = effective_n(group_codes(groups, len(groups)))
    ends = {p: clopper_pearson(p * n, n) for p in np.unique(np.asarray(share, float)).tolist()}
    low, high = zip(*(ends[p] for p in np.asarray(share, float).tolist()), strict=True)
    return np.array(low), np.array(high)


def chance(reads: ArrayLike, deltas: ArrayLike) -> Array:
    """The share within each delta that keys independent of the model would give.

    .. math:: c_\\delta = \\frac1N \\sum_i P\\big(\\tfrac1M \\sum_m |k_m - \\hat k_{im}| \\le
              \\delta\\big), \\quad k_m \\sim \\text{uniform on the 256 levels}

    Counted exactly where a key has one value. Where it has several, the law of the sum is a
    convolution on a grid of at least 1/255: a curve to look at, where `scores.hit_chance` is to
    count with, and takes minutes for a whole curve.

    Arguments:
        reads: The keys that were read, N of them with M values each.
        deltas: The thresholds.
    """
    thresholds = np.asarray(deltas, float)
    estimates = np.asarray(reads, float)
    if estimates.shape[1] == 1:
        # A few rows at a time: each has 256 distances.
        parts = np.array_split(estimates, -(-len(estimates) // AT_ONCE))
        shares = [within(np.abs(LEVELS - part).ravel(), thresholds) for part in parts]
        return np.average(shares, axis=0, weights=[len(part) for part in parts])
    step = max(1, len(estimates) // ENOUGH)
    chosen = estimates[::step]
    return np.mean([_law(estimate, thresholds) for estimate in chosen], axis=0)


def _law(estimate: Array, deltas: Array) -> Array:
    """The distribution function of the mean distance of random keys to one estimate."""
    m = len(estimate)
    unit = 255 * max(1, 32 // m)
    size = 1 << int(np.ceil(np.log2(m * (unit + 2))))
    spectrum = np.ones(size // 2 + 1, complex)
    for value in estimate:
        place = np.abs(LEVELS - value) * unit
        low = np.floor(place).astype(int)
        part = place - low
        mass = np.bincount(low, 1 - part, size) + np.bincount(low + 1, part, size)
        spectrum *= np.fft.rfft(mass / len(LEVELS))
    law = np.cumsum(np.fft.irfft(spectrum, size))
    return np.clip(law[np.floor(deltas * m * unit + 1e-6).astype(int)], 0, 1)


def luck(read: float) -> float:
    """The mean distance of a random key to one reading.

    .. math:: E|K - \\hat k| = \\frac{\\hat k^2 + (1 - \\hat k)^2}{2}, \\quad K \\sim U(0, 1)

    Example:
        >>> luck(0.5), luck(1.0)
        (0.25, 0.5)
    """
    return (read**2 + (1 - read) ** 2) / 2


def hits(true: Sequence[float], read: Sequence[float], delta: float) -> tuple[int, float]:
    """How many keys of a vector were read within delta, and how many would be by luck.

    Example:
        >>> hits([0.0, 0.2, 1.0], [0.05, 0.6, 0.98], 0.1)[0]
        2
    """
    found = sum(abs(k - r) <= delta + 1e-9 for k, r in zip(true, read, strict=True))
    return found, sum(float(within(np.abs(LEVELS - r), [delta])[0]) for r in read)


def roc(trained: ArrayLike, held_out: ArrayLike) -> tuple[Array, Array]:
    """False alarms against detections when a p-value at most a threshold means memorized."""
    positive, negative = np.asarray(trained, float), np.asarray(held_out, float)
    thresholds = np.unique(np.concatenate([positive, negative]))
    if len(thresholds) > POINTS:
        # The left end counts: there the steps are kept, and where one is as far as the others.
        lowest, rest = thresholds[: POINTS // 2], thresholds[POINTS // 2 :]
        thresholds = np.concatenate([lowest, rest[thinned(len(rest), POINTS // 2)]])
    alarms = np.concatenate([[0.0], within(negative, thresholds)])
    found = np.concatenate([[0.0], within(positive, thresholds)])
    return alarms, found


def thinned(count: int, most: int) -> NDArray[np.int64]:
    """At most so many evenly spaced indices."""
    if count <= most:
        return np.arange(count)
    return np.linspace(0, count - 1, most).astype(np.int64)
