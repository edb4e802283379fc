"""Perturbations: the picture that a model is asked about is changed, and not its key."""

from solidmark.perturbations.blur import Blur
from solidmark.perturbations.crop import Crop
from solidmark.perturbations.flip import Flip
from solidmark.perturbations.jpeg import JPEG
from solidmark.perturbations.noise import Noise
from solidmark.perturbations.parsing import PERTURBATIONS, parse
from solidmark.perturbations.perturbation import Perturbation, require_room, spelled, to_json
from solidmark.perturbations.perturbed import Perturbed
from solidmark.perturbations.rotate import Rotate
from solidmark.perturbations.shift import Shift

__all__ = [
    "JPEG",
    "PERTURBATIONS",
    "Blur",
    "Crop",
    "Flip",
    "Noise",
    "Perturbation",
    "Perturbed",
    "Rotate",
    "Shift",
    "parse",
    "require_room",
    "spelled",
    "to_json",
]
