"""The control on a page: are the held-out images of the same kind, and what tells them apart?"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from solidmark.report.numbers import p_value, plain
from solidmark.report.pictures import Picture, embed
from solidmark.scores.control import LEVEL, Control, Shown, control_from
from solidmark.verdicts.control import HELD_OUT, Sides, area, looks_at, warning

LARGEST = 144
"""The longer side of a picture in the page, in pixels."""

NOT_TESTED = (
    "Whether the held-out images are of the same kind was not tested: the run is older than that "
    "test, or the images were gone. If they are not, what is said here may be that difference."
)

NO_PROOF = (
    "That is no proof that they are alike: a difference that these numbers do not show, or too "
    "small for so few pictures, stays unseen."
)


@dataclass(frozen=True)
class Example:
    """An image that is very much like its own side."""

    id: str
    picture: Picture | None


@dataclass(frozen=True)
class ControlPart:
    """What a page shows of its control.

    Arguments:
        said: The answer, in sentences.
        warning: What must be read first; empty where nothing is wrong.
        tells: A line a number that differs: its name, both medians, its area.
        trained: The trained images that are most unlike the held-out ones.
        held_out: And the other way round.
        is_other: Whether they are of another kind.
    """

    said: tuple[str, ...]
    warning: str = ""
    tells: tuple[tuple[str, str, str, str], ...] = ()
    trained: tuple[Example, ...] = ()
    held_out: tuple[Example, ...] = ()
    is_other: bool = False


def control_in(results: Mapping[str, Any]) -> Control | None:
    """The control that `results.json` speaks of; None where it speaks of none."""
    found = results.get("control")
    return control_from(found) if isinstance(found, Mapping) else None


def control_part(
    folder: Path, results: Mapping[str, Any], images: bool, compared: bool, sides: Sides = HELD_OUT
) -> ControlPart | None:
    """What the page shows of the control.

    Arguments:
        folder: The folder of the run.
        results: Its results.
        images: Whether pictures may stand on the page.
        compared: Whether there are held-out images at all.
        sides: What both sides are called.

    Returns:
        None where nothing was held out.
    """
    control = control_in(results)
    if control is None:
        return ControlPart((NOT_TESTED,)) if compared else None
    shows = images and control.is_other
    return ControlPart(
        (said(control, sides), sides.cure if control.is_other else NO_PROOF),
        warning(control, sides),
        tuple(
            (one.name, plain(one.trained, 3), plain(one.held_out, 3), plain(one.auc))
            for one in control.tells
        ),
        _examples(folder, control.shown_trained) if shows else (),
        _examples(folder, control.shown_held_out) if shows else (),
        control.is_other,
    )


def said(control: Control, names: Sides = HELD_OUT) -> str:
    """Whether they can be told apart, with the statistic."""
    sides = f"{control.n:,} {names.own} and {control.m:,} {names.other} pictures"
    if control.state == "too_few":
        return f"{sides} are too few to test whether both sides are of the same kind."
    p = p_value(control.p_value or 1.0)
    found = (
        f"a classifier that looks at {looks_at(control)} tells {sides} apart with an area of "
        f"{area(control)}; 0.5 = not at all; {p}, {control.permutations:,} permutations"
    )
    if control.is_other:
        return f"The {names.other} images are of another kind. Without the model, {found}."
    return (
        f"Nothing speaks against it. Without the model, {found}. From p = {LEVEL:g} down the page "
        "would refuse to judge."
    )


def _examples(folder: Path, shown: tuple[Shown, ...]) -> tuple[Example, ...]:
    return tuple(Example(one.id, embed(folder, one.picture, LARGEST)) for one in shown)
