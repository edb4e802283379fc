"""Whether the model knows the marked images at all: the section of the page."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from solidmark.errors import BadInput
from solidmark.report.folder import Audit
from solidmark.report.numbers import p_value, percent
from solidmark.report.pictures import Picture, embed
from solidmark.scores.knowing import Gain, Knowing
from solidmark.verdicts.known import asked

NAMES = {
    "frames": "Frames as marked, over frames whose cells lie elsewhere",
    "pictures": "Pictures in the frames, over their average",
    "marked": "Whole marked images, over their average",
    "cropped": "Cut-outs of three quarters of a side, over their average",
    "unmarked": "Pictures without their frames, over their average",
    "mirrored": "Marked images in a mirror, over the stored ones",
}
"""What each gain is of."""


@dataclass(frozen=True)
class Line:
    """A gain in the table.

    Arguments:
        name: What it is of.
        value: The share of the error that is saved.
        interval: Its 95 % interval.
        p_value: Of a gain of a twentieth or less; empty where none decides.
    """

    name: str
    value: str
    interval: str
    p_value: str


@dataclass(frozen=True)
class Drawing:
    """A drawing, and the marked image whose caption or class the model was told, if any.

    Arguments:
        drawn: The drawing.
        marked: The marked image.
    """

    drawn: Picture | None
    marked: Picture | None


@dataclass(frozen=True)
class Section:
    """The section of the page: what the model knows of the marked images, and what it draws.

    Arguments:
        sentences: What was found.
        lines: The gains.
        drawings: What it draws; empty on a page without pictures.
        network_calls: What it cost.
    """

    sentences: tuple[str, ...]
    lines: tuple[Line, ...]
    drawings: tuple[Drawing, ...]
    network_calls: str


def knowing_in(results: Mapping[str, Any]) -> Knowing | None:
    """What `results.json` says of it; None where no trained images were asked about.

    Raises:
        BadInput: When it says something else.
    """
    plain_facts = results.get("knowing")
    if plain_facts is None:
        return None
    try:
        return Knowing.from_json(plain_facts)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BadInput(
            f'The part "knowing" of results.json is not one of solidmark ({error}). Score again.'
        ) from error


def knowing_section(audit: Audit, images: bool) -> Section | None:
    """The section of the page; None where nothing was asked.

    Arguments:
        audit: The audit.
        images: Whether pictures may stand on the page.

    Raises:
        BadInput: When the part "knowing" of the results cannot be used.
    """
    found = knowing_in(audit.results)
    if found is None:
        return None
    lines = tuple(
        Line(
            NAMES[name],
            _share(gain.value),
            f"{_share(gain.ci_low)} to {_share(gain.ci_high)}",
            p_value(gain.p_value) if name in ("frames", "pictures") else "",
        )
        for name, gain in found.gains.items()
        if name in NAMES
    )
    shown = _drawings(audit, found) if images else ()
    return Section(asked(found), lines, shown, f"{found.network_calls:,.0f}")


def _drawings(audit: Audit, found: Knowing) -> tuple[Drawing, ...]:
    marked: Path | None = audit.marked.folder
    return tuple(
        Drawing(
            embed(audit.folder, path),
            None if marked is None else embed(marked, audit.marked.files.get(id)),
        )
        for path, id in zip(found.pictures, found.beside, strict=False)
    )


def _share(value: float) -> str:
    """The share of an error that a gain saves, with its sign."""
    shown = Gain(value, value, value, 1.0).saved
    return f"{'' if shown >= 0 else '−'}{percent(abs(shown))}"
