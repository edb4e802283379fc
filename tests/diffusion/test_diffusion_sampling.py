"""The steps of sampling against diffusers, and the walk of RePaint against its definition."""

import itertools
import math

import pytest
import torch
from diffusers import DDIMScheduler, DDPMScheduler
from hypothesis import given, settings
from hypothesis import strategies as st

from solidmark.diffusion import (
    DiscreteSchedule,
    Metered,
    Sampler,
    beta_schedule,
    jump_times,
    spaced_times,
)

SCHEDULES = ("linear", "squaredcos_cap_v2")
RESPACED = [[999, 995, 991, 3], [900, 400, 100, 20, 0], [999, 998, 997]]


def draws(count: int, seed: int = 0) -> torch.Tensor:
    noise = torch.Generator().manual_seed(seed)
    return torch.randn(count, 2, 1, 4, 4, generator=noise)


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize("steps", RESPACED, ids=str)
def test_the_ancestral_step_is_that_of_diffusers(
    name: str, steps: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """DDPMScheduler with the true posterior variance, given the same noise, at every step."""
    scheduler = DDPMScheduler(
        beta_schedule=name, variance_type="fixed_small", clip_sample=False, prediction_type="sample"
    )
    scheduler.set_timesteps(timesteps=steps)
    sampler = Sampler(DiscreteSchedule(scheduler.alphas_cumprod.double()))
    z, answers, noises = draws(1)[0], draws(len(steps), 1), draws(len(steps), 2)
    for number, step in enumerate(steps):
        import diffusers.schedulers.scheduling_ddpm as module

        monkeypatch.setattr(module, "randn_tensor", lambda *a, n=number, **k: noises[n])
        theirs = scheduler.step(answers[number], step, z).prev_sample
        s = steps[number + 1] / 1000 if number + 1 < len(steps) else -1.0
        ours = sampler.step(z, answers[number], noises[number], step / 1000, s)
        torch.testing.assert_close(ours, theirs, rtol=2e-4, atol=2e-4)
        z = theirs
    assert torch.equal(ours, answers[-1])


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize("eta", [0.0, 0.5, 1.0])
def test_the_deterministic_step_is_that_of_diffusers(name: str, eta: float) -> None:
    """DDIMScheduler over 50 of 1000 steps, from the first to the last but one."""
    scheduler = DDIMScheduler(
        beta_schedule=name, clip_sample=False, prediction_type="sample", steps_offset=0
    )
    scheduler.set_timesteps(50)
    steps = scheduler.timesteps.tolist()
    sampler = Sampler(DiscreteSchedule(scheduler.alphas_cumprod.double()), eta=eta)
    z, answers, noises = draws(1)[0], draws(50, 1), draws(50, 2)
    for number in range(49):
        theirs = scheduler.step(
            answers[number], steps[number], z, eta=eta, variance_noise=noises[number]
        ).prev_sample
        ours = sampler.step(
            z, answers[number], noises[number], steps[number] / 1000, steps[number + 1] / 1000
        )
        torch.testing.assert_close(ours, theirs, rtol=2e-4, atol=2e-4)
        z = theirs


def test_a_deterministic_step_draws_nothing() -> None:
    sampler = Sampler(beta_schedule("cosine"), eta=0.0)
    z, answer, one, other = draws(4)
    first, second = (sampler.step(z, answer, noise, 0.5, 0.4) for noise in (one, other))
    assert torch.equal(first, second)


@given(st.floats(0.02, 0.999), st.floats(0, 0.98), st.sampled_from([0.0, 0.3, 1.0]))
@settings(max_examples=60, deadline=None)
def test_a_step_with_the_true_image_keeps_the_law_of_the_noise(
    t: float, share: float, eta: float
) -> None:
    """z_s is again alpha_s z_0 plus noise of variance sigma_s^2, whatever eta is."""
    schedule = beta_schedule("cosine")
    sampler, s = Sampler(schedule, eta), t * share
    if schedule.index(s) >= schedule.index(t):
        return
    zero, one = torch.zeros(1, 1, 1, 1).double(), torch.ones(1, 1, 1, 1).double()
    alpha_s, sigma_s = schedule(s)
    alpha_t, sigma_t = schedule(t)
    mean = sampler.step(alpha_t * one, one, zero, t, s)
    kept = sampler.step(sigma_t * one, zero, zero, t, s)
    fresh = sampler.step(zero, zero, one, t, s)
    assert float(mean) == pytest.approx(alpha_s, abs=1e-9)
    assert float(kept**2 + fresh**2) == pytest.approx(sigma_s**2, abs=1e-9)


def test_diffusing_is_that_of_diffusers() -> None:
    scheduler = DDPMScheduler()
    z_0, noise = draws(2)
    sampler = Sampler(DiscreteSchedule(scheduler.alphas_cumprod.double()))
    for step in (0, 250, 999):
        theirs = scheduler.add_noise(z_0, noise, torch.tensor([step, step]))
        torch.testing.assert_close(sampler.diffuse(z_0, noise, step / 1000), theirs)


@given(st.lists(st.integers(0, 990), min_size=3, max_size=3, unique=True).map(sorted))
@settings(max_examples=40, deadline=None)
def test_going_back_twice_is_going_back_once(steps: list[int]) -> None:
    """The composition law of the forward process, in mean and variance."""
    sampler = Sampler(beta_schedule("cosine"))
    r, s, t = (step / 1000 for step in steps)
    zero, one = torch.zeros(1, 1, 1, 1).double(), torch.ones(1, 1, 1, 1).double()
    through = sampler.back(sampler.back(one, zero, r, s), zero, s, t)
    assert float(through) == pytest.approx(float(sampler.back(one, zero, r, t)), abs=1e-9)
    first = sampler.back(sampler.back(zero, one, r, s), zero, s, t)
    second = sampler.back(zero, one, s, t)
    direct = sampler.back(zero, one, r, t)
    assert float(first**2 + second**2) == pytest.approx(float(direct**2), abs=1e-9)


def test_going_back_ends_in_the_forward_process() -> None:
    sampler = Sampler(beta_schedule("linear"))
    zero, one = torch.zeros(1, 1, 1, 1).double(), torch.ones(1, 1, 1, 1).double()
    alpha_t, sigma_t = sampler.schedule(0.7)
    mean = sampler.back(sampler.diffuse(one, zero, 0.2), zero, 0.2, 0.7)
    old = sampler.back(sampler.diffuse(zero, one, 0.2), zero, 0.2, 0.7)
    new = sampler.back(zero, one, 0.2, 0.7)
    assert float(mean) == pytest.approx(alpha_t)
    assert float(old**2 + new**2) == pytest.approx(sigma_t**2)


def test_respaced_times_are_whole_training_steps_down_to_the_image() -> None:
    assert spaced_times(4) == [0.999, 0.749, 0.499, 0.249]
    assert spaced_times(2, start=0.5) == [0.499, 0.249]
    assert spaced_times(5, total=10) == [0.9, 0.7, 0.5, 0.3, 0.1]
    for steps in (1, 7, 250, 999, 1000):
        times = spaced_times(steps)
        whole = [time * 1000 for time in times]
        assert len(times) == steps
        assert all(math.isclose(n, round(n), abs_tol=1e-9) and n >= 0 for n in whole)
        assert all(a > b for a, b in itertools.pairwise(times))
    assert spaced_times(1000)[-1] == 0


def repaint(total: int, length: int, count: int) -> list[int]:
    """RePaint's Appendix B, one level at a time, as its authors walk it."""
    left = {level: count - 1 for level in range(0, total - length, length)}
    level, walk = total, []
    while level >= 1:
        level -= 1
        walk.append(level)
        if left.get(level, 0) > 0:
            left[level] -= 1
            for _ in range(length):
                level += 1
                walk.append(level)
    return [*walk, -1]


def turns(walk: list[float]) -> list[float]:
    """The walk with each rise taken in one jump."""
    kept = walk[:1]
    for before, here, after in zip(walk, walk[1:], [*walk[2:], -2.0], strict=False):
        if not before < here < after:
            kept.append(here)
    return kept


@pytest.mark.parametrize(
    ("total", "length", "count"), [(250, 10, 10), (250, 10, 1), (20, 5, 3), (7, 3, 2), (3, 10, 4)]
)
def test_the_walk_is_that_of_repaint(total: int, length: int, count: int) -> None:
    times = [float(level) for level in reversed(range(total))]
    ours = [*jump_times(times, length, count), -1.0]
    theirs = [float(level) for level in repaint(total, length, count)]
    assert ours == turns(theirs)
    falls = sum(b < a for a, b in itertools.pairwise(ours))
    assert falls == sum(b < a for a, b in itertools.pairwise(theirs))
    if (total, length, count) == (250, 10, 10):
        assert falls == 2410


def test_a_small_walk_by_hand() -> None:
    """Five times, jumps of two, two passes: at levels 0 and 2 once back up by two."""
    assert jump_times([0.5, 0.4, 0.3, 0.2, 0.1], 2, 2) == [
        *(0.5, 0.4, 0.3),
        *(0.5, 0.4, 0.3, 0.2, 0.1),
        *(0.3, 0.2, 0.1),
    ]
    assert jump_times([0.3, 0.2, 0.1], 2, 1) == [0.3, 0.2, 0.1]


class Recorder:
    """A model that answers with its input and its condition, and remembers what it got."""

    def __init__(self) -> None:
        self.batches: list[int] = []
        self.schedule, self.channels = beta_schedule("cosine"), 1

    def encode(self, images: torch.Tensor) -> torch.Tensor:
        return images * 2

    def decode(self, latents: torch.Tensor) -> torch.Tensor:
        return latents / 2

    def condition(self, samples: list) -> torch.Tensor:
        return torch.arange(len(samples)).double()

    def denoise(self, z_t: torch.Tensor, t: float, condition: torch.Tensor | None) -> torch.Tensor:
        self.batches.append(len(z_t))
        return z_t * t if condition is None else z_t * t + condition[:, None, None, None]


@pytest.mark.parametrize("size", [1, 3, 7, 64])
def test_a_large_batch_is_asked_in_chunks_and_counted(size: int) -> None:
    z = torch.randn(7, 1, 2, 2, generator=torch.Generator().manual_seed(0)).double()
    inner = Recorder()
    meter = Metered(inner, batch_size=size)
    condition = meter.condition([None] * 7)  # type: ignore[list-item]
    assert torch.equal(meter.denoise(z, 0.5, condition), Recorder().denoise(z, 0.5, condition))
    assert max(inner.batches) <= size
    assert sum(inner.batches) == meter.calls == 7
    assert torch.equal(meter.denoise(z, 0.5, None), z * 0.5)
    assert meter.calls == 14
    assert torch.equal(meter.encode(z), z * 2)
    assert torch.equal(meter.decode(z), z / 2)
    assert (meter.channels, meter.schedule) == (1, inner.schedule)
