"""`solidmark choose DATA`."""

import sys
from collections.abc import Callable, Iterator
from typing import Annotated, Any

from solidmark.cards.option import Choice
from solidmark.cli.asked import Asked
from solidmark.cli.command import Said, command
from solidmark.cli.searching import HeldOut
from solidmark.errors import BadInput, SolidmarkError, UnknownName
from solidmark.runs import command_line, path_word, say

QUESTIONS = ("pixel", "reconstructive", "both")


@command(ends=Said)
def choose(
    asked: Asked,
    data: Annotated[str, "DATA"],
    model: Annotated[str | None, "MODEL"] = None,
    held_out: HeldOut = None,
    question: Annotated[str, Choice("question", QUESTIONS)] = "both",
    budget: Annotated[str | None, "NUMBER|MINUTESm|HOURSh"] = None,
    ask: Annotated[bool, "--ask"] = False,
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
        ask: Ask for question, model and budget on the terminal, where they are not given.
    """
    from solidmark import choosing

    found = asked.fill(choosing.choose, **(dict(_answers(asked)) if ask else {}))
    asked.answer(found.to_json(), *found.lines, verdict=found.verdict)


def _answers(asked: Asked) -> Iterator[tuple[str, str | None]]:
    """What is answered on the terminal to each option that was not given.

    Raises:
        BadInput: When nobody is there to answer.
    """
    from solidmark.choosing import look_at_model
    from solidmark.measures.invmm import Budget

    def known(word: str) -> None:
        if word not in QUESTIONS:
            raise UnknownName("question", word, QUESTIONS)

    if not sys.stdin.isatty():
        raise BadInput(
            "--ask needs a terminal to ask on. Give --question, --model and --budget instead."
        )
    wanted: tuple[tuple[str, str, str | None, Callable[[str], Any]], ...] = (
        (
            "question",
            "What is asked: the same pixels (pixel), what a picture shows (reconstructive), both?",
            "both",
            known,
        ),
        ("model", "The model: a folder, a file, a name? Some model of pixels", None, look_at_model),
        ("budget", "The budget: network calls (200000), or time (30m)? None", None, Budget.parse),
    )
    typed = ["choose", path_word(str(asked.values["data"]))]
    for name, words, usual, check in wanted:
        value = asked.values[name]
        if not asked.typed(name):
            value = _answer(words, usual, check)
            yield name, value
        typed += [] if value is None else [f"--{name}", str(value)]
    other = asked.values["held_out"]
    typed += [] if other is None else ["--held-out", path_word(str(other))]
    say(f"The same without questions: {command_line(*typed)}", error=True)


def _answer(words: str, usual: str | None, check: Callable[[str], Any]) -> str | None:
    """What is answered to one question; asked again until it can be used."""
    while True:
        say(f"{words} [enter: {usual or 'that'}]", error=True)
        try:
            said = input().strip() or usual
            if said is not None:
                check(said)
            return said
        except EOFError as error:
            raise BadInput("There was no answer. Give the options instead of --ask.") from error
        except SolidmarkError as error:
            say(str(error), error=True)
