"""What a p-value ranks: the statistics of a key that can be asked for by name.

Each has an exact null (`null.py`, `additive.py`); they differ in what they see. None of them ever
sees the key before it is compared.

.. math::
    T_{l1}(k) &= \\sum_s |k_s - \\hat k_s| \\\\
    T_{fisher}(k) &= \\sum_s \\log p_s(k_s), \\quad
        p_s(k) = P(|L - \\hat k_s| \\le |k - \\hat k_s|) \\\\
    T_{energy}(k) &= \\sum_s E_s(k_s)

Of readings that were learned the likelihood is ranked instead of the first (`learned.py`).
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Literal

import numpy as np
from jaxtyping import Float

from solidmark.errors import BadInput
from solidmark.late import interpolate
from solidmark.scores.additive import additive_p_values
from solidmark.scores.learned import likelihood_costs
from solidmark.scores.null import LEVELS, level_p_values, p_values, require_unit_range

Statistic = Literal["l1", "fisher", "energy", "likelihood"]

_ROWS_AT_ONCE = 512

STATISTICS: tuple[Statistic, ...] = ("l1", "fisher", "energy")
"""The names that can be asked for, the default first; "likelihood" is the default of readings that
were learned."""


def l1_costs(key_read: Float[np.ndarray, "N M"]) -> Float[np.ndarray, "N M L"]:
    """The distance of each level of each key from its estimate.

    Arguments:
        key_read: The estimates, with shape (N, M), in [0, 1].

    Returns:
        The costs, with shape (N, M, 256), in grey levels, in [0, 1]; low means memorized.

    Raises:
        BadInput: When an estimate is not a number in [0, 1].
    """
    require_unit_range("key_read", key_read)
    return np.abs(np.arange(LEVELS) / (LEVELS - 1) - key_read[..., None])


def fisher_costs(key_read: Float[np.ndarray, "N M"]) -> Float[np.ndarray, "N M L"]:
    """The log p-value of each level of each key, given its estimate.

    Their sum weighs a close key more than the L1 distance does, and a key that was missed less.

    Arguments:
        key_read: The estimates, with shape (N, M), in [0, 1].

    Returns:
        The costs, with shape (N, M, 256), in nats, 0 or less; low means memorized.

    References:
        Fisher (1932), Statistical Methods for Research Workers, section 21.1.
    """
    shape = (*key_read.shape, LEVELS)
    return np.log(level_p_values(key_read.ravel())).reshape(shape)


def energy_costs(
    candidates: Sequence[float], energies: Float[np.ndarray, "N M K"]
) -> Float[np.ndarray, "N M L"]:
    """The energy of each level of each key, between the candidates that were asked.

    The curve through the candidates is the cubic spline without a free end (not-a-knot): the
    bottom of a valley may lie between two candidates, where straight lines never have one. Any
    curve would give exact p-values, since the same one is asked of all levels. The energies of
    different keys were taken with the other keys at neutral grey, so their sum is a surrogate of
    the energy of the whole frame.

    Arguments:
        candidates: The K key values tried, in [0, 1], rising.
        energies: Their energies, with shape (N, M, K), in any unit; low = known.

    Returns:
        The costs, with shape (N, M, 256), in the unit of the energies; low means memorized.

    Raises:
        BadInput: When there are fewer than two candidates, or they do not rise from 0 to 1.

    References:
        de Boor (1978), A Practical Guide to Splines, chapter IV.

    Example:
        >>> curve = energy_costs([0.0, 0.5, 1.0], np.array([[[1.0, 0.0, 1.0]]]))
        >>> int(curve[0, 0].argmin()), round(float(curve[0, 0, 0]), 6)
        (128, 1.0)
    """
    return energies @ _spline(tuple(candidates))


@lru_cache(maxsize=8)
def _spline(candidates: tuple[float, ...]) -> Float[np.ndarray, "K L"]:
    """The spline at the levels as a matrix: interpolation is linear in what is interpolated."""
    x = np.array(candidates)
    covers = len(x) > 1 and (np.diff(x) > 0).all() and abs(x[0]) < 1e-6 and abs(x[-1] - 1) < 1e-6
    if not covers:
        raise BadInput(
            f"The candidate keys are {', '.join(f'{value:g}' for value in x)}. "
            "Their energies can be used when they rise from 0 to 1."
        )
    return interpolate.CubicSpline(x, np.eye(len(x)))(np.arange(LEVELS) / (LEVELS - 1)).T


def statistic_p_values(
    statistic: Statistic,
    key: Float[np.ndarray, "N M"],
    key_read: Float[np.ndarray, "N M"],
    candidates: Sequence[float] = (),
    energies: Float[np.ndarray, "N M K"] | None = None,
    weights: Float[np.ndarray, "M L"] | None = None,
    rho: Float[np.ndarray, " N"] | None = None,
) -> Float[np.ndarray, " N"]:
    """The chance of a statistic at most that of the key, if key and model are independent.

    Arguments:
        statistic: Which one.
        key: The keys, with shape (N, M), on their 256 levels of [0, 1].
        key_read: The estimates, with shape (N, M), in [0, 1]; for "likelihood" they may lie
            outside.
        candidates: For "energy": the K key values tried.
        energies: For "energy": their energies, with shape (N, M, K).
        weights: How often each level is drawn for each key, with shape (M, 256): how many of the
            peers of these images have it (`peers.py`); None draws keys anew.
        rho: For "likelihood": how far estimates and keys agree, with shape (N), in [0, 1].

    Returns:
        The p-values, with shape (N), in (0, 1]; low means memorized.

    Raises:
        BadInput: When an estimate or an energy is no number that can be used, or "energy" is
            asked for without energies.

    Example:
        >>> key, key_read = np.array([[0.2, 0.8]]), np.array([[0.2, 0.4]])
        >>> [round(float(statistic_p_values(s, key, key_read)[0]), 3) for s in ("l1", "fisher")]
        [0.281, 0.015]
    """
    if statistic == "l1" and weights is None:
        return p_values(np.abs(key - key_read).mean(axis=1), key_read)
    if statistic == "energy" and energies is None:
        raise BadInput('The statistic "energy" needs energies. Use "l1" or "fisher".')
    levels = np.rint(key * (LEVELS - 1)).astype(np.int64)
    found = np.empty(len(key))
    # A few rows at a time, since the costs of a row are 256 times as large as its key.
    for first in range(0, len(key), _ROWS_AT_ONCE):
        rows = slice(first, first + _ROWS_AT_ONCE)
        if statistic == "energy" and energies is not None:
            costs = energy_costs(candidates, energies[rows])
        elif rho is not None:
            costs = likelihood_costs(key_read[rows] - 0.5, rho[rows])
        else:
            costs = l1_costs(key_read[rows]) if statistic == "l1" else fisher_costs(key_read[rows])
        found[rows] = additive_p_values(costs, levels[rows], weights)
    return found
