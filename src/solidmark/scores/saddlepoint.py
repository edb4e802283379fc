"""The law of a key distance in closed form, for plans: thousands of rows in milliseconds.

.. math:: P(S \\le s) \\approx \\Phi(w) + \\phi(w) (1/w - 1/u), \\quad
    w = -\\sqrt{2 (t s - K(t))}, \\quad u = t \\sqrt{K''(t)}, \\quad K'(t) = s

S is the sum of the distances of M keys and K its cumulant generating function,

.. math:: K(t) = \\sum_s \\log (e^{t a_s} + e^{t b_s} - 2) / t, \\quad
    a_s = \\hat k_s + h, \\quad b_s = 1 - \\hat k_s + h, \\quad h = 1 / 510

A key is taken for uniform over its 256 levels, each as wide as it is (hence h), and not for one of
them. Results come from `null.p_values`, which is exact and takes a hundred times as long.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from solidmark.late import special
from solidmark.scores.null import LEVELS, p_values

_FEW_KEYS = 2
_HALF_LEVEL = 0.5 / (LEVELS - 1)
_STEPS = 12
_NEAR_MEAN = 0.05
"""In standard deviations: w and u vanish together at the mean, and their difference with them."""


def approximate_p_values(
    distance: Float[np.ndarray, " N"], key_read: Float[np.ndarray, "N M"]
) -> Float[np.ndarray, " N"]:
    """The chance of a distance at most this large, within a few per cent of itself.

    One or two keys a row are counted exactly. From the mean upwards, where nobody is named, the
    normal law is good enough.

    Arguments:
        distance: The row distances, with shape (N), in [0, 1].
        key_read: The estimates, with shape (N, M), in [0, 1].

    Returns:
        The p-values, with shape (N), in (0, 1], never below 256^-M, the chance of the very key,
        nor below the smallest number of a computer; low means memorized.

    Raises:
        BadInput: When there are one or two keys, and a number outside [0, 1] among them.

    References:
        Lugannani and Rice (1980), "Saddle point approximation for the distribution of the sum of
        independent random variables".

    Example:
        >>> key_read = np.array([[0.1, 0.5, 0.9, 0.7]])
        >>> bool(approximate_p_values(np.array([0.05]), key_read)[0] < 0.001)
        True
    """
    count = key_read.shape[1]
    if count <= _FEW_KEYS:
        return p_values(distance, key_read)
    # Closer than half a level is the very key, whatever the decimals say.
    total = np.maximum(distance, _HALF_LEVEL / 2) * count
    at_zero = _moments(np.full(len(total), -1e-3), key_read)
    z = (total - at_zero.mean) / np.sqrt(at_zero.variance)
    p = special.ndtr(z)
    low = z < -_NEAR_MEAN
    if low.any():
        p[low] = _lower_tail(total[low], key_read[low])
    least = max(float(LEVELS) ** -count, np.finfo(float).tiny)
    return p.clip(least, 1.0)


def _lower_tail(
    total: Float[np.ndarray, " N"], key_read: Float[np.ndarray, "N M"]
) -> Float[np.ndarray, " N"]:
    # Far out each distance is as good as exponential with rate -t: there 1 / K' is linear in t,
    # so that Newton's method on it starts next to the root and stays there.
    t = -key_read.shape[1] / total
    for _ in range(_STEPS):
        at = _moments(t, key_read)
        t = np.minimum(t + at.mean * (1 - at.mean / total) / at.variance, -1e-3)
    at = _moments(t, key_read)
    w = -np.sqrt(2 * np.maximum(t * total - at.log_mass, 0))
    u = t * np.sqrt(at.variance)
    density = np.exp(-(w**2) / 2) / np.sqrt(2 * np.pi)
    return special.ndtr(w) + density * (1 / w - 1 / u)


class _Moments(NamedTuple):
    """K, K' and K'' of each row."""

    log_mass: Float[np.ndarray, " N"]
    mean: Float[np.ndarray, " N"]
    variance: Float[np.ndarray, " N"]


def _moments(t: Float[np.ndarray, " N"], key_read: Float[np.ndarray, "N M"]) -> _Moments:
    rate = t[:, None]
    mass, first, second = np.zeros((3, *key_read.shape))
    for width in (key_read + _HALF_LEVEL, 1 - key_read + _HALF_LEVEL):
        # The integrals of e^(tx), x e^(tx) and x^2 e^(tx) from 0 to the width.
        end = np.exp(rate * width)
        zeroth = (end - 1) / rate
        once = (width * end - zeroth) / rate
        mass += zeroth
        first += once
        second += (width**2 * end - 2 * once) / rate
    mean = first / mass
    log_mass = np.log(mass) - np.log(LEVELS / (LEVELS - 1))
    return _Moments(log_mass.sum(1), mean.sum(1), (second / mass - mean**2).sum(1))
