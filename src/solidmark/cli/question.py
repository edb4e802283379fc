"""The options of a question to a model, which `solidmark audit` and `solidmark observe` share."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from solidmark.cards import READERS
from solidmark.cards.option import Choice
from solidmark.cli.asked import Asked
from solidmark.cli.opening import Handed, Opened, Told
from solidmark.cli.options import Positive
from solidmark.cli.subjects import Subjects
from solidmark.errors import BadInput

if TYPE_CHECKING:
    from solidmark.measures.audit import Question


@dataclass(frozen=True)
class Asking:
    """What is asked, and how.

    Arguments:
        reader: How keys are read: {readers}; may be given again. When not given, energy for one
            grey and blend for segments, with recall beside it for models on latents and images with
            captions.
        repeats: Evaluations an image; only outpaint, which draws noise, gains by more than one, and
            any reader where --perturb draws: each repeat is changed afresh.
        ceiling: Ask a perfect memorizer too, for reference: a reader that sees nothing there is
            blind.
        perturb: What is done to the pictures before the model is asked, their keys stay:
            {perturbations}; may be given again, done in this order.
    """

    reader: Annotated[list[str], "--reader", Choice("reader", tuple(READERS))] = field(
        default_factory=list
    )
    repeats: Positive = 1
    ceiling: bool = True
    perturb: Annotated[list[str], "--perturb", "NAME[:NUMBER]"] = field(default_factory=list)


OWNERS = {
    one.of(name).called: (name, one.name)
    for name, card in sorted(READERS.items())
    for one in card.options
}
"""By what an option of a reader is called: the reader, and its field."""

READING = [one.of(name) for name, card in sorted(READERS.items()) for one in card.options]

QUESTION = (Asking, Subjects, Told, READING, Opened, Handed)
"""The options of a question."""


def question_of(asked: Asked, model: str, marked: Path) -> "Question":
    """The question that a command line asks."""
    from solidmark import readers
    from solidmark.marks import open_marked
    from solidmark.measures.audit import Question, usual_readers

    names = asked.values["reader"] or usual_readers(model, open_marked(marked))
    options: dict[str, dict[str, Any]] = {name: {} for name in names}
    for option, (owner, name) in OWNERS.items():
        if owner in names:
            options[owner][name] = asked.values[option]
        elif asked.typed(option):  # It would change nothing, and nobody would know.
            raise BadInput(
                f"--{option.replace('_', '-')} is an option of the reader {owner}, but "
                f"{', '.join(names)} reads. Add --reader {owner}, or leave the option out."
            )
    chosen = tuple(readers.READERS[name](**options[name]) for name in names)
    return asked.fill(Question, marked=marked, readers=chosen)
