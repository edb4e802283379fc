"""An embedder fitted to one's own images: what it is made of, how it learns, what it refuses."""

import json
from pathlib import Path

import pytest
import torch
from breaking import held
from embedders import images
from safetensors.torch import load_file, save_file

from solidmark.embed import Fit, Shape, fit, open_own, save_own, views
from solidmark.embed.contrast import contrast, pace
from solidmark.embed.own import features
from solidmark.errors import BadInput, NotFound

TINY = Shape(16, (8, 16), 8)


def pictures(count: int = 24, side: int = 16) -> torch.Tensor:
    coarse = torch.rand(count, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    return (torch.nn.functional.interpolate(coarse, side, mode="bilinear") * 255).byte()


def test_the_loss_is_that_of_the_formula() -> None:
    rows = torch.nn.functional.normalize(
        torch.randn(6, 5, generator=torch.Generator().manual_seed(1)), dim=1
    )
    one, other = rows.chunk(2)
    every = [*one, *other]
    total = 0.0
    for i, a in enumerate(every):
        own = every[(i + 3) % 6]
        rest = sum(torch.exp(a @ x / 0.1) for j, x in enumerate(every) if j != i)
        total += float(-torch.log(torch.exp(a @ own / 0.1) / rest))
    assert float(contrast(one, other)) == pytest.approx(total / 6, rel=1e-4)


def test_views_are_changed_copies_in_range_and_a_function_of_what_is_drawn() -> None:
    values = pictures().float() / 255
    one, again = (views(values, torch.Generator().manual_seed(3)) for _ in range(2))
    other = views(values, torch.Generator().manual_seed(4))
    assert torch.equal(one, again)
    assert (one - other).abs().mean() > 0.01
    assert one.shape == values.shape
    assert one.min() >= 0
    assert one.max() <= 1
    blank = views(torch.full((4, 3, 16, 16), 0.5), torch.Generator().manual_seed(0))
    assert blank.isfinite().all()


def test_the_learning_rate_rises_and_falls_to_nothing() -> None:
    rates = [pace(step, 50) for step in range(50)]
    assert rates.index(max(rates)) == 4
    assert rates[5:] == sorted(rates[5:], reverse=True)
    assert pace(0, 1) == 1
    assert rates[-1] == pytest.approx(0, abs=1e-9)


def test_fitting_lowers_the_loss_and_the_same_seed_gives_the_same_weights() -> None:
    losses: list[float] = []
    how = Fit(steps=30, batch_size=24, seed=5)
    weights = fit(pictures(), TINY, how, told=losses.append)
    assert sum(losses[-5:]) < sum(losses[:5])
    again = fit(pictures(), TINY, how)
    assert all(torch.equal(weights[name], again[name]) for name in weights)
    other = fit(pictures(), TINY, Fit(steps=30, batch_size=24, seed=6))
    assert not torch.equal(weights["rows"], other["rows"])


def test_what_was_saved_is_opened_and_embeds_the_same(tmp_path: Path) -> None:
    weights = TINY.fresh(0)
    save_own(tmp_path, weights, TINY)
    opened = open_own(str(tmp_path))
    many = images()
    expected = features(weights, TINY, TINY.squares.tensor(many))
    assert torch.allclose(opened.embed(many), torch.nn.functional.normalize(expected, dim=1))
    assert (opened.card.input_size, opened.card.dimensions) == (16, 8)
    before = opened.card.key
    save_own(tmp_path, TINY.fresh(1), TINY)
    assert open_own(str(tmp_path)).card.key != before


def test_what_is_no_such_network_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="solidmark fit"):
        open_own(str(tmp_path))
    save_own(tmp_path, TINY.fresh(0), TINY)
    config = held(tmp_path / "config.json")
    for change, said in (
        ({"model_type": "clip"}, "no embedder of solidmark fit"),
        ({"widths": [8, -1]}, "no sizes"),
        ({"side": "16"}, "no sizes"),
        ({"side": 10**9}, "no sizes"),
        ({"widths": [8, 8]}, "do not fit"),
        ({"version": 99}, "version"),
    ):
        (tmp_path / "config.json").write_text(json.dumps(config | change))
        with pytest.raises(BadInput, match=said):
            open_own(str(tmp_path))
    (tmp_path / "config.json").write_text(json.dumps(config))
    weights = load_file(tmp_path / "model.safetensors")
    save_file(weights | {"rows": weights["rows"] * torch.nan}, tmp_path / "model.safetensors")
    with pytest.raises(BadInput, match="rows"):
        open_own(str(tmp_path))
    (tmp_path / "model.safetensors").write_bytes(b"nothing")
    with pytest.raises(BadInput, match="cannot be read"):
        open_own(str(tmp_path))
