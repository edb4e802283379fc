"""The exact law of a key distance when key and model are independent.

.. math:: d = \\frac{1}{M} \\sum_s |k_s - \\hat k_s|, \\qquad p = P(D \\le d \\mid \\hat k),
    \\quad k_s \\sim U\\{0/255, \\dots, 255/255\\}

If the model knows nothing of the keys, not even their average, the estimate is held, the key is
drawn again, and what comes out is exact whatever the reader or the network: no held-out image, no
normal law, no reference model is asked. Held-out keys are such keys; those of training images are
part of any average over them, so an audit exchanges them among peers instead (`peers.py`).
"""

import numpy as np
from jaxtyping import Float

from solidmark.errors import BadInput

LEVELS = 256
"""As `randomness.LEVELS`, which would load torch; a test holds the two together."""

TIE = 1e-9
"""Distances this close are one, and a tie counts in: rounding must never lower a p-value."""

_TOP = LEVELS - 1
_LEAST_BINS, _MOST_BINS = 2**15, 2**16
_RESOLUTION_STEP = 12
"""So that halves, thirds and quarters of a level stand on the grid and are not rounded."""


def p_values(
    distance: Float[np.ndarray, " N"], key_read: Float[np.ndarray, "N M"], tolerance: float = 2e-3
) -> Float[np.ndarray, " N"]:
    """The chance of a distance at most this large, if key and model are independent.

    One or two keys a row are counted on their levels. More are convolved (`_convolved`): never
    below the exact value, and above it by about `tolerance` of it in the far tail, a third of
    that in the bulk. (Above M = 16 the bins are capped, and the far tail is M^2 / 2^18 too high.)

    Arguments:
        distance: The row distances, with shape (N), in [0, 1].
        key_read: The estimates, with shape (N, M), in [0, 1].
        tolerance: The relative excess allowed when M > 1; a smaller one costs more time.

    Returns:
        The p-values, with shape (N), in (0, 1]; low means memorized. Zero only for a distance that
        no key has, such as 0 beside an estimate between two levels.

    Raises:
        BadInput: When an estimate or a distance is not a number in [0, 1].

    References:
        Exact randomization tests (Fisher, 1935; Candes et al., 2018, "Panning for gold").

    Example:
        >>> p_values(np.array([0.0]), np.array([[1.0]])) * 256
        array([1.])
    """
    require_unit_range("distance", distance)
    require_unit_range("key_read", key_read)
    if key_read.shape[1] == 1:
        low, high = level_window(key_read[:, 0], distance)
        return (high - low + 1) / LEVELS
    rows = zip(distance, key_read, strict=True)
    if key_read.shape[1] == 2:
        return np.array([_enumerated(d, k_hat) for d, k_hat in rows])
    return np.array([_convolved(d, k_hat, tolerance) for d, k_hat in rows])


def level_p_values(k_hat: Float[np.ndarray, " N"]) -> Float[np.ndarray, "N L"]:
    """What the p-value of one key would be, had the key been the level j.

    Arguments:
        k_hat: The estimates of one key each, with shape (N), in [0, 1].

    Returns:
        The p-values, with shape (N, 256), in (0, 1].

    Example:
        >>> level_p_values(np.array([0.0]))[0, :3] * 256
        array([1., 2., 3.])
    """
    distance = np.abs(np.arange(LEVELS) / _TOP - k_hat[:, None])
    repeated = np.repeat(k_hat, LEVELS)[:, None]
    return p_values(distance.ravel(), repeated).reshape(distance.shape)


def exposure_bits(p_value: Float[np.ndarray, " N"]) -> Float[np.ndarray, " N"]:
    """How far the p-value stands out, in bits.

    .. math:: e = \\log_2 |R| - \\log_2 \\mathrm{rank}(k) = -\\log_2 p

    Arguments:
        p_value: The p-values, with shape (N), in (0, 1].

    Returns:
        The exposures, with shape (N), in bits, 0 or more; high means memorized.

    References:
        The Secret Sharer (Carlini et al., 2019), Definition 2; R is the set of all keys.
    """
    # The sum with zero turns -0.0, which a reader of the table would stumble on, into 0.0.
    return -np.log2(p_value) + 0.0


