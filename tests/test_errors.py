"""The tree of errors, and what its messages say."""

import inspect
import re

import pytest

from solidmark import errors
from solidmark.errors import SolidmarkError, UnknownName

CLASSES = {
    name: value
    for name, value in vars(errors).items()
    if inspect.isclass(value) and issubclass(value, Exception)
}


def drawn() -> dict[str, str]:
    """The tree at the top of the module: the name and the parent of each error."""
    tree: dict[str, str] = {}
    path: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        if found := re.match(r"([│ ]*)(?:[├└]── )?([A-Z]\w+)  ", line):
            depth = len(found[1]) // 4 + ("── " in line)
            path = [*path[:depth], found[2]]
            tree[found[2]] = path[-2] if depth else "Exception"
    return tree


def test_the_drawn_tree_is_the_tree() -> None:
    assert drawn() == {name: error.__bases__[0].__name__ for name, error in CLASSES.items()}


@pytest.mark.parametrize("name", sorted(CLASSES))
def test_every_error_is_one_that_the_command_line_catches(name: str) -> None:
    assert issubclass(CLASSES[name], SolidmarkError)
    assert CLASSES[name].__doc__


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ("borde", 'There is no pattern "borde". Did you mean "border"? Available: border, center.'),
        ("zzz", 'There is no pattern "zzz". Available: border, center.'),
        ("", 'There is no pattern "". Available: border, center.'),
    ],
)
def test_an_unknown_name_says_which_are_known(asked: str, message: str) -> None:
    assert str(UnknownName("pattern", asked, {"center": 1, "border": 2})) == message


def test_an_error_says_what_was_asked_when_it_is_printed() -> None:
    with pytest.raises(errors.BadInput, match="no reader"):
        raise UnknownName("reader", "x", iter(["energy"]))
