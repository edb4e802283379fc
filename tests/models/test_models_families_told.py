"""What each family is told reaches its network."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from families import TOLD_CAPTIONS, differ, said, samples

from solidmark.errors import BadInput, MissingCapability
from solidmark.models import LatentModel
from solidmark.models.conditions import CLASS_SHIFT, CLASSES, EMBEDS, POOLED
from solidmark.models.stable_diffusion_xl import TIME_IDS

Opened = Callable[[str], LatentModel]


@pytest.mark.parametrize("name", TOLD_CAPTIONS)
def test_a_caption_reaches_the_network(name: str, opened: Opened) -> None:
    model = opened(name)
    (sample,) = samples(1, 24, 32)
    other = replace(sample, caption="blue house")
    condition = model.condition([sample])
    assert differ(said(model, condition), said(model, model.condition([other])))
    both = model.condition([other, sample])
    torch.testing.assert_close(said(model, both[1:]), said(model, condition))
    with pytest.raises(BadInput, match='image "0" has none'):
        model.condition([replace(sample, caption=None)])


@pytest.mark.parametrize("name", ["sdxl", "sd3", "flux-dev"])
def test_the_pooled_caption_reaches_the_network(name: str, opened: Opened) -> None:
    model = opened(name)
    condition = model.condition(samples(1, 24, 32))
    changed = condition.changed(**{POOLED: -condition.tensors[POOLED]})
    assert differ(said(model, changed), said(model, condition))


@pytest.mark.parametrize("name", ["sdxl", "pixart-alpha"])
def test_a_size_reaches_the_network(name: str, opened: Opened) -> None:
    """That of the sample as it is given, which is the marked one."""
    model = opened(name)
    small, tall = model.condition(samples(1, 24, 32)), model.condition(samples(1, 64, 32))
    assert torch.equal(small.tensors[EMBEDS], tall.tensors[EMBEDS])
    assert differ(said(model, small), said(model, tall))
    if name == "sdxl":
        assert tall.tensors[TIME_IDS].tolist() == [[64, 32, 0, 0, 64, 32]]
        assert torch.equal(model.unconditional(tall).tensors[TIME_IDS], tall.tensors[TIME_IDS])


def test_no_caption_is_zeros_or_the_empty_caption(opened: Opened) -> None:
    for name, zero in (("sdxl", True), ("sdxl-empty", False)):
        model = opened(name)
        blind = model.unconditional(model.condition(samples(2, 24, 32)))
        assert len(blind) == 2
        assert (blind.tensors[EMBEDS] == 0).all().item() is zero
        assert (blind.tensors[POOLED] == 0).all().item() is zero


def test_a_class_reaches_the_network(opened: Opened) -> None:
    model = opened("dit")
    assert model.channels == 3
    (sample,) = samples(1, 32, 32)
    condition = model.condition([sample])
    other = model.condition([replace(sample, class_index=8)])
    assert differ(said(model, condition, (8, 8)), said(model, other, (8, 8)))
    assert model.unconditional(condition).tensors[CLASSES].tolist() == [1000]
    for wrong in (None, 1000, -1):
        with pytest.raises(BadInput, match="classes 0 to 999"):
            model.condition([replace(sample, class_index=wrong)])


def test_a_class_embedding_can_be_shifted(opened: Opened) -> None:
    """As noise on it does; in every block, each row by its own, and for that call only."""
    model = opened("dit")
    condition = model.condition(samples(2, 32, 32))
    before = said(model, condition, (8, 8))
    shift = torch.zeros(2, 16)
    shift[1] = 1
    after = said(model, condition.changed(**{CLASS_SHIFT: shift}), (8, 8))
    torch.testing.assert_close(after[0], before[0])
    assert differ(after[1], before[1])
    assert torch.equal(said(model, condition, (8, 8)), before)
    tables = [
        block.norm1.emb.class_embedder.embedding_table for block in model.network.transformer_blocks
    ]
    for table in tables:
        table.weight.data[condition.tensors[CLASSES][1]] += 1
    torch.testing.assert_close(said(model, condition, (8, 8)), after)


def test_classes_are_never_dropped_at_random(opened: Opened) -> None:
    """In training mode the network of diffusers drops a tenth of them."""
    model = opened("dit")
    condition = model.condition(samples(1, 32, 32))
    expected = said(model, condition, (8, 8))
    model.network.train()
    state = torch.get_rng_state()
    for _ in range(30):
        assert torch.equal(said(model, condition, (8, 8)), expected)
    assert torch.equal(torch.get_rng_state(), state)


def test_dit_is_asked_for_squares_only(opened: Opened) -> None:
    with pytest.raises(BadInput, match="24 x 32 pixels"):
        opened("dit").condition(samples(1, 24, 32))


def test_stable_diffusion_3_says_what_is_too_large(opened: Opened) -> None:
    """8 patches of 2 cells of 4 pixels: 64 pixels along a side."""
    model = opened("sd3")
    assert said(model, model.condition(samples(1, 64, 64)), (16, 16)).shape == (1, 4, 16, 16)
    with pytest.raises(BadInput, match='64 pixels along a side, image "0" has 64 x 72'):
        model.condition(samples(1, 64, 72))


@pytest.mark.parametrize("name", ["flux-dev", "flux-schnell"])
def test_flux_has_nothing_to_be_led_from(name: str, opened: Opened) -> None:
    model = opened(name)
    with pytest.raises(MissingCapability, match="guidance of 1"):
        model.unconditional(model.condition(samples(1, 24, 32)))
