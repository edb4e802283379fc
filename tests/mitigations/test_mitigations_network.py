"""Each mitigation changes what the network is told, and by nothing but seed and image."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from mitigations.conftest import ask, embedded, heard
from solidmark.data import Sample
from solidmark.diffusion import Metered, Model
from solidmark.errors import BadInput, MissingCapability
from solidmark.mitigations import (
    MITIGATIONS,
    GaussianNoise,
    MagnitudeDescent,
    Mitigated,
    Mitigation,
    RandomNumbers,
    RandomTokens,
    WordRepetition,
    first_noise,
    magnitude,
)
from solidmark.models import Gaussian, Memorizer, open_model
from solidmark.randomness import generator

WEN = MagnitudeDescent(target=1e-3, iterations=3)
ALL: list[Mitigation] = [
    GaussianNoise(0.1),
    RandomTokens(),
    RandomTokens(2, 0.0),
    WordRepetition(2),
    RandomNumbers(2),
    RandomNumbers(2, 99_999),
    WEN,
]
NOTHING: list[Mitigation] = [
    GaussianNoise(0),
    RandomTokens(0),
    WordRepetition(0),
    RandomNumbers(0),
    MagnitudeDescent(iterations=0),
    MagnitudeDescent(target=1e9),
]


def told(model: Model, samples: list[Sample]) -> Tensor:
    """What the network of Stable Diffusion is told in the one call after the condition."""
    with heard(bare(model).network) as calls:
        ask(model, samples)
    return calls[-1]


def bare(model: Model) -> Model:
    return bare(model.model) if isinstance(model, Mitigated | Metered) else model


@pytest.mark.parametrize("mitigation", ALL, ids=str)
def test_the_network_is_told_something_else(
    mitigation: Mitigation, stable_diffusion: Model, samples: list[Sample]
) -> None:
    """The published noise was computed and never reached the network: here every row differs."""
    plain = told(stable_diffusion, samples)
    changed = told(Mitigated(stable_diffusion, (mitigation,)), samples)
    assert changed.shape == plain.shape
    assert ((changed - plain).abs().amax((1, 2)) > 1e-3).all()


@pytest.mark.rounding
@pytest.mark.parametrize("mitigation", ALL, ids=str)
def test_what_it_is_told_is_a_function_of_seed_and_image(
    mitigation: Mitigation, stable_diffusion: Model, samples: list[Sample]
) -> None:
    whole = told(Mitigated(stable_diffusion, (mitigation,), 5), samples)
    again = told(Mitigated(stable_diffusion, (mitigation,), 5), samples)
    assert torch.equal(whole, again)
    turned = told(Mitigated(stable_diffusion, (mitigation,), 5), samples[::-1]).flip(0)
    torch.testing.assert_close(turned, whole, rtol=0, atol=1e-4)
    for row, sample in enumerate(samples):
        alone = told(Mitigated(stable_diffusion, (mitigation,), 5), [sample])
        torch.testing.assert_close(alone[0], whole[row], rtol=0, atol=1e-4)
    other = told(Mitigated(stable_diffusion, (mitigation,), 6), samples)
    assert ((other - whole).abs().amax((1, 2)) > 1e-3).any()
    named = [replace(sample, id=f"other-{sample.id}") for sample in samples]
    renamed = told(Mitigated(stable_diffusion, (mitigation,), 5), named)
    assert ((renamed - whole).abs().amax((1, 2)) > 1e-3).any()


@pytest.mark.parametrize("mitigation", NOTHING, ids=str)
def test_no_strength_changes_nothing(
    mitigation: Mitigation, stable_diffusion: Model, samples: list[Sample]
) -> None:
    mitigated = Mitigated(stable_diffusion, (mitigation,))
    assert torch.equal(told(mitigated, samples), told(stable_diffusion, samples))


def test_noise_has_the_strength_that_was_asked_for(
    stable_diffusion: Model, samples: list[Sample]
) -> None:
    plain = told(stable_diffusion, samples)
    weak, strong = (
        told(Mitigated(stable_diffusion, (GaussianNoise(lam),)), samples) - plain
        for lam in (0.1, 0.4)
    )
    assert weak.std().item() == pytest.approx(0.1, rel=0.1)
    torch.testing.assert_close(strong, 4 * weak, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("lam", [0.1, 1.0])
def test_noise_reaches_the_embedding_of_the_class(
    lam: float, classes: Model, samples: list[Sample]
) -> None:
    def at(model: Model, samples: list[Sample]) -> Tensor:
        with embedded(classes.unet) as calls:
            ask(model, samples)
        return calls[-1]

    plain = at(classes, samples)
    noisy = at(Mitigated(classes, (GaussianNoise(lam),), 5), samples)
    assert (noisy - plain).std().item() == pytest.approx(lam, rel=0.2)
    alone = at(Mitigated(classes, (GaussianNoise(lam),), 5), samples[2:3])
    torch.testing.assert_close(alone[0], noisy[2], rtol=0, atol=1e-5)
    assert not torch.allclose(at(Mitigated(classes, (GaussianNoise(lam),), 6), samples), noisy)
    assert torch.equal(at(Mitigated(classes, (GaussianNoise(0),)), samples), plain)
    twice = at(Mitigated(classes, (GaussianNoise(lam), GaussianNoise(lam)), 5), samples)
    assert (twice - plain).std().item() == pytest.approx(2**0.5 * lam, rel=0.2)


def test_the_empty_prompt_is_told_as_it_is(stable_diffusion: Model, samples: list[Sample]) -> None:
    mitigated = Mitigated(stable_diffusion, (GaussianNoise(1.0), RandomNumbers()))
    empty = mitigated.unconditional(mitigated.condition(samples))
    plain = stable_diffusion.unconditional(stable_diffusion.condition(samples))
    assert torch.equal(empty.tensors["embeds"], plain.tensors["embeds"])


def test_everything_else_is_passed_on(stable_diffusion: Model) -> None:
    mitigated = Mitigated(stable_diffusion, (GaussianNoise(),))
    images = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    assert isinstance(mitigated, Model)
    assert mitigated.schedule is stable_diffusion.schedule
    assert (mitigated.channels, mitigated.factor) == (3, 4)
    z = mitigated.encode(images)
    assert torch.equal(z, stable_diffusion.encode(images))
    assert torch.equal(mitigated.decode(z), stable_diffusion.decode(z))


def test_several_are_applied_in_their_order(stable_diffusion: Model, samples: list[Sample]) -> None:
    """Numbers that were put in can be repeated, and not the other way round."""
    numbers, words = RandomNumbers(3), WordRepetition(8)
    (first,) = Mitigated(stable_diffusion, (numbers, words)).reword(samples[:1])
    (second,) = Mitigated(stable_diffusion, (words, numbers)).reword(samples[:1])
    assert first.caption is not None
    assert second.caption is not None
    assert len(first.caption.split()) == len(second.caption.split()) == 14
    digits = [[word for word in s.caption.split() if word.isdigit()] for s in (first, second)]
    assert len(set(digits[0])) == 3 < len(digits[0])
    assert len(digits[1]) == 3


# The magnitude ---------------------------------------------------------------------------------


def magnitudes(model: Model, told_by: Model, samples: list[Sample], seed: int = 0) -> Tensor:
    """At the very noise that a single `wen` draws."""
    noise = first_noise(model, samples, [generator(seed, s.id, purpose="wen 0") for s in samples])
    return magnitude(model, noise, told_by.condition(samples))


def test_the_magnitude_is_that_of_the_predicted_noise(
    stable_diffusion: Model, samples: list[Sample]
) -> None:
    """Against the network itself, which predicts the noise."""
    z = first_noise(stable_diffusion, samples, [generator(3, s.id) for s in samples])
    condition = stable_diffusion.condition(samples)
    empty = stable_diffusion.unconditional(condition)
    with torch.no_grad():
        said, blind = (
            stable_diffusion.network(z, 999, encoder_hidden_states=c.tensors["embeds"]).sample
            for c in (condition, empty)
        )
    expected = (said - blind).flatten(1).norm(dim=1)
    torch.testing.assert_close(
        magnitude(stable_diffusion, z, condition), expected, rtol=1e-3, atol=1e-5
    )


def test_the_magnitude_falls_and_stops_at_the_target(
    stable_diffusion: Model, samples: list[Sample]
) -> None:
    before = magnitudes(stable_diffusion, stable_diffusion, samples)
    low = magnitudes(stable_diffusion, Mitigated(stable_diffusion, (WEN,)), samples)
    assert (low < before).all()
    target = float(before.sort().values[1:3].mean())
    easy = Mitigated(stable_diffusion, (MagnitudeDescent(target, 20),))
    after = magnitudes(stable_diffusion, easy, samples)
    assert (after <= target * 1.001).all()
    # Who was low enough is left alone, also beside those who were not.
    alone = before <= target
    assert 0 < int(alone.sum()) < len(samples)
    changed = (told(easy, samples) - told(stable_diffusion, samples)).abs().amax((1, 2)) > 0
    assert torch.equal(changed, ~alone)


def test_the_token_that_every_prompt_begins_with_is_left_alone(
    stable_diffusion: Model, samples: list[Sample]
) -> None:
    moved = told(Mitigated(stable_diffusion, (WEN,)), samples) - told(stable_diffusion, samples)
    assert torch.equal(moved[:, 0], torch.zeros_like(moved[:, 0]))
    assert (moved[:, 1].abs().amax(1) > 1e-3).all()


def test_its_network_calls_are_counted(stable_diffusion: Model, samples: list[Sample]) -> None:
    metered = Metered(Mitigated(stable_diffusion, (WEN,)), 2)
    condition = metered.condition(samples)
    assert metered.calls == pytest.approx(len(samples) * (2 + WEN.iterations * 2.3))
    assert not condition.requires_grad
    free = Metered(Mitigated(stable_diffusion, (GaussianNoise(),)), 2)
    free.condition(samples)
    assert free.calls == 0


# Models that are not told what would be changed --------------------------------------------------


@pytest.mark.parametrize("name", MITIGATIONS)
def test_a_model_that_is_told_nothing_is_refused(
    name: str,
    samples: list[Sample],
    save_unet: object,
) -> None:
    images = torch.stack([sample.image for sample in samples])
    unconditional = open_model(str(save_unet(32, 3)))  # type: ignore[operator]
    for model in (Memorizer(images), Gaussian(images), unconditional):
        with pytest.raises(MissingCapability, match=f'"{name}" changes .* is told nothing') as e:
            Mitigated(model, (MITIGATIONS[name](),))
        assert "\n" not in str(e.value)


@pytest.mark.parametrize("name", sorted(set(MITIGATIONS) - {"gni"}))
def test_a_model_of_classes_has_no_captions_to_change(name: str, classes: Model) -> None:
    with pytest.raises(MissingCapability, match=f'"{name}" changes captions, .* classes only'):
        Mitigated(classes, (MITIGATIONS[name](),))


def test_an_image_without_a_caption_is_named(
    stable_diffusion: Model, samples: list[Sample]
) -> None:
    bald = [*samples[:2], replace(samples[2], caption=None)]
    with pytest.raises(BadInput, match='"picture-2" has none'):
        Mitigated(stable_diffusion, (RandomNumbers(),)).condition(bald)
