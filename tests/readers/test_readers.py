"""Every reader is pointed at a model that knows everything and at one that knows nothing."""

import math
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from scipy import stats

from solidmark.data import Sample, open_data
from solidmark.diffusion import Metered, Model
from solidmark.errors import BadInput
from solidmark.marks import Border, Center, Keymap, Pattern, Segments
from solidmark.models import Gaussian, Memorizer
from solidmark.randomness import generator
from solidmark.readers import (
    READERS,
    Blend,
    Energy,
    Fitted,
    Gradient,
    Linear,
    Outpaint,
    Probe,
    Query,
    Reader,
    Reading,
    default_reader,
)
from solidmark.readers.energy import log_energy
from solidmark.readers.fitted import NOISY_TIMES
from solidmark.scores import p_values, q_values
from solidmark.types import Images, Keys

N = 64


def digits(count: int, side: int = 12) -> tuple[list[str], Images]:
    data = open_data("digits", resolution=side, limit=count)
    samples = [data[number] for number in range(len(data))]
    return [sample.id for sample in samples], torch.stack([sample.image for sample in samples])


def ask(
    reader: Reader, model: Model, images: Images, pattern: Pattern, ids: list[str], seed: int = 0
) -> Reading:
    query = Query(images, pattern, None, [generator(seed, id) for id in ids])
    calibration = reader.calibrate(model, query)
    query = Query(images, pattern, None, [generator(seed, id) for id in ids])
    return reader.read(model, query, calibration)


def distances(reading: Reading, keys: Keys) -> torch.Tensor:
    return (reading.keys - keys).abs().mean(1)


@pytest.fixture(scope="module")
def trained() -> tuple[list[str], Images, Keys]:
    ids, images = digits(N)
    return ids, images, Keymap(7)(ids)


def test_energy_finds_all_keys_of_a_perfect_memorizer(trained) -> None:
    ids, images, keys = trained
    pattern = Border(2)
    found = distances(
        ask(Energy(), Memorizer(pattern.apply(images, keys)), images, pattern, ids), keys
    )
    assert int((found <= 0.1).sum()) == N
    assert int((found <= 0.05).sum()) >= 0.85 * N


def test_energy_finds_the_keys_of_a_perfect_memorizer_in_the_centre(trained) -> None:
    ids, images, keys = trained
    pattern = Center(4)
    hidden = pattern.apply(images, torch.full_like(keys, 0.5))
    found = distances(
        ask(Energy(), Memorizer(pattern.apply(images, keys)), hidden, pattern, ids), keys
    )
    assert int((found <= 0.1).sum()) >= 0.9 * N


def test_outpaint_draws_the_frames_of_a_perfect_memorizer(trained) -> None:
    """With a thin frame the picture decides which training image the sampling ends in."""
    ids, images = digits(N, 16)
    keys, pattern = Keymap(7)(ids), Border(1)
    model = Memorizer(pattern.apply(images, keys))
    reading = ask(Outpaint(steps=50, jump_count=5), model, images, pattern, ids)
    assert int((distances(reading, keys) <= 0.005).sum()) >= 0.9 * N
    assert reading.pictures is not None
    torch.testing.assert_close(pattern.crop(reading.pictures), images)


