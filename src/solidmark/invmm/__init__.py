"""InvMM over a set of images: queue, budget, slots, evidence, scores."""

from solidmark.invmm.budget import Budget
from solidmark.invmm.configuration import TRIAGES, InvMM
from solidmark.invmm.inverting import invert
from solidmark.invmm.scoring import score_invmm
from solidmark.invmm.threshold import Threshold

__all__ = ["TRIAGES", "Budget", "InvMM", "Threshold", "invert", "score_invmm"]
