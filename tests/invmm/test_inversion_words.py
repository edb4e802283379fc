"""Inverted prompts: soft words, their slopes, and what they are good for."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
import tiny
import torch
from inversions import alike, begin, digits, finish, inverter, samples
from torch import Tensor

from solidmark.data import Sample
from solidmark.diffusion import Metered, moments
from solidmark.errors import BadInput
from solidmark.measures.invmm.inversion import PRESETS, Inversion, Inverter
from solidmark.measures.invmm.inversion.words import logit_slopes, soft_words
from solidmark.models import Conditions, Memorizer, open_model
from solidmark.models.prompts import prompt_space

WORDS = Inversion(
    steps=100,
    samples=4,
    every=10,
    threshold=0.95,
    prompt="inverted",
    sampling_steps=10,
    screen_steps=4,
    guidances=(1.0,),
)


@dataclass(frozen=True)
class Dictionary:
    """A vocabulary in which word i is the i-th unit vector."""

    size: int
    length: int = 2
    asked: list[list[str]] = field(default_factory=list)

    @property
    def table(self) -> Tensor:
        return torch.eye(self.size)

    def tell(self, soft: Tensor, samples: Sequence[Sample]) -> Conditions:
        assert soft.shape == (len(samples), self.length, self.size)
        self.asked.append([sample.id for sample in samples])
        return Conditions({"words": soft.mean(1)})

    def decode(self, tokens: Tensor) -> str:
        return " ".join(map(str, tokens.tolist()))


@dataclass(frozen=True)
class Listener(Memorizer):
    """Recalls the picture that it is told of, more surely the more it is told so."""

    sureness: float = 4.0

    def condition(self, samples: Sequence[Sample]) -> Conditions:
        raise AssertionError("A prompt that is inverted is not asked for.")

    def denoise(
        self, z_t: Tensor, t: float | Tensor, condition: Conditions | None = None
    ) -> Tensor:
        assert condition is not None
        alpha, sigma = moments(self.schedule, t)
        x = self.latents.float()
        z = z_t.flatten(1)
        a, s = (torch.as_tensor(one).reshape(-1, 1) for one in (alpha, sigma))
        energy = (z[:, None] - a[..., None] * x).square().sum(2) / (2 * s**2)
        weights = torch.softmax(self.sureness * condition.tensors["words"] - energy, dim=1)
        return (weights @ x).reshape(z_t.shape)


def test_soft_words_are_those_of_torch_and_so_are_their_slopes() -> None:
    noise = torch.Generator().manual_seed(0)
    logits = torch.randn(3, 7, generator=noise, requires_grad=True)
    table = torch.randn(7, 5, generator=noise)
    slopes = torch.randn(4, 3, 5, generator=noise)
    draws = torch.Generator().manual_seed(11)
    expected = []
    for _ in range(4):
        gumbel = -torch.empty(3, 7).exponential_(generator=draws).log()
        expected.append(torch.softmax((logits + gumbel) / 2.0, -1) @ table)
    found = soft_words(logits.detach(), table, 11, 4, 2.0)
    assert torch.allclose(found, torch.stack(expected), atol=1e-6)
    (torch.stack(expected) * slopes).sum().backward()
    assert torch.allclose(
        logit_slopes(logits.detach(), table, 11, slopes, 2.0), logits.grad, atol=1e-5
    )


def test_the_noise_of_words_is_gumbel() -> None:
    """At a low temperature the largest wins, with the probabilities of the softmax."""
    logits = torch.tensor([[0.0, 1.0, 2.0]])
    drawn = soft_words(logits, torch.eye(3), 5, 4000, 1e-3)
    shares = drawn[:, 0].round().mean(0)
    assert torch.allclose(shares, torch.softmax(logits[0], 0), atol=0.03)


def test_the_words_that_help_are_found_each_attempt_its_own() -> None:
    """Sure of what it is told, the model needs no noise of a kind."""
    subjects = samples([0, 3, 5])
    model = Listener(digits()[:8], sureness=40.0)
    space = Dictionary(8)
    meter = Metered(model)
    asked = Inverter(meter, WORDS, alike, prompts=space)
    found = finish(asked, begin(asked, subjects), subjects)
    for attempt, number in zip(found, (0, 3, 5), strict=True):
        assert attempt.logits is not None
        assert attempt.logits.shape == (2, 8)
        assert int(attempt.logits.mean(0).argmax()) == number
        assert attempt.outcome == "reproduced"
    assert sum(attempt.calls for attempt in found) == pytest.approx(meter.calls)
    # Each of its samples is told with the sample that it is about.
    assert space.asked[0] == [sample.id for sample in subjects for _ in range(4)]
    for attempt, sample in zip(found, subjects, strict=True):
        (alone,) = finish(asked, begin(asked, [sample]), [sample])
        assert alone.step == attempt.step
        assert alone.path[-1] == pytest.approx(attempt.path[-1], abs=1e-3)


def test_the_path_of_words_is_that_of_torch() -> None:
    """Autograd and Adam of torch, over the whole loss, with the same draws."""
    model, space = Listener(digits()[:6]), Dictionary(6)
    inversion = replace(WORDS, steps=8, every=4, samples=3, threshold=2.0)
    asked = Inverter(model, inversion, alike, prompts=space)
    (sample,) = samples([2])
    attempt = begin(asked, [sample])[0]
    draws = torch.Generator()
    draws.set_state(attempt.generator)
    (found,) = finish(asked, [attempt], [sample])
    z_0 = model.encode(sample.image[None])
    free = [torch.zeros(1, 8, 8), torch.zeros(1, 8, 8), torch.zeros(2, 6)]
    mu, log_variance, logits = (one.requires_grad_() for one in free)
    adam = torch.optim.Adam(free, lr=0.1)
    weight, losses = 1.0, []
    for step in range(1, 9):
        t = torch.randint(1000, (3,), generator=draws) / 1000
        xi = torch.randn(3, 1, 8, 8, generator=draws)
        words = torch.Generator().manual_seed(int(torch.randint(2**62, (), generator=draws)))
        soft = [
            torch.nn.functional.softmax(
                (logits - torch.empty(2, 6).exponential_(generator=words).log()) / 2.0, dim=1
            )
            for _ in range(3)
        ]
        alpha, sigma = moments(model.schedule, t)
        z_t = alpha * z_0 + sigma * (mu + (log_variance / 2).exp() * xi)
        expected = model.denoise(z_t, t, space.tell(torch.stack(soft), [sample] * 3))
        p = (expected - z_0).square().mean()
        r = 0.5 * (mu.square() + log_variance.exp() - log_variance - 1).mean()
        adam.zero_grad()
        (p + weight * r).backward()
        adam.step()
        losses.append(p.item())
        weight += 1e-4
        if step == 4:
            first, weight = sum(losses) / 4, weight + 1e-4
    assert found.path[0].loss == pytest.approx(first, rel=1e-4)
    assert found.path[1].loss == pytest.approx(sum(losses) / 8, rel=1e-4)
    assert found.logits is not None
    assert torch.allclose(found.logits, logits.detach(), atol=1e-3)
    assert found.kl_end == pytest.approx(r_of(mu, log_variance), rel=1e-3)


def r_of(mu: Tensor, log_variance: Tensor) -> float:
    return float(0.5 * (mu.square() + log_variance.exp() - log_variance - 1).mean().detach())


def test_words_survive_their_file(tmp_path: Path) -> None:
    asked = Inverter(Listener(digits()[:6]), WORDS, alike, prompts=Dictionary(6))
    subjects = samples([2])
    whole = finish(asked, begin(asked, subjects), subjects)[0]
    (half,) = asked.advance(begin(asked, subjects), subjects)
    half.to_file(tmp_path / "half")
    (rest,) = finish(asked, [type(half).from_file(tmp_path / "half")], subjects)
    assert rest.logits is not None
    assert whole.logits is not None
    assert torch.equal(rest.logits, whole.logits)
    assert rest.path == whole.path


@pytest.mark.parametrize("checks", ["full", "cheap"])
def test_a_text_to_image_model_is_told_words_of_its_own(tmp_path: Path, checks: str) -> None:
    """A tiny Stable Diffusion with random weights: the words must at least be descended on."""
    model = open_model(str(tiny.stable_diffusion(tmp_path / "sd")))
    inversion = replace(
        PRESETS["sd"],
        steps=3,
        samples=2,
        every=2,
        checked=2,
        sampling_steps=2,
        screen_steps=1,
        guidances=(1.0, 3.0),
        threshold=1.5,
        checks=checks,  # type: ignore[arg-type]
    )
    space = prompt_space(model)
    image = torch.rand(3, 16, 16, generator=torch.Generator().manual_seed(0))
    subjects = [Sample(name, image, name, "a red dog") for name in ("one", "two")]
    meter = Metered(model)
    asked = Inverter(meter, inversion, alike, prompts=space)
    found = finish(asked, begin(asked, subjects), subjects)
    assert sum(attempt.calls for attempt in found) == pytest.approx(meter.calls)
    for attempt in found:
        assert (attempt.outcome, attempt.step) == ("spent", 3)
        assert attempt.logits is not None
        assert attempt.logits.shape == (space.length, len(space.table))
        assert float(attempt.logits.abs().max()) > 0.05
        assert math.isfinite(attempt.best_similarity)
    given = Inverter(meter, replace(inversion, prompt="given"), alike)
    found = finish(given, begin(given, subjects), subjects)
    assert [attempt.logits for attempt in found] == [None, None]


def test_words_that_are_not_there_are_asked_for() -> None:
    with pytest.raises(BadInput, match="To invert a prompt the inverter needs the words"):
        inverter(Memorizer(digits()), WORDS)
