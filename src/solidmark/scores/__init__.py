"""From evidence to verdict: the score table, and the aggregates with chance, interval and p-value.

Everything here is a pure function of tables and arrays. Nothing loads torch.
"""

from solidmark.scores.aggregates import aggregate
from solidmark.scores.correlation import correlation
from solidmark.scores.discovery import q_values
from solidmark.scores.eidetic import (
    DELTAS,
    EideticCount,
    any_key,
    chance_constant,
    chance_uniform,
    eidetic,
)
from solidmark.scores.groups import Estimate, clopper_pearson, effective_n
from solidmark.scores.hits import hit_chance
from solidmark.scores.null import exposure_bits, p_values
from solidmark.scores.power import smallest_share
from solidmark.scores.ranktest import rank_test
from solidmark.scores.roc import FPRS, Roc, roc
from solidmark.scores.table import SCORES, score_table

__all__ = [
    "DELTAS",
    "FPRS",
    "SCORES",
    "EideticCount",
    "Estimate",
    "Roc",
    "aggregate",
    "any_key",
    "chance_constant",
    "chance_uniform",
    "clopper_pearson",
    "correlation",
    "effective_n",
    "eidetic",
    "exposure_bits",
    "hit_chance",
    "p_values",
    "q_values",
    "rank_test",
    "roc",
    "score_table",
    "smallest_share",
]
