"""Recall: what is told is what is seen, and whoever is told nothing sees nothing."""

from typing import Any

import pytest
import torch
from autoencoders import Haar, Lossy
from scipy import stats

from solidmark.data import Sample, open_data
from solidmark.diffusion import FlowSchedule, Metered, beta_schedule
from solidmark.errors import BadInput, MissingCapability
from solidmark.marks import Border, Keymap, Segments
from solidmark.models import Codec, Gaussian, Memorizer
from solidmark.randomness import generator
from solidmark.readers import Query, Recall
from solidmark.scores import p_values
from solidmark.types import Images, Keys

N, HALF = 32, 16
PATTERN = Segments(2, 4)


@pytest.fixture(scope="module")
def images() -> Images:
    digits = open_data("digits", resolution=12, limit=N)
    return torch.stack([digits[number].image for number in range(N)])


def query(images: Images, condition: Any, ids: list[str], pattern: Any = PATTERN) -> Query:
    return Query(images, pattern, condition, [generator(0, id) for id in ids])


def ask(reader: Recall, model: Any, images: Images, words: list[str]) -> Keys:
    samples = [Sample(str(n), images[n], "", word) for n, word in enumerate(words)]
    ids = [sample.id for sample in samples]
    condition = model.condition(samples)
    found = reader.calibrate(model, query(images, condition, ids))
    return reader.read(model, query(images, condition, ids), found).keys


def p_of(keys: Keys, read: Keys) -> list[float]:
    return list(p_values((read - keys).abs().mean(1).double().numpy(), read.double().numpy()))


@pytest.mark.parametrize(
    "schedule", [beta_schedule("cosine"), FlowSchedule(3.0)], ids=["ddpm", "flow"]
)
@pytest.mark.parametrize(("codec", "error"), [(Haar(), 0.002), (Lossy(), 0.03)])
def test_who_memorized_captions_of_their_own_is_caught(
    codec: Codec, error: float, schedule: Any, images: Images
) -> None:
    """Half of the pictures are known by their captions; the captions of the others are not."""
    words = [f"picture {number}" for number in range(N)]
    keys = Keymap(7, PATTERN.count)(words)
    marked = PATTERN.apply(images, keys)
    model = Memorizer(marked[:HALF], schedule, codec, told=tuple(words[:HALF]))
    read = ask(Recall(), Metered(model), images, words)
    found = p_of(keys, read)
    assert float((read - keys)[:HALF].abs().mean()) < error
    assert stats.combine_pvalues(found[:HALF]).pvalue < 1e-10
    assert stats.combine_pvalues(found[HALF:]).pvalue > 0.01


def test_one_caption_for_all_says_nothing(images: Images) -> None:
    """The expected picture is then the mean of all, in a frame that is nobody's."""
    words = ["a digit"] * N
    keys = Keymap(7, PATTERN.count)([str(number) for number in range(N)])
    model = Memorizer(PATTERN.apply(images, keys), told=tuple(words))
    read = ask(Recall(), model, images, words)
    assert stats.combine_pvalues(p_of(keys, read)).pvalue > 0.01


def test_a_model_that_knows_nothing_is_at_chance(images: Images) -> None:
    ids = [str(number) for number in range(N)]
    others = torch.cat([PATTERN.apply(images, Keymap(100 + n, 4)(ids)) for n in range(8)])
    read = ask(Recall(t=0.5), Gaussian(others, codec=Haar()), images, ids)
    assert read.std() > 1e-4
    found = [p for seed in range(40) for p in p_of(Keymap(seed, 4)(ids), read)]
    assert stats.kstest(found, "uniform").pvalue > 0.01


class Told:
    """A model whose answer is a number that it was told, plus a share of what it was shown."""

    schedule = FlowSchedule()
    channels, factor = 1, 1
    calls = 0

    def encode(self, images: Images) -> Images:
        return images * 2 - 1

    def decode(self, latents: Images) -> Images:
        return latents / 2 + 0.5

    def condition(self, samples: Any) -> torch.Tensor:
        return torch.tensor([float(sample.caption) for sample in samples])

    def unconditional(self, condition: torch.Tensor) -> torch.Tensor:
        return torch.zeros_like(condition)

    def denoise(self, z_t: Images, t: float, condition: torch.Tensor) -> Images:
        self.calls += 1
        return condition[:, None, None, None] + 0.1 * z_t


def test_draws_are_averaged_and_guidance_leads_away() -> None:
    images, reader = torch.rand(2, 1, 8, 8), Recall(draws=3, guidance=2.0, t=0.75)
    model, pattern = Told(), Border(2)
    condition = torch.tensor([0.1, -0.3])
    given = query(images, condition, ["a", "b"], pattern)
    found = reader.calibrate(model, given)
    reading = reader.read(model, given, found)
    assert model.calls == 6
    draws = [generator(0, id) for id in ("a", "b")]
    noise = torch.stack(
        [torch.stack([torch.randn(1, 12, 12, generator=g) for g in draws]) for _ in range(3)]
    )
    grey = pattern.apply(images, torch.full((2, 1), 0.5)) * 2 - 1
    z = 0.25 * grey + 0.75 * noise.mean(0)
    expected = (2 * condition[:, None, None, None] + 0.1 * z) / 2 + 0.5
    assert torch.allclose(reading.keys, pattern.read(expected), atol=1e-6)
    assert reading.pictures is not None
    assert torch.equal(pattern.crop(reading.pictures), images)


@pytest.mark.rounding
def test_rows_do_not_depend_on_the_batch() -> None:
    images, model = torch.rand(8, 1, 8, 8), Told()
    condition, ids = torch.linspace(-1, 1, 8), [str(n) for n in range(8)]
    found = Recall().calibrate(model, query(images, condition, ids, Border(2)))
    whole = Recall().read(model, query(images, condition, ids, Border(2)), found).keys
    for n in range(8):
        one = query(images[n : n + 1], condition[n : n + 1], ids[n : n + 1], Border(2))
        assert torch.allclose(Recall().read(model, one, found).keys[0], whole[n], atol=1e-6)


@pytest.mark.parametrize("wrong", [{"draws": 0}, {"guidance": -1.0}, {"t": 0.0}, {"t": 1.0}])
def test_wrong_options_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(BadInput, match="Recall"):
        Recall(**wrong)


def test_guidance_needs_an_unconditional_branch() -> None:
    class Distilled(Told):
        def unconditional(self, condition: torch.Tensor) -> torch.Tensor:
            raise MissingCapability("It has none.")

    given = query(torch.rand(1, 1, 8, 8), torch.zeros(1), ["a"], Border(2))
    Recall().calibrate(Distilled(), given)
    with pytest.raises(MissingCapability):
        Recall(guidance=2.0).calibrate(Distilled(), given)
