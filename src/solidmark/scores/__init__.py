"""From evidence to verdict: the score table, and the aggregates with chance, interval and p-value.

Everything here is a pure function of tables and arrays. Nothing loads torch.
"""

from solidmark.scores.additive import additive_p_values
from solidmark.scores.aggregates import aggregate
from solidmark.scores.agreement import agreement
from solidmark.scores.correlation import correlation
from solidmark.scores.discovery import CORRECTIONS, Correction, q_values
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
from solidmark.scores.paired import Paired, paired
from solidmark.scores.planning import COUNTS, Outlook, Prospect, enough_keys, outlook
from solidmark.scores.power import (
    smallest_named_share,
    smallest_share,
    smallest_share_by_rank,
)
from solidmark.scores.ranktest import rank_test
from solidmark.scores.roc import FPRS, Roc, roc
from solidmark.scores.share import memorized_share
from solidmark.scores.statistics import (
    STATISTICS,
    Statistic,
    energy_costs,
    fisher_costs,
    statistic_p_values,
)
from solidmark.scores.table import SCORES, score_table

__all__ = [
    "CORRECTIONS",
    "COUNTS",
    "DELTAS",
    "FPRS",
    "SCORES",
    "STATISTICS",
    "Correction",
    "EideticCount",
    "Estimate",
    "Outlook",
    "Paired",
    "Prospect",
    "Roc",
    "Statistic",
    "additive_p_values",
    "aggregate",
    "agreement",
    "any_key",
    "chance_constant",
    "chance_uniform",
    "clopper_pearson",
    "correlation",
    "effective_n",
    "eidetic",
    "energy_costs",
    "enough_keys",
    "exposure_bits",
    "fisher_costs",
    "hit_chance",
    "memorized_share",
    "outlook",
    "p_values",
    "paired",
    "q_values",
    "rank_test",
    "roc",
    "score_table",
    "smallest_named_share",
    "smallest_share",
    "smallest_share_by_rank",
    "statistic_p_values",
]
