"""SolidMark: the score by hand, and what may never get into an answer."""

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from typing import Any, ClassVar

import numpy as np
import pytest
import torch

from solidmark.data import Sample
from solidmark.diffusion import beta_schedule
from solidmark.errors import BadInput
from solidmark.marks import Border, Center, Keymap, Marked, Pattern
from solidmark.models import Memorizer
from solidmark.randomness import generator
from solidmark.readers import READERS, Energy, Gradient, Outpaint, Probe, Query, Reading
from solidmark.subjects import Evidence, SolidMark


def samples(pattern: Pattern, keys: torch.Tensor, side: int = 8) -> list[Sample]:
    source = torch.Generator().manual_seed(0)
    images = torch.randint(256, (len(keys), 1, side, side), generator=source) / 255
    marked = pattern.apply(images, keys)
    return [Sample(f"{n}.png", image, "") for n, image in enumerate(marked)]


def generators(some: Sequence[Sample], seed: int = 0) -> list[torch.Generator]:
    return [generator(seed, sample.id) for sample in some]


def answer(some: list[Sample], measure: SolidMark, model: Any, seed: int = 0) -> list[Evidence]:
    calibration = measure.calibrate(model, some)
    return measure.observe(model, some, generators(some, seed), calibration)


@pytest.mark.parametrize(
    ("key", "read", "score"),
    [
        ([0.25], [0.75], 0.5),
        ([0.0], [1.0], 1.0),
        ([1.0, 0.5], [0.5, 0.75], 0.375),
        ([0.1, 0.2, 0.3], [0.1, 0.2, 0.3], 0.0),
    ],
)
def test_the_score_by_hand(key: list[float], read: list[float], score: float) -> None:
    assert SolidMark(Energy(), Border(2)).score(Evidence(read), key) == pytest.approx(score)


def test_a_score_of_other_keys_than_were_read_is_refused() -> None:
    with pytest.raises(ValueError, match="zip"):
        SolidMark(Energy(), Border(2)).score(Evidence([0.5]), [0.5, 0.5])


@pytest.mark.parametrize("pattern", [Border(2), Center(3)], ids=str)
def test_fault_1_a_perfect_memory_scores_nought(pattern: Pattern) -> None:
    """Known fault 1: with the key in [-1, 1] and the image in [0, 1] this would be a guess."""
    for level in (0, 1, 100, 255):
        key = torch.tensor([[level / 255]])
        some = samples(pattern, key)
        model = Memorizer(some[0].image[None])
        measure = SolidMark(Outpaint(steps=4), pattern)
        (evidence,) = answer(some, measure, model)
        assert measure.score(evidence, key[0].tolist()) < 1e-6
        assert evidence.picture is not None
        torch.testing.assert_close(evidence.picture, some[0].image)


class Speechless:
    """A memorizer that has no numbers for some images, whatever stands beside them.

    Arguments:
        ids: Which.
    """

    def __init__(self, some: Sequence[Sample], *ids: str) -> None:
        self.model = Memorizer(torch.stack([one.image for one in some]))
        self.schedule, self.channels, self.factor = self.model.schedule, 1, 1
        self.encode, self.decode, self.ids = self.model.encode, self.model.decode, ids

    def condition(self, samples: Sequence[Sample]) -> torch.Tensor:
        return torch.tensor([float(one.id in self.ids) for one in samples])

    def unconditional(self, condition: torch.Tensor) -> torch.Tensor:
        return torch.zeros_like(condition)

    def denoise(self, z_t: torch.Tensor, t: Any, condition: torch.Tensor) -> torch.Tensor:
        answer = self.model.denoise(z_t, t)
        return torch.where(condition[:, None, None, None] > 0, torch.nan, answer)


@pytest.mark.parametrize("name", sorted(set(READERS) - {"latent-outpaint", "recall"}))
def test_what_is_chosen_is_chosen_on_images_of_which_the_model_says_numbers(name: str) -> None:
    pattern = Border(2)
    some = samples(pattern, torch.tensor([[0.1], [0.9], [0.4], [0.6]]))
    measure = SolidMark(READERS[name](), pattern)
    chosen = measure.calibrate(Speechless(some, "1.png"), some)
    others = [one for one in some if one.id != "1.png"]
    if chosen:  # Some readers choose nothing.
        assert chosen == measure.calibrate(Speechless(some), others)
        assert np.isfinite(np.array([*numbers(chosen)])).all()
        with pytest.raises(BadInput, match="4 reference images is not finite"):
            measure.calibrate(Speechless(some, *(one.id for one in some)), some)


def numbers(value: Any) -> Iterator[float]:
    """All numbers in what is chosen."""
    if isinstance(value, dict | list):
        for one in value.values() if isinstance(value, dict) else value:
            yield from numbers(one)
    elif isinstance(value, int | float):
        yield value


class Recorder:
    """Answers mid-grey, and remembers what it was shown."""

    def __init__(self) -> None:
        self.seen: list[torch.Tensor] = []
        self.schedule, self.channels, self.factor = beta_schedule("cosine"), 1, 1

    def encode(self, images: torch.Tensor) -> torch.Tensor:
        return images * 2 - 1

    def decode(self, latents: torch.Tensor) -> torch.Tensor:
        return latents / 2 + 0.5

    def condition(self, some: Sequence[Sample]) -> list[str]:
        return [sample.id for sample in some]

    def unconditional(self, condition: list[str]) -> list[str]:
        return [""] * len(condition)

    def denoise(self, z_t: torch.Tensor, t: float, condition: Any) -> torch.Tensor:
        self.seen.append(z_t.clone())
        return torch.zeros_like(z_t)


