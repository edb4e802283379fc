"""Do two signals suspect the same images?

.. math:: \\rho = \\mathrm{corr}\\big(\\mathrm{rank}(s), \\mathrm{rank}(s')\\big)

over the trained images, each signal turned so that high ranks mean memorized: 1 = the same order, 0
= nothing to do with each other. Two that agree on memorized images are two witnesses; two that
agree on images that are plain are not.
"""

from collections.abc import Mapping
from itertools import combinations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from jaxtyping import Float

from solidmark.measures.signals.judging import Judged
from solidmark.runs import Figure
from solidmark.scores.columns import codes, numbers
from solidmark.scores.ranks import spearman


def rank_agreement(scored: Mapping[str, Judged]) -> list[Figure]:
    """Spearman's rank correlation of every two signals.

    A picture counts once; where two images share a prompt, they share its value, and both count.

    Arguments:
        scored: The rows of each signal, by its name.
    """
    values = {name: _trained(own) for name, own in scored.items()}
    pairs = combinations(values, 2)
    return [_correlation(one, other, values[one], values[other]) for one, other in pairs]


Ranked = tuple[pa.Array, Float[np.ndarray, " N"]]
"""The hashes of the pixels of pictures, rising, and the value of each; high = memorized."""


def _trained(own: Judged) -> Ranked:
    """The value of each trained picture."""
    places = np.flatnonzero(own.trained & own.has("ok"))
    some = own.table.take(places)
    which, contents = codes(pc.fill_null(some["content"], "None"))
    order = np.lexsort((codes(some["id"])[0], which))
    first = order[np.unique(which[order], return_index=True)[1]]
    sign = -1 if own.card["direction"] == "low" else 1
    return contents, sign * numbers(some["value"])[first]


def _correlation(one: str, other: str, first: Ranked, second: Ranked) -> Figure:
    place = pc.fill_null(pc.index_in(first[0], value_set=second[0]), -1).to_numpy()
    both = np.flatnonzero(place >= 0)
    found = spearman(first[1][both], second[1][place[both]])
    value, low, high, p = (None,) * 4 if found is None else found
    return Figure(
        measure=one,
        other=other,
        split="trained",
        statistic="spearman",
        n=len(both),
        failed=len(first[0]) + len(second[0]) - 2 * len(both),
        value=value,
        unit="rank correlation",
        chance=0.0,
        ci_low=low,
        ci_high=high,
        p_value=p,
        note=None if found else "Too few images, or all of one value: there is no correlation.",
    )
