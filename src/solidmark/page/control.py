"""The section on the control: are the held-out images of the same kind, and what differs?"""

from pathlib import Path

from solidmark.page.pictures import IN_CARD, embed
from solidmark.page.sections import Card, Cards, Cell, Gallery, Line, Note, Section, Shown, Table
from solidmark.scores.control import LEVEL, Control
from solidmark.scores.written import p_value, plain
from solidmark.verdicts.control import HELD_OUT, Sides, area, looks_at

NOT_TESTED = (
    "Whether the held-out images are of the same kind was not tested: the run is older than that "
    "test, or the images were gone. If they are not, what is said here may be that difference."
)

NO_PROOF = (
    "That is no proof that they are alike: a difference that these numbers do not show, or too "
    "small for so few pictures, stays unseen."
)


def control_section(
    folder: Path, control: Control | None, images: bool, compared: bool, sides: Sides
) -> Section | None:
    """What the page shows of the control; None where nothing was held out.

    Arguments:
        folder: The folder of the run.
        control: What is known of the control; None where it was not tested.
        images: Whether pictures may stand on the page.
        compared: Whether there are held-out images at all.
        sides: What both sides are called.
    """
    title = f"Are the {sides.other} images of the same kind?"
    link = f"{sides.other[:1].upper()}{sides.other[1:]} images"
    if control is None:
        return Note("control", title, (NOT_TESTED,), folded=True, link=link) if compared else None
    examples = ((sides.own, control.shown_trained), (sides.other, control.shown_held_out))
    shows = images and control.is_other
    cards = tuple(
        Card(
            f"{name} images that are most unlike the other side",
            strip=tuple(Shown(embed(folder, one.picture, IN_CARD), "", one.id) for one in kept),
        )
        for name, kept in examples
        if kept and shows
    )
    return Gallery(
        "control",
        title,
        (said(control, sides), sides.cure if control.is_other else NO_PROOF),
        tables=(_tells(control, sides),) if control.tells else (),
        folded=not control.is_other,
        link=link,
        lists=(Cards("", cards, wide=True, numbered=False),) if cards else (),
    )


def _tells(control: Control, sides: Sides) -> Table:
    """The numbers that differ most."""
    heads = (f"{sides.own}, median", f"{sides.other}, median", "area alone")
    return Table(
        "The numbers that differ most",
        (Cell("Of each picture"), *map(Cell, heads[:2]), Cell(heads[2], ("0.5 = the same",))),
        tuple(
            Line(
                one.name,
                (Cell(plain(one.trained, 3)), Cell(plain(one.held_out, 3)), Cell(plain(one.auc))),
            )
            for one in control.tells
        ),
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
