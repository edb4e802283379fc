"""The exact law of any statistic that is a sum over the keys.

.. math:: T(k) = \\sum_s c_s(k_s), \\qquad p = P(T(L) \\le T(k)), \\quad P(L_s = l) = w_s(l)

w is uniform where the keys are drawn anew, and the share of a grey among the images that a key is
exchanged with (`peers.py`). The costs c are made of what the model answered and never of the key,
so the key of an image that was not memorized is as good as drawn after them. `null.py` is the case
c = |k - k_hat| with uniform w, written out for speed; this is the general one.

Where either half of the keys has 65,536 sums at most, all are counted: up to four keys of 256
levels, or sixteen of four. Else they are convolved on a grid, two at a time, by the Fourier
transform of the tilted law

.. math:: w(t) \\propto P(T = t) e^{-\\theta t},

whose bulk lies where the far tail of T was. A transform is exact to 1e-16 of its largest value:
without the tilt a p-value of 1e-20 would be noise, with it, it has as many digits as one of 0.5.
Ordinary rows are not worth that: `screen.py` decides them before.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from solidmark.errors import BadInput
from solidmark.late import fft
from solidmark.scores.groups import writable
from solidmark.scores.screen import screened_p_values
from solidmark.scores.tilt import Window, tilted_window

_LEAST_PLACES, _MOST_PLACES = 2**14, 2**17
_EXCESS = 0.004
_FINE_BITS = 8
_COUNTED = 2**16
_TIE = 1e-10
"""Sums this close are one, in units of the largest sum: rounding must never lower a p-value."""


@dataclass(frozen=True)
class _Law:
    """The costs of one key that can be, and how often each is; the least is 0."""

    costs: Float[np.ndarray, " L"]
    weights: Float[np.ndarray, " L"]

    def within(self, x: float) -> "_Law":
        kept = self.costs <= x
        return self if kept.all() else _Law(self.costs[kept], self.weights[kept])


def additive_p_values(
    costs: Float[np.ndarray, "N M L"],
    levels: Int[np.ndarray, "N M"],
    weights: Float[np.ndarray, "M L"] | None = None,
) -> Float[np.ndarray, " N"]:
    """The chance of a sum at most that of the key, if key and model are independent.

    Few sums are counted. Else the sum of each pair of keys is rounded down by less than a bin, so
    no draw that counts is lost: the result is never below the exact value by more than 1e-9 of it,
    which is the rounding of the transform. Since `P(T <= x) / x^M` falls with x for costs that are
    spread evenly, it is above it by about 0.4 % in the far tail and less in the bulk. (Above
    M = 32 the bins are capped, and the far tail is M^2 / 2^18 too high.) What is ordinary, with a
    p-value of .02 or more, is found within 1 % of it to either side (`screen.py`).

    Arguments:
        costs: The cost of each level of each key, with shape (N, M, 256), in any unit; low means
            that the model expects this level.
        levels: The level of each key, with shape (N, M), in 0 ... 255.
        weights: How often each level is drawn for each key, with shape (M, 256), 0 or more, in any
            unit; uniform when None. A level that has no weight cannot be drawn.

    Returns:
        The p-values, with shape (N), in (0, 1]; low means memorized. Zero only for a sum that
        no levels with weight have.

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
    if weights is None:
        weights = np.ones(costs.shape[1:])
    rates = weights / weights.sum(axis=1, keepdims=True)
    least = np.where(rates > 0, costs, np.inf).min(axis=2, keepdims=True)
    own = (np.take_along_axis(costs, levels[..., None], axis=2) - least).sum(axis=(1, 2))
    costs = costs - least
    p = screened_p_values(costs, own, rates)
    for row in np.flatnonzero(np.isnan(p)):
        p[row] = _p_value(costs[row], float(own[row]), rates)
    return p


