"""What holds for every embedder, and the arithmetic that they share."""

from collections.abc import Callable
from dataclasses import fields, replace

import pytest
import torch
from embedders import NAMES, images
from rounding import NETWORK

from solidmark.embed import Embedder, EmbedderCard, unit_rows
from solidmark.errors import BadInput

Opened = Callable[[str], Embedder]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.rounding
def test_rows_are_float32_of_length_one(name: str, opened: Opened) -> None:
    embedder = opened(name)
    rows = embedder.embed(images())
    assert rows.shape == (8, embedder.card.dimensions)
    assert rows.dtype == torch.float32
    assert rows.device.type == "cpu"
    assert torch.allclose(rows.norm(dim=1), torch.ones(8), atol=1e-5)
    assert isinstance(embedder, Embedder)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.rounding
def test_an_image_alone_is_embedded_as_among_others(name: str, opened: Opened) -> None:
    embedder = opened(name)
    together = embedder.embed(images())
    alone = torch.cat([embedder.embed([image]) for image in images()])
    assert (together - alone).abs().max() < 1e-5
    turned = embedder.embed(images()[::-1]).flip(0)
    assert (together - turned).abs().max() < 1e-5


@pytest.mark.parametrize("name", NAMES)
def test_images_are_told_apart_and_left_alone(name: str, opened: Opened) -> None:
    many = images()
    rows = opened(name).embed(many)
    assert torch.unique(rows, dim=0).shape[0] == 8
    assert all(torch.equal(one, two) for one, two in zip(many, images(), strict=True))
    assert torch.equal(rows, opened(name).embed(many))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("grey", [0.0, 0.3, 1.0])
def test_a_blank_image_gives_numbers(name: str, grey: float, opened: Opened) -> None:
    rows = opened(name).embed([torch.full((3, 40, 30), grey), *images(2)])
    assert rows.isfinite().all()
    lengths = rows.norm(dim=1)
    assert torch.allclose(lengths[1:], torch.ones(2), atol=1e-5)
    if name in ("pixels", "phash", "pdq"):  # Nothing there to be known by.
        assert lengths[0] == 0
    elif not (name == "function" and grey == 0):
        assert lengths[0] == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("name", [n for n in NAMES if n != "function"])
@pytest.mark.rounding
def test_a_grey_image_is_a_colour_image_of_equal_channels(name: str, opened: Opened) -> None:
    grey = images(1)[0]
    assert grey.shape[0] == 1
    rows = opened(name).embed([grey, grey.expand(3, -1, -1)])
    assert (rows[0] - rows[1]).abs().max() < NETWORK


@pytest.mark.parametrize("name", NAMES)
def test_cards_say_what_stands_with_the_numbers(name: str, opened: Opened) -> None:
    card = opened(name).card
    assert card.name == {"function": "mine", "onnx-bytes": "onnx"}.get(name, name)
    sizes = {"pixels": 32, "phash": 32, "pdq": 64, "onnx-bytes": 24, "sscd-onnx": 96}
    assert card.input_size == sizes.get(name, None if name == "function" else 32)
    if name in ("pixels", "phash", "pdq"):
        assert card.weights == ""
    elif name != "function":
        assert len(card.weights) == 16
        assert card.preparation


def test_every_field_of_a_card_changes_its_key() -> None:
    card = EmbedderCard("a", "b", "c", 1, 2, "d", "e")
    assert card.key == replace(card).key
    keys = {replace(card, **{field.name: None}).key for field in fields(card)}
    assert len(keys | {card.key}) == len(fields(card)) + 1


def test_rows_are_divided_by_their_lengths() -> None:
    rows = torch.tensor([[3.0, 4.0], [0.0, 0.0], [1e30, 0.0], [0.0, -1e-30]])
    expected = torch.tensor([[0.6, 0.8], [0.0, 0.0], [1.0, 0.0], [0.0, -1.0]])
    assert torch.allclose(unit_rows(rows, "mine"), expected)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_values_that_are_not_numbers_are_an_error(value: float) -> None:
    rows = torch.ones(3, 2)
    rows[1, 0] = value
    with pytest.raises(BadInput, match='"mine" gave values that are not numbers for 1 of 3 images'):
        unit_rows(rows, "mine")
