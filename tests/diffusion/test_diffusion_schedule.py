"""Schedules and predictions, against those of diffusers."""

import itertools
import math

import pytest
import torch
from diffusers import DDPMScheduler
from hypothesis import given, settings
from hypothesis import strategies as st

from solidmark.diffusion import (
    DiscreteSchedule,
    FlowSchedule,
    Schedule,
    beta_schedule,
    moments,
    to_sample,
    training_steps,
    training_times,
)
from solidmark.errors import UnknownName

THEIRS = {"cosine": "squaredcos_cap_v2", "linear": "linear"}


@pytest.mark.parametrize("name", THEIRS)
@pytest.mark.parametrize("steps", [10, 1000])
def test_the_schedules_are_those_of_diffusers(name: str, steps: int) -> None:
    """Theirs is computed in float32, ours in float64."""
    theirs = DDPMScheduler(num_train_timesteps=steps, beta_schedule=THEIRS[name]).alphas_cumprod
    ours = beta_schedule(name, steps).alphas_cumprod
    assert ours.dtype == torch.float64
    torch.testing.assert_close(ours, theirs.double(), atol=2e-6, rtol=1e-4)


@pytest.mark.parametrize("name", THEIRS)
def test_noise_grows_and_variance_is_preserved(name: str) -> None:
    schedule = beta_schedule(name)
    pairs = [schedule(n / 1000) for n in range(1000)]
    assert all(math.isclose(a**2 + s**2, 1) for a, s in pairs)
    assert all(a > b and s < t for (a, s), (b, t) in itertools.pairwise(pairs))
    assert pairs[0][0] > 0.9999 - 1e-4
    assert pairs[-1][0] < 0.01


def test_the_linear_schedule_by_hand() -> None:
    schedule = beta_schedule("linear", 3)
    expected = [1 - 1e-4, (1 - 1e-4) * (1 - 0.01005), (1 - 1e-4) * (1 - 0.01005) * 0.98]
    torch.testing.assert_close(
        schedule.alphas_cumprod, torch.tensor(expected, dtype=torch.float64), rtol=1e-12, atol=0
    )
    assert schedule(1 / 3) == (math.sqrt(expected[1]), math.sqrt(1 - expected[1]))


@pytest.mark.parametrize(
    ("t", "step"),
    [(0.0, 0), (0.05, 50), (0.0504, 50), (0.999, 999), (1.0, 999), (-0.5, 0), (7, 999)],
)
def test_a_time_is_the_nearest_training_step(t: float, step: int) -> None:
    schedule = beta_schedule("cosine")
    assert schedule.index(t) == step
    alpha_bar = float(schedule.alphas_cumprod[step])
    assert schedule(t) == (math.sqrt(alpha_bar), math.sqrt(1 - alpha_bar))


def test_every_training_step_can_be_named_by_its_time() -> None:
    for steps in (1, 7, 1000, 4000):
        schedule = DiscreteSchedule(torch.linspace(0.99, 0.01, steps))
        assert schedule.steps == steps
        assert [schedule.index(n / steps) for n in range(steps)] == list(range(steps))


def test_an_unknown_schedule_is_named() -> None:
    with pytest.raises(UnknownName, match=r'"cosin". Did you mean "cosine"'):
        beta_schedule("cosin")  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", ["epsilon", "v_prediction", "sample"])
@pytest.mark.parametrize("step", [0, 3, 500, 990])
def test_predictions_mean_what_they_mean_in_diffusers(kind: str, step: int) -> None:
    scheduler = DDPMScheduler(prediction_type=kind, clip_sample=False)
    noise = torch.Generator().manual_seed(step)
    output, z_t = torch.randn(2, 2, 1, 4, 4, generator=noise)
    theirs = scheduler.step(output, step, z_t).pred_original_sample
    alpha, sigma = DiscreteSchedule(scheduler.alphas_cumprod.double())(step / 1000)
    ours = to_sample(output, z_t, alpha, sigma, kind)  # type: ignore[arg-type]
    torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)


@given(st.floats(0.05, 0.99), st.integers(0, 1000))
@settings(max_examples=30, deadline=None)
def test_the_right_answer_gives_the_image_back(alpha: float, seed: int) -> None:
    sigma = math.sqrt(1 - alpha**2)
    z_0, noise = torch.randn(
        2, 1, 1, 3, 3, generator=torch.Generator().manual_seed(seed), dtype=torch.float64
    )
    z_t = alpha * z_0 + sigma * noise
    answers = {"epsilon": noise, "v_prediction": alpha * noise - sigma * z_0, "sample": z_0}
    for kind, output in answers.items():
        torch.testing.assert_close(to_sample(output, z_t, alpha, sigma, kind), z_0)  # type: ignore[arg-type]


def test_a_prediction_that_is_not_known_is_never_taken_for_an_image() -> None:
    one = torch.ones(1, 1, 2, 2)
    with pytest.raises(UnknownName, match=r'"flow_predictions". Did you mean "flow_prediction"'):
        to_sample(one, one, 0.5, 0.5, "flow_predictions")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "schedule", [beta_schedule("linear", 50), FlowSchedule(), FlowSchedule(3.0, 40)], ids=repr
)
def test_training_times_are_those_that_the_trainer_shows(
    schedule: DiscreteSchedule | FlowSchedule,
) -> None:
    steps = torch.arange(training_steps(schedule))
    alpha, sigma, _ = schedule.at(steps)
    found = moments(schedule, training_times(schedule, steps))
    torch.testing.assert_close(found[0].flatten(), alpha, atol=1e-6, rtol=1e-5)  # type: ignore[union-attr]
    torch.testing.assert_close(found[1].flatten(), sigma, atol=1e-6, rtol=1e-5)  # type: ignore[union-attr]
    assert (sigma > 0).all()  # Without noise there is nothing to tell apart.


def test_a_schedule_of_no_steps_has_a_thousand() -> None:
    schedule: Schedule = lambda t: (1 - t, t)  # noqa: E731
    assert training_steps(schedule) == 1000
    assert training_times(schedule, torch.tensor([0, 500])).tolist() == [0.0, 0.5]
