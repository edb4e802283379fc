"""Things with a name by what a command line calls them: `gni:0.1`, `rt:dcr:3`, `crop:0.8`.

`strength` names the field that says how strong a thing is, none where it is empty; `presets` are
the fields in which one published definition differs from another.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any, ClassVar, Protocol, TypeVar

from solidmark.errors import BadInput, UnknownName

Preset = Mapping[str, Any]


class Spelled(Protocol):
    """A frozen dataclass that a command line can name."""

    name: ClassVar[str]
    strength: ClassVar[str]
    presets: ClassVar[Mapping[str, Preset]]


Thing = TypeVar("Thing", bound=Spelled)


def parse_named(text: str, kinds: Mapping[str, type[Thing]], what: str) -> Thing:
    """A thing by its name, its preset and its strength, with colons between them.

    Arguments:
        text: `name`, `name:preset`, `name:strength` or both in any order.
        kinds: The classes by their names.
        what: What they are, where a name is refused.

    Raises:
        UnknownName: When there is no such thing, or it has no such preset.
        BadInput: When its strength cannot be, or something is said twice.
    """
    name, *rest = text.strip().split(":")
    if name not in kinds:
        raise UnknownName(what, name, kinds)
    kind = kinds[name]
    strengths = [number for part in rest if (number := _number(part)) is not None]
    presets = [part for part in rest if _number(part) is None]
    if len(strengths) > 1 or len(presets) > 1:
        raise BadInput(
            f'"{text}" says more than one {"strength" if len(strengths) > 1 else "preset"}. '
            f"Write name:{'preset:' if kind.presets else ''}strength."
        )
    if presets and not kind.presets:
        numbered = f" or {name}:NUMBER" if kind.strength else ""
        raise BadInput(
            f'"{text}": there is one definition of "{name}", and no preset "{presets[0]}". '
            f"Write {name}{numbered}."
        )
    if strengths and not kind.strength:
        raise BadInput(f'"{text}": there is one "{name}", without a strength. Write {name}.')
    chosen: dict[str, Any] = {}
    if presets:
        if presets[0] not in kind.presets:
            raise UnknownName(f"preset of {name}", presets[0], kind.presets)
        chosen = dict(kind.presets[presets[0]])
    if strengths:
        chosen[kind.strength] = _as_field(kind, strengths[0])
    return kind(**chosen)


def to_json(thing: Spelled) -> dict[str, Any]:
    """The name of a thing, and all its fields."""
    return {"name": thing.name, **asdict(thing)}  # type: ignore[call-overload]


def in_words(things: Sequence[Mapping[str, Any]]) -> str:
    """Things as `to_json` gives them, in a few words.

    Example:
        >>> in_words([{"name": "crop", "share": 0.8}, {"name": "flip"}])
        'crop (share 0.8), then flip'
    """
    said = []
    for one in things:
        fields = ", ".join(f"{name} {value}" for name, value in one.items() if name != "name")
        said.append(f"{one['name']} ({fields})" if fields else str(one["name"]))
    return ", then ".join(said)


def _number(part: str) -> float | None:
    try:
        return float(part)
    except ValueError:
        return None


def _as_field(kind: type[Spelled], strength: float) -> float:
    """A whole number where the field is one; a broken one is left for the field to refuse."""
    whole = any(f.name == kind.strength and f.type in (int, "int") for f in fields(kind))  # type: ignore[arg-type]
    return int(strength) if whole and strength.is_integer() else strength
