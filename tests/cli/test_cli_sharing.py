"""Options that several commands have: each stands once, and reads the same everywhere."""

import inspect
from collections.abc import Callable
from typing import Annotated, Any

import pytest
import typer

from solidmark.cli.main import app
from solidmark.cli.opening import opened, told
from solidmark.cli.options import ended
from solidmark.cli.searching import embedded, rescaled, sized
from solidmark.cli.sharing import shares
from solidmark.cli.subjects import subjects

ASKING = ("generate", "audit", "observe", "signals", "inpaint", "invmm", "intent")
WHO = {
    opened: ASKING,
    told: ("generate", "audit", "observe", "inpaint"),
    subjects: ("audit", "observe", "signals", "inpaint", "invmm"),
    sized: ("signals", "invmm", "intent", "nearest", "duplicates", "cliques", "index"),
    rescaled: ("nearest", "index"),
    embedded: ("nearest", "duplicates", "cliques", "index"),
    ended: (*ASKING, "nearest", "duplicates", "cliques", "index"),
}
"""The groups, and the commands that have them."""


def folder(place: Annotated[str, typer.Argument()], seed: int = 0) -> None: ...


def page(images: bool = True) -> None: ...


def test_arguments_stand_in_front_then_the_own_options_then_the_groups() -> None:
    @shares(folder, page)
    def draw(context: str, number: int = 3, **asked: Any) -> None: ...

    parameters = inspect.signature(draw).parameters
    assert list(parameters) == ["context", "place", "number", "seed", "images"]
    assert draw.__annotations__ == {name: one.annotation for name, one in parameters.items()}
    assert [parameters[name].default for name in ("number", "seed", "images")] == [3, 0, True]


def test_typer_gives_a_command_its_own_options_and_those_of_its_groups() -> None:
    found: dict[str, Any] = {}

    @shares(folder, page)
    def draw(number: int = 3, **asked: Any) -> None:
        found.update(asked, number=number)

    program = typer.Typer(add_completion=False)
    program.command()(draw)
    words = ["here", "--number", "5", "--no-images"]
    typer.main.get_command(program).main(words, standalone_mode=False)
    assert found == {"place": "here", "seed": 0, "images": False, "number": 5}


def test_an_option_of_two_groups_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match="seed"):

        @shares(folder, page)
        def draw(seed: int = 1, **asked: Any) -> None: ...


@pytest.mark.parametrize(
    ("group", "command"), [(group, name) for group, names in WHO.items() for name in names]
)
def test_a_group_stands_together_in_the_help(group: Callable[..., None], command: str) -> None:
    offered = typer.main.get_command(app).commands[command].params  # type: ignore[attr-defined]
    names = [parameter.name for parameter in offered]
    shared = inspect.signature(group).parameters
    first = names.index(next(iter(shared)))
    assert names[first : first + len(shared)] == list(shared)
    for parameter in offered[first : first + len(shared)]:
        assert parameter.default == shared[parameter.name].default


def test_an_option_of_a_group_says_the_same_everywhere() -> None:
    """Letter by letter, whichever command prints it."""
    for group, commands in WHO.items():
        said = [_said(command) for command in commands]
        for name in inspect.signature(group).parameters:
            assert len({one[name] for one in said}) == 1, (name, commands)


def _said(command: str) -> dict[str, str]:
    offered = typer.main.get_command(app).commands[command].params  # type: ignore[attr-defined]
    return {str(parameter.name): f"{parameter.opts} {parameter.help}" for parameter in offered}
