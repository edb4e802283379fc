"""Sampling against the pipelines of diffusers, which begin with the same noise."""

from collections.abc import Callable
from pathlib import Path

import pytest
import tiny
import torch
from rounding import NETWORK

from solidmark.diffusion import Denoiser, FlowSchedule, Metered, beta_schedule, spaced_times
from solidmark.errors import BadInput
from solidmark.generating import Prompt, draw, prompts_of
from solidmark.generating.prompts import spread
from solidmark.models import Gaussian, Memorizer, open_model
from solidmark.randomness import generator, normal

SAME = {"atol": 16 * NETWORK, "rtol": 0}
"""Ten steps or so, each with the rounding of a call."""


def generators(count: int) -> list[torch.Generator]:
    return [generator(3, str(number), 0, "generate") for number in range(count)]


@pytest.mark.parametrize("kind", ["epsilon", "v_prediction", "sample"])
def test_pixels_are_those_of_ddim(save_unet: Callable[..., Path], kind: str) -> None:
    from diffusers import DDIMScheduler, DDPMPipeline, DDPMScheduler

    folder = save_unet(12, scheduler=DDPMScheduler(prediction_type=kind))
    model = open_model(str(folder))
    blank = model.encode(torch.zeros(1, 1, 12, 12))
    found = draw(Denoiser(model, None, clamped=True), blank, generators(3), steps=10)

    scheduler = DDIMScheduler(prediction_type=kind, timestep_spacing="trailing")
    scheduler.set_timesteps(10)
    unet = DDPMPipeline.from_pretrained(folder).unet
    z = normal(generators(3), (1, 12, 12))
    for t in scheduler.timesteps:
        with torch.no_grad():
            output = unet(z, t).sample
        z = scheduler.step(output, t, z, use_clipped_model_output=True).prev_sample
    assert z.std() > 0.05
    torch.testing.assert_close(found, z, **SAME)


