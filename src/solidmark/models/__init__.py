"""Adapters: every model that can be audited, behind one protocol."""

from solidmark.models.analytic import Gaussian, Memorizer
from solidmark.models.opening import CONTROLS, open_model
from solidmark.models.pixel import PixelModel

__all__ = ["CONTROLS", "Gaussian", "Memorizer", "PixelModel", "open_model"]
