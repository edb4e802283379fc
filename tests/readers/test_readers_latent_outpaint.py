"""Algorithm 1 against loops written out by hand, on models whose answers are known."""

import math
from collections.abc import Sequence
from typing import Any

import pytest
import torch
from autoencoders import Haar, Lossy

from solidmark.data import Sample
from solidmark.diffusion import FlowSchedule, Metered, Schedule, beta_schedule
from solidmark.errors import BadInput, MissingCapability
from solidmark.marks import Border, Pattern, Segments
from solidmark.models import Codec, Gaussian, Memorizer, Pixels
from solidmark.randomness import generator
from solidmark.readers import (
    Blend,
    Energy,
    Gradient,
    LatentOutpaint,
    Linear,
    Probe,
    Query,
    RoundTrip,
)

N, SIDE = 8, 8
GRID = torch.linspace(0, 1, 9).tolist()
SAME = {"round_trip": RoundTrip(tuple(GRID), tuple(GRID), (0.0,) * 9, (0.0,) * 9).to_json()}
"""A round trip that changes nothing."""

SCHEDULES = [beta_schedule("linear"), FlowSchedule(3.0)]


class Counted:
    """A denoiser of a known form; it counts what its autoencoder and its network are asked."""

    def __init__(self, codec: Codec, schedule: Schedule) -> None:
        self.codec, self.schedule = codec, schedule
        self.log: list[str] = []
        self.encoded: list[torch.Tensor] = []

    channels = 1

    @property
    def factor(self) -> int:
        return self.codec.factor

    def encode(self, images: torch.Tensor) -> torch.Tensor:
        self.log.append("encode")
        self.encoded.append(images.clone())
        return self.codec.encode(images)

    def decode(self, latents: torch.Tensor) -> torch.Tensor:
        self.log.append("decode")
        return self.codec.decode(latents)

    def condition(self, samples: Sequence[Sample]) -> Any:
        return torch.arange(1.0, len(samples) + 1)

    def unconditional(self, condition: Any) -> Any:
        return torch.zeros(len(condition))

    def denoise(self, z_t: torch.Tensor, t: float, condition: Any) -> torch.Tensor:
        self.log.append("call")
        return torch.tanh(z_t) * (1 - t) + 0.05 * condition[:, None, None, None]


def question(pattern: Pattern, rows: slice = slice(None), channels: int = 1) -> Query:
    images = torch.rand(N, channels, SIDE, SIDE, generator=torch.Generator().manual_seed(1))
    told = torch.arange(1.0, N + 1)
    generators = [generator(0, f"{number}") for number in range(N)]
    return Query(images[rows], pattern, told[rows], generators[rows])


def draw(generators: list[torch.Generator], shape: tuple[int, ...]) -> torch.Tensor:
    return torch.stack([torch.randn(shape, generator=g) for g in generators])


def guided(model: Counted, z: torch.Tensor, t: float, told: torch.Tensor, w: float) -> torch.Tensor:
    """Ho and Salimans, 2022, Eq. 6 with w = scale - 1, in terms of the expected image."""
    with_caption = model.denoise(z, t, told)
    without = model.denoise(z, t, torch.zeros_like(told))
    return (1 + w) * with_caption - w * without


def ddim(z: torch.Tensor, x: torch.Tensor, schedule: Schedule, t: float, s: float) -> torch.Tensor:
    """Song et al., 2021, Eq. 12 with sigma = 0."""
    (a_t, s_t), (a_s, s_s) = schedule(t), schedule(s)
    return a_s * x + s_s * (z - a_t * x) / s_t


@pytest.mark.parametrize("schedule", SCHEDULES, ids=lambda s: type(s).__name__)
@pytest.mark.parametrize("guidance", [1.0, 3.0, 0.0])
def test_pasting_latents_is_ddim_with_the_known_part_replaced(
    schedule: Schedule, guidance: float
) -> None:
    pattern, model, steps = Border(2), Counted(Pixels(), schedule), 10
    reader = LatentOutpaint(steps, guidance, paste="latents")
    reading = reader.read(model, question(pattern), SAME)

    asked = question(pattern)
    known = pattern.apply(asked.images, torch.full((N, 1), 0.5)) * 2 - 1
    inside = torch.ones(1, 1, 12, 12, dtype=torch.bool)
    inside[..., :2, :] = inside[..., -2:, :] = inside[..., :2] = inside[..., -2:] = False
    shape = (1, 12, 12)
    z = draw(asked.generators, shape)
    for i in range(steps):
        t = (1000 - 100 * i - 1) / 1000
        a_t, s_t = schedule(t)
        z = torch.where(inside, a_t * known + s_t * draw(asked.generators, shape), z)
        x = guided(model, z, t, asked.condition, guidance - 1)
        draw(asked.generators, shape)  # Of an ancestral step, which a deterministic one leaves.
        z = x if i == steps - 1 else ddim(z, x, schedule, t, t - 0.1)
    expected = torch.where(inside, known, z) / 2 + 0.5
    assert reading.pictures is not None
    torch.testing.assert_close(reading.pictures, expected.clamp(0, 1), atol=1e-5, rtol=0)
    keys = expected.clamp(0, 1)[:, 0][:, ~inside[0, 0]].mean(1, keepdim=True)
    torch.testing.assert_close(reading.keys, keys, atol=1e-5, rtol=0)
    assert keys.std() > 0.01