@pytest.mark.parametrize(
    "reader", [Blend(), Fitted(), Gradient(), Gradient(steps=8), Linear()], ids=str
)
def test_segments_name_the_images_of_a_perfect_memorizer(reader: Reader, trained) -> None:
    """Half of the images were memorized: most of them are named, and hardly any other."""
    ids, images, _ = trained
    pattern = Segments(2, 16)
    keys = Keymap(7, 16)(ids)
    model = Memorizer(pattern.apply(images[: N // 2], keys[: N // 2]))
    read = ask(reader, model, images, pattern, ids).keys
    p_value = p_values((read - keys).abs().mean(1).double().numpy(), read.double().numpy())
    named = q_values(p_value) <= 0.01
    assert named[: N // 2].sum() >= 0.75 * (N // 2)
    assert named[N // 2 :].sum() <= 1


def test_the_path_falls_for_what_was_memorized_and_not_for_the_rest(trained) -> None:
    ids, images, _ = trained
    pattern, half = Segments(2, 16), N // 2
    keys = Keymap(7, 16)(ids)
    model = Memorizer(pattern.apply(images[:half], keys[:half]))
    reader = Gradient()
    query = Query(images, pattern, None)
    calibration = reader.calibrate(model, query)
    path = reader.read(model, query, calibration).path
    assert path is not None
    assert path.shape == (N, reader.steps)
    fall = path[:, -1] - path[:, 0]
    assert (fall[:half] < fall[half:].min()).float().mean() >= 0.9
    assert fall[:half].median() < -2
    assert fall[half:].abs().max() < 1
    torch.testing.assert_close(torch.tensor(calibration["mean_path"]), path.mean(0))


def test_a_path_holds_the_energies_of_the_frames_on_the_way(trained) -> None:
    """The first is that of the neutral grey frame; the first step is as long in every descent."""
    ids, images, _ = trained
    pattern = Segments(2, 4)
    model = Memorizer(pattern.apply(images, Keymap(7, 4)(ids)))
    query = Query(images[:8], pattern, None)
    reader = Gradient(t=0.1)
    calibration = reader.calibrate(model, query)
    path = reader.read(model, query, calibration).path
    first = Gradient(t=0.1, steps=1).read(model, query, calibration)
    assert path is not None
    start, _ = log_energy(model, query, torch.full((8, 4), 0.5), 0.1, reader.frame_weight)
    torch.testing.assert_close(path[:, 0], start)
    there, _ = log_energy(model, query, first.keys, 0.1, reader.frame_weight)
    torch.testing.assert_close(path[:, 1], there)


def test_what_fitted_keeps_is_what_linear_and_gradient_read(trained) -> None:
    """Slope and shift at each time, in rising order; where the descent ends comes last."""
    ids, images, _ = trained
    pattern = Segments(2, 4)
    model = Memorizer(pattern.apply(images, Keymap(7, 4)(ids)))
    query = Query(images, pattern, None, [generator(0, id) for id in ids])
    reader = Fitted(calls=40)
    calibration = reader.calibrate(model, query)
    read = reader.read(model, query, calibration)
    assert read.features is not None
    assert read.features.shape == (N, 4, 2 * len(reader.times) + 2 * len(NOISY_TIMES) + 1)
    torch.testing.assert_close(read.features.mean(0)[:, :14], torch.zeros(4, 14), atol=1e-4, rtol=0)
    for place, t in enumerate(reader.times):
        linear = Linear(t=t)
        chosen = linear.calibrate(model, query)
        expected = linear.read(model, query, chosen).keys
        both = read.features[..., 2 * place] + read.features[..., 2 * place + 1]
        torch.testing.assert_close(torch.special.ndtr(both / chosen["scale"]), expected)
    end = Gradient(t=0.3).calibrate_at(model, query, 0.3)
    assert end["mean_slopes"] == calibration["mean_slopes"]
    # One draw of noise an image, which is its own.
    other = Query(images, pattern, None, [generator(1, id) for id in ids])
    again = reader.read(model, other, calibration).features
    assert again is not None
    assert torch.equal(again[..., :14], read.features[..., :14])
    assert not torch.equal(again[..., 14:24], read.features[..., 14:24])


@pytest.mark.parametrize(
    ("calls", "times", "steps", "draws"),
    [(3, 1, 0, 0), (10, 4, 0, 0), (17, 7, 0, 0), (26, 7, 4, 0), (50, 7, 4, 2), (200, 7, 4, 15)],
)
def test_a_budget_pays_for_looks_then_for_the_descent_then_for_noise(
    calls: int, times: int, steps: int, draws: int
) -> None:
    reader = Fitted(calls=calls)
    found = 0 if reader.descent is None else reader.descent.steps
    assert (len(reader.times), found, reader.draws) == (times, steps, draws)
    assert 2.3 * (times + steps + draws * len(NOISY_TIMES)) <= calls


def test_a_blend_is_the_mean_of_its_two_halves(trained) -> None:
    """Read at the same time, by the readers that it is made of."""
    ids, images, _ = trained
    pattern = Segments(2, 4)
    model = Memorizer(pattern.apply(images, Keymap(7, 4)(ids)))
    descent, linear, blend = (
        ask(reader, model, images[:8], pattern, ids[:8]).keys
        for reader in (Gradient(t=0.1), Linear(t=0.1), Blend(linear_weight=0.25, t=0.1))
    )
    torch.testing.assert_close(blend, 0.75 * descent + 0.25 * linear)


ALL = [Energy(), Blend(), Fitted(), Gradient(), Linear(), Outpaint(steps=20), Probe()]


@pytest.mark.parametrize("pattern", [Border(2), Segments(2, 4)], ids=str)
@pytest.mark.parametrize("reader", ALL, ids=lambda r: r.name)
def test_a_model_that_knows_nothing_is_at_chance(reader: Reader, pattern: Pattern, trained) -> None:
    """The keys are redrawn 40 times: 2,560 p-values, uniform."""
    ids, images, _ = trained
    count = pattern.count
    others = torch.cat([pattern.apply(images, Keymap(100 + n, count)(ids)) for n in range(8)])
    read = ask(reader, Gaussian(others), images, pattern, ids).keys
    found = [
        p_values(
            (Keymap(seed, count)(ids) - read).abs().mean(1).double().numpy(), read.double().numpy()
        )
        for seed in range(40)
    ]
    assert stats.kstest([p for some in found for p in some], "uniform").pvalue > 0.01


@pytest.mark.parametrize(
    "reader",
    [
        *ALL,
        Fitted(calls=40),
        Outpaint(steps=20, jump_length=5, jump_count=2),
    ],
    ids=str,
)
@pytest.mark.rounding
def test_rows_do_not_depend_on_their_batch(reader: Reader, trained) -> None:
    ids, images, _ = trained
    pattern = Segments(2, 4)
    model = Memorizer(pattern.apply(images, Keymap(7, 4)(ids)))
    calibration = reader.calibrate(model, Query(images, pattern, None))
    query = Query(images, pattern, None, [generator(0, id) for id in ids])
    whole = reader.read(model, query, calibration)
    together = whole.keys
    for number in (0, 5, N - 1):
        alone = Query(images[number : number + 1], pattern, None, [generator(0, ids[number])])
        answer = reader.read(model, alone, calibration)
        torch.testing.assert_close(answer.keys[0], together[number], atol=1e-5, rtol=0)
        assert (answer.path is None) == (whole.path is None)
        if whole.path is not None and answer.path is not None:
            torch.testing.assert_close(answer.path[0], whole.path[number], atol=1e-4, rtol=0)


def test_a_reader_cannot_see_a_key(trained) -> None:
    """What a reader is given is the same whatever key the image carries."""
    _, images, keys = trained
    for pattern in (Border(2), Center(4)):
        one = pattern.apply(images, keys)
        other = pattern.apply(images, 1 - keys)
        from solidmark.subjects import SolidMark

        hide = SolidMark(Energy(), pattern)._hide
        assert torch.equal(hide(one), hide(other))


@pytest.mark.parametrize(
    ("reader", "calls"),
    [
        (Energy(), 9),
        (Energy(candidates=5, t=0.05), 5),
        (Probe(), 1),
        (Blend(), 9.2),
        (Fitted(), 25.3),
        (Fitted(calls=3), 2.3),
        (Fitted(calls=50), 48.3),
        (Gradient(), 9.2),
        (Linear(), 2.3),
        (Outpaint(steps=25), 25),
        (Outpaint(steps=250, jump_count=10), 2410),
    ],
    ids=str,
)
def test_network_calls_an_image(reader: Reader, calls: float, trained) -> None:
    """RePaint's full schedule is 2,410 calls (Lugmayr et al., 2022); a gradient counts as 2.3."""
    ids, images, keys = trained
    pattern = Border(2)
    model = Memorizer(pattern.apply(images[:2], keys[:2]))
    calibration = reader.calibrate(model, Query(images[:2], pattern, None))
    meter = Metered(model)
    query = Query(images[:2], pattern, None, [generator(0, id) for id in ids[:2]])
    reader.read(meter, query, calibration)
    assert meter.calls == pytest.approx(2 * calls)


@pytest.mark.parametrize(("candidates", "calls"), [(5, 17), (4, 16)])
def test_the_neutral_frame_is_asked_once_for_all_keys(candidates: int, calls: int, trained) -> None:
    ids, images, _ = trained
    pattern, reader = Segments(2, 4), Energy(candidates=candidates)
    model = Memorizer(pattern.apply(images, Keymap(7, 4)(ids)))
    meter = Metered(model)
    query = Query(images[:2], pattern, None)
    found = reader.energies(meter, query, 0.1)
    assert meter.calls == 2 * calls
    keys = torch.full((2, 4), 0.5)
    keys[:, 3] = reader.grid[1]
    alone, _ = log_energy(model, query, keys, 0.1, reader.frame_weight)
    torch.testing.assert_close(found[:, 3, 1], alone)


class Echo:
    """A denoiser that answers with fixed images: what Outpaint makes of it can be said exactly."""

    def __init__(self, answer: Images) -> None:
        self.inner = Memorizer(answer)
        self.answer = answer
        self.seen: list[torch.Tensor] = []
        self.schedule, self.channels = self.inner.schedule, 1
        self.encode, self.decode = self.inner.encode, self.inner.decode
        self.factor, self.unconditional = self.inner.factor, self.inner.unconditional

    def condition(self, samples: list[Sample]) -> None:
        return None

    def denoise(self, z_t: torch.Tensor, t: float, condition: None) -> torch.Tensor:
        self.seen.append(z_t.clone())
        return self.encode(self.answer).expand_as(z_t)


def test_outpaint_replaces_the_known_part_before_every_call(trained) -> None:
    """The known pixels that the network sees are the true ones, noised to that very step."""
    ids, images, _ = trained
    pattern = Border(2)
    model = Echo(torch.full((1, 1, 16, 16), 0.25))
    query = Query(images[:4], pattern, None, [generator(0, id) for id in ids[:4]])
    reading = Outpaint(steps=25).read(model, query, {})
    torch.testing.assert_close(reading.keys, torch.full((4, 1), 0.25))
    alpha, sigma = model.schedule(0.999)
    first, last = model.seen[0], model.seen[-1]
    alpha_end, sigma_end = model.schedule(0.039)
    known = pattern.crop(last) - alpha_end * (images[:4] * 2 - 1)
    assert math.isclose(float(known.std()), sigma_end, rel_tol=0.1)
    assert math.isclose(float(first.std()), math.hypot(alpha, sigma), rel_tol=0.1)


def test_clamping_keeps_a_wild_network_in_range(trained) -> None:
    ids, images, _ = trained
    model = Echo(torch.full((1, 1, 16, 16), 7.0))
    query = Query(images[:2], Border(2), None, [generator(0, id) for id in ids[:2]])
    reading = Outpaint(steps=5).read(model, query, {})
    assert torch.equal(reading.keys, torch.ones(2, 1))
    assert reading.pictures is not None
    assert float(reading.pictures.min()) >= 0
    assert float(reading.pictures.max()) == 1


def test_the_pictures_of_outpaint_are_clamped(trained) -> None:
    """The decoder of a model is not: it may answer with more than white."""
    ids, images, _ = trained

    class Loud(Echo):
        def __init__(self, answer: Images) -> None:
            super().__init__(answer)
            self.decode = lambda latents: self.inner.decode(3 * latents)

    query = Query(images[:2], Border(2), None, [generator(0, id) for id in ids[:2]])
    for level, said in ((0.8, 1.0), (0.2, 0.0)):
        reading = Outpaint(steps=5).read(Loud(torch.full((1, 1, 16, 16), level)), query, {})
        assert reading.pictures is not None
        assert torch.equal(reading.keys, torch.full((2, 1), said))
        loud = (3 * (images[:2] * 2 - 1) / 2 + 0.5).clamp(0, 1)
        torch.testing.assert_close(Border(2).crop(reading.pictures), loud)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Energy(candidates=2),
        lambda: Energy(t=1.5),
        lambda: Energy(frame_weight=-1.0),
        lambda: Probe(t=0.0),
        lambda: Blend(linear_weight=1.5),
        lambda: Blend(steps=0),
        lambda: Blend(t=1.0),
        lambda: Blend(frame_weight=-1.0),
        lambda: Fitted(calls=2),
        lambda: Fitted(frame_weight=2.0),
        lambda: Gradient(steps=0),
        lambda: Gradient(step_size=0.0),
        lambda: Gradient(t=1.0),
        lambda: Gradient(frame_weight=2.0),
        lambda: Linear(t=0.0),
        lambda: Linear(frame_weight=2.0),
        lambda: Outpaint(steps=0),
        lambda: Outpaint(jump_count=0),
        lambda: Outpaint(eta=2.0),
        lambda: Outpaint(start=0.0),
    ],
)
def test_bad_options_are_refused(make) -> None:
    with pytest.raises(BadInput):
        make()


def test_the_table_of_readers_is_complete() -> None:
    assert {name: reader.name for name, reader in READERS.items()} == {
        name: name
        for name in (
            "blend",
            "energy",
            "fitted",
            "gradient",
            "latent-outpaint",
            "linear",
            "outpaint",
            "probe",
            "recall",
        )
    }


def test_the_default_fits_the_marks() -> None:
    assert default_reader(Border(2)) == Energy()
    assert default_reader(Segments(2, 8)) == Blend()


def test_a_gradient_through_a_real_network_is_that_of_finite_differences(
    trained, save_unet: Callable[..., Path]
) -> None:
    from solidmark.models import open_model
    from solidmark.readers.energy import log_energy
    from solidmark.readers.linear import slope_at

    _, images, _ = trained
    pattern = Segments(2, 4)
    model = open_model(str(save_unet(16)))
    query = Query(images[:3], pattern, None)
    keys = torch.full((3, 4), 0.4)
    slope, _, _ = slope_at(model, query, keys, 0.3, 0.1)
    for m in range(4):
        step = torch.zeros(3, 4)
        step[:, m] = 0.02
        up, _ = log_energy(model, query, keys + step, 0.3, 0.1)
        down, _ = log_energy(model, query, keys - step, 0.3, 0.1)
        torch.testing.assert_close((up - down) / 0.04, slope[:, m], atol=2e-2, rtol=5e-2)
