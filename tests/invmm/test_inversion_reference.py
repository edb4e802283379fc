"""The algorithm against a plain loop over one image, written down from the paper's description."""

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from inversions import alike, begin, digits, finish, inverter, samples
from torch import Tensor

from solidmark.data import Sample
from solidmark.diffusion import FlowSchedule, Model, beta_schedule
from solidmark.errors import BadInput, UnknownName
from solidmark.measures.invmm.inversion import PRESETS, Inversion, Weight, kl_per_dimension
from solidmark.measures.invmm.inversion.adam import adam_step
from solidmark.measures.invmm.inversion.objective import clipped, draw_steps, kl_slopes
from solidmark.models import Gaussian, Memorizer, open_model
from solidmark.randomness import generator

PLAIN = Inversion(
    steps=25, samples=4, every=10, loss_window=15, threshold=2.0, sampling_steps=8, checks="full"
)


def plain_inversion(model: Model, sample: Sample, inversion: Inversion) -> list[list[float]]:
    """One image, torch's own Adam and autograd, deterministic sampling step by step.

    Returns:
        At each check: step, mean loss, KL, weight, smallest similarity.
    """
    draws = generator(0, sample.id)
    seed = int(torch.randint(2**62, (), generator=draws))
    z_0 = model.encode(sample.image[None])
    mu = torch.zeros_like(z_0[0], requires_grad=True)
    log_variance = torch.zeros_like(z_0[0], requires_grad=True)
    adam = torch.optim.Adam([mu, log_variance], lr=inversion.rate)
    weight, previous, losses, path = 1.0, math.inf, [], []
    total = model.schedule.steps  # type: ignore[attr-defined]
    first = 1 if isinstance(model.schedule, FlowSchedule) else 0  # A flow is trained at k + 1.
    for step in range(1, inversion.steps + 1):
        times = [
            float(number + first) / total
            for number in torch.randint(total, (inversion.samples,), generator=draws)
        ]
        xi = torch.randn(inversion.samples, *mu.shape, generator=draws)
        p = torch.zeros(())
        for t, noise in zip(times, xi, strict=True):
            alpha, sigma = model.schedule(t)
            n = mu + torch.exp(log_variance / 2) * noise
            told = model.condition([sample])
            expected = model.denoise(alpha * z_0 + sigma * n[None], t, told)
            p = p + torch.mean((expected - z_0) ** 2) / inversion.samples
        r = 0.5 * torch.mean(mu**2 + torch.exp(log_variance) - log_variance - 1)
        adam.zero_grad()
        (p + weight * r).backward()
        if inversion.clip is not None:
            torch.nn.utils.clip_grad_norm_([mu, log_variance], inversion.clip)
        adam.step()
        losses.append(p.item())
        weight += inversion.weight_step
        last = step == inversion.steps
        if step % inversion.every == 0:
            mean = sum(losses[-inversion.loss_window :]) / len(losses[-inversion.loss_window :])
            if previous - mean < inversion.improvement:
                weight /= 2
            else:
                weight += inversion.weight_step
            previous = mean
        if step % inversion.every == 0 or last:
            check = generator(seed, sample.id, step, "check of an inversion")
            noises = torch.randn(inversion.checked, *mu.shape, generator=check)
            with torch.no_grad():
                kl = 0.5 * torch.mean(mu**2 + torch.exp(log_variance) - log_variance - 1)
                drawn = [
                    plain_sampling(model, sample, mu + torch.exp(log_variance / 2) * one)
                    for one in noises
                ]
            similar = min(float(alike(one, sample.image[None])) for one in drawn)
            mean = sum(losses[-inversion.loss_window :]) / len(losses[-inversion.loss_window :])
            path.append([step, mean, float(kl), weight, similar])
    return path


def plain_sampling(model: Model, sample: Sample, noise: Tensor) -> Tensor:
    """DDIM without noise, in 8 steps of 125."""
    z = noise[None]
    for i in range(8):
        t, s = (1000 - 125 * i - 1) / 1000, (1000 - 125 * (i + 1) - 1) / 1000
        alpha, sigma = model.schedule(t)
        z_0 = model.denoise(z, t, model.condition([sample]))
        if i == 7:
            z = z_0
            break
        epsilon = (z - alpha * z_0) / sigma
        alpha, sigma = model.schedule(s)
        z = alpha * z_0 + sigma * epsilon
    return model.decode(z).clamp(0, 1)


def memorizer() -> Model:
    return Memorizer(digits())


def flow() -> Model:
    return Memorizer(digits(), FlowSchedule(3.0))


def gaussian() -> Model:
    return Gaussian(digits(), beta_schedule("linear"))


