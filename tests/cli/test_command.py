"""Commands are functions, their options its parameters and groups, their help its docstring."""

import inspect
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Any

import pytest
import typer

from cli.conftest import Run
from solidmark.cards import Option
from solidmark.cards.asked import Sized
from solidmark.cards.option import Choice, at_least
from solidmark.cli.asked import Asked
from solidmark.cli.command import command
from solidmark.cli.main import program
from solidmark.cli.opening import Handed, Opened, Told
from solidmark.cli.searching import Embedded
from solidmark.cli.subjects import Subjects

ASKING = ("generate", "audit", "observe", "signals", "inpaint", "invmm", "intent")
WHO = {
    Opened: ASKING,
    Handed: ("generate", "audit", "observe", "signals", "inpaint", "invmm"),
    Told: ("generate", "audit", "observe", "inpaint"),
    Subjects: ("audit", "observe", "signals", "inpaint", "invmm"),
    Sized: ("signals", "invmm", "intent", "nearest", "duplicates", "cliques", "index"),
    Embedded: ("nearest", "duplicates", "cliques", "index"),
}
"""The groups, and the commands that have them."""


@dataclass(frozen=True)
class Seeded:
    """What is random.

    Arguments:
        seed: The same seed
            gives the same numbers.
    """

    seed: int = 0


@dataclass(frozen=True)
class Drawing:
    """A configuration."""

    place: Path
    number: int = 1
    colours: tuple[str, ...] = ()
    seed: int = 5
    far: float | None = None


FAR = Option("far", float, 0.5, "How far.", at_least(0), called="how_far")
seen: list[Asked] = []


@command(Seeded, [FAR], matter=("number",))
def draw(
    asked: Asked,
    place: Annotated[Path, "PLACE"],
    number: Annotated[int, at_least(1)] = 3,
    colour: Annotated[list[str], "--colour", Choice("colour", ("red", "blue"))] = [],  # noqa: B006
) -> None:
    """Draw something.

    Example: draw here

    Arguments:
        place: Where.
        number: How often. [default: thrice]
        colour: In what.
    """
    seen.append(asked)


def offered(function: Any) -> dict[str, Any]:
    alone = typer.Typer(add_completion=False)
    alone.command()(function)
    return {str(one.name): one for one in typer.main.get_command(alone).params}


def ask(*words: str) -> Asked:
    alone = typer.Typer(add_completion=False)
    alone.command()(draw)
    typer.main.get_command(alone).main(words, standalone_mode=False)
    return seen.pop()


def test_arguments_stand_in_front_then_the_own_options_then_the_groups() -> None:
    names = ["context", "place", "number", "colour", "seed", "how_far"]
    assert list(inspect.signature(draw).parameters) == [
        *names,
        *("config", "dry_run", "json", "help_all"),
    ]
    assert inspect.getdoc(draw) == "Draw something.\n\nExample: draw here"


def test_the_help_is_that_of_the_docstrings() -> None:
    said = {name: one.help for name, one in offered(draw).items()}
    assert said["place"] == "Where."
    assert said["number"] == "How often.  [default: thrice]"
    assert said["seed"] == "The same seed gives the same numbers."
    assert said["how_far"] == "How far."


def test_what_matters_is_shown_and_the_rest_is_hidden() -> None:
    shown = {name for name, one in offered(draw).items() if not getattr(one, "hidden", False)}
    assert shown == {"place", "number", "seed", "dry_run", "json", "help_all"}


def test_a_configuration_is_filled_by_name() -> None:
    asked = ask("here", "--colour", "red", "--colour", "blue", "--how-far", "2")
    drawing = asked.fill(Drawing, far=asked.values["how_far"])
    assert drawing == Drawing(Path("here"), 3, ("red", "blue"), 0, 2.0)
    assert asked.fill(Drawing, seed=None).seed == 5, "None leaves a field as it is"
    assert asked.fill(Seeded) == Seeded(0)
    assert asked.typed("how_far")
    assert not asked.typed("number")


def test_values_are_checked() -> None:
    from solidmark.errors import BadInput, UnknownName

    with pytest.raises(BadInput, match="--number must be 1 or more, not 0"):
        ask("here", "--number", "0")
    with pytest.raises(UnknownName, match='no colour "green"'):
        ask("here", "--colour", "green")


@pytest.mark.parametrize(
    ("group", "name"), [(group, name) for group, names in WHO.items() for name in names]
)
def test_a_group_stands_together_in_the_help(group: type, name: str) -> None:
    params = program().commands[name].params
    names = [parameter.name for parameter in params]
    shared = [field.name for field in fields(group)]
    first = names.index(shared[0])
    assert names[first : first + len(shared)] == shared


def test_an_option_of_a_group_says_the_same_everywhere() -> None:
    """Letter by letter, whichever command prints it."""
    for group, commands in WHO.items():
        said = [_said(name) for name in commands]
        for field in fields(group):
            assert len({one[field.name] for one in said}) == 1, (field.name, commands)


def _said(name: str) -> dict[str, str]:
    params = program().commands[name].params
    return {str(parameter.name): f"{parameter.opts} {parameter.help}" for parameter in params}


def test_an_audit_shows_the_ten_options_that_matter(run: Run) -> None:
    some, every = run("audit", "--help"), run("audit", "--help-all")
    assert (some.code, every.code) == (0, 0)
    names = [line.split()[0] for line in some.out.splitlines() if line.startswith("  --")]
    assert len(set(names) - {"--help-all"}) == 10
    params = program().commands["audit"].params
    for parameter in params:
        is_option = parameter.param_type_name == "option"
        assert (parameter.opts[0] if is_option else parameter.metavar) in every.out
