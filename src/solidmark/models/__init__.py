"""Adapters: every model that can be audited, behind one protocol."""

from solidmark.models.analytic import Gaussian, Memorizer
from solidmark.models.averages import Average
from solidmark.models.codec import Codec, Pixels
from solidmark.models.conditions import Conditions
from solidmark.models.controls import CONTROLS, control_samples
from solidmark.models.identity import model_fingerprints
from solidmark.models.latent import LatentModel
from solidmark.models.loading import Opening
from solidmark.models.opening import is_latent, open_model
from solidmark.models.pixel import PixelModel
from solidmark.models.prompts import PromptSpace, prompt_space

__all__ = [
    "CONTROLS",
    "Average",
    "Codec",
    "Conditions",
    "Gaussian",
    "LatentModel",
    "Memorizer",
    "Opening",
    "PixelModel",
    "Pixels",
    "PromptSpace",
    "control_samples",
    "is_latent",
    "model_fingerprints",
    "open_model",
    "prompt_space",
]