@pytest.mark.parametrize("clip", [None, 0.05])
@pytest.mark.parametrize("make", [memorizer, flow, gaussian])
def test_the_path_is_that_of_a_plain_loop(make: Callable[[], Model], clip: float | None) -> None:
    model, inversion = make(), replace(PLAIN, clip=clip)
    asked, subjects = inverter(model, inversion), samples([0, 11])
    for attempt, sample in zip(
        finish(asked, begin(asked, subjects), subjects), subjects, strict=True
    ):
        expected = plain_inversion(model, sample, inversion)
        assert len(expected) == 3
        assert [look.step for look in attempt.path] == [10, 20, 25]
        for look, row in zip(attempt.path, expected, strict=True):
            assert list(look) == pytest.approx(row, rel=2e-3, abs=1e-5)
        assert attempt.outcome == "spent"
        assert attempt.best_similarity == pytest.approx(max(row[4] for row in expected), rel=2e-3)
        assert attempt.kl == math.inf
        assert attempt.kl_end == pytest.approx(expected[-1][2], rel=2e-3)


def test_a_network_that_is_told_classes_is_asked_with_each_images_own(
    save_unet: Callable[..., Path],
) -> None:
    model = open_model(str(save_unet(8, num_class_embeds=4)))
    inversion = replace(PLAIN, steps=10, every=5)
    asked, subjects = inverter(model, inversion), samples([1, 2])
    found = finish(asked, begin(asked, subjects), subjects)
    for attempt, sample in zip(found, subjects, strict=True):
        for look, row in zip(attempt.path, plain_inversion(model, sample, inversion), strict=True):
            assert list(look) == pytest.approx(row, rel=2e-3, abs=1e-5)
    other = [replace(sample, class_index=3) for sample in subjects]
    told = finish(asked, begin(asked, other), other)
    assert told[0].path[-1].loss != pytest.approx(found[0].path[-1].loss, rel=1e-4)


def test_adam_is_that_of_torch_for_rows_of_different_ages() -> None:
    noise = torch.Generator().manual_seed(0)
    target = torch.randn(3, 5, generator=noise, dtype=torch.float64)
    ages = [1, 7, 30]
    for row, age in enumerate(ages):
        parameter = torch.zeros(5, dtype=torch.float64, requires_grad=True)
        adam = torch.optim.Adam([parameter], lr=0.1)
        value = torch.zeros(1, 5, dtype=torch.float64)
        first, second = torch.zeros_like(value), torch.zeros_like(value)
        for step in range(1, age + 1):
            adam.zero_grad()
            (parameter - target[row]).square().sum().backward()
            adam.step()
            slope = 2 * (value - target[row])
            # The row stands beside another one, of another age.
            pair = [torch.cat([one, one]) for one in (value, slope, first, second)]
            stepped = adam_step(*pair, [step, step + 9], 0.1)
            value, first, second = (one[:1] for one in stepped)
        assert torch.allclose(value[0], parameter.detach(), atol=1e-12)


def test_the_kl_is_that_of_torch_and_so_is_its_slope() -> None:
    noise = torch.Generator().manual_seed(0)
    mu, log_variance = torch.randn(2, 4, 3, 5, 5, generator=noise, dtype=torch.float64)
    mu.requires_grad_()
    log_variance.requires_grad_()
    normal = torch.distributions.Normal
    q = normal(mu, (log_variance / 2).exp())
    expected = torch.distributions.kl_divergence(q, normal(0.0, 1.0)).flatten(1).mean(1)
    found = kl_per_dimension(mu, log_variance)
    assert torch.allclose(found, expected, atol=1e-12)
    expected.sum().backward()
    slopes = kl_slopes(mu.detach(), log_variance.detach())
    assert torch.allclose(slopes["mu"], mu.grad, atol=1e-12)
    assert torch.allclose(slopes["log_variance"], log_variance.grad, atol=1e-12)
    assert float(kl_per_dimension(torch.zeros(1, 3), torch.zeros(1, 3))) == 0


def test_the_weight_halves_where_the_loss_no_longer_falls() -> None:
    inversion = Inversion(every=2, loss_window=3, improvement=0.1, weight_step=0.01)
    weight, seen = Weight(), []
    for step, loss in enumerate([1.0, 1.0, 0.5, 0.2, 0.2, 0.2, 0.2, 0.2], 1):
        weight = weight.after(loss, step, inversion)
        seen.append(weight.value)
    # Infinity to 1 and 1 to 1.7/3 are improvements, .567 to .2 is one, .2 to .2 is none.
    assert seen == pytest.approx([1.01, 1.03, 1.04, 1.06, 1.07, 1.09, 1.10, 1.11 / 2])
    assert weight.losses == (0.2, 0.2, 0.2)


