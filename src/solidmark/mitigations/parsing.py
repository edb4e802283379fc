"""Mitigations by what a command line calls them: `gni:0.1`, `rt:dcr`, `rna:paper:2`."""

from solidmark.cards.spelled import parse_named
from solidmark.mitigations.gaussian_noise import GaussianNoise
from solidmark.mitigations.magnitude import MagnitudeDescent
from solidmark.mitigations.mitigation import Mitigation
from solidmark.mitigations.random_numbers import RandomNumbers
from solidmark.mitigations.random_tokens import RandomTokens
from solidmark.mitigations.word_repetition import WordRepetition

MITIGATIONS: dict[str, type[Mitigation]] = {
    "cwr": WordRepetition,
    "gni": GaussianNoise,
    "rna": RandomNumbers,
    "rt": RandomTokens,
    "wen": MagnitudeDescent,
}


def parse(text: str) -> Mitigation:
    """A mitigation by its name, its preset and its strength, with colons between them.

    Arguments:
        text: `name`, `name:preset`, `name:strength` or both in any order.

    Raises:
        UnknownName: When there is no such mitigation, or it has no such preset.
        BadInput: When its strength cannot be, or something is said twice.

    Example:
        >>> parse("rt:dcr:3")
        RandomTokens(repeats=3, chance=0.0)
    """
    return parse_named(text, MITIGATIONS, "mitigation")
