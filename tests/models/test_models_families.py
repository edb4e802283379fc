"""Every family says what its own pipeline of diffusers says, step by step."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import diffusers
import pytest
import torch
from families import GUIDED, PIPELINES, TOLD_CAPTIONS, samples, size
from torch import Tensor

from solidmark.diffusion import DiscreteSchedule, FlowSchedule, Sampler
from solidmark.models import LatentModel, Opening
from solidmark.models.conditions import EMBEDS, POOLED
from solidmark.models.pipelines import load_pipeline, to_model
from solidmark.models.pixart import MASK

Folder = Callable[[str], Path]
Opened = Callable[[str], LatentModel]
GUIDANCE = 3.0
Step = tuple[Tensor, Tensor]
"""The latents before and after one step of a pipeline's own scheduler."""


def run_pipeline(
    folder: Path, name: str, guidance: float
) -> tuple[list[Step], list[float], Tensor]:
    """Draws two images with diffusers.

    Returns:
        The steps, the times of the scheduler (numbers of training steps, or the sigmas of a flow)
        with the last one, and the images.
    """
    without = {"text_encoder_3": None, "tokenizer_3": None} if name == "sd3-no-t5" else {}
    pipe = diffusers.DiffusionPipeline.from_pretrained(folder, **without)
    pipe.set_progress_bar_config(disable=True)
    steps: list[Step] = []
    own = pipe.scheduler.step

    def step(output: Tensor, time: Tensor, before: Tensor, **options: Any) -> Any:
        found = own(output, time, before, **options)
        after = found[0] if isinstance(found, tuple) else found.prev_sample
        if "flux" in name:
            before, after = (
                pipe._unpack_latents(z, height, width, pipe.vae_scale_factor)
                for z in (before, after)
            )
        steps.append((before[:2], after[:2]))  # DiT steps the guided half twice.
        return found

    pipe.scheduler.step = step
    height, width = size(name)
    asked = samples(2, height, width)
    told: dict[str, Any] = {"prompt": [s.caption for s in asked], "height": height, "width": width}
    if name == "dit":
        told = {"class_labels": [s.class_index for s in asked]}
    if "pixart" in name:
        told |= {"use_resolution_binning": False, "clean_caption": False}
    images = pipe(
        **told,
        guidance_scale=guidance,
        num_inference_steps=4,
        generator=torch.Generator().manual_seed(5),
        output_type="pt",
    ).images
    if hasattr(pipe.scheduler, "sigmas"):
        return steps, pipe.scheduler.sigmas.tolist(), images
    return steps, [*pipe.scheduler.timesteps.tolist(), 0], images


def times_of(model: LatentModel, found: list[float]) -> list[float]:
    """The times at which our schedule is where a scheduler was."""
    if isinstance(model.schedule, DiscreteSchedule):
        return [step / model.schedule.steps for step in found]
    s = model.schedule.shift
    return [sigma / (s - (s - 1) * sigma) for sigma in found]


