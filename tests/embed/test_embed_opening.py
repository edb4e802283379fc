"""Words for embedders."""

import pytest

from solidmark.embed import EMBEDDERS, open_embedder
from solidmark.embed.opening import Word
from solidmark.errors import BadInput, UnknownName


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("pixels", ("pixels", None, None, False)),
        ("pixels@64", ("pixels", None, 64, False)),
        ("sscd:a/b.pt@320", ("sscd", "a/b.pt", 320, False)),
        ("onnx:a.onnx@unit", ("onnx", "a.onnx", None, True)),
        ("onnx:a.onnx@224,unit", ("onnx", "a.onnx", 224, True)),
        ("onnx:me@home/a.onnx", ("onnx", "me@home/a.onnx", None, False)),
        (r"onnx:C:\a.onnx@unit,20", ("onnx", r"C:\a.onnx", 20, True)),
        ("clip:", ("clip", None, None, False)),
    ],
)
def test_a_word_is_taken_apart(text: str, parts: tuple[object, ...]) -> None:
    word = Word.parse(text)
    assert (word.name, word.where, word.side, word.unit) == parts


def test_an_unknown_name_is_answered_with_those_that_are_known() -> None:
    with pytest.raises(
        UnknownName, match=r'embedder "sscd-onx"\. Did you mean "sscd-onnx"'
    ) as raised:
        open_embedder("sscd-onx")
    assert all(name in str(raised.value) for name in EMBEDDERS)


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("phash@32", 'the embedder "phash" takes no "@32"'),
        ("pdq:file", 'the embedder "pdq" takes no ":file"'),
        ("clip@224", 'the embedder "clip" takes no "@224"'),
        ("pixels@unit", 'the embedder "pixels" takes no "@unit"'),
        ("sscd:f@1,2", "says more than one input size"),
        ("pixels@0", "no image"),
        ("sscd-onnx@0", "no image"),
    ],
)
def test_an_option_that_is_not_understood_is_an_error(word: str, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        open_embedder(word)


def test_a_device_that_is_not_there_is_an_error() -> None:
    with pytest.raises(BadInput, match='device "abacus" cannot be used'):
        open_embedder("pixels", device="abacus")
