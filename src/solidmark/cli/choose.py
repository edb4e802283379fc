"""`solidmark choose DATA`."""

from typing import Annotated

from solidmark.cards.option import Choice
from solidmark.cli.asked import Asked
from solidmark.cli.command import Said, command
from solidmark.cli.searching import HeldOut

QUESTIONS = ("pixel", "reconstructive", "both")


@command(ends=Said)
def choose(
    asked: Asked,
    data: Annotated[str, "DATA"],
    model: Annotated[str | None, "MODEL"] = None,
    held_out: HeldOut = None,
    question: Annotated[str, Choice("question", QUESTIONS)] = "both",
    budget: Annotated[str | None, "NUMBER|MINUTESm|HOURSh"] = None,
) -> None:
    """Say which measures to ask of a model, why, and at what cost.

    Looks at some of the images and at the heads of the model, asks neither anything, and writes
    nothing. Ends with commands to copy.

    Example: solidmark choose photos/ --question pixel --budget 200000

    Arguments:
        data: What the model was trained on, or will be: a folder of solidmark mark, or any data
            that it takes.
        model: The model, as in solidmark audit; one of pixels when not given.
        question: Whether the same pixels come back (pixel), or what a picture shows
            (reconstructive), or both.
        budget: What all together may cost, in network calls (200000), or the time of InvMM (30m,
            2h).
    """
    from solidmark import choosing

    found = asked.fill(choosing.choose)
    asked.answer(found.to_json(), *found.lines, verdict=found.verdict)
