"""The steps of sampling on any schedule, flows above all, against closed forms."""

from itertools import pairwise

import pytest
import torch
from diffusers import FlowMatchEulerDiscreteScheduler
from hypothesis import given, settings
from hypothesis import strategies as st

from solidmark.diffusion import FlowSchedule, Sampler, Schedule, beta_schedule, to_sample

ZERO, ONE = torch.zeros(1, 1, 1, 1).double(), torch.ones(1, 1, 1, 1).double()
SCHEDULES = [
    FlowSchedule(),
    FlowSchedule(3.0),
    FlowSchedule(0.4),
    beta_schedule("linear"),
    beta_schedule("cosine"),
]

schedules = st.sampled_from(SCHEDULES)
etas = st.sampled_from([0.0, 0.4, 1.0])
shares = st.floats(0.0, 0.97)


def parts(sampler: Sampler, t: float, s: float) -> tuple[float, float, float]:
    """What a step makes of the expected image, of z_t and of the noise: it is linear in them."""
    image = sampler.step(ZERO, ONE, ZERO, t, s)
    seen = sampler.step(ONE, ZERO, ZERO, t, s)
    fresh = sampler.step(ZERO, ZERO, ONE, t, s)
    return float(image), float(seen), float(fresh)


@given(schedules, st.floats(0.02, 1.0), shares, etas)
@settings(max_examples=200, deadline=None)
def test_a_step_with_the_true_image_keeps_the_law(
    schedule: Schedule, t: float, share: float, eta: float
) -> None:
    """From z_t = alpha_t z_0 + sigma_t e to alpha_s z_0 + sigma_s e', in mean and variance."""
    sampler, s = Sampler(schedule, eta), t * share
    (alpha_t, sigma_t), (alpha_s, sigma_s) = schedule(t), schedule(s)
    image, seen, fresh = parts(sampler, t, s)
    assert image + seen * alpha_t == pytest.approx(alpha_s, abs=1e-9)
    assert (seen * sigma_t) ** 2 + fresh**2 == pytest.approx(sigma_s**2, abs=1e-9)


@given(schedules, st.floats(0.02, 1.0), shares)
@settings(max_examples=200, deadline=None)
def test_an_ancestral_step_is_the_posterior_of_bayes(
    schedule: Schedule, t: float, share: float
) -> None:
    """q(z_s | z_t, z_0) of two Gaussians: the forward process from s to t, and that up to s."""
    s = t * share
    (alpha_t, sigma_t), (alpha_s, sigma_s) = schedule(t), schedule(s)
    ratio = alpha_t / alpha_s
    added = sigma_t**2 - (ratio * sigma_s) ** 2
    if min(added, sigma_s) < 1e-6:
        return
    variance = 1 / (1 / sigma_s**2 + ratio**2 / added)
    image, seen, fresh = parts(Sampler(schedule, 1.0), t, s)
    assert image == pytest.approx(variance * alpha_s / sigma_s**2, abs=1e-7)
    assert seen == pytest.approx(variance * ratio / added, abs=1e-7)
    assert fresh**2 == pytest.approx(variance, abs=1e-7)


@given(schedules, st.floats(0.02, 1.0), shares, etas)
@settings(max_examples=100, deadline=None)
def test_a_step_with_an_image_of_the_posterior_stays_on_the_marginal(
    schedule: Schedule, t: float, share: float, eta: float
) -> None:
    """For data N(0, 1): z_0 given z_t is normal, and z_s has the variance of its own time."""
    s = t * share
    (alpha_t, sigma_t), (alpha_s, sigma_s) = schedule(t), schedule(s)
    before, after = alpha_t**2 + sigma_t**2, alpha_s**2 + sigma_s**2
    image, seen, fresh = parts(Sampler(schedule, eta), t, s)
    unknown = sigma_t**2 / before
    mean = image * alpha_t / before + seen
    assert mean**2 * before + fresh**2 + image**2 * unknown == pytest.approx(after, abs=1e-7)


@pytest.mark.parametrize("schedule", SCHEDULES[:3], ids=repr)
@given(steps=st.lists(st.integers(0, 999), min_size=3, max_size=3, unique=True).map(sorted))
@settings(max_examples=30, deadline=None)
def test_going_back_up_a_flow_composes_and_ends_in_the_forward_process(
    schedule: FlowSchedule, steps: list[int]
) -> None:
    sampler = Sampler(schedule)
    r, s, t = (step / 1000 for step in steps)
    there = sampler.back(sampler.back(ONE, ZERO, r, s), ZERO, s, t)
    assert float(there) == pytest.approx(float(sampler.back(ONE, ZERO, r, t)), abs=1e-9)
    first = sampler.back(sampler.back(ZERO, ONE, r, s), ZERO, s, t)
    second = sampler.back(ZERO, ONE, s, t)
    direct = sampler.back(ZERO, ONE, r, t)
    assert float(first**2 + second**2) == pytest.approx(float(direct**2), abs=1e-9)
    (_, sigma_r), (_, sigma_t) = schedule(r), schedule(t)
    old = float(sampler.back(ONE, ZERO, r, t)) * sigma_r
    assert old**2 + float(direct) ** 2 == pytest.approx(sigma_t**2, abs=1e-9)


@pytest.mark.parametrize("shift", [1.0, 3.0])
def test_a_deterministic_step_of_a_flow_is_the_euler_step_of_diffusers(shift: float) -> None:
    scheduler = FlowMatchEulerDiscreteScheduler(shift=shift)
    scheduler.set_timesteps(10)
    noise = torch.Generator().manual_seed(0)
    z, velocities = torch.randn(2, 1, 4, 4, generator=noise), torch.randn(10, 2, 1, 4, 4)
    sigmas = scheduler.sigmas.tolist()
    sampler = Sampler(FlowSchedule(shift), eta=0.0)
    for number, (sigma, below) in enumerate(pairwise(sigmas)):
        # Their times are ours before the shift.
        t, s = (x / (shift - (shift - 1) * x) for x in (sigma, below))
        answer = to_sample(velocities[number], z, 1 - sigma, sigma, "flow_prediction")
        ours = sampler.step(z, answer, torch.zeros_like(z), t, s)
        theirs = scheduler.step(velocities[number], scheduler.timesteps[number], z).prev_sample
        torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-5)
        z = theirs


@pytest.mark.parametrize("eta", [0.0, 1.0])
def test_the_first_step_starts_where_nothing_of_the_image_is_left(eta: float) -> None:
    schedule = FlowSchedule(3.0)
    assert schedule(1.0) == (0.0, 1.0)
    image, seen, fresh = parts(Sampler(schedule, eta), 1.0, 0.5)
    alpha, sigma = schedule(0.5)
    assert image == pytest.approx(alpha)
    # An ancestral step from pure noise forgets it; a deterministic one keeps it whole.
    assert seen == pytest.approx(0 if eta else sigma)
    assert fresh == pytest.approx(sigma if eta else 0)
    # And the last one, to where no noise is left, ends in the image.
    assert parts(Sampler(schedule, eta), 0.5, 0.0) == pytest.approx((1, 0, 0))