def _p_value(costs: Float[np.ndarray, "M L"], own: float, rates: Float[np.ndarray, "M L"]) -> float:
    possible = rates > 0
    largest = float(np.where(possible, costs, 0.0).max(axis=1).sum())
    x = own + _TIE * largest
    if x >= largest:
        return 1.0
    if x < 0:
        return 0.0
    laws = [_Law(c[p], r[p]) for c, r, p in zip(costs, rates, possible, strict=True)]
    halves = laws[: (len(laws) + 1) // 2], laws[(len(laws) + 1) // 2 :]
    if all(math.prod(len(law.costs) for law in half) <= _COUNTED for half in halves):
        first, second = (_sums(half, x) for half in halves)
        return _counted(first, second, x)
    pairs = [laws[s : s + 2] for s in range(0, len(laws), 2)]
    return _convolved(pairs, tilted_window(costs, x, rates), x)


def _sums(laws: Sequence[_Law], x: float) -> _Law:
    """The sums of the levels of some keys, without those that exceed x by themselves."""
    found = _Law(np.zeros(1), np.ones(1))
    for law in laws:
        other = law.within(x)
        sums = np.add.outer(found.costs, other.costs).ravel()
        weights = np.multiply.outer(found.weights, other.weights).ravel()
        found = _Law(sums, weights).within(x)
    return found


def _counted(first: _Law, second: _Law, x: float) -> float:
    """P(T <= x) where all sums of either half of the keys are at hand."""
    order = np.argsort(first.costs)
    below = np.concatenate([[0.0], np.cumsum(first.weights[order])])
    reach = np.searchsorted(first.costs[order], x - second.costs, side="right")
    return min(1.0, float(below[reach] @ second.weights))


def _convolved(pairs: Sequence[Sequence[_Law]], window: Window, x: float) -> float:
    """P(T <= x) on a circular grid that holds the bulk of the tilted law.

    What lies below the grid is added by its bound, and what lies above comes round into it with
    `exp(-12)` at most. Both are positive, so p can only be too high, by less than 1e-3 of it.
    """
    count = sum(len(pair) for pair in pairs)
    wanted = count**2 / (2 * _EXCESS)
    places = min(_MOST_PLACES, max(_LEAST_PLACES, 2 ** int(np.ceil(np.log2(wanted)))))
    # A few places are left over: each pair is rounded down, and none may be first and last at once.
    step = max(window.below + window.above, _TIE) / (places - len(pairs) - 2)
    last = int(x / step + 1e-9)
    first = max(0, last - int(np.ceil(window.below / step)) - len(pairs))
    tilt = window.theta * step
    weights = np.exp(-tilt * np.arange(last + 1))
    spectrum: np.ndarray | float = 1.0
    log_mass = tilt * last
    for pair in pairs:
        mass = _pair_mass(pair, x, step, last) * weights
        total = mass.sum()
        log_mass += np.log(total)
        turns = np.pad(mass / total, (0, -len(mass) % places)).reshape(-1, places)
        spectrum = spectrum * fft.rfft(turns.sum(axis=0))
    tilted = fft.irfft(spectrum, places).clip(0.0)
    # The weights backwards: exp(tilt (t - last)), which undoes the tilt up to exp(tilt last).
    found = tilted[np.arange(first, last + 1) % places] @ weights[: last - first + 1][::-1]
    return writable(float(np.exp(log_mass) * found) + window.further_below)


def _pair_mass(pair: Sequence[_Law], x: float, step: float, last: int) -> Float[np.ndarray, " B"]:
    """The chance of the sums of the levels of one or two keys in each bin of [0, x], rounded down.

    Whole numbers of 1/256 of a bin are added, which is faster than fractions.
    """
    places, weights = np.zeros(1, dtype=np.int64), np.ones(1)
    for law in pair:
        kept = law.within(x)
        fine = (kept.costs * (2**_FINE_BITS / step)).astype(np.int64)
        places = np.add.outer(places, fine).ravel()
        weights = np.multiply.outer(weights, kept.weights).ravel()
    places >>= _FINE_BITS
    inside = places <= last
    return np.bincount(places[inside], weights[inside], minlength=last + 1)
