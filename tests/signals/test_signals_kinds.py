"""The signals, against the same numbers by hand, and at models that know everything and nothing."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny
import torch
from asking_signals import drawn, embedded, noises, predicted, told, values
from diffusers import DDIMScheduler, UNet2DModel
from sklearn.metrics import roc_auc_score

from solidmark.data import Sample, open_data
from solidmark.diffusion import Metered, beta_schedule
from solidmark.errors import BadInput, MissingCapability, UnknownName
from solidmark.measures.signals.kinds import (
    SIGNALS,
    Anisotropy,
    AttentionEntropy,
    BrightEnding,
    FixedLoss,
    Flipd,
    ImageMagnitude,
    Loss,
    Magnitude,
    PathMagnitude,
    Sharpness,
    Signal,
    Sima,
    Spread,
    open_signals,
    suspicion,
    told_of,
)
from solidmark.measures.signals.kinds.spread import middle_of, spread_of
from solidmark.models import Gaussian, Memorizer, open_model

FAMILIES: dict[str, Callable[[Path], Path]] = {
    "sd": tiny.stable_diffusion,
    "sd-v": partial(tiny.stable_diffusion, prediction_type="v_prediction"),
    "sdxl": tiny.stable_diffusion_xl,
    "sd3": tiny.stable_diffusion_3,
    "flux": tiny.flux,
    "dit": tiny.dit,
    "pixart": partial(tiny.pixart, sigma=True),
}
JOINT = ("sd3", "flux", "dit")
"""No layer of theirs looks at words alone."""

CHEAP: dict[str, Signal] = {
    "loss": Loss(2),
    "spread": Spread(draws=2),
    "magnitude": Magnitude(2),
    "magnitude-path": PathMagnitude(2, 2),
    "image-magnitude": ImageMagnitude(2),
    "fixed-loss": FixedLoss(1),
    "sima": Sima(),
    "flipd": Flipd(1),
    "anisotropy": Anisotropy(1),
    "sharpness": Sharpness(1),
    "attention-entropy": AttentionEntropy(1),
    "bright-ending": BrightEnding(1, 3),
}


def digits(count: int, side: int) -> list[Sample]:
    data = open_data("digits", resolution=side, limit=count)
    return [data[number] for number in range(count)]


def test_the_loss_is_that_of_the_network(save_unet: Callable[..., Path]) -> None:
    folder = save_unet(8)
    samples = digits(3, 8)
    unet = UNet2DModel.from_pretrained(folder / "unet")
    scheduler = DDIMScheduler()  # As a DDPM is trained: linear betas.
    x = torch.stack([sample.image for sample in samples]) * 2 - 1
    expected = np.zeros(3)
    steps = [125, 375, 625, 875]
    for step, noise in zip(steps, drawn(samples, (1, 8, 8), 4), strict=True):
        noisy = scheduler.add_noise(x, noise, torch.tensor([step]))
        with torch.no_grad():
            missed = unet(noisy, step).sample - noise
        expected += missed.square().mean((1, 2, 3)).numpy() / 4
    assert values(Loss(4), open_model(str(folder)), samples) == pytest.approx(expected, rel=1e-3)


def test_the_magnitude_is_that_of_diffusers(diffusion: tuple[Any, Any]) -> None:
    model, pipe = diffusion
    samples = told(3)
    prompts, nothing = embedded(pipe, [str(s.caption) for s in samples]), embedded(pipe, [""] * 3)
    expected = np.zeros(3)
    for z in drawn(samples, (4, 8, 8), 2):
        moved = predicted(pipe, z, 999, prompts) - predicted(pipe, z, 999, nothing)
        expected += moved.flatten(1).norm(dim=1).numpy() / 2
    assert expected.min() > 0
    assert values(Magnitude(2), model, samples) == pytest.approx(expected, rel=1e-3)


def test_the_path_is_that_of_ddim(diffusion: tuple[Any, Any]) -> None:
    model, pipe = diffusion
    samples = told(2)
    prompts, nothing = embedded(pipe, [str(s.caption) for s in samples]), embedded(pipe, [""] * 2)
    config = pipe.scheduler.config
    scheduler = DDIMScheduler.from_config(config, timestep_spacing="trailing", steps_offset=0)
    scheduler.set_timesteps(10)
    expected = np.zeros(2)
    for z in drawn(samples, (4, 8, 8), 2):
        for step in scheduler.timesteps[:3]:
            blind = predicted(pipe, z, step, nothing)
            moved = predicted(pipe, z, step, prompts) - blind
            expected += moved.flatten(1).norm(dim=1).numpy() / 6
            z = scheduler.step(blind + 2.5 * moved, step, z).prev_sample
    signal = PathMagnitude(steps=3, draws=2, guidance=2.5, sampling_steps=10)
    assert values(signal, model, samples) == pytest.approx(expected, rel=1e-3)
    # Of one step it is the magnitude.
    one = values(PathMagnitude(steps=1, draws=2), model, samples)
    assert one == pytest.approx(values(Magnitude(2), model, samples))


def test_the_magnitude_at_an_image_starts_from_the_image(diffusion: tuple[Any, Any]) -> None:
    model, pipe = diffusion
    samples = told(2)
    prompts, nothing = embedded(pipe, [str(s.caption) for s in samples]), embedded(pipe, [""] * 2)
    images = torch.stack([sample.image for sample in samples]) * 2 - 1
    with torch.no_grad():
        latents = pipe.vae.encode(images).latent_dist.mode() * pipe.vae.config.scaling_factor
    expected = np.zeros(2)
    for step, noise in zip([250, 750], drawn(samples, (4, 8, 8), 2), strict=True):
        z = pipe.scheduler.add_noise(latents, noise, torch.tensor([step]))
        moved = predicted(pipe, z, step, prompts) - predicted(pipe, z, step, nothing)
        expected += moved.flatten(1).norm(dim=1).numpy() / 2
    assert values(ImageMagnitude(2), model, samples) == pytest.approx(expected, rel=1e-3)
    # One prompt, two images: two values. From pure noise, they would share one.
    same = [replace(sample, caption="a red dog") for sample in samples]
    assert np.ptp(values(ImageMagnitude(2), model, same)) > 0


def test_the_spread_is_that_of_the_last_activation_in_the_middle(
    diffusion: tuple[Any, Any],
) -> None:
    model, pipe = diffusion
    samples = told(3)
    images = torch.stack([sample.image for sample in samples]) * 2 - 1
    with torch.no_grad():
        latents = pipe.vae.encode(images).latent_dist.mode() * pipe.vae.config.scaling_factor
    (noise,) = drawn(samples, (4, 8, 8), 1)
    z = pipe.scheduler.add_noise(latents, noise, torch.tensor([10]))
    seen: list[np.ndarray] = []
    block = pipe.unet.mid_block.resnets[-1]
    # Called once before the first convolution, once on the time, and once before the second.
    block.nonlinearity.register_forward_hook(lambda m, i, output: seen.append(output.numpy()))
    predicted(pipe, z, 10, embedded(pipe, [""] * 3))
    assert len(seen) in (2, 3)
    expected = [np.std([channel.max() for channel in row]) for row in seen[-1]]
    found = values(Spread(t=0.01, draws=1), model, samples)
    assert found == pytest.approx(expected, rel=1e-3)
    # Captions say nothing to it, and nothing stays behind in the network.
    others = [replace(sample, caption="a blue house") for sample in samples]
    assert np.array_equal(values(Spread(draws=1), model, others), found)
    assert not middle_of(model)._forward_pre_hooks


def test_spikes_spread_more_than_balance() -> None:
    spiky, balanced = torch.zeros(1, 8, 2, 2), torch.ones(1, 8, 2, 2)
    spiky[0, 3, 1, 1] = 8
    assert spread_of(spiky) > spread_of(balanced) == 0
    tokens = torch.tensor([[[1.0, 0.0], [3.0, 1.0]]])
    assert spread_of(tokens).item() == 1


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_can_be_asked_what_it_can_answer(family: str, tmp_path: Path) -> None:
    model = open_model(str(FAMILIES[family](tmp_path / family)))
    samples = told(3)
    for name, signal in CHEAP.items():
        unled = family == "flux" and ("magnitude" in name or name in ("anisotropy", "sharpness"))
        wordless = name in ("attention-entropy", "bright-ending") and family in JOINT
        if unled or wordless or (name == "bright-ending" and family in ("sdxl", "pixart")):
            with pytest.raises(MissingCapability):
                signal.require(model, samples[0])
            continue
        signal.require(model, samples[0])
        metered = Metered(model, 2)
        together = signal.measure(metered, samples, noises(samples)).numpy()
        alone = [values(signal, model, [sample])[0] for sample in samples]
        assert together == pytest.approx(alone, rel=1e-3), f"{name} depends on the batch"
        # A cosine may be on either side.
        assert (np.abs(together) if name == "anisotropy" else together).min() > 0
        assert np.unique(together).size == 3
        assert metered.calls == 3 * signal.card.network_calls
        assert np.array_equal(values(signal, model, samples), values(signal, model, samples))
        other = signal.measure(model, samples, noises(samples, seed=1)).numpy()
        if name == "sima":  # It draws nothing.
            assert other == pytest.approx(together, rel=1e-5)
        else:
            assert not np.array_equal(other, together)


def test_the_memorizer_loses_nothing_on_what_it_was_trained_on() -> None:
    samples = digits(40, 12)
    model = Memorizer(torch.stack([sample.image for sample in samples[:20]]))
    found = values(Loss(8), model, samples)
    assert found[:20].max() < found[20:].min()
    assert np.median(found[:20]) < 0.2 * np.median(found[20:])
    assert roc_auc_score([1] * 20 + [0] * 20, -found) == 1


def test_the_gaussian_loses_as_much_on_one_as_on_the_other() -> None:
    samples = digits(400, 4)
    model = Gaussian(torch.stack([sample.image for sample in samples[:200]]))
    found = values(Loss(8), model, samples)
    assert 0.42 < roc_auc_score([1] * 200 + [0] * 200, -found) < 0.58


def test_prompts_that_a_memorizer_knows_move_it_and_others_do_not() -> None:
    samples = [replace(one, caption=f"digit {n}") for n, one in enumerate(digits(12, 8))]
    known = samples[:6]
    model = Memorizer(
        torch.stack([sample.image for sample in known]),
        beta_schedule("linear"),
        told=tuple(str(sample.caption) for sample in known),
    )
    for signal in (Magnitude(2), PathMagnitude(2, 2), ImageMagnitude(4)):
        found = values(signal, model, samples)
        assert found[:6].min() > 1e-3
        assert (found[6:] == 0).all(), "words that it never heard say nothing"


def test_what_a_model_lacks_is_said_before_it_is_asked(save_unet: Callable[..., Path]) -> None:
    (sample,) = digits(1, 8)
    closed = Memorizer(sample.image[None])
    with pytest.raises(MissingCapability, match="no activations"):
        Spread().require(closed, sample)
    untold = open_model(str(save_unet(8)))
    for signal in (Magnitude(), PathMagnitude(), ImageMagnitude()):
        for model in (closed, untold):
            with pytest.raises(MissingCapability, match="told nothing"):
                signal.require(model, sample)
    classes = open_model(str(save_unet(8, name="classes", num_class_embeds=10)))
    number = replace(sample, class_index=3)
    with pytest.raises(MissingCapability, match="never without"):
        Magnitude().require(classes, number)
    for model in (closed, untold, classes):
        Loss().require(model, number)
    assert told_of(untold, sample) is None
    assert told_of(Metered(classes), number) == "class 3"
    # A network that cannot be told nothing is told the class.
    Spread().require(classes, number)
    one, other = (values(Spread(), classes, [replace(sample, class_index=n)]) for n in (3, 4))
    assert one != other
    straight = open_model(str(save_unet(8, name="straight", mid_block_type=None)))
    with pytest.raises(MissingCapability, match="no middle"):
        Spread().require(straight, sample)


def test_signals_are_opened_by_name() -> None:
    assert list(SIGNALS) == list(CHEAP)
    opened = open_signals(list(SIGNALS), draws=2, times=3, steps=None)
    assert opened == [
        Loss(3),
        Spread(draws=2),
        Magnitude(2),
        PathMagnitude(draws=2),
        ImageMagnitude(3),
        FixedLoss(2),
        Sima(),
        Flipd(2),
        Anisotropy(2),
        Sharpness(2),
        AttentionEntropy(2),
        BrightEnding(2),
    ]
    low = ("loss", "image-magnitude", "fixed-loss", "sima", "flipd")
    for name, signal in zip(SIGNALS, opened, strict=True):
        assert isinstance(signal, Signal)
        assert signal.card.name == name
        assert signal.card.direction == ("low" if name in low else "high")
    assert open_signals(["loss", "loss"]) == [Loss()]
    with pytest.raises(UnknownName, match='Did you mean "spread"'):
        open_signals(["spred"])
    with pytest.raises(UnknownName, match="option"):
        open_signals(["loss"], draws=2)
    found = np.array([1.0, np.nan, 3.0])
    assert suspicion(Loss().card, found).tolist()[::2] == [1, 3]
    assert suspicion(Spread().card, found).tolist()[::2] == [-1, -3]
    assert np.isnan(suspicion(Spread().card, found)[1])


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: Loss(0),
        lambda: Magnitude(0),
        lambda: ImageMagnitude(0),
        lambda: Spread(t=1.0),
        lambda: Spread(draws=0),
        lambda: PathMagnitude(steps=0),
        lambda: PathMagnitude(steps=60),
        lambda: PathMagnitude(guidance=-1.0),
        lambda: BrightEnding(0),
        lambda: BrightEnding(sampling_steps=1),
        lambda: BrightEnding(scale=-1.0),
    ],
)
def test_what_makes_no_sense_is_refused(wrong: Callable[[], object]) -> None:
    with pytest.raises(BadInput):
        wrong()
