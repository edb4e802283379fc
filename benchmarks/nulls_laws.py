"""P-values of many keys by the saddlepoint, 10 to 500 times as fast as the exact ones.

Three hundred audits a row are some 10 million p-values. `fast` puts these in the place of the
exact ones for the time of a benchmark; `nulls.py` prints how far they lie apart.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache

import numpy as np
from jaxtyping import Float, Int
from scipy import special

from solidmark.marks import Segments
from solidmark.scores import aggregates, hits, statistics, table
from solidmark.scores.null import LEVELS
from solidmark.scores.saddlepoint import approximate_p_values
from solidmark.scores.statistics import Statistic, energy_costs, fisher_costs, l1_costs

FEW = 2
"""So many keys are counted exactly in no time."""

EVERY = 4
"""Of many levels of a key, in order, every fourth is taken for the law of its cost."""

COUNTED = 2
"""So few peers are counted exactly in no time."""

NEAR = 0.25
"""So many standard deviations from the mean Edgeworth's series takes over."""

EXACT = statistics.statistic_p_values


@contextmanager
def fast() -> Iterator[None]:
    """Within it, p-values of many keys come from here, and nothing is made that no verdict sees.

    That is the ROC curve, whose interval is a bootstrap. The layout of a frame is made once.
    """
    ours = [
        (table, "statistic_p_values", statistic_p_values),
        (hits, "p_values", _hit_p_values),
        (aggregates, "_roc_rows", lambda trained, held_out: iter(())),
        (Segments, "layout", cache(Segments.layout)),
    ]
    # Not all of them have to be there: a change of the scores can do without one.
    kept = [(place, name, getattr(place, name)) for place, name, _ in ours if hasattr(place, name)]
    for place, name, made in ours:
        setattr(place, name, made)
    try:
        yield
    finally:
        for place, name, made in kept:
            setattr(place, name, made)


def statistic_p_values(
    statistic: Statistic,
    key: Float[np.ndarray, "N M"],
    key_read: Float[np.ndarray, "N M"],
    candidates: Sequence[float] = (),
    energies: Float[np.ndarray, "N M K"] | None = None,
    weights: Float[np.ndarray, "M L"] | None = None,
) -> Float[np.ndarray, " N"]:
    """What `solidmark.scores.statistics.statistic_p_values` gives, nearly."""
    if weights is None:
        weights = np.ones((key.shape[1], LEVELS))
    peers = _peers(weights)
    if key.shape[1] <= FEW or len(peers) <= COUNTED:
        return EXACT(statistic, key, key_read, candidates, energies, weights)
    levels = np.rint(key * 255).astype(int)
    if statistic == "energy":
        assert energies is not None
        curves = energy_costs(candidates, energies)
    else:
        curves = l1_costs(key_read) if statistic == "l1" else fisher_costs(key_read)
    total = np.take_along_axis(curves, levels[..., None], 2).sum((1, 2))
    drawn = np.take_along_axis(curves, np.broadcast_to(peers.T, (len(key), *peers.T.shape)), 2)
    # The true key is one of those that are drawn, so no p-value is below this.
    return saddlepoint(drawn, total).clip(float(len(peers)) ** -key.shape[1])


def _peers(weights: Float[np.ndarray, "M L"]) -> Int[np.ndarray, "P M"]:
    """The levels that are handed out, place by place; of many, every fourth of them in order."""
    columns = [np.repeat(np.arange(LEVELS), column.astype(int)) for column in weights]
    every = EVERY if len(columns[0]) >= 128 else 1
    return np.stack([column[every // 2 :: every] for column in columns], axis=1)


def _hit_p_values(
    distance: Float[np.ndarray, " N"], key_read: Float[np.ndarray, "N M"], tolerance: float = 0
) -> Float[np.ndarray, " N"]:
    return approximate_p_values(distance, key_read.clip(0, 1))


def _edgeworth(x: np.ndarray, skew: np.ndarray) -> np.ndarray:
    return special.ndtr(x) - np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi) * skew * (x**2 - 1) / 6


def _lugannani_rice(t: np.ndarray, exponent: np.ndarray, variance: np.ndarray) -> np.ndarray:
    t = np.where(np.abs(t) < 1e-9, 1e-9, t)
    w = np.sign(t) * np.sqrt(2 * np.maximum(exponent, 1e-12))
    u = t * np.sqrt(variance.clip(1e-12))
    return special.ndtr(w) + np.exp(-(w**2) / 2) / np.sqrt(2 * np.pi) * (1 / w - 1 / u)


def saddlepoint(
    costs: Float[np.ndarray, "N M L"], total: Float[np.ndarray, " N"]
) -> Float[np.ndarray, " N"]:
    """The chance of a sum of costs at most `total`, each level as likely as another.

    Arguments:
        costs: The cost of each level of each key.
        total: The sum that was had.

    References:
        Lugannani and Rice (1980); next to the mean, where theirs is 0 / 0, Edgeworth's first term.
    """
    middle = costs.mean(-1, keepdims=True)
    spread = np.sqrt(costs.var(-1).sum(1)).clip(1e-12)
    c = (costs - middle) / spread[:, None, None]
    x = (total - middle.sum((1, 2))) / spread
    skew = (c**3).mean(-1).sum(1)
    p = _edgeworth(x, skew)
    # Beyond the lowest sum there is nothing to solve for.
    x = np.maximum(x, 0.97 * c.min(-1).sum(1))
    far = np.abs(x) > NEAR
    far &= x < 0.97 * c.max(-1).sum(1)
    p[far] = _tail(c[far], x[far])
    return p.clip(1e-300, 1.0)


def _tail(c: Float[np.ndarray, "N M L"], x: Float[np.ndarray, " N"]) -> Float[np.ndarray, " N"]:
    t = x.clip(-3, 3)
    for _ in range(12):
        log_mass, mean, variance = _tilted(c, t)
        step = (x - mean) / variance.clip(1e-9)
        t = t + step.clip(-1 - np.abs(t), 1 + np.abs(t))
        if np.abs(step).max(initial=0) < 1e-4:
            break
    log_mass, mean, variance = _tilted(c, t)
    return _lugannani_rice(t, t * x - log_mass, variance)


def _tilted(
    c: Float[np.ndarray, "N M L"], t: Float[np.ndarray, " N"]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """K, K' and K'' at t."""
    exponent = t[:, None, None] * c
    highest = exponent.max(-1, keepdims=True)
    weight = np.exp(exponent - highest)
    mass = weight.sum(-1)
    weighted = weight * c
    mean = weighted.sum(-1) / mass
    variance = np.einsum("nml,nml->nm", weighted, c) / mass - mean**2
    log_mass = np.log(mass / c.shape[-1]) + highest[..., 0]
    return log_mass.sum(1), mean.sum(1), variance.sum(1)
