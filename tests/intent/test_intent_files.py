"""Files of the user: prompts, features, expectations. What is wrong in them is said in one line."""

from pathlib import Path

import pytest

from solidmark.errors import BadInput, NotFound, SolidmarkError
from solidmark.measures.intent import (
    Feature,
    Phrase,
    features_of,
    read_expected,
    read_phrases,
    read_prompts,
    tellings,
)
from solidmark.measures.intent.prompts import Prompt, prompts_from, prompts_of

CLUSTERS = {"a": "a", "b": "a", "c": "c", "d": "d"}


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_prompts_are_lines_or_objects(tmp_path: Path) -> None:
    lines = read_prompts(write(tmp_path / "p.txt", "a dog\n\n a cat \n"))
    assert [(p.id, p.text) for p in lines] == [("line-1", "a dog"), ("line-3", "a cat")]
    rows = '{"text": "A Red dog", "id": "x", "entities": ["red"]}\n{"text": "a cat"}'
    objects = read_prompts(write(tmp_path / "p.jsonl", rows))
    assert objects == [Prompt("x", "A Red dog", ("red",)), Prompt("line-2", "a cat")]


def test_a_prompt_is_told_whole_and_without_each_entity() -> None:
    told = tellings(
        [Prompt("1", "a red dog", ("red", "dog")), Prompt("2", "a cat", ("cat",), "unrelated")]
    )
    assert [(t.role, t.entity, t.text) for t in told] == [
        ("prompt", None, "a red dog"),
        ("without", "red", "a dog"),
        ("without", "dog", "a red"),
        ("unrelated", None, "a cat"),
    ]


def test_each_caption_is_one_prompt() -> None:
    assert prompts_of({"b": "x", "a": "x", "c": "y", "d": " "}) == [
        Prompt("a", "x"),
        Prompt("c", "y"),
    ]


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("p.txt", "\n \n", "has no prompt"),
        ("p.txt", "a\nb\na\n", "twice"),
        ("p.txt", "dog " * 30_000, "119,999 characters"),
        ("p.jsonl", '{"text": "a"', "not readable JSON"),
        ("p.jsonl", '{"id": "a"}', 'no "text"'),
        ("p.jsonl", '["a"]', "no JSON object"),
        ("p.jsonl", '{"text": ["a", 1]}', "a text or a list of texts"),
        ("p.jsonl", '{"text": "a dog", "entities": ["cat"]}', "does not stand in the text"),
        ("p.jsonl", '{"text": "a", "id": "x"}\n{"text": "b", "id": "x"}', "twice"),
    ],
)
def test_bad_prompts(tmp_path: Path, name: str, text: str, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        read_prompts(write(tmp_path / name, text))


def test_prompts_that_are_no_text(tmp_path: Path) -> None:
    (tmp_path / "p.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BadInput, match="UTF-8"):
        read_prompts(tmp_path / "p.txt")
    with pytest.raises(BadInput, match="no prompt"):
        prompts_from(["a", " "])
    with pytest.raises(BadInput, match="twice"):
        prompts_from(["a", "a"])


def test_features_are_classes_phrases_and_pictures(tmp_path: Path) -> None:
    text = (
        '[{"feature": "tower", "images": ["c"], "names": ["minaret"]},'
        ' {"feature": "sea", "caption_contains": "the sea"}]'
    )
    phrases = read_phrases(write(tmp_path / "f.json", text))
    assert phrases[0] == Phrase("tower", ("minaret",), ("c",))
    captions = {"a": "by the sea", "b": "the seaside", "d": "The Sea!"}
    labels = {"a": "coast", "b": "coast", "c": "town", "d": "coast"}
    found = {f.id: f for f in features_of(CLUSTERS, labels, captions, phrases)}
    assert found["phrase:sea"].images == ("a", "d")
    assert found["class:coast"] == Feature("class", "coast", ("coast",), ("a", "b", "d"))
    assert found["image:a"].images == ("a", "b"), "near-duplicates are one picture"
    assert found["image:a"].names == ("sea",), "coast has other pictures, and does not ask for it"
    assert set(found["image:c"].names) == {"town", "minaret"}, "the only picture of its class"
    assert found["image:d"].names == ("sea",)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"images": ["a"]}', 'no "feature"'),
        ('{"feature": "x"}', "needs either"),
        ('{"feature": "x", "images": ["a"], "caption_contains": "b"}', "needs either"),
        ('{"feature": "x", "image": ["a"]}', 'has a "image"'),
        ('{"feature": "x", "images": ["a"]}\n{"feature": "x", "images": ["a"]}', "twice"),
        ('{"feature": "x", "images": ["nobody"]}', "not among"),
        ('{"feature": "x", "caption_contains": "nothing"}', "No caption"),
    ],
)
def test_bad_features(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        features_of(CLUSTERS, {}, {"a": "b"}, read_phrases(write(tmp_path / "f.jsonl", text)))


KNOWN = ["image:a", "a", "b", "phrase:tower", "tower"]


def test_a_word_on_a_prompt_goes_before_one_on_all(tmp_path: Path) -> None:
    rows = (
        '{"image": "b", "expected": true}\n{"feature": "tower", "expected": "no"}\n'
        '{"feature": "tower", "expected": "yes", "prompt": "p"}'
    )
    said = read_expected(write(tmp_path / "e.jsonl", rows), KNOWN)
    assert said.of("q", "image:a", ("a", "b")) == "yes", "by one of its copies"
    assert said.of("q", "phrase:tower", ()) == "no"
    assert said.of("p", "phrase:tower", ()) == "yes"
    assert said.of("q", "class:other", ()) is None


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("e.csv", "image,expected\na,perhaps\n", "yes or no"),
        ("e.csv", "picture,expected\na,yes\n", 'names no "feature"'),
        ("e.csv", "image,expected\nz,yes\n", "no training image"),
        ("e.csv", "image,expected\na,yes\na,no\n", "both expected and not"),
        ("e.jsonl", '{"image": "a"}', "yes or no"),
    ],
)
def test_bad_expectations(tmp_path: Path, name: str, text: str, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        read_expected(write(tmp_path / name, text), KNOWN)


def test_copies_are_one_picture(tmp_path: Path) -> None:
    said = read_expected(write(tmp_path / "e.csv", "image,expected\na,yes\nb,no\n"), KNOWN)
    with pytest.raises(BadInput, match="say one of the two"):
        said.of("p", "image:c", ("a", "b"))


@pytest.mark.parametrize("read", [read_prompts, read_phrases, lambda path: read_expected(path, [])])
def test_files_that_are_not_there(tmp_path: Path, read: object) -> None:
    with pytest.raises(NotFound) as raised:
        read(tmp_path / "none.jsonl")  # type: ignore[operator]
    assert isinstance(raised.value, SolidmarkError)
    assert "none.jsonl" in str(raised.value)