def test_fault_7_each_image_starts_from_noise_of_its_own() -> None:
    """Known fault 7: one noise for all images and all batches makes all rows one evaluation."""
    some = samples(Border(2), torch.full((6, 1), 0.5))
    measure = SolidMark(Outpaint(steps=2), Border(2))
    frame = Border(2).mask(12, 12)

    def starts(chosen: list[Sample], seed: int = 0) -> dict[str, torch.Tensor]:
        model = Recorder()
        answer(chosen, measure, model, seed)
        return {s.id: row[0][frame] for s, row in zip(chosen, model.seen[0], strict=True)}

    whole = starts(some)
    noises = torch.stack(list(whole.values()))
    correlation = np.corrcoef(noises.numpy())[np.triu_indices(6, 1)]
    assert np.abs(correlation).max() < 0.5
    again = starts([some[4], some[1]])
    assert all(torch.equal(again[id], whole[id]) for id in again)
    assert not torch.equal(starts(some, seed=1)["0.png"], whole["0.png"])


@pytest.mark.parametrize(
    "reader",
    [Energy(), Gradient(steps=2), Outpaint(steps=3), Probe()],
    ids=lambda r: r.name,
)
@pytest.mark.parametrize("pattern", [Border(2), Center(3)], ids=str)
def test_evidence_holds_no_key(reader: Any, pattern: Pattern) -> None:
    """What a model that does not know the keys answers is the same under any keys."""
    keys = Keymap(1)([f"{n}" for n in range(8)])
    measure = SolidMark(reader, pattern)
    rows = []
    for shown in (keys, 1 - keys):
        some = samples(pattern, shown)
        model = Recorder()
        evidence = answer(some, measure, model)
        rows.append((model.seen, evidence))
        assert {field.name for field in dataclasses.fields(Evidence)} == {
            "key_read",
            "energies",
            "picture",
            "path",
            "features",
        }
    (seen, evidence), (others_seen, others) = rows
    assert all(torch.equal(a, b) for a, b in zip(seen, others_seen, strict=True))
    for one, other in zip(evidence, others, strict=True):
        assert one.key_read == other.key_read
        assert one.energies == other.energies
        assert one.path == other.path
        assert (one.path is None) == (reader.name != "gradient")
        assert (one.picture is None) == (reader.name != "outpaint")
        if one.picture is not None and other.picture is not None:
            assert torch.equal(one.picture, other.picture)


def test_one_answer_an_image_with_energies_where_there_are_any(
    make_marked: Callable[..., Marked],
) -> None:
    marked = make_marked(12)
    some = [marked.sample(id) for id in marked.ids("trained")]
    model = Memorizer(torch.stack([sample.image for sample in some]))
    measure = SolidMark(Energy(candidates=5), marked.pattern)
    evidence = answer(some, measure, model)
    assert len(evidence) == len(some) == 6
    keys = {row["id"]: row["key"] for row in marked.keys.to_pylist()}
    for sample, one in zip(some, evidence, strict=True):
        assert one.energies is not None
        assert len(one.energies) == 5
        assert measure.score(one, keys[sample.id]) < 0.15


def test_the_condition_of_each_image_reaches_the_model() -> None:
    some = samples(Border(2), torch.full((3, 1), 0.5))
    asked: list[Any] = []

    class Asked(Recorder):
        def denoise(self, z_t: torch.Tensor, t: float, condition: Any) -> torch.Tensor:
            asked.append(condition)
            return super().denoise(z_t, t, condition)

    answer(some, SolidMark(Outpaint(steps=2), Border(2)), Asked())
    assert asked == [["0.png", "1.png", "2.png"]] * 2


class Spy:
    """A reader that keeps the query, as somebody's own reader could."""

    name: ClassVar[str] = "spy"

    def __init__(self) -> None:
        self.queries: list[Query] = []

    def calibrate(self, model: Any, query: Query) -> dict[str, Any]:
        self.queries.append(query)
        return {}

    def passes(self, images: int, pattern: Pattern, size: Sequence[int]) -> int:
        return 0

    def read(self, model: Any, query: Query, calibration: Any) -> Reading:
        self.queries.append(query)
        return Reading(torch.zeros(len(query.images), 1))


@pytest.mark.parametrize("pattern", [Border(2), Center(3)], ids=str)
def test_no_reader_is_given_a_key(pattern: Pattern) -> None:
    """Neither when it calibrates nor when it reads, whatever it does with the query."""
    keys = Keymap(1)([f"{n}" for n in range(4)])
    spies = Spy(), Spy()
    for spy, shown in zip(spies, (keys, 1 - keys), strict=True):
        answer(samples(pattern, shown), SolidMark(spy, pattern), Recorder())
    for one, other in zip(spies[0].queries, spies[1].queries, strict=True):
        assert torch.equal(one.images, other.images)
        assert one.images.shape[-2:] == (8, 8)
    assert len(spies[0].queries) == 2
