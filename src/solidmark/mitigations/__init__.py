"""Mitigations at inference: what a model is told is changed, so that it recalls less."""

from solidmark.mitigations.gaussian_noise import GaussianNoise
from solidmark.mitigations.magnitude import MagnitudeDescent, first_noise, magnitude
from solidmark.mitigations.mitigated import Mitigated
from solidmark.mitigations.mitigation import Mitigation, Rewording, to_json
from solidmark.mitigations.parsing import MITIGATIONS, parse
from solidmark.mitigations.random_numbers import RandomNumbers
from solidmark.mitigations.random_tokens import RandomTokens
from solidmark.mitigations.word_repetition import WordRepetition

__all__ = [
    "MITIGATIONS",
    "GaussianNoise",
    "MagnitudeDescent",
    "Mitigated",
    "Mitigation",
    "RandomNumbers",
    "RandomTokens",
    "Rewording",
    "WordRepetition",
    "first_noise",
    "magnitude",
    "parse",
    "to_json",
]
