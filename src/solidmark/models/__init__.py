"""Adapters: every model that can be audited, behind one protocol."""

from solidmark.models.analytic import Gaussian, Memorizer
from solidmark.models.averages import Average
from solidmark.models.codec import Codec, Pixels
from solidmark.models.conditions import Conditions
from solidmark.models.controls import CONTROLS, ceiling_model, control_samples
from solidmark.models.identity import model_fingerprints
from solidmark.models.latent import Family, LatentModel
from solidmark.models.loading import Opening, Precision
from solidmark.models.opening import is_latent, open_model
from solidmark.models.pixel import PixelModel
from solidmark.models.prompts import PromptSpace, prompt_space

__all__ = [
    "CONTROLS",
    "Average",
    "Codec",
    "Conditions",
    "Family",
    "Gaussian",
    "LatentModel",
    "Memorizer",
    "Opening",
    "PixelModel",
    "Pixels",
    "Precision",
    "PromptSpace",
    "ceiling_model",
    "control_samples",
    "is_latent",
    "model_fingerprints",
    "open_model",
    "prompt_space",
]