@pytest.mark.parametrize("schedule", SCHEDULES, ids=lambda s: type(s).__name__)
def test_pasting_pixels_is_algorithm_1(schedule: Schedule) -> None:
    """Decode, paste the image noised to the time reached, encode; after every second step."""
    pattern, model, steps = Border(2), Counted(Haar(), schedule), 5
    reading = LatentOutpaint(steps, 2.0, every=2).read(model, question(pattern), SAME)

    asked, codec = question(pattern), Haar()
    framed = pattern.apply(asked.images, torch.full((N, 1), 0.5))
    inside = torch.ones(12, 12, dtype=torch.bool)
    inside[:2] = inside[-2:] = inside[:, :2] = inside[:, -2:] = False
    z = draw(asked.generators, (4, 6, 6))
    for i in range(steps):
        t = (1000 - 200 * i - 1) / 1000
        x = guided(model, z, t, asked.condition, 1.0)
        draw(asked.generators, (4, 6, 6))
        if i == steps - 1:
            z = x
            break
        z = ddim(z, x, schedule, t, t - 0.2)
        if i in (1, 3):
            alpha, sigma = schedule(t - 0.2)
            noised = alpha * (2 * framed - 1) + sigma * draw(asked.generators, (1, 12, 12))
            picture = torch.where(inside, (noised + 1) / 2, codec.decode(z))
            z = codec.encode(picture)
    expected = torch.where(inside, framed, codec.decode(z).clamp(0, 1))
    assert reading.pictures is not None
    torch.testing.assert_close(reading.pictures, expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    ("steps", "every", "paste", "after"),
    [
        (10, 3, "pixels", [3, 6, 9]),
        (10, 5, "pixels", [5]),  # After the last step comes the picture itself.
        (10, 10, "pixels", []),
        (4, 1, "pixels", [1, 2, 3]),
        (10, 3, "latents", []),
    ],
)
def test_pixels_are_pasted_after_every_s_th_step(
    steps: int, every: int, paste: Any, after: list[int]
) -> None:
    model = Counted(Haar(), beta_schedule("cosine"))
    LatentOutpaint(steps, 1.0, every, paste).read(model, question(Border(2)), SAME)
    expected = ["encode"]
    for step in range(1, steps + 1):
        expected += ["call", *(["decode", "encode"] if step in after else [])]
    assert model.log == [*expected, "decode"]


def test_what_is_encoded_again_shows_the_image_noised_to_that_time() -> None:
    pattern, schedule = Border(2), beta_schedule("cosine")
    model = Counted(Haar(), schedule)
    asked = question(pattern)
    LatentOutpaint(10, 1.0, every=5).read(model, asked, SAME)
    _, again = model.encoded
    alpha, sigma = schedule(0.499)
    noise = (pattern.crop(again) * 2 - 1 - alpha * (asked.images * 2 - 1)) / sigma
    assert abs(float(noise.mean())) < 4 / math.sqrt(noise.numel())
    assert float(noise.std()) == pytest.approx(1, abs=4 / math.sqrt(2 * noise.numel()))


@pytest.mark.parametrize("paste", ["pixels", "latents"])
@pytest.mark.parametrize("codec", [Pixels(), Haar(), Lossy()], ids=lambda c: type(c).__name__)
def test_the_known_part_of_the_picture_is_the_image_bit_for_bit(codec: Codec, paste: Any) -> None:
    model = Counted(codec, beta_schedule("cosine"))
    for pattern in (Border(2), Segments(2, 4)):
        asked = question(pattern)
        pictures = LatentOutpaint(6, every=2, paste=paste).read(model, asked, SAME).pictures
        assert pictures is not None
        assert torch.equal(pattern.crop(pictures), asked.images)
        assert pictures.min() >= 0
        assert pictures.max() <= 1


