"""Words of prompts: which of them carry the meaning, and how one is taken out again."""

import re
from collections.abc import Iterable, Sequence

_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")

_GRAMMAR = (
    "a about above across after against all also among an and another any are around as at be been "
    "before behind below beneath beside between both but by can close does each every few for from "
    "had has have he her hers him his how i if in inside into is it its itself like many more most "
    "much my near next no not of off on one onto or other our out outside over own per she so some "
    "such than that the their them then there these they this those through to too toward towards "
    "under up upon us very was we were what when where which while who whose will with within "
    "without you your"
)
_FRAMES = (
    "art artwork closeup depiction drawing illustration image images painting photo photograph "
    "photography photos picture pictures portrait render rendering scene shot sketch style view"
)

STOP_WORDS = frozenset(f"{_GRAMMAR} {_FRAMES}".split())
"""Words that name nothing: those of the grammar, and those for a picture as such."""


def words_of(text: str) -> list[str]:
    """The words of a text in small letters, in order.

    Example:
        >>> words_of("A mother-in-law's T-shirt, 2 dogs")
        ['a', "mother-in-law's", 't-shirt', '2', 'dogs']
    """
    return [match.group().casefold() for match in _WORD.finditer(text)]


def is_in(phrase: str, text: str) -> bool:
    """Whether a phrase stands in a text: the same words in the same order, whole ones.

    Example:
        >>> is_in("Eiffel tower", "the eiffel TOWER at night"), is_in("tower", "towers")
        (True, False)
    """
    return bool(_places(words_of(phrase), words_of(text)))


def without(text: str, phrase: str) -> str:
    """A text after a phrase has been taken out wherever it stands; the rest stays as it was.

    Example:
        >>> without("a red dog, and a red cat", "red")
        'a dog, and a cat'
    """
    spans = [match.span() for match in _WORD.finditer(text)]
    sought = words_of(phrase)
    kept, begins = [], 0
    for first in _places(sought, words_of(text)):
        kept.append(text[begins : spans[first][0]])
        begins = spans[first + len(sought) - 1][1]
    rest = re.sub(r"\s+", " ", "".join([*kept, text[begins:]]))
    return re.sub(r"\s+(?=[,.;:!?]|$)", "", rest).lstrip(" ,.;:!?")


def content_words(text: str, left_out: Iterable[str] = STOP_WORDS) -> list[str]:
    """The words that carry the meaning of a text, each once, in order.

    Arguments:
        text: The text.
        left_out: Words that carry none, in small letters.

    Example:
        >>> content_words("a picture of the red dog and a dog")
        ['red', 'dog']
    """
    excess = frozenset(left_out)
    return [word for word in dict.fromkeys(words_of(text)) if word not in excess]


def _places(sought: Sequence[str], words: Sequence[str]) -> list[int]:
    """Where a run of words begins among others; places do not overlap."""
    found: list[int] = []
    size = len(sought)
    for start in range(len(words) - size + 1 if size else 0):
        if list(words[start : start + size]) == list(sought) and (
            not found or start >= found[-1] + size
        ):
            found.append(start)
    return found
