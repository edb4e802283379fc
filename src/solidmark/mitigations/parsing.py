"""Mitigations by what a command line calls them: `gni:0.1`, `rt:dcr`, `rna:paper:2`."""

from dataclasses import fields
from typing import Any

from solidmark.errors import BadInput, UnknownName
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
    name, *rest = text.strip().split(":")
    if name not in MITIGATIONS:
        raise UnknownName("mitigation", name, MITIGATIONS)
    kind = MITIGATIONS[name]
    preset: dict[str, Any] = {}
    strengths = [number for part in rest if (number := _number(part)) is not None]
    presets = [part for part in rest if _number(part) is None]
    if len(strengths) > 1 or len(presets) > 1:
        raise BadInput(
            f'"{text}" says more than one {"strength" if len(strengths) > 1 else "preset"}. '
            "Write name:preset:strength."
        )
    if presets and not kind.presets:
        raise BadInput(
            f'"{text}": there is one definition of "{name}", and no preset "{presets[0]}". '
            f"Write {name} or {name}:NUMBER."
        )
    if presets:
        if presets[0] not in kind.presets:
            raise UnknownName(f"preset of {name}", presets[0], kind.presets)
        preset = dict(kind.presets[presets[0]])
    if strengths:
        preset[kind.strength] = _as_field(kind, strengths[0])
    return kind(**preset)


def _number(part: str) -> float | None:
    try:
        return float(part)
    except ValueError:
        return None


def _as_field(kind: type[Mitigation], strength: float) -> float:
    """A whole number where the field is one; a broken one is left for the field to refuse."""
    whole = any(f.name == kind.strength and f.type in (int, "int") for f in fields(kind))  # type: ignore[arg-type]
    return int(strength) if whole and strength.is_integer() else strength
