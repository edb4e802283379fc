"""What a group of images is known by together: the average of its keys.

.. math:: T_g = \\sum_s (\\bar{\\hat k}_{g,s} - c_s) (\\bar k_{g,s} - 1/2), \\qquad
    \\mathrm{Var}\\, T_g = \\frac{v}{U_g} \\sum_s (\\bar{\\hat k}_{g,s} - c_s)^2

k-bar is the mean key of the U_g different keys of a group of peers, k-hat-bar the mean reading of
its images, c the mean reading of all images, and v the variance of one key. If the model knows
nothing of the keys of a group, not even their average, its readings are fixed and the keys are as
good as drawn now. This is knowledge of a caption or a class, and not of an image.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from solidmark.late import stats
from solidmark.scores.columns import groups
from solidmark.scores.discovery import q_values
from solidmark.scores.groups import Estimate, writable
from solidmark.scores.null import LEVELS
from solidmark.scores.peers import Pool

_VARIANCE = (LEVELS**2 - 1) / 12 / (LEVELS - 1) ** 2
"""Of one key that is uniform on its levels."""


@dataclass(frozen=True)
class GroupAverages:
    """How many groups of peers the model knows the average of.

    Arguments:
        groups: How many groups could be told and asked, of two or more keys.
        known: Of how many the average is known, at the false-discovery rate.
        smallest: The fewest keys of a group that is known; None where none is.
        estimate: The share of the groups, with Simes's p-value that none is known.
    """

    groups: int
    known: int
    smallest: int | None
    largest: int | None
    estimate: Estimate


def group_averages(
    key_read: Float[np.ndarray, "N M"],
    peers: Sequence[int] | Int[np.ndarray, " N"],
    pools: Mapping[int, Pool],
    fdr: float = 0.05,
) -> GroupAverages | None:
    """Tests the average key of every group that a model can be told.

    The law of T is taken for normal: it is a sum of bounded terms, whose tails are lighter.

    Arguments:
        key_read: The readings, with shape (N, M), in [0, 1].
        fdr: The rate at which groups are called known.

    Returns:
        None when there is no such group.

    Example:
        >>> pool = Pool(("a", "b"), np.array([[1.0] * 16, [1.0] * 16]), told=True)
        >>> found = group_averages(np.full((2, 16), 0.9), [0, 0], {0: pool})
        >>> (found.known, found.groups)
        (1, 1)
    """
    rows = dict(groups(np.asarray(peers)))
    told = [number for number in rows if pools[number].told]
    if not told:
        return None
    everyone = key_read.mean(axis=0)
    # Alone, a group has nothing but the middle to be compared with.
    centre = everyone if len(rows) > 1 else np.full(key_read.shape[1], 0.5)
    p = []
    for number in told:
        lead = key_read[rows[number]].mean(axis=0) - centre
        pool = pools[number]
        size = float(np.sqrt(_VARIANCE / len(pool.units) * (lead**2).sum()))
        total = float(lead @ (pool.keys.mean(axis=0) - 0.5))
        p.append(writable(stats.norm.sf(total / size)) if size > 0 else 1.0)
    q = q_values(np.array(p))
    known = [len(pools[number].units) for number, rate in zip(told, q, strict=True) if rate <= fdr]
    share = Estimate(len(known) / len(told), p_value=float(q.min()))
    return GroupAverages(
        len(told), len(known), min(known, default=None), max(known, default=None), share
    )
