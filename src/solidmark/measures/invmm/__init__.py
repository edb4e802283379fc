"""InvMM over a set of images: queue, budget, slots, evidence, scores."""

from solidmark.measures.invmm.budget import Budget
from solidmark.measures.invmm.configuration import InvMM
from solidmark.measures.invmm.inverting import invert
from solidmark.measures.invmm.scoring import score_invmm
from solidmark.measures.invmm.threshold import Threshold

__all__ = ["Budget", "InvMM", "Threshold", "invert", "score_invmm"]
