"""Every reader of latents behind an autoencoder: what is known is seen, and nothing else."""

from typing import Any

import pytest
import torch
from autoencoders import Haar, Lossy
from scipy import stats

from solidmark.data import open_data
from solidmark.diffusion import FlowSchedule, Metered, Schedule, beta_schedule
from solidmark.errors import BadInput
from solidmark.marks import Border, Keymap, Pattern, Segments
from solidmark.models import Codec, Gaussian, Memorizer, Pixels
from solidmark.randomness import generator
from solidmark.readers import READERS as ALL
from solidmark.readers import (
    Blend,
    Energy,
    Gradient,
    LatentOutpaint,
    Linear,
    Outpaint,
    Probe,
    Query,
    Reader,
)
from solidmark.scores import p_values
from solidmark.types import Images, Keys

N, HALF = 64, 32
CODECS = [Haar(), Lossy()]
SCHEDULES = [beta_schedule("cosine"), FlowSchedule(3.0)]
READERS = [
    Energy(),
    Blend(),
    Gradient(),
    Linear(),
    Probe(),
    LatentOutpaint(20, 1.0, every=5),
    LatentOutpaint(20, 3.0, paste="latents"),
]


@pytest.fixture(scope="module")
def data() -> tuple[list[str], Images]:
    digits = open_data("digits", resolution=12, limit=N)
    samples = [digits[number] for number in range(N)]
    return [s.id for s in samples], torch.stack([s.image for s in samples])


def ask(reader: Reader, model: Any, images: Images, pattern: Pattern, ids: list[str]) -> Keys:
    def query() -> Query:
        return Query(images, pattern, None, [generator(0, id) for id in ids])

    return reader.read(model, query(), reader.calibrate(model, query())).keys


def p_of(keys: Keys, read: Keys) -> list[float]:
    return list(p_values((read - keys).abs().mean(1).double().numpy(), read.double().numpy()))


@pytest.mark.parametrize("schedule", SCHEDULES, ids=lambda s: type(s).__name__)
@pytest.mark.parametrize("codec", CODECS, ids=lambda c: type(c).__name__)
@pytest.mark.parametrize("reader", READERS, ids=str)
def test_a_perfect_memorizer_is_caught(
    reader: Reader, codec: Codec, schedule: Schedule, data: tuple[list[str], Images]
) -> None:
    """Half of the images are memorized; the other half is read at chance (Fisher's test)."""
    ids, images = data
    pattern = Segments(2, 4)
    keys = Keymap(7, 4)(ids)
    model = Memorizer(pattern.apply(images[:HALF], keys[:HALF]), schedule, codec)
    read = ask(reader, Metered(model), images, pattern, ids)
    found = p_of(keys, read)
    known, unknown = found[:HALF], found[HALF:]
    assert stats.combine_pvalues(known).pvalue < 1e-4
    assert stats.combine_pvalues(unknown).pvalue > 0.01


@pytest.mark.parametrize("codec", CODECS, ids=lambda c: type(c).__name__)
@pytest.mark.parametrize("pattern", [Border(2), Segments(2, 4)], ids=str)
@pytest.mark.parametrize("reader", READERS, ids=str)
def test_a_model_that_knows_nothing_is_at_chance(
    reader: Reader, pattern: Pattern, codec: Codec, data: tuple[list[str], Images]
) -> None:
    """The keys are redrawn 40 times: 2,560 p-values, uniform."""
    ids, images = data
    count = pattern.count
    others = torch.cat([pattern.apply(images, Keymap(100 + n, count)(ids)) for n in range(8)])
    read = ask(reader, Gaussian(others, codec=codec), images, pattern, ids)
    assert read.std() > 1e-4
    found = [p for seed in range(40) for p in p_of(Keymap(seed, count)(ids), read)]
    assert stats.kstest(found, "uniform").pvalue > 0.01


@pytest.mark.parametrize("codec", CODECS, ids=lambda c: type(c).__name__)
def test_energy_finds_the_grey_of_a_memorizer_behind_an_autoencoder(
    codec: Codec, data: tuple[list[str], Images]
) -> None:
    """Without any correction: its candidates go through the encoder as the key did."""
    ids, images = data
    pattern, keys = Border(2), Keymap(7)(ids)
    read = ask(Energy(), Memorizer(pattern.apply(images, keys), codec=codec), images, pattern, ids)
    near = (read - keys).abs().flatten()
    assert float((near <= 0.1).float().mean()) >= 0.95
    assert float(near.median()) < 0.03


def test_the_pixel_reader_of_the_paper_is_not_for_latents(data: tuple[list[str], Images]) -> None:
    ids, images = data
    pattern = Border(2)
    model = Memorizer(pattern.apply(images, Keymap(7)(ids)), codec=Haar())
    with pytest.raises(BadInput, match="latent-outpaint"):
        Outpaint().calibrate(model, Query(images, pattern, None))


@pytest.mark.parametrize("pattern", [Border(2), Segments(2, 4)], ids=str)
@pytest.mark.parametrize("name", sorted(ALL))
def test_a_calibration_takes_as_many_passes_as_it_says(
    name: str, pattern: Pattern, data: tuple[list[str], Images]
) -> None:
    """Or nobody knows the time that is left; in parts of any size."""
    ids, images = data[0][:8], data[1][:8]
    codec = Pixels() if name == "outpaint" else Lossy()
    model = Memorizer(pattern.apply(images, Keymap(7, pattern.count)(ids)), codec=codec)
    size = pattern.marked_size(*images.shape[-2:])
    readers = [ALL[name](), *([ALL[name](t=0.2)] if "t" in ALL[name].__dataclass_fields__ else [])]
    readers += [Energy(candidates=4)] if name == "energy" else []
    for reader in readers:
        told: list[int] = []
        query = Query(images, pattern, None, [generator(0, id) for id in ids])
        reader.calibrate(Metered(model, 3, told.append), query)
        assert sum(told) == reader.passes(len(images), pattern, size)
        assert max(told, default=0) <= 3
