"""Every family of latent models hears the mitigations, through its own adapter."""

from collections.abc import Callable
from pathlib import Path

import pytest
import tiny
import torch
from rounding import answer

from mitigations.conftest import ask
from solidmark.data import Sample
from solidmark.diffusion import Model
from solidmark.errors import MissingCapability
from solidmark.mitigations import (
    GaussianNoise,
    MagnitudeDescent,
    Mitigated,
    first_noise,
    magnitude,
    parse,
)
from solidmark.models import open_model
from solidmark.randomness import generator

TEXT: dict[str, Callable[[Path], Path]] = {
    "sdxl": tiny.stable_diffusion_xl,
    "sd3": tiny.stable_diffusion_3,
    "flux": tiny.flux,
    "pixart": tiny.pixart,
}


@pytest.fixture(scope="module", params=TEXT)
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Model:
    """A text-to-image model of each family."""
    return open_model(str(TEXT[request.param](tmp_path_factory.mktemp("tiny") / "model")))


@pytest.mark.parametrize("text", ["gni:0.5", "rt", "rt:dcr", "cwr", "rna"])
def test_what_is_told_reaches_the_network(text: str, model: Model, samples: list[Sample]) -> None:
    plain = ask(model, samples[:2])
    changed = ask(Mitigated(model, (parse(text),)), samples[:2])
    assert ((changed - plain).abs().amax((1, 2, 3)) > 1e-7).all()
    again = ask(Mitigated(model, (parse(text),)), samples[:2])
    assert torch.equal(changed, again)


def test_the_magnitude_falls(model: Model, samples: list[Sample]) -> None:
    wen = Mitigated(model, (MagnitudeDescent(target=1e-6, iterations=3),))
    noise = first_noise(model, samples, [generator(0, s.id, purpose="wen 0") for s in samples])
    try:
        before = magnitude(model, noise, model.condition(samples))
    except MissingCapability:  # Flux is never told nothing.
        with pytest.raises(MissingCapability):
            wen.condition(samples)
        return
    assert (magnitude(model, noise, wen.condition(samples)) < before).all()


@pytest.mark.rounding
def test_dit_gets_noise_on_its_classes(samples: list[Sample], tmp_path: Path) -> None:
    model = open_model(str(tiny.dit(tmp_path / "dit")))
    noisy = Mitigated(model, (GaussianNoise(1.0),), 5)
    plain, changed = ask(model, samples), ask(noisy, samples)
    assert ((changed - plain).abs().amax((1, 2, 3)) > 1e-7).all()
    bounds = answer(*model.schedule(0.5), encoded=True)
    torch.testing.assert_close(ask(noisy, samples[1:2])[0], changed[1], **bounds)
    assert not torch.equal(ask(Mitigated(model, (GaussianNoise(1.0),), 6), samples), changed)
    empty = noisy.unconditional(noisy.condition(samples))
    assert set(empty.tensors) == {"classes"}
    with pytest.raises(MissingCapability, match=r"changes captions, .* classes only"):
        Mitigated(model, (parse("rna"),))
