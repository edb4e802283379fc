"""The definitions of the captions' mitigations, and their names on a command line."""

from collections import Counter

import pytest
import tiny

from solidmark.errors import BadInput, UnknownName
from solidmark.mitigations import (
    MITIGATIONS,
    GaussianNoise,
    MagnitudeDescent,
    RandomNumbers,
    RandomTokens,
    Rewording,
    WordRepetition,
    parse,
    to_json,
)
from solidmark.randomness import generator

CAPTION = "a small red dog of the house"


@pytest.fixture(scope="module")
def tokenizer() -> object:
    return tiny.clip_tokenizer()


def reword(mitigation: Rewording, tokenizer: object, seed: int, caption: str = CAPTION) -> str:
    return mitigation.reword(caption, tokenizer, generator(seed, "x"))


def without(longer: str, shorter: str) -> list[str]:
    """The words that were put in; what is left must be the words of before, in their order."""
    rest, added = shorter.split(), []
    for word in reversed(longer.split()):
        if rest and word == rest[-1]:
            rest.pop()
        else:
            added.append(word)
    assert not rest
    return added


@pytest.mark.parametrize("repeats", [1, 3])
def test_a_word_of_the_caption_is_said_again(repeats: int, tokenizer: object) -> None:
    for seed in range(20):
        said = reword(WordRepetition(repeats), tokenizer, seed).split()
        again = Counter(said) - Counter(CAPTION.split())
        assert again.total() == repeats
        assert set(again) <= set(CAPTION.split())
    assert reword(WordRepetition(2), tokenizer, 0, "") == ""


@pytest.mark.parametrize("largest", [99_999, 1_000_000])
def test_numbers_are_put_in(largest: int, tokenizer: object) -> None:
    drawn = [
        int(word)
        for seed in range(100)
        for word in without(reword(RandomNumbers(3, largest), tokenizer, seed), CAPTION)
    ]
    assert len(drawn) == 300
    assert 0.9 * largest < max(drawn) <= largest
    assert sum(drawn) / 300 == pytest.approx(largest / 2, rel=0.15)


def test_words_are_put_in_at_every_place(tokenizer: object) -> None:
    places = Counter(
        next(
            place
            for place, word in enumerate(reword(RandomNumbers(1), tokenizer, seed).split())
            if word.isdigit()
        )
        for seed in range(400)
    )
    assert set(places) == set(range(8))
    assert min(places.values()) > 25


def test_the_published_code_only_adds_tokens(tokenizer: object) -> None:
    """A decoded token is one word, or none of the caption's would be left in order."""
    added = [
        word
        for seed in range(50)
        for word in without(reword(RandomTokens(2, 0.0), tokenizer, seed), CAPTION)
    ]
    assert len(added) == 100
    assert len(set(added)) > 30
    assert not any("<|" in word for word in added)


def test_the_paper_replaces_tokens_too(tokenizer: object) -> None:
    kept = []
    for seed in range(50):
        said = Counter(reword(RandomTokens(1, 0.5), tokenizer, seed).split())
        kept.append((said & Counter(CAPTION.split())).total())
    # About half of seven words, since each of them is one token here.
    assert 2.5 < sum(kept) / 50 < 4.5
    gone = reword(RandomTokens(1, 1.0), tokenizer, 0)
    assert not set(gone.split()) & {"small", "house"}


def test_a_caption_longer_than_the_model_can_read(tokenizer: object) -> None:
    """Warnings are errors here: nothing is said, and nothing is cut off."""
    assert len(reword(RandomTokens(), tokenizer, 0, "a red dog " * 20).split()) > 50


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("gni", GaussianNoise(0.1)),
        ("gni:0.25", GaussianNoise(0.25)),
        ("gni:0", GaussianNoise(0)),
        ("rt", RandomTokens(4, 0.1)),
        ("rt:paper", RandomTokens(4, 0.1)),
        ("rt:dcr", RandomTokens(2, 0.0)),
        ("rt:dcr:4", RandomTokens(4, 0.0)),
        ("rt:4:dcr", RandomTokens(4, 0.0)),
        ("cwr:3", WordRepetition(3)),
        ("cwr:dcr", WordRepetition(2)),
        ("rna", RandomNumbers(4, 1_000_000)),
        ("rna:dcr:1", RandomNumbers(1, 99_999)),
        ("wen:3.5", MagnitudeDescent(3.5)),
    ],
)
def test_the_names_of_a_command_line(text: str, expected: object) -> None:
    assert parse(text) == expected


def test_an_unknown_name() -> None:
    with pytest.raises(UnknownName, match=r'no mitigation "gnu"\. Did you mean "gni"\?'):
        parse("gnu:0.1")
    with pytest.raises(UnknownName, match=r'no preset of rt "papr"\. Did you mean "paper"\?'):
        parse("rt:papr")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("gni:paper", "one definition"),
        ("rt:paper:dcr", "more than one preset"),
        ("rt:2:3", "more than one strength"),
        ("gni:-1", "0 or more, not -1"),
        ("gni:nan", "0 or more, not nan"),
        ("gni:inf", "0 or more, not inf"),
        ("rt:1.5", "whole number of repeats, 0 or more, not 1.5"),
        ("rna:-1", "whole number of repeats"),
        ("cwr:inf", "whole number of repeats"),
        ("wen:0", "above 0, not 0"),
        ("wen:nan", "above 0, not nan"),
        ("rt:", "no preset of rt"),
    ],
)
def test_what_cannot_be_is_one_line(text: str, said: str) -> None:
    with pytest.raises(BadInput, match=said) as raised:
        parse(text)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("name", MITIGATIONS)
def test_every_mitigation_has_a_name_a_strength_and_json(name: str) -> None:
    mitigation = parse(name)
    assert mitigation.name == name
    plain = to_json(mitigation)
    assert plain.pop("name") == name
    assert type(mitigation)(**plain) == mitigation
    assert mitigation.strength in plain
    for preset in mitigation.presets:
        assert parse(f"{name}:{preset}").name == name
    # Nothing said is what the paper says.
    assert parse(name) == (parse(f"{name}:paper") if mitigation.presets else mitigation)
