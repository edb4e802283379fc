"""The Python face: every function has an example, and the examples run, one after the other."""

import inspect
import os
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

import solidmark
from solidmark import api

ORDER = (
    *("mark", "plan", "choose", "train", "generate", "audit", "observe", "score", "report"),
    *("compare", "signals", "provenance", "inpaint", "invmm", "intent", "nearest", "fit", "judge"),
    *("duplicates", "index", "guard", "study", "release"),
)


def example(name: str) -> str:
    """The code below "Example:" of a function."""
    doc = inspect.getdoc(getattr(api, name)) or ""
    _, _, code = doc.partition("Example:\n")
    assert code, f"{name} has no example"
    return dedent(code)


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """All examples, run in one folder; the names that they leave."""
    here, names = Path.cwd(), {"solidmark": solidmark}
    os.chdir(tmp_path_factory.mktemp("examples"))
    try:
        for name in (*ORDER, "Watch"):
            exec(compile(example(name), f"example of {name}", "exec"), names)
    finally:
        os.chdir(here)
    return names


def test_every_function_is_here() -> None:
    assert solidmark.__all__ == api.__all__
    assert all(getattr(solidmark, name) is getattr(api, name) for name in api.__all__)
    functions = {name for name in api.__all__ if inspect.isfunction(getattr(api, name))}
    assert functions == {*ORDER}


@pytest.mark.parametrize("name", ORDER)
def test_every_function_says_what_it_takes_gives_and_raises(name: str) -> None:
    function = getattr(api, name)
    doc = inspect.getdoc(function) or ""
    for part in ("Arguments:", "Returns:", "Raises:"):
        assert part in doc
    for parameter in inspect.signature(function).parameters:
        assert f"{parameter}:" in doc, parameter


def test_a_memorizer_is_seen_and_named(ran: dict[str, Any]) -> None:
    found = ran["found"]
    assert found.verdict.state == "memorized"
    assert {"id", "q_value"} <= found.named[0].keys()
    assert len(found.rows) == found.rows.to_arrow().num_rows > 0
    assert all(figure.unit for figure in found.figures)
    assert found.page.name == "report.html"
    assert "Memorized" in found._repr_html_()
    assert str(found).startswith("Memorized")


def test_the_others_come_to_a_verdict(ran: dict[str, Any]) -> None:
    for name in ("traces", "used", "halves", "inverted", "close", "judged", "alike", "asked"):
        assert ran[name].verdict.headline
    assert ran["copies"].rows.to_arrow() is not None
    assert ran["refused"] in (True, False)


def test_no_module_takes_the_name_of_a_function() -> None:
    """A module that is imported becomes an attribute of its package, and would hide it."""
    modules = {path.stem for path in Path(solidmark.__file__).parent.iterdir()}
    assert not modules & set(solidmark.__all__)