def level_window(
    k_hat: Float[np.ndarray, "..."], radius: Float[np.ndarray, "..."]
) -> tuple[np.ndarray, np.ndarray]:
    """The first and the last level j with `|j / 255 - k_hat| <= radius`.

    The window is empty when the last is one below the first (an estimate between two levels, and
    a radius below half their spacing).
    """
    low = np.ceil((k_hat - radius - TIE) * _TOP).clip(0, LEVELS)
    high = np.floor((k_hat + radius + TIE) * _TOP).clip(-1, _TOP)
    return low.astype(np.int64), high.astype(np.int64)


def _enumerated(distance: float, k_hat: Float[np.ndarray, " 2"]) -> float:
    """P(D <= d) for one row of two keys: for each level of the first, the levels of the second.

    Few keys have few sums, each with much weight, and a grid would count in a neighbouring one.
    """
    left = 2 * distance - np.abs(np.arange(LEVELS) / _TOP - k_hat[0])
    low, high = level_window(k_hat[1], left + TIE)
    return float((high - low + 1).clip(0).sum()) / LEVELS**2


def _convolved(distance: float, k_hat: Float[np.ndarray, " M"], tolerance: float) -> float:
    """P(D <= d) for one row of several keys, by convolution on a grid.

    In units of a level, `|j - 255 k_hat| = |n -+ f|` with n whole and `255 k_hat = a + f`, f in
    [-1/2, 1/2]. The grid has R points a level, and only f is rounded to it; each sum moves by at
    most `slack`, which is added to the threshold. So no draw that counts is ever lost, and since
    `P(S <= x) / x^M` falls with x, the excess is about `M * slack / x` of p at most.
    Only positive terms are added, nothing is subtracted: the far tail keeps its digits.
    """
    count = len(k_hat)
    x = distance * count * _TOP
    bins = min(_MOST_BINS, max(_LEAST_BINS / count, count**2 / (4 * tolerance)))
    resolution = _RESOLUTION_STEP * int(np.ceil(bins / max(x, 1.0) / _RESOLUTION_STEP))
    a = np.rint(k_hat * _TOP).astype(np.int64)
    f = k_hat * _TOP - a
    shift = np.rint(f * resolution).astype(np.int64)
    slack = float(np.abs(f - shift / resolution).sum())
    last = int((x + slack + TIE * count * _TOP) * resolution)
    if last >= resolution * np.maximum(a + 1, LEVELS - a).sum():
        return 1.0
    mass = np.zeros((last // resolution + 1) * resolution)
    mass[0] = 1.0
    log_scale = 0.0
    for level, offset in zip(a.tolist(), shift.tolist(), strict=True):
        mass = _add_key(mass, level, offset, resolution)
        mass[last + 1 :] = 0.0
        total = mass.sum()
        if total == 0.0:  # no key comes as close as this
            return 0.0
        mass /= total
        log_scale += np.log(total / LEVELS)
    return float(np.exp(log_scale))


def _add_key(
    mass: Float[np.ndarray, " B"], level: int, offset: int, resolution: int
) -> Float[np.ndarray, " B"]:
    """Convolves the counts so far with the 256 distances of one more key.

    Above the estimate the distances are `n R - offset`, n = 1 ... 255 - level; below it
    `n R + offset`, n = 1 ... level; the nearest level is at `|offset|`. A run of n is summed from
    runs of 1, 2, 4 ... 128, and since `level` and `255 - level` are complements in 8 bits, each
    of these runs serves exactly one side.
    """
    total = np.zeros_like(mass)
    _add_shifted(total, mass, abs(offset))
    above, below = resolution - offset, resolution + offset
    run = mass.copy()
    for bit in range(8):
        span = resolution << bit
        if level >> bit & 1:
            _add_shifted(total, run, below)
            below += span
        else:
            _add_shifted(total, run, above)
            above += span
        if span < len(run):
            run[span:] += run[:-span]
    return total


def _add_shifted(total: np.ndarray, mass: np.ndarray, shift: int) -> None:
    if shift < len(total):
        total[shift:] += mass[: len(mass) - shift]


def require_unit_range(name: str, values: np.ndarray) -> None:
    """Refuses what is no number in [0, 1].

    Raises:
        BadInput: When there is any.
    """
    # Written so that NaN fails too.
    wrong = ~((values >= -1e-6) & (values <= 1 + 1e-6))
    if wrong.any():
        raise BadInput(
            f'{name} holds "{values[wrong].flat[0]}". Each value must be a number in [0, 1].'
        )