@pytest.mark.parametrize("count", [1, 4, 7])
def test_stratified_times_are_one_a_stretch_and_uniform_in_all(count: int) -> None:
    total, rounds = 40, 4000
    inversion = Inversion(samples=count, times="stratified")
    draws = torch.Generator().manual_seed(1)
    steps = torch.stack([draw_steps(draws, inversion, total) for _ in range(rounds)])
    edges = torch.arange(count + 1) * total / count
    assert bool((steps + 1 > edges[:-1]).all())
    assert bool((steps < edges[1:]).all())
    counts = torch.bincount(steps.flatten(), minlength=total).double()
    expected = rounds * count / total
    assert len(counts) == total
    assert float(((counts - expected) ** 2 / expected).sum()) < 80  # 99.99 % of chi2 with 39.


def test_stratified_times_leave_a_loss_its_mean_and_take_of_its_spread() -> None:
    """The loss of a sample is mostly a matter of its time."""
    loss = (torch.arange(1000) / 1000) ** 2
    means, spreads = {}, {}
    for times in ("independent", "stratified"):
        inversion = Inversion(samples=4, times=times)  # type: ignore[arg-type]
        draws = torch.Generator().manual_seed(2)
        found = torch.stack([loss[draw_steps(draws, inversion, 1000)].mean() for _ in range(4000)])
        means[times], spreads[times] = float(found.mean()), float(found.std())
    assert means["independent"] == pytest.approx(float(loss.mean()), abs=0.01)
    assert means["stratified"] == pytest.approx(float(loss.mean()), abs=0.003)
    assert spreads["stratified"] < spreads["independent"] / 2.5


def test_clipping_is_that_of_torch_for_each_attempt_alone() -> None:
    noise = torch.Generator().manual_seed(0)
    slopes = {name: torch.randn(3, 4, generator=noise) for name in ("mu", "log_variance")}
    slopes["mu"][0] *= 0.01
    slopes["log_variance"][0] *= 0.01
    found = clipped(slopes, 0.5)
    for row in range(3):
        parameters = [torch.zeros(4, requires_grad=True) for _ in slopes]
        for parameter, slope in zip(parameters, slopes.values(), strict=True):
            parameter.grad = slope[row].clone()
        torch.nn.utils.clip_grad_norm_(parameters, 0.5)
        for parameter, slope in zip(parameters, found.values(), strict=True):
            assert torch.allclose(slope[row], parameter.grad)
    assert torch.equal(found["mu"][0], slopes["mu"][0])
    assert clipped(slopes, None) is slopes


def test_the_presets_are_the_authors_variants() -> None:
    """C, xi, delta, beta, batch, sampling steps, as the table of their code has them."""
    table = {
        "ddpm": (50, 1e-3, 1e-4, 0.5, 32, 200),
        "ldm": (10, 1e-3, 5e-4, 0.5, 16, 50),
        "sd": (50, 1e-3, 1e-3, 0.5, 16, 50),
        "sd3": (50, 1e-3, 1e-3, 0.5, 16, 50),
    }
    for name, row in table.items():
        one = PRESETS[name]
        found = (one.every, one.improvement, one.weight_step, one.threshold, one.samples)
        assert (*found, one.sampling_steps) == row
        assert (one.steps, one.rate, one.loss_window, one.checked) == (2000, 0.1, 100, 8)
        assert (one.checks, one.times, one.clip) == ("full", "independent", None)
    assert PRESETS["sd"].guidances == (1, 2, 3, 4, 5, 6, 7)
    assert (PRESETS["sd"].prompt, PRESETS["sd"].tau) == ("inverted", 2.0)
    assert PRESETS["ddpm"].prompt == PRESETS["ldm"].prompt == "given"
    assert (PRESETS["quick"].checks, PRESETS["quick"].times) == ("cheap", "stratified")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"steps": 0}, "steps must be 1 or more, not 0"),
        ({"rate": 0.0}, "rate must be above 0, not 0"),
        ({"clip": -1.0}, "clip must be above 0, not -1"),
        ({"margin": -0.1}, "margin must be 0 or more"),
        ({"guidances": ()}, "one guidance or more"),
        ({"rate": math.inf}, "rate must be above 0, not inf"),
        ({"weight_step": math.inf}, "weight-step must be 0 or more, not inf"),
        ({"guidances": (1.0, math.inf)}, "guidances of 0 or more, not inf"),
        ({"guidances": (-1.0,)}, "guidances of 0 or more, not -1"),
        ({"sampling_steps": 1001}, "sampling-steps must be 1 to 1000, not 1001"),
        ({"screen_steps": 2000}, "screen-steps must be 1 to 1000, not 2000"),
    ],
)
def test_what_cannot_be_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(BadInput, match=message):
        Inversion(**options)


def test_an_unknown_choice_is_answered_with_those_that_are_known() -> None:
    with pytest.raises(UnknownName, match=r'no check "chaep"\. Did you mean "cheap"'):
        Inversion(checks="chaep")  # type: ignore[arg-type]
