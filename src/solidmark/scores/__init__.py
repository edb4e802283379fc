"""From evidence to verdict: the score table, and the aggregates with chance, interval and p-value.

Everything here is a pure function of tables and arrays. Nothing loads torch.
"""

from solidmark.scores.additive import additive_p_values
from solidmark.scores.aggregates import aggregate
from solidmark.scores.agreement import agreement
from solidmark.scores.authenticity import Nearest, authpct
from solidmark.scores.closeness import TRAINED, closeness
from solidmark.scores.conformal import conformal_p_values, least_nameable, threshold_at
from solidmark.scores.copying import c_t, cells_of
from solidmark.scores.correlation import correlation
from solidmark.scores.discovery import CORRECTIONS, Correction, q_values
from solidmark.scores.eidetic import DELTAS, any_key, chance_constant, chance_uniform, eidetic
from solidmark.scores.exchange import Exchange
from solidmark.scores.groups import Estimate, clopper_pearson, effective_n
from solidmark.scores.hits import hit_chance
from solidmark.scores.keys import ImageKeys
from solidmark.scores.level import level_of
from solidmark.scores.mifid import frechet_distance, memorization_distance, mifid
from solidmark.scores.null import exposure_bits, p_values
from solidmark.scores.once import p_and_q_once, subjects_once
from solidmark.scores.paired import paired
from solidmark.scores.peers import Pool, peers_of
from solidmark.scores.percentiles import percentile_blindness
from solidmark.scores.planning import COUNTS, Outlook, Prospect, enough_keys, outlook
from solidmark.scores.power import (
    smallest_named_share,
    smallest_share_by_best,
    smallest_share_by_exchange,
)
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
    "TRAINED",
    "Correction",
    "Estimate",
    "Exchange",
    "ImageKeys",
    "Nearest",
    "Outlook",
    "Pool",
    "Prospect",
    "Roc",
    "Statistic",
    "additive_p_values",
    "aggregate",
    "agreement",
    "any_key",
    "authpct",
    "c_t",
    "cells_of",
    "chance_constant",
    "chance_uniform",
    "clopper_pearson",
    "closeness",
    "conformal_p_values",
    "correlation",
    "effective_n",
    "eidetic",
    "energy_costs",
    "enough_keys",
    "exposure_bits",
    "fisher_costs",
    "frechet_distance",
    "hit_chance",
    "least_nameable",
    "level_of",
    "memorization_distance",
    "memorized_share",
    "mifid",
    "outlook",
    "p_and_q_once",
    "p_values",
    "paired",
    "peers_of",
    "percentile_blindness",
    "q_values",
    "roc",
    "score_table",
    "smallest_named_share",
    "smallest_share_by_best",
    "smallest_share_by_exchange",
    "statistic_p_values",
    "subjects_once",
    "threshold_at",
]