def test_the_whole_pipeline_of_ddim_draws_the_same_pictures(
    save_unet: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    from diffusers import DDIMPipeline, DDIMScheduler, DDPMPipeline
    from diffusers.pipelines.ddim import pipeline_ddim

    folder = save_unet(12)
    model = open_model(str(folder))
    blank = model.encode(torch.zeros(1, 1, 12, 12))
    drawn = draw(Denoiser(model, None, clamped=True), blank, generators(2), steps=8)
    pipe = DDIMPipeline(
        DDPMPipeline.from_pretrained(folder).unet, DDIMScheduler(timestep_spacing="trailing")
    )
    noise = normal(generators(2), (1, 12, 12))
    monkeypatch.setattr(pipeline_ddim, "randn_tensor", lambda *a, **b: noise)
    pipe.set_progress_bar_config(disable=True)
    theirs = pipe(
        batch_size=2, num_inference_steps=8, use_clipped_model_output=True, output_type="np"
    ).images
    ours = model.decode(drawn).clamp(0, 1)
    torch.testing.assert_close(ours, torch.tensor(theirs).permute(0, 3, 1, 2), **SAME)


@pytest.mark.parametrize("guidance", [1.0, 5.0])
def test_latents_are_those_of_stable_diffusion(tmp_path: Path, guidance: float) -> None:
    from diffusers import DDIMScheduler, StableDiffusionPipeline

    folder = tiny.stable_diffusion(tmp_path / "model")
    model = open_model(str(folder))
    samples = [Prompt(caption=text).sample(text, (3, 16, 16)) for text in ("a dog", "red tree")]
    blank = model.encode(torch.zeros(1, 3, 16, 16))
    denoiser = Denoiser(model, model.condition(samples), guidance)
    drawn = draw(denoiser, blank, generators(2), steps=5)

    pipe = StableDiffusionPipeline.from_pretrained(
        folder, safety_checker=None, feature_extractor=None, requires_safety_checker=False
    )
    pipe.scheduler = DDIMScheduler.from_config(
        pipe.scheduler.config, timestep_spacing="trailing", steps_offset=0, set_alpha_to_one=True
    )
    pipe.set_progress_bar_config(disable=True)
    theirs = pipe(
        ["a dog", "red tree"],
        height=16,
        width=16,
        num_inference_steps=5,  # Of a count that does not divide 1000 it rounds otherwise.
        guidance_scale=guidance,
        latents=normal(generators(2), (4, 4, 4)),
        output_type="np",
    ).images
    ours = model.decode(drawn).clamp(0, 1)
    torch.testing.assert_close(ours, torch.tensor(theirs).permute(0, 3, 1, 2), **SAME)


def test_flows_are_those_of_stable_diffusion_3(tmp_path: Path) -> None:
    from diffusers import StableDiffusion3Pipeline

    folder = tiny.stable_diffusion_3(tmp_path / "model", t5=False)
    model = open_model(str(folder))
    blank = model.encode(torch.zeros(1, 3, 16, 16))
    condition = model.condition([Prompt(caption="a dog").sample("x", (3, 16, 16))])
    drawn = draw(Denoiser(model, condition, 3.0), blank, generators(1), steps=6)

    pipe = StableDiffusion3Pipeline.from_pretrained(folder, text_encoder_3=None, tokenizer_3=None)
    pipe.set_progress_bar_config(disable=True)
    theirs = pipe(
        "a dog",
        height=16,
        width=16,
        sigmas=spaced_times(6),
        guidance_scale=3.0,
        latents=normal(generators(1), (4, 4, 4)),
        output_type="latent",
    ).images
    scaled = (theirs if theirs.dim() == 4 else theirs[None]).float()
    torch.testing.assert_close(drawn, scaled, atol=1e-4, rtol=1e-3)


@pytest.mark.parametrize("schedule", [beta_schedule("linear"), FlowSchedule(3.0)])
@pytest.mark.parametrize("eta", [0.0, 1.0])
def test_both_samplers_end_in_what_the_model_knows(schedule: object, eta: float) -> None:
    images = torch.rand(6, 1, 6, 6, generator=torch.Generator().manual_seed(0))
    for kind, near in ((Memorizer, True), (Gaussian, False)):
        model = kind(images, schedule)
        drawn = draw(Denoiser(model, None), torch.zeros(1, 1, 6, 6), generators(40), eta=eta)
        apart = torch.cdist(model.decode(drawn).flatten(1), images.flatten(1)) / 6
        assert (apart.min(1).values.median() < 1e-3) == near
        assert len(apart.argmin(1).unique()) >= 5, "not one image for all noises"


def test_a_gaussian_is_drawn_with_its_own_moments() -> None:
    """Closed form: the law that ends the loop has the mean and the variance of the data."""
    images = torch.rand(200, 1, 2, 2, generator=torch.Generator().manual_seed(0))
    model = Gaussian(images)
    drawn = draw(Denoiser(model, None), torch.zeros(1, 1, 2, 2), generators(4000), steps=200)
    found, expected = model.decode(drawn).flatten(1), images.flatten(1)
    torch.testing.assert_close(found.mean(0), expected.mean(0), atol=0.02, rtol=0)
    torch.testing.assert_close(found.std(0), expected.std(0), atol=0.02, rtol=0)


@pytest.mark.parametrize(("guidance", "calls"), [(1.0, 7), (3.0, 14)])
def test_guidance_costs_a_second_call_a_step(guidance: float, calls: int) -> None:
    meter = Metered(Gaussian(torch.rand(3, 1, 4, 4)))
    draw(Denoiser(meter, None, guidance), torch.zeros(1, 1, 4, 4), generators(2), steps=7)
    assert meter.calls == 2 * calls


def test_prompts_are_spread_in_order() -> None:
    prompts = [Prompt(str(number)) for number in range(4)]

    def ids(*asked: int | None) -> str:
        return "".join(str(prompt.id) for prompt in spread(prompts, *asked))

    assert ids(6, None) == "012301"
    assert ids(2, None) == "02"
    assert ids(3, None) == "012"
    assert ids(None, 2) == "00112233"
    assert ids(5, 2) == "00112"
    with pytest.raises(BadInput, match="8 at the most"):
        ids(9, 2)


def test_classes_are_numbers_where_they_are_written_as_numbers() -> None:
    from solidmark.data import Preparation, Record, Records

    def numbers(labels: list[str | None], classes: list[str] | None = None) -> list[int | None]:
        records = [Record(str(i), lambda: b"", None, label) for i, label in enumerate(labels)]
        found = prompts_of(Records(tuple(records), Preparation()), None, classes)
        return [prompt.class_index for prompt in found]

    assert numbers(["7", "10", None]) == [7, 10, None]
    assert numbers(["dog", "ant", "dog"]) == [1, 0, 1]
    assert numbers(["dog", "ant", "elk"], ["elk", "dog"]) == [1, None, 0]
