"""Words, entities, and what is left when one is taken out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from solidmark.measures.intent import (
    STOP_WORDS,
    Vocabulary,
    content_words,
    is_in,
    vocabulary_of,
    without,
    words_of,
)

WORDS = ["red", "Blue", "dog,", "cat.", "a", "the", "T-shirt's"]
texts = st.lists(st.sampled_from(WORDS), max_size=8).map(" ".join)


@given(texts)
def test_a_text_without_a_word_has_all_other_words_in_their_order(text: str) -> None:
    for word in content_words(text):
        left = without(text, word)
        assert not is_in(word, left)
        assert words_of(left) == [other for other in words_of(text) if other != word]


@given(texts)
def test_the_content_words_are_the_words_that_are_no_stop_words(text: str) -> None:
    found = content_words(text)
    assert set(found) == set(words_of(text)) - STOP_WORDS
    assert len(found) == len(set(found))


def test_what_is_not_in_a_text_leaves_it_as_it_was() -> None:
    assert without("A red dog, at night.", "cat") == "A red dog, at night."
    assert without("a dog", "") == "a dog"


def test_phrases_are_whole_words_in_order() -> None:
    assert is_in("eiffel tower", "The Eiffel  Tower!")
    assert not is_in("tower eiffel", "The Eiffel Tower")
    assert not is_in("tower", "towering")
    assert not is_in("", "anything")
    assert without("Eiffel Tower, the Eiffel Tower", "eiffel tower") == "the"


def test_the_longest_known_phrase_is_taken_and_not_cut() -> None:
    words = vocabulary_of(["x"], ["new york", "york", "new york times", "?"])
    assert words.phrases == ("new york times", "new york", "york")
    assert words.entities("the new york times, and york") == ("new york times", "york")


def test_words_of_most_texts_are_no_entities_unless_there_is_nothing_else() -> None:
    texts = [f"sks thing {name}" for name in ("one", "two", "tree", "dog", "cat")]
    words = vocabulary_of(texts, [])
    assert words.common == {"sks", "thing"}
    assert words.entities("sks thing dog") == ("dog",)
    assert words.entities("a picture of sks thing") == ("sks", "thing")
    assert vocabulary_of(texts[:4], []).common == frozenset(), "too few texts to tell"


@pytest.mark.parametrize("text", ["", "a picture of the", "?!"])
def test_a_text_may_have_no_entity(text: str) -> None:
    assert Vocabulary().entities(text) == ()
