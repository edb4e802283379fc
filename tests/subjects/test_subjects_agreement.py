"""Caption agreement, on models of which it is known what they draw and what they see."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import pytest
import tiny
import torch

from solidmark.data import Sample
from solidmark.diffusion import DiscreteSchedule, beta_schedule
from solidmark.diffusion.noise import noise_per_latent
from solidmark.errors import BadInput, EmptyTable
from solidmark.mitigations import GaussianNoise, Mitigated
from solidmark.models import Conditions, open_model
from solidmark.randomness import generator
from solidmark.scores import agreement
from solidmark.subjects import Agreement

ASK = Agreement(captions=4, steps=4, guidance=1.0, times=3)


def target(caption: str) -> torch.Tensor:
    """What a caption looks like: a picture of its own."""
    return torch.rand(1, 6, 6, generator=generator(0, caption)) * 2 - 1


@dataclass
class Stub:
    """Believes that each caption has one picture, and knows it; or is deaf to captions.

    Arguments:
        deaf: Whether it believes in a grey picture whatever it is told.
        turned: How many captions on it thinks of another one than it is told.
    """

    deaf: bool = False
    turned: int = 0
    names: Sequence[str] = ()
    channels: ClassVar[int] = 1
    factor: ClassVar[int] = 1
    asked: list[int] = field(default_factory=list)

    @property
    def schedule(self) -> DiscreteSchedule:
        return beta_schedule("cosine")

    def encode(self, images: torch.Tensor) -> torch.Tensor:
        return images * 2 - 1

    def decode(self, latents: torch.Tensor) -> torch.Tensor:
        return latents / 2 + 0.5

    def condition(self, samples: Sequence[Sample]) -> Conditions:
        def picture(caption: str) -> torch.Tensor:
            if self.turned:
                index = self.names.index(caption) + self.turned
                caption = self.names[index % len(self.names)]
            return target(caption) * (not self.deaf)

        return Conditions({"embeds": torch.stack([picture(str(s.caption)) for s in samples])})

    def unconditional(self, condition: Conditions) -> Conditions:
        return condition.map(torch.zeros_like)

    def denoise(self, z_t: torch.Tensor, t: float, condition: Any) -> torch.Tensor:
        self.asked.append(len(z_t))
        return condition.tensors["embeds"]


def samples(count: int, names: int | None = None) -> list[Sample]:
    return [
        Sample(f"{n}", torch.full((1, 6, 6), 0.5), f"{n}", f"caption {n % (names or count)}")
        for n in range(count)
    ]


def test_a_model_that_follows_its_captions_agrees() -> None:
    choices = ASK.ask(Stub(), Stub(), samples(20))
    assert all(choice.right for choice in choices)
    assert [choice.id for choice in choices] == [f"{n}" for n in range(20)]


def test_a_model_that_draws_something_else_does_not() -> None:
    """Each draws the picture of the next caption: the right one never explains it best."""
    asked = samples(4)
    wrong = Stub(turned=1, names=[str(sample.caption) for sample in asked])
    choices = ASK.ask(wrong, Stub(), asked)
    assert [choice.chosen for choice in choices] == [
        "caption 1",
        "caption 2",
        "caption 3",
        "caption 0",
    ]


def test_a_model_that_ignores_captions_is_at_chance() -> None:
    """All captions explain all pictures alike, and the ties are broken by lot."""
    right = [choice.right for choice in ASK.ask(Stub(deaf=True), Stub(deaf=True), samples(400))]
    found = agreement(right, 4)
    assert found.ci_low <= 0.25 <= found.ci_high
    assert 0.15 < found.value < 0.35


def test_a_model_that_draws_without_captions_is_at_chance() -> None:
    """The judge tells pictures apart, but the grey one is of no caption."""
    right = [choice.right for choice in ASK.ask(Stub(deaf=True), Stub(), samples(400))]
    assert 0.15 < agreement(right, 4).value < 0.35


def test_no_choice_hangs_on_the_batch_or_the_order() -> None:
    asked = samples(11, 7)
    draws, judge = Stub(deaf=True), Stub()
    whole = ASK.ask(draws, judge, asked, seed=3, batch_size=16)
    assert ASK.ask(draws, judge, asked, seed=3, batch_size=1) == whole
    assert ASK.ask(draws, judge, asked[::-1], seed=3, batch_size=4) == whole[::-1]
    assert ASK.ask(draws, judge, asked, seed=4) != whole


def test_equal_captions_never_stand_beside_each_other() -> None:
    asked = samples(12, 4)
    assert all(choice.right for choice in ASK.ask(Stub(), Stub(), asked))


def test_guidance_leads_away_from_nothing() -> None:
    """Twice the picture, less once nothing: the stub's pictures double."""
    plain, guided = (
        replace(ASK, guidance=guidance).draw(Stub(), samples(3)) for guidance in (1.0, 1.5)
    )
    expected = ((plain * 2 - 1) * 1.5).clamp(-1, 1) / 2 + 0.5
    torch.testing.assert_close(guided, expected, rtol=0, atol=1e-5)


def test_what_it_costs() -> None:
    draws, judge = Stub(), Stub()
    replace(ASK, guidance=2.0).ask(draws, judge, samples(5))
    assert sum(draws.asked) == 5 * 4 * 2
    assert sum(judge.asked) == 5 * 4 * 3


def test_on_a_real_network(tmp_path: Any) -> None:
    """Random weights follow nothing much; what counts is that all parts fit."""
    model = open_model(str(tiny.stable_diffusion(tmp_path)))
    asked = [
        Sample(f"{n}", torch.zeros(3, 32, 32), f"{n}", caption)
        for n, caption in enumerate(("a red dog", "the small tree", "7 blue cat"))
    ]
    ask = Agreement(captions=3, steps=2, guidance=2.0, times=2)
    mitigated = Mitigated(model, (GaussianNoise(2.0),))
    assert len(ask.ask(mitigated, model, asked)) == 3
    drawn, plain = ask.draw(mitigated, asked), ask.draw(model, asked)
    assert drawn.shape == (3, 3, 32, 32)
    assert (drawn - plain).abs().amax() > 1e-3
    silent = ask.draw(Mitigated(model, (GaussianNoise(0),)), asked)
    assert torch.equal(silent, plain)


def test_what_cannot_be_asked() -> None:
    with pytest.raises(BadInput, match="3 different captions, and 4 to choose from"):
        ASK.ask(Stub(), Stub(), samples(9, 3))
    with pytest.raises(BadInput, match='"1" has none'):
        ASK.ask(Stub(), Stub(), [*samples(1), replace(samples(2)[1], caption=None)])
    for wrong in ({"captions": 1}, {"times": 0}, {"steps": 0}, {"guidance": -1.0}):
        with pytest.raises(BadInput, match="An agreement takes"):
            Agreement(**wrong)
    with pytest.raises(EmptyTable, match="no image"):
        agreement([], 4)


def test_noise_moves_as_the_network_says() -> None:
    """An epsilon network's output, moved by 1, moves the expected image by sigma / alpha."""
    schedule = beta_schedule("linear")
    alpha, sigma = schedule(0.7)
    assert noise_per_latent(schedule, 0.7) == pytest.approx(alpha / sigma)
