"""A model that memorized everything gives every image back, and those of many copies more easily;
one that knows two moments gives none back."""

import math
from dataclasses import replace

import pytest
import torch
from inversions import begin, digits, finish, invert, inverter, samples
from scipy import stats

from solidmark.diffusion import FlowSchedule
from solidmark.measures.invmm.inversion import Attempt, Inversion
from solidmark.models import Gaussian, Memorizer
from solidmark.randomness import generator

CONTROL = Inversion(
    steps=300,
    samples=4,
    every=5,
    threshold=0.95,
    sampling_steps=20,
    screen_steps=5,
    times="stratified",
)
KNOWN = 12


@pytest.fixture(scope="module")
def memorized() -> list[Attempt]:
    return invert(Memorizer(digits()[:KNOWN]), CONTROL, samples(range(KNOWN)))


def test_who_memorized_everything_gives_every_image_back(memorized: list[Attempt]) -> None:
    assert {attempt.outcome for attempt in memorized} == {"reproduced"}
    # log(12) nats over 64 pixels are enough to single one of twelve images out.
    assert max(attempt.kl for attempt in memorized) < 6 * math.log(KNOWN) / 64
    for attempt in memorized:
        assert attempt.kl == attempt.kl_end == attempt.path[-1].kl
        assert attempt.best_similarity >= CONTROL.threshold
        assert attempt.pictures is not None
        image = digits()[int(attempt.id.removeprefix("digit-"))]
        distances = (attempt.pictures - image).flatten(1).square().mean(1).sqrt()
        assert len(distances) == 8
        assert 1 - float(distances.max()) == pytest.approx(attempt.best_similarity)


def test_a_flow_that_memorized_everything_gives_images_back() -> None:
    found = invert(Memorizer(digits()[:KNOWN], FlowSchedule(3.0)), CONTROL, samples([0, 1, 2]))
    assert [attempt.outcome for attempt in found] == ["reproduced"] * 3


def test_who_knows_two_moments_gives_no_image_back(memorized: list[Attempt]) -> None:
    """Its sampler is linear and can be steered, but only with noise that is far from N(0, I)."""
    noise = torch.randn(8 * KNOWN, 1, 8, 8, generator=generator(0, "gaussian"))
    redrawn = (digits()[:KNOWN].repeat(8, 1, 1, 1) + 0.05 * noise).clamp(0, 1)
    found = invert(Gaussian(redrawn), CONTROL, samples([0, 3, 7, 11]))
    for attempt in found:
        assert (attempt.outcome, attempt.step, attempt.kl) == ("spent", 300, math.inf)
        assert attempt.best_similarity < CONTROL.threshold
        assert attempt.pictures is not None
        assert attempt.kl_end > 2 * max(one.kl for one in memorized)


def test_more_copies_need_less_than_pure_noise() -> None:
    """The mean over pictures and restarts: when a single check succeeds is partly luck."""
    means, copies = [], (1, 2, 4, 8)
    pictures = (0, 3, 7)
    every: list[tuple[int, float]] = []
    for count in copies:
        kls = []
        for picture in pictures:
            repeats = torch.ones(KNOWN, dtype=torch.long)
            repeats[picture] = count
            asked = inverter(
                Memorizer(digits()[:KNOWN].repeat_interleave(repeats, 0)),
                replace(CONTROL, threshold=0.97),
            )
            subjects = samples([picture]) * 3
            started = [
                asked.start(sample, generator(0, sample.id, repeat), repeat)
                for repeat, sample in enumerate(subjects)
            ]
            kls += [attempt.kl for attempt in finish(asked, started, subjects)]
        means.append(sum(kls) / len(kls))
        every += [(count, kl) for kl in kls]
    assert means == sorted(means, reverse=True)
    assert means[-1] < means[0] / 2.5
    assert stats.spearmanr(*zip(*every, strict=True)).statistic < -0.6


def test_a_restart_is_another_attempt_and_the_same_seed_the_same() -> None:
    asked, subjects = inverter(Memorizer(digits()[:4]), CONTROL), samples([1])
    first, again = (finish(asked, begin(asked, subjects), subjects)[0] for _ in range(2))
    other = finish(asked, [asked.start(subjects[0], generator(0, "x", 1), 1)], subjects)[0]
    assert torch.equal(first.mu, again.mu)
    assert first.path == again.path
    assert other.repeat == 1
    assert not torch.equal(first.mu, other.mu)
