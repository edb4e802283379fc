"""The options of a question to a model, which `solidmark audit` and `solidmark observe` share."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from solidmark.cards import READERS, briefly
from solidmark.cli.ask import reading
from solidmark.cli.opening import Model, mitigations_of, opened, opening_of, require_model, told
from solidmark.cli.options import Out, at_least, ended, one_of, require_free, require_marked
from solidmark.cli.sharing import shares
from solidmark.cli.subjects import MarkedFolder, subjects
from solidmark.errors import BadInput

if TYPE_CHECKING:
    from solidmark.audit import Question
    from solidmark.marks import Marked
    from solidmark.readers import Reader

Readers = Annotated[
    list[str],
    typer.Option(
        "--reader",
        metavar="NAME",
        help=f"How keys are read: {briefly(READERS)}; may be given again. When not given, energy "
        "for one grey and blend for segments, with recall beside it for models on latents and "
        "images with captions.",
        callback=one_of("reader", tuple(READERS)),
    ),
]
Repeats = Annotated[
    int,
    typer.Option(
        help="Evaluations an image; only outpaint, which draws noise, gains by more than one.",
        callback=at_least(1),
    ),
]
Ceiling = Annotated[
    bool,
    typer.Option(
        help="Ask a perfect memorizer too, for reference: a reader that sees nothing there "
        "is blind."
    ),
]


def _question(
    model: Model,
    marked: MarkedFolder,
    out: Out,
    reader: Readers = [],
    repeats: Repeats = 1,
    ceiling: Ceiling = True,
) -> None:
    """What is asked, and how."""


asks = shares(_question, subjects, told, reading, opened, ended)
"""Gives a command the options of a question."""


def question_of(context: typer.Context) -> "Question":
    """The question that a command line asks."""
    asked: dict[str, Any] = context.params
    marked, out = Path(asked["marked"]), Path(asked["out"])  # Older typers leave them as text.
    require_marked(marked)
    require_free(out, "audit")
    require_model(asked["model"])
    from solidmark.audit import Question

    return Question(
        model=asked["model"],
        marked=marked,
        out=out,
        readers=_readers(context, marked),
        splits=tuple(asked["split"]),
        limit=asked["limit"],
        repeats=asked["repeats"],
        ceiling=asked["ceiling"],
        batch_size=asked["batch_size"],
        seed=asked["seed"],
        caption=asked["caption"],
        mitigations=mitigations_of(asked),
        opening=opening_of(asked),
    )


def _readers(context: typer.Context, marked: Path) -> tuple["Reader", ...]:
    """The readers that were named, else the one that fits the marks."""
    from solidmark.marks import open_marked

    asked: dict[str, Any] = context.params
    names = asked["reader"] or _usual(asked["model"], open_marked(marked))
    _require_used(context, names)
    return tuple(_reader(name, asked) for name in names)


def _usual(model: str, marked: "Marked") -> list[str]:
    """The readers that are asked when none is named."""
    from solidmark.models import is_latent
    from solidmark.readers import default_reader

    usual = [default_reader(marked.pattern).name]
    # A caption of its own tells a picture before it is drawn, which no other reader asks about.
    return [*usual, "recall"] if marked.captions > 1 and is_latent(model) else usual


def _require_used(context: typer.Context, names: Sequence[str]) -> None:
    """An option of a reader that does not read would change nothing, and nobody would know."""
    for option in context.params:
        owner = _owner(option)
        source = context.get_parameter_source(option)
        typed = source is not None and source.name == "COMMANDLINE"
        if typed and owner is not None and owner not in names:
            raise BadInput(
                f"--{option.replace('_', '-')} is an option of the reader {owner}, but "
                f"{', '.join(names)} reads. Add --reader {owner}, or leave the option out."
            )


def _reader(name: str, asked: dict[str, Any]) -> "Reader":
    """A reader, with the options that carry its name."""
    from solidmark import readers

    prefix = f"{name.replace('-', '_')}_"
    fields = {key.removeprefix(prefix): asked[key] for key in asked if _owner(key) == name}
    return readers.READERS[name](**fields)


def _owner(option: str) -> str | None:
    """The reader whose name stands in front of an option."""
    owners = (name for name in READERS if option.startswith(f"{name.replace('-', '_')}_"))
    return next(owners, None)
