"""The exact law of any statistic that is a sum over the keys.

.. math:: T(k) = \\sum_s c_s(k_s), \\qquad p = P(T(L) \\le T(k)), \\quad
    L_s \\sim U\\{0/255, \\dots, 255/255\\}

The costs c are made of what the model answered and never of the key, so the key of an image that
was not memorized is as good as drawn after them. `null.py` is the case c = |k - k_hat|, written
out for speed; this is the general one.

Keys are taken two at a time, and the 65,536 sums of a pair are all formed. Up to four keys are
counted in full so. More are convolved on a grid, by the Fourier transform of the tilted law

.. math:: w(t) \\propto P(T = t) e^{-\\theta t},

whose bulk lies where the far tail of T was. A transform is exact to 1e-16 of its largest value:
without the tilt a p-value of 1e-20 would be noise, with it, it has as many digits as one of 0.5.
"""

import numpy as np
from jaxtyping import Float, Int
from scipy import fft

from solidmark.errors import BadInput
from solidmark.scores.groups import writable
from solidmark.scores.null import LEVELS
from solidmark.scores.tilt import tilted_window

_LEAST_PLACES, _MOST_PLACES = 2**14, 2**17
_EXCESS = 0.004
_FINE_BITS = 8
_TIE = 1e-10
"""Sums this close are one, in units of the largest sum: rounding must never lower a p-value."""


def additive_p_values(
    costs: Float[np.ndarray, "N M L"], levels: Int[np.ndarray, "N M"]
) -> Float[np.ndarray, " N"]:
    """The chance of a sum at most that of the key, if key and model are independent.

    Up to four keys a row are counted. With more, the sum of each pair is rounded down by less than
    a bin, so no draw that counts is lost: the result is never below the exact value by more than
    1e-9 of it, which is the rounding of the transform. Since `P(T <= x) / x^M` falls with x for
    costs that are spread evenly, it is above it by about 0.4 % in the far tail and less in the
    bulk. (Above M = 32 the bins are capped, and the far tail is M^2 / 2^18 too high.)

    Arguments:
        costs: The cost of each level of each key, with shape (N, M, 256), in any unit; low means
            that the model expects this level.
        levels: The level of each key, with shape (N, M), in 0 ... 255.

    Returns:
        The p-values, with shape (N), in (0, 1]; low means memorized.

    Raises:
        BadInput: When a cost is not a finite number.

    References:
        Exact randomization tests (Fisher, 1935). The tilt is that of Esscher (1932).

    Example:
        >>> costs = np.tile(np.arange(256.0), (1, 2, 1))  # the darker, the better
        >>> additive_p_values(costs, np.array([[0, 1]])) * 256**2
        array([3.])
    """
    if not np.isfinite(costs).all():
        raise BadInput("A cost is not a finite number. Each level of each key needs one.")
    return np.array([_p_value(c, k) for c, k in zip(costs, levels, strict=True)])


def _p_value(costs: Float[np.ndarray, "M L"], levels: Int[np.ndarray, " M"]) -> float:
    costs = costs - costs.min(axis=1, keepdims=True)
    largest = float(costs.max(axis=1).sum())
    x = float(costs[np.arange(len(levels)), levels].sum()) + _TIE * largest
    if x >= largest:
        return 1.0
    pairs = [costs[s : s + 2] for s in range(0, len(costs), 2)]
    if len(pairs) == 1:
        return len(_pair_sums(pairs[0], x)) / float(LEVELS) ** len(costs)
    if len(pairs) == 2:
        first, second = (_pair_sums(pair, x) for pair in pairs)
        found = np.searchsorted(np.sort(first), x - np.sort(second), side="right").sum()
        return float(found) / float(LEVELS) ** len(costs)
    return _convolved(pairs, x)


def _pair_sums(pair: Float[np.ndarray, "s L"], x: float) -> Float[np.ndarray, " S"]:
    """The sums of the levels of one or two keys, without those that exceed x by themselves."""
    sums = pair[0]
    for costs in pair[1:]:
        sums = np.add.outer(sums[sums <= x], costs[costs <= x]).ravel()
    return sums[sums <= x]


def _convolved(pairs: list[Float[np.ndarray, "s L"]], x: float) -> float:
    """P(T <= x) on a circular grid that holds the bulk of the tilted law.

    What lies below the grid is added by its bound, and what lies above comes round into it with
    `exp(-12)` at most. Both are positive, so p can only be too high, by less than 1e-3 of it.
    """
    count = sum(len(pair) for pair in pairs)
    window = tilted_window(np.concatenate(pairs), x)
    wanted = count**2 / (2 * _EXCESS)
    places = min(_MOST_PLACES, max(_LEAST_PLACES, 2 ** int(np.ceil(np.log2(wanted)))))
    # A few places are left over: each pair is rounded down, and none may be first and last at once.
    step = (window.below + window.above) / (places - len(pairs) - 2)
    last = int(x / step + 1e-9)
    first = max(0, last - int(np.ceil(window.below / step)) - len(pairs))
    tilt = window.theta * step
    weights = np.exp(-tilt * np.arange(last + 1))
    spectrum: np.ndarray | float = 1.0
    log_mass = tilt * last - count * np.log(LEVELS)
    for pair in pairs:
        mass = _pair_counts(pair, x, step, last) * weights
        total = mass.sum()
        log_mass += np.log(total)
        turns = np.pad(mass / total, (0, -len(mass) % places)).reshape(-1, places)
        spectrum = spectrum * fft.rfft(turns.sum(axis=0))
    tilted = fft.irfft(spectrum, places).clip(0.0)
    # The weights backwards: exp(tilt (t - last)), which undoes the tilt up to exp(tilt last).
    found = tilted[np.arange(first, last + 1) % places] @ weights[: last - first + 1][::-1]
    return writable(float(np.exp(log_mass) * found) + window.further_below)


def _pair_counts(
    pair: Float[np.ndarray, "s L"], x: float, step: float, last: int
) -> Int[np.ndarray, " B"]:
    """How many sums of the levels of one or two keys lie in each bin of [0, x], rounded down.

    Whole numbers of 1/256 of a bin are added, which is faster than fractions.
    """
    places = np.zeros(1, dtype=np.int64)
    for costs in pair:
        fine = (costs[costs <= x] * (2**_FINE_BITS / step)).astype(np.int64)
        places = np.add.outer(places, fine).ravel()
    places >>= _FINE_BITS
    beyond = places > last
    return np.bincount(places[~beyond] if beyond.any() else places, minlength=last + 1)
