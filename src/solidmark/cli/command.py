"""A command from a function: its parameters are the options, its docstring has their help.

Options that several commands have are groups: the fields of a dataclass, with its docstring, or
those on some cards. What is beside a type in `Annotated` says how the option is typed ("--reader"),
what stands for its value ("FOLDER"), and what it takes.
"""

import inspect
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import MISSING, dataclass, fields
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import typer
from typer.models import OptionInfo

from solidmark.cards import (
    DISTANCES,
    MITIGATIONS,
    PERTURBATIONS,
    READERS,
    SIGNALS,
    STUDIES,
    Option,
    briefly,
)
from solidmark.cards.embedders import NAMED
from solidmark.cards.option import Choice
from solidmark.cli.asked import Asked
from solidmark.cli.options import Config, DryRun, Json
from solidmark.cli.told import Info, info_of, option
from solidmark.errors import BadInput
from solidmark.runs import AUTO, engine_named, say, using

NAMES = {
    "{readers}": briefly(READERS),
    "{signals}": briefly(SIGNALS),
    "{mitigations}": briefly(MITIGATIONS),
    "{studies}": "; ".join(f"{n}: {c.asks} ({c.paper})" for n, c in STUDIES.items()),
    "{perturbations}": briefly(PERTURBATIONS),
    "{distances}": ", ".join(DISTANCES),
    "{embedders}": NAMED,
}
"""What stands for the names of a kind in a docstring: what their cards say of them."""

MATTER = (
    *("limit", "batch_size", "seed", "device", "images", "pictures", "fail_on", "dry_run", "json"),
    "help_all",
)
"""The options that every command shows in its help, where it does not show all."""

_HUGE = 2**63


def _show_all(context: typer.Context, asked: bool) -> None:
    if asked:
        hidden = [one for one in context.command.params if getattr(one, "hidden", False)]
        _hide(hidden, False)
        said = context.get_help()
        _hide(hidden, True)  # The command is that of the next command line too.
        for line in said.split("\n"):
            say(line)
        raise typer.Exit


def _hide(parameters: Sequence[object], hidden: bool) -> None:
    for one in parameters:
        one.hidden = hidden  # type: ignore[attr-defined]


ASKED = "asked"

HelpAll = Annotated[
    bool,
    typer.Option("--help-all", is_eager=True, callback=_show_all, help="Show all options."),
]


@dataclass(frozen=True)
class Ended:
    """Where a command line comes from, whether it is only planned, how its result is shown."""

    config: Config = None
    dry_run: DryRun = False
    json: Json = False


@dataclass(frozen=True)
class Reread:
    """Of a command that looks at what is there already."""

    config: Config = None
    json: Json = False


@dataclass(frozen=True)
class Said:
    """Of a command that keeps nothing."""

    json: Json = False


Group = type | Sequence[Option]


def command(
    *groups: Group, matter: Sequence[str] = (), ends: type = Ended
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Makes a command of a function, for typer.

    The function takes its own options, and `Asked`, which makes objects of all.

    Arguments:
        groups: The options behind its own: the fields of a dataclass, or those of some cards.
        matter: The options that its help shows beside those of `MATTER`; all, when none is named.
        ends: The options that come last.
    """

    def make(function: Callable[..., None]) -> Callable[..., None]:
        about, helps = _read(function)
        takes = inspect.signature(function).parameters.values()
        own = [_parameter(p.name, p.annotation, p.default, helps) for p in takes if p.name != ASKED]
        offered = [*own, *(one for group in (*groups, ends) for one in _options(group))]
        if matter:
            offered.append(_parameter("help_all", HelpAll, False, {}))
            for one in offered:
                info = next(told for told in get_args(one.annotation) if isinstance(told, Info))
                info.hidden = isinstance(info, OptionInfo) and one.name not in (*matter, *MATTER)
        # Arguments have no default, and Python wants what has none in front.
        offered.sort(key=lambda one: one.default is not one.empty)
        context = inspect.Parameter(
            "context", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=typer.Context
        )
        writes = ends is Ended and any(
            one.name == "out" and one.default is one.empty for one in own
        )

        def call(context: typer.Context, **values: Any) -> None:
            _refuse_huge(values)
            asked = Asked(context, values)
            if writes:
                asked.require()
            with _engine(values):
                function(asked, **{one.name: values[one.name] for one in own})

        call.__name__, call.__doc__, call.__module__ = function.__name__, about, function.__module__
        call.__signature__ = inspect.Signature([context, *offered])  # type: ignore[attr-defined]
        call.__annotations__ = {one.name: one.annotation for one in (context, *offered)}
        return call

    return make


def _engine(values: Mapping[str, Any]) -> AbstractContextManager[None]:
    """What does the work of a command, where it can choose; a plan needs nobody."""
    name = values.get("engine", AUTO)
    if values.get("dry_run"):
        engine_named(name)
        return nullcontext()
    return using(name)


def _refuse_huge(values: Mapping[str, Any]) -> None:
    """Refuses whole numbers that no array library takes: they would end in a fault there."""
    for name, value in values.items():
        for one in value if isinstance(value, list | tuple) else [value]:
            if isinstance(one, int) and abs(one) >= _HUGE:
                raise BadInput(
                    f"--{name.replace('_', '-')} must be below 2^63, not {str(one)[:24]}."
                )


def _read(thing: Any) -> tuple[str, dict[str, str]]:
    """What a docstring says, and its help of each argument."""
    about, _, told = inspect.cleandoc(thing.__doc__ or "").partition("\n\nArguments:\n")
    for word, said in NAMES.items():
        told = told.replace(word, said)
    about = about.replace("{studies}", NAMES["{studies}"])
    helps = {
        name: re.sub(r" (?=\[default)", "  ", " ".join(help.split()))
        for name, help in re.findall(r"^    (\w+): (.*(?:\n {8}.*)*)", told, re.MULTILINE)
    }
    return about, helps


def _options(group: Group) -> Iterator[inspect.Parameter]:
    """The options of a group."""
    if isinstance(group, type):
        helps: dict[str, str] = {}
        for kind in reversed(group.__mro__):
            helps |= _read(kind)[1]
        for one in fields(group):
            default = one.default if one.default_factory is MISSING else one.default_factory()
            yield _parameter(one.name, one.type, default, helps)
        return
    for name, card in {one.called or one.name: one for one in group}.items():
        takes = Choice(card.kind, card.choices) if card.choices else card.range
        yield _parameter(name, Annotated[card.type, option(card.help, takes)], card.default, {})


def _parameter(
    name: str, annotation: Any, default: Any, helps: Mapping[str, str]
) -> inspect.Parameter:
    """An option as typer reads it."""
    is_plain = get_origin(annotation) is not Annotated
    kind, *told = (annotation,) if is_plain else get_args(annotation)
    required = default in (inspect.Parameter.empty, MISSING)
    is_argument = required and not any(isinstance(w, str) and w.startswith("-") for w in told)
    info = info_of(told, is_argument)
    info.help = info.help or helps.get(name)
    return inspect.Parameter(
        name,
        inspect.Parameter.POSITIONAL_OR_KEYWORD,
        default=inspect.Parameter.empty if required else default,
        annotation=Annotated[_as_typed(kind), info],
    )


def _as_typed(kind: Any) -> Any:
    """A type as it is typed: some names are text, and so is what may be text."""
    parts = get_args(kind) if get_origin(kind) in (Union, UnionType) else (kind,)
    if any(one is str or get_origin(one) is Literal for one in parts):
        return str | None if NoneType in parts else str
    return kind