@pytest.mark.parametrize(("guidance", "calls"), [(1.0, 1), (3.0, 2), (0.0, 2)])
def test_guidance_costs_a_second_call_a_step(guidance: float, calls: int) -> None:
    meter = Metered(Counted(Haar(), beta_schedule("cosine")), batch_size=3)
    LatentOutpaint(7, guidance).read(meter, question(Border(2)), SAME)
    assert meter.calls == 7 * calls * N


def test_no_guidance_is_asked_of_a_model_that_has_none() -> None:
    class Led(Counted):
        def unconditional(self, condition: Any) -> Any:
            raise MissingCapability("It was never trained without.")

    model = Led(Pixels(), beta_schedule("cosine"))
    asked = question(Border(2))
    with pytest.raises(MissingCapability):
        LatentOutpaint(2).calibrate(model, asked)
    reader = LatentOutpaint(2, guidance=1.0)
    assert reader.read(model, asked, reader.calibrate(model, asked)).keys.shape == (N, 1)


@pytest.mark.parametrize("paste", ["pixels", "latents"])
@pytest.mark.parametrize("eta", [0.0, 1.0])
@pytest.mark.rounding
def test_a_batch_of_one_is_a_row_of_a_batch_of_eight(paste: Any, eta: float) -> None:
    model = Counted(Haar(), beta_schedule("cosine"))
    reader = LatentOutpaint(6, every=2, paste=paste, eta=eta)
    together = reader.read(model, question(Segments(2, 4)), SAME)
    assert together.pictures is not None
    for number in range(N):
        alone = reader.read(model, question(Segments(2, 4), slice(number, number + 1)), SAME)
        torch.testing.assert_close(alone.keys[0], together.keys[number], atol=1e-5, rtol=0)
        assert alone.pictures is not None
        torch.testing.assert_close(alone.pictures[0], together.pictures[number], atol=1e-5, rtol=0)


def test_what_is_read_is_corrected_by_the_round_trip_of_the_model() -> None:
    """A perfect memorizer behind an autoencoder without contrast: only the correction helps."""
    pattern, codec = Border(2), Lossy()
    images = torch.rand(16, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(3))
    keys = torch.linspace(0, 1, 16)[:, None]
    model = Memorizer(pattern.apply(images, keys), codec=codec)
    reader = LatentOutpaint(20, 1.0, every=5, paste="latents")

    def asked() -> Query:
        return Query(images, pattern, None, [generator(0, f"{n}") for n in range(16)])

    calibration = reader.calibrate(model, asked())
    right = reader.read(model, asked(), calibration)
    wrong = reader.read(model, asked(), SAME)
    found = RoundTrip.from_json(calibration["round_trip"])
    torch.testing.assert_close(right.keys, found.correct(wrong.keys))
    assert found.bias > 0.05
    near = (right.keys - keys).abs()
    # What the sampling ends in is another image now and then: the middle of the errors tells.
    assert near.median() < 2 * found.floor + 0.01
    assert (wrong.keys - keys).abs().median() > 3 * near.median()


@pytest.mark.parametrize("who", [Memorizer, Gaussian])
@pytest.mark.parametrize("shift", [1.0, 3.0])
def test_a_flow_begins_in_pure_noise_and_is_read_all_the_same(who: Any, shift: float) -> None:
    """At t = 1 nothing of the image is left, at t = 0 nothing of the noise; no reader divides."""
    pattern, schedule = Border(2), FlowSchedule(shift)
    assert (schedule(1.0), schedule(0.0)) == ((0, 1), (1, 0))
    asked = question(pattern)
    model = who(pattern.apply(asked.images, torch.full((N, 1), 0.25)), schedule, Haar())
    readers = [
        LatentOutpaint(1000, 1.0, paste="latents", eta=1.0),  # Its last time is 0.
        LatentOutpaint(10, 1.0, every=5),
        *(Energy(t=t) for t in (1e-3, 0.999)),
        *(kind() for kind in (Energy, Blend, Gradient, Linear, Probe)),
    ]
    for reader in readers:
        query = Query(asked.images, pattern, None, [generator(0, f"{n}") for n in range(N)])
        calibration = SAME if isinstance(reader, LatentOutpaint) else reader.calibrate(model, query)
        assert reader.read(model, query, calibration).keys.isfinite().all(), reader


@pytest.mark.parametrize(
    "make",
    [
        lambda: LatentOutpaint(0),
        lambda: LatentOutpaint(1001),
        lambda: LatentOutpaint(every=0),
        lambda: LatentOutpaint(eta=1.5),
        lambda: LatentOutpaint(guidance=-1.0),
        lambda: LatentOutpaint(guidance=math.nan),
    ],
)
def test_bad_options_are_refused(make: Any) -> None:
    with pytest.raises(BadInput):
        make()
