"""Whether the model knows the marked images at all, in words: only then may a badge be green."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from solidmark.errors import BadInput
from solidmark.report.folder import Audit
from solidmark.report.numbers import p_value, percent, plain
from solidmark.report.pictures import Picture, embed
from solidmark.scores.knowing import Gain, Knowing, Reason

HEADLINES: dict[Reason, str] = {
    "untrained": "Cannot be judged: the model does not know these pictures. It is most likely "
    "untrained, or hardly trained.",
    "folder": "Cannot be judged: the model does not know these pictures in their frames. It was "
    "most likely trained on another folder, or on pictures without frames.",
    "crops": "Cannot be judged: the model knows cut-outs of these pictures, not the whole of them "
    "in their frames. The training most likely cropped.",
    "flips": "Cannot be judged: the model knows these pictures in a mirror, not as they are "
    "stored. The training most likely flipped them.",
}
"""The verdict, by the likely reason."""

NOT_ASKED = (
    "Cannot be judged: no memorization was seen, but the model was not asked whether it knows "
    "these pictures at all."
)
"""The verdict of evidence of before that was asked, or without two trained images to ask about."""

CURES: dict[Reason, str] = {
    "untrained": "Train it further, or name the weights that were trained; where it was trained, "
    "it was on other pictures. What it draws stands below.",
    "folder": "Train on the folder train/ of this marked folder as it is, or name the marked "
    "folder that the model was trained on.",
    "crops": "Switch the crops off, train at the size of the marked images, and audit again.",
    "flips": "Switch the flips off and train again. Random flips, half of the time, leave the "
    "stored pictures known.",
}
"""What to do, by the likely reason."""

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
class Unknown:
    """A verdict that cannot be reached, since the model does not know the marked images.

    Arguments:
        reason: The likely reason; None where the model was not asked.
        headline: The verdict as a sentence.
        details: What backs it, and what to do.
    """

    reason: Reason | None
    headline: str
    details: tuple[str, ...]


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


def unknown(results: Mapping[str, Any]) -> Unknown | None:
    """Why nothing can be concluded from keys that were not read; None where something can.

    It is asked before any verdict that no memorization was seen. A verdict that there is some
    stands: who knows a key knows the picture.

    Arguments:
        results: What is in `results.json`.

    Raises:
        BadInput: When its part "knowing" cannot be used.
    """
    found = knowing_in(results)
    if found is None:
        return Unknown(None, NOT_ASKED, ("Audit the model again, into a new folder.",))
    if found.state != "unknown" or found.reason is None:
        return None
    said = (*_facts(found), CURES[found.reason])
    return Unknown(found.reason, HEADLINES[found.reason], said)


def mirror_note(results: Mapping[str, Any]) -> str:
    """What a green verdict must add where mirror images are known as well; empty elsewhere.

    Arguments:
        results: What is in `results.json`.

    Raises:
        BadInput: When its part "knowing" cannot be used.
    """
    found = knowing_in(results)
    if found is None or found.state != "known" or not found.mirrored_too:
        return ""
    return (
        "Mirror images of these pictures are known as well as the stored ones, as they are after "
        "training with random flips. Only the stored side was asked about: what is memorized of "
        "the other is not seen."
    )


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
    return Section(_facts(found), lines, shown, f"{found.network_calls:,.0f}")


def _drawings(audit: Audit, found: Knowing) -> tuple[Drawing, ...]:
    marked: Path | None = audit.marked.folder
    return tuple(
        Drawing(
            embed(audit.folder, path),
            None if marked is None else embed(marked, audit.marked.files.get(id)),
        )
        for path, id in zip(found.pictures, found.beside, strict=False)
    )


def _facts(found: Knowing) -> tuple[str, ...]:
    """What was measured, in sentences."""
    if not found.gains:
        broken = f"At {found.failed} of {found.images + found.failed} trained images the model "
        few = f"Only {found.images} trained images were there, too few to know what it knows."
        return (broken + "answered with numbers that are not finite.",) if found.failed else (few,)
    said = [
        f"Noise was added to {found.images} trained images in their frames and the model asked to "
        f"take it off. Inside the frames it does so with {_compared(found.gains['pictures'])} than "
        f"who knows the average picture only ({p_value(found.gains['pictures'].p_value)})."
    ]
    if frames := found.gains.get("frames"):
        said.append(
            f"The frames as they are marked are known with {_compared(frames)} than frames of the "
            f"same greys whose cells lie elsewhere ({p_value(frames.p_value)})."
        )
    drawn = found.drawn
    beside = (
        f"and by {plain(drawn.turned, 3)} in cells that lie elsewhere"
        if drawn.turned is not None
        else f"and by {plain(drawn.unmarked, 3)} at the edges of pictures without a frame"
    )
    said.append(
        f"In {drawn.images} pictures that it draws, the greys vary by {plain(drawn.spread, 3)} "
        f"within a cell of the frame, {beside}; in marked images by {plain(drawn.marked, 3)}."
    )
    return tuple(said)


def _compared(gain: Gain) -> str:
    """A share of an error, in words.

    Example:
        >>> _compared(Gain(0.693, 0.6, 0.8, 0.0)), _compared(Gain(-0.405, -0.5, -0.3, 1.0))
        ('50 % less error', '50 % more error')
    """
    less = "less" if gain.saved >= 0 else "more"
    return f"{percent(abs(gain.saved))} {less} error"


def _share(value: float) -> str:
    """The share of an error that a gain saves, with its sign."""
    shown = Gain(value, value, value, 1.0).saved
    return f"{'' if shown >= 0 else '−'}{percent(abs(shown))}"
