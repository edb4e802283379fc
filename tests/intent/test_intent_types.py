"""Who brings a feature, and the type that follows."""

import pytest

from solidmark.measures.intent import bringing, type_of
from solidmark.measures.intent.counting import Share
from solidmark.measures.intent.types import Removal, falls, intended
from solidmark.measures.intent.why import why


def removal(entity: str, gone: bool, elsewhere: tuple[int, int] = (0, 0)) -> Removal:
    return Removal(entity, Share(0 if gone else 9, 9), 0.0, 0.0, gone, *elsewhere)


def test_an_entity_brings_what_falls_without_it() -> None:
    two = [removal("xanadu", True), removal("night", False)]
    assert bringing(two, 0) == "xanadu"
    assert bringing([removal("xanadu", True)], 0) == "xanadu"
    assert bringing([removal("xanadu", False)], 0) is None
    assert bringing([], 0) is None


def test_what_falls_with_every_entity_hangs_on_the_whole_prompt() -> None:
    both = [removal("red", True), removal("dog", True)]
    assert bringing(both, 0) is None
    seen = [removal("red", True, (0, 3)), removal("dog", True, (2, 3))]
    assert bringing(seen, 5) == "dog", "other prompts with the entity show it"


def test_what_comes_elsewhere_without_the_entity_is_not_brought_by_it() -> None:
    two = [removal("lamp", True), removal("hall", False)]
    assert bringing(two, 2) is None
    seen = [removal("lamp", True, (1, 3)), removal("hall", False)]
    assert bringing(seen, 2) is None, "one of three other lamps is too few"


@pytest.mark.parametrize(
    ("named", "often", "entity", "type", "meant"),
    [
        (True, True, None, "explicit", "yes"),
        (True, True, "x", "explicit", "yes"),
        (False, True, "x", "implicit", "yes"),
        (False, True, None, "unintended", "no"),
        (True, False, "x", "not memorized", None),
        (False, False, None, "not memorized", None),
    ],
)
def test_types(named: bool, often: bool, entity: str | None, type: str, meant: str | None) -> None:
    assert type_of(named, often, entity) == type
    assert intended(type, None) == meant  # type: ignore[arg-type]
    assert intended(type, "no") == (None if meant is None else "no")  # type: ignore[arg-type]


def test_a_fall_is_a_test_and_a_half() -> None:
    assert falls(Share(8, 8), Share(4, 8), 0.05, 0.05)
    assert not falls(Share(8, 8), Share(5, 8), 0.001, 0.05)
    assert not falls(Share(8, 8), Share(0, 8), 0.06, 0.05)
    assert not falls(Share(8, 8), Share(0, 0), None, 0.05)


def test_reasons_are_one_sentence() -> None:
    bound = [removal("xanadu", True, (2, 2)), removal("night", False)]
    every = [removal("red", True), removal("dog", True)]
    share, other = Share(9, 9), Share(0, 90)
    said = {
        "implicit": why(
            "implicit", "phrase", "minaret", None, share, other, bound, "xanadu", None, 0.25, None
        ),
        "explicit": why(
            "explicit", "class", "dog", "dog", share, other, every, None, None, 0.25, "no"
        ),
        "unintended": why(
            "unintended", "image", "a", None, share, other, every, None, None, 0.25, None
        ),
        "stays": why(
            "unintended", "image", "a", None, share, other, bound[1:], None, None, 0.25, None
        ),
        "rare": why(
            "not memorized", "image", "a", None, Share(1, 9), other, [], None, None, 0.25, None
        ),
        "alone": why(
            "not memorized", "class", "a", "a", share, Share(0, 0), [], None, None, 0.25, None
        ),
    }
    assert '"xanadu" brings it' in said["implicit"]
    assert (
        'the prompt names it ("dog"), and the user\'s file does not expect it.' in said["explicit"]
    )
    assert "hangs on the whole prompt" in said["unintended"]
    assert "stays when any" in said["stays"]
    assert "below 25 %" in said["rare"]
    assert "without unrelated prompts" in said["alone"]
    for text in said.values():
        assert text.endswith(".")
        assert "\n" not in text
