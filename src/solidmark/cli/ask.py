"""The options of the readers, each with the name of its reader in front."""

import inspect
from typing import Annotated, Any

import typer

from solidmark.cards import READERS, Option
from solidmark.cards.readers import PASTES
from solidmark.cli.options import one_of


def _parameter(option: Option) -> inspect.Parameter:
    check = one_of(option.kind, option.choices) if option.choices else None
    told: Any = typer.Option(help=option.help, metavar=check and "NAME", callback=check)
    return inspect.Parameter(
        option.called,
        inspect.Parameter.POSITIONAL_OR_KEYWORD,
        default=option.default,
        annotation=Annotated[option.type, told],
    )


def reading(**asked: Any) -> None:
    """The options of all readers."""


reading.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
    [
        _parameter(option.of(name))
        for name, card in sorted(READERS.items())
        for option in card.options
    ]
)

__all__ = ["PASTES", "reading"]
