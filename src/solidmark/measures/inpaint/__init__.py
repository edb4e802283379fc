"""The inpainting attack: half of an image hidden and drawn again, trained against held-out."""

from solidmark.measures.inpaint.asking import inpaint
from solidmark.measures.inpaint.configuration import Inpainting, hidden_half
from solidmark.measures.inpaint.scoring import score_inpainting

__all__ = ["Inpainting", "hidden_half", "inpaint", "score_inpainting"]
