"""The options of a question to a model, which `solidmark audit` and `solidmark observe` share."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from solidmark.cards import READERS
from solidmark.cli.asked import Asked
from solidmark.cli.opening import Opened, Told
from solidmark.cli.options import Positive
from solidmark.cli.subjects import Subjects
from solidmark.cli.told import Choice
from solidmark.errors import BadInput

if TYPE_CHECKING:
    from solidmark.marks import Marked
    from solidmark.measures.audit import Question
    from solidmark.readers import Reader


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

QUESTION = (Asking, Subjects, Told, READING, Opened)
"""The options of a question."""


def question_of(asked: Asked, model: str, marked: Path) -> "Question":
    """The question that a command line asks."""
    from solidmark.marks import open_marked
    from solidmark.measures.audit import Question

    names = asked.values["reader"] or _usual(model, open_marked(marked))
    _require_used(asked, names)
    return asked.fill(Question, readers=tuple(_reader(name, asked) for name in names))


def _usual(model: str, marked: "Marked") -> list[str]:
    """The readers that are asked when none is named."""
    from solidmark.models import is_latent
    from solidmark.readers import default_reader

    usual = [default_reader(marked.pattern).name]
    # A caption of its own tells a picture before it is drawn, which no other reader asks about.
    return [*usual, "recall"] if marked.captions > 1 and is_latent(model) else usual


def _require_used(asked: Asked, names: Sequence[str]) -> None:
    """An option of a reader that does not read would change nothing, and nobody would know."""
    for option, (owner, _) in OWNERS.items():
        if owner not in names and asked.typed(option):
            raise BadInput(
                f"--{option.replace('_', '-')} is an option of the reader {owner}, but "
                f"{', '.join(names)} reads. Add --reader {owner}, or leave the option out."
            )


def _reader(name: str, asked: Asked) -> "Reader":
    """A reader, with the options that carry its name."""
    from solidmark import readers

    own = {field: asked.values[key] for key, (owner, field) in OWNERS.items() if owner == name}
    return readers.READERS[name](**own)