def check_parity(model: LatentModel, folder: Path, name: str, guidance: float) -> None:
    """Compares each step, and the images in the end."""
    steps, found, images = run_pipeline(folder, name, guidance)
    times = times_of(model, found)
    assert len(steps) == len(times) - 1 == 4
    condition = model.condition(samples(2, *size(name)))
    sampler = Sampler(model.schedule, eta=0.0)
    for (before, after), t, s in zip(steps, times, times[1:], strict=False):
        expected = model.denoise(before, t, condition)
        if guidance != 1 and "flux" not in name:
            blind = model.denoise(before, t, model.unconditional(condition))
            assert not torch.allclose(blind, expected)
            expected = blind + guidance * (expected - blind)
        ours = sampler.step(before, expected, torch.zeros_like(before), t, s)
        torch.testing.assert_close(ours, after, rtol=1e-5, atol=1e-5)
        assert not torch.allclose(ours, before, atol=1e-2)
    torch.testing.assert_close(model.decode(after).clamp(0, 1), images, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", PIPELINES)
def test_a_step_is_that_of_the_pipeline(name: str, tiny_folder: Folder, opened: Opened) -> None:
    folder = tiny_folder(name)
    check_parity(opened(name), folder, name, 1.0)


@pytest.mark.parametrize("name", GUIDED)
def test_a_guided_step_is_that_of_the_pipeline(
    name: str, tiny_folder: Folder, opened: Opened
) -> None:
    folder = tiny_folder(name)
    check_parity(opened(name), folder, name, GUIDANCE)


@pytest.mark.parametrize("name", TOLD_CAPTIONS)
def test_captions_are_embedded_as_the_pipeline_does(name: str, tiny_folder: Folder) -> None:
    """Token by token, where a network would not mind their order; the third caption is cut."""
    pipe = load_pipeline(tiny_folder(name), Opening())
    ours = to_model(pipe, torch.device("cpu")).condition(samples(8, *size(name))[::3]).tensors
    texts: dict[str, Any] = {"prompt": [s.caption for s in samples(8, 24, 32)[::3]]}
    if "pixart" in name:
        embeds, mask, *_ = pipe.encode_prompt(**texts)
        torch.testing.assert_close(ours[MASK], mask)
    elif name.startswith("sd3"):
        embeds, _, pooled, _ = pipe.encode_prompt(**texts, prompt_2=None, prompt_3=None)
    elif name.startswith("sdxl"):
        embeds, _, pooled, _ = pipe.encode_prompt(**texts)
    elif "flux" in name:
        embeds, pooled, _ = pipe.encode_prompt(**texts)
    else:
        embeds, _ = pipe.encode_prompt(
            **texts, device=None, num_images_per_prompt=1, do_classifier_free_guidance=False
        )
    torch.testing.assert_close(ours[EMBEDS], embeds)
    if POOLED in ours:
        torch.testing.assert_close(ours[POOLED], pooled)


def test_flux_is_told_its_guidance(tiny_folder: Folder, opened: Opened) -> None:
    """Dev knows the scale as an input, schnell takes none."""
    folder, model = tiny_folder("flux-dev"), opened("flux-dev")
    louder: Any = replace(model.family, guidance=GUIDANCE)  # type: ignore[type-var]
    check_parity(replace(model, family=louder), folder, "flux-dev", GUIDANCE)
    z, condition = torch.zeros(1, 4, 6, 8), model.condition(samples(1, 24, 32))
    loud = replace(model, family=louder).denoise(z, 0.5, condition)
    assert not torch.allclose(loud, model.denoise(z, 0.5, condition))


@pytest.mark.parametrize("name", PIPELINES)
def test_latents_follow_the_conventions_of_the_pipeline(
    name: str, tiny_folder: Folder, opened: Opened
) -> None:
    """The mode of the posterior, shifted, then scaled; back again by the inverse."""
    model = opened(name)
    theirs = diffusers.AutoencoderKL.from_pretrained(tiny_folder(name) / "vae").eval()
    images = torch.stack([sample.image for sample in samples(2, *size(name))])
    shift, scale = theirs.config.shift_factor or 0.0, theirs.config.scaling_factor
    with torch.no_grad():
        mode = theirs.encode(images * 2 - 1).latent_dist.mode()
        shown = theirs.decode(mode).sample / 2 + 0.5
    z = model.encode(images)
    torch.testing.assert_close(z, (mode - shift) * scale)
    torch.testing.assert_close(model.decode(z), shown, rtol=1e-4, atol=1e-5)
    assert z.shape[-1] * model.factor == images.shape[-1]


def test_the_schedules_are_those_of_the_schedulers(opened: Opened) -> None:
    assert opened("sd3").schedule == FlowSchedule(3.0, 1000)
    assert opened("flux-schnell").schedule == FlowSchedule(1.0, 1000)
    shifted = opened("flux-dev").schedule
    assert isinstance(shifted, FlowSchedule)
    scheduler = diffusers.FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True)
    scheduler.set_timesteps(10, mu=1.15)
    for number in (2, 7):
        t = float(torch.linspace(1, 0.001, 10)[number])
        assert shifted(t)[1] == pytest.approx(float(scheduler.sigmas[number]), abs=1e-6)
    assert opened("sd-v").prediction == "v_prediction"
