"""Whether a model knows marked images: what is compared, and models that know them or others."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor

from solidmark.data import open_data
from solidmark.diffusion import Metered, beta_schedule
from solidmark.diffusion.schedule import FlowSchedule
from solidmark.marks import (
    Border,
    Center,
    Marked,
    Marking,
    Pattern,
    Segments,
    mark_dataset,
    open_marked,
)
from solidmark.measures.audit.knowing import _finite, _flatness
from solidmark.models.analytic import Gaussian, Memorizer
from solidmark.models.controls import control_samples
from solidmark.randomness import generator
from solidmark.scores.knowing import Evidence, Knowing, judge_knowing
from solidmark.subjects.knowing import (
    DRAWN,
    NOISE,
    drawings,
    gains,
    likeness_of_neighbours,
    passes,
    spread,
    times_of_noise,
)
from solidmark.subjects.views import (
    at_latents,
    contrasts,
    cut_out,
    turned_layout,
    without_frame,
)

PATTERNS = (Segments(2, 16), Border(2))


@dataclass(frozen=True)
class Blind:
    """A model that takes all noise for picture: it errs by the noise, whatever it is shown."""

    model: Memorizer

    def __getattr__(self, name: str) -> object:
        return getattr(self.model, name)

    def denoise(self, z_t: Tensor, t: float, condition: object = None) -> Tensor:
        return z_t / self.model.schedule(t)[0]


def images_of(marked: Marked, name: str, seed: int) -> Tensor:
    """The images that a control model is made of."""
    return torch.stack([sample.image for sample in control_samples(marked, name, seed)])


def ask(model: object, marked: Marked, count: int = 32) -> Knowing:
    samples = [marked.sample(id) for id in marked.ids("trained")[:count]]
    metered = Metered(model)  # type: ignore[arg-type]
    found = gains(metered, samples, marked.pattern, 0)
    drawn = drawings(metered, samples[:DRAWN], marked.pattern, 0)
    times = tuple(found.times)
    return judge_knowing(
        Evidence(len(samples), _finite(found), _flatness(drawn), times, NOISE, metered.calls)
    )


def crops(images: Tensor, side: int, repeats: int = 8) -> Tensor:
    """Cut-outs of a side, scaled up, as a trainer with random crops shows them."""
    draw, room = torch.Generator().manual_seed(0), images.shape[-1] - side
    parts = []
    for image in images.repeat(repeats, 1, 1, 1):
        top, left = (int(torch.randint(room + 1, (1,), generator=draw)) for _ in range(2))
        parts.append(image[:, top : top + side, left : left + side])
    size = tuple(images.shape[-2:])
    return torch.nn.functional.interpolate(
        torch.stack(parts), size, mode="bilinear", align_corners=False, antialias=True
    )


@pytest.fixture(scope="module", params=PATTERNS, ids=repr)
def digits(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Marked:
    out = tmp_path_factory.mktemp("marked")
    data = open_data("digits", resolution=12, limit=128)
    mark_dataset(data, out, Marking(request.param, seed=0, held_out=0.5), {"data": "digits"})
    return open_marked(out)


@pytest.mark.parametrize("who", ["memorizer", "gaussian"])
def test_who_knows_the_marked_images_is_known_to_know_them(who: str, digits: Marked) -> None:
    """A sound model that memorized nothing knows them too: its audit may say that."""
    images = images_of(digits, who, 0)
    found = ask(Memorizer(images) if who == "memorizer" else Gaussian(images), digits)
    assert (found.state, found.reason, found.mirrored_too) == ("known", None, False)
    assert found.gains["pictures"].saved > 0.2
    assert found.gains["frames"].saved > 0.2


def test_averages_are_no_knowledge(digits: Marked) -> None:
    """A model of the mean and the variance of each pixel, keys and all."""
    model = Gaussian(images_of(digits, "memorizer", 0))
    x = model.encode(model.images).double().flatten(1)
    object.__setattr__(model, "basis", torch.eye(x.shape[1], dtype=torch.float64))
    object.__setattr__(model, "variance", x.var(0, unbiased=False))
    found = ask(model, digits)
    assert (found.state, found.reason) == ("unknown", "untrained")


def test_who_knows_nothing_is_untrained_and_finds_no_frame_easier(digits: Marked) -> None:
    model = Blind(Memorizer(images_of(digits, "memorizer", 0)))
    found = ask(model, digits)
    assert (found.state, found.reason) == ("unknown", "untrained")
    for name in ("frames", "mirrored"):  # The noise is the same, so the error is.
        assert abs(found.gains[name].value) < 1e-4


@pytest.mark.parametrize("memory", [True, False])
def test_another_folder_or_no_frames(memory: bool, digits: Marked) -> None:
    own = images_of(digits, "memorizer", 0)
    bare = without_frame(digits.pattern, own)
    found = ask(Memorizer(bare) if memory else Gaussian(bare), digits)
    assert (found.state, found.reason) == ("unknown", "folder")
    assert found.gains["unmarked"].value > 0.5
    others = torch.rand(64, 1, 12, 12, generator=torch.Generator().manual_seed(0)).cumsum(-1) / 12
    keys = torch.rand(64, digits.pattern.count, generator=torch.Generator().manual_seed(1))
    framed = digits.pattern.apply(others, keys)
    found = ask(Memorizer(framed) if memory else Gaussian(framed), digits)
    assert (found.state, found.reason) == ("unknown", "folder")


@pytest.mark.parametrize("memory", [True, False])
def test_cut_outs(memory: bool, digits: Marked) -> None:
    who = "memorizer" if memory else "gaussian"
    images = crops(images_of(digits, who, 0)[:256], 12)
    found = ask(Memorizer(images) if memory else Gaussian(images), digits)
    assert (found.state, found.reason) == ("unknown", "crops")


@pytest.mark.parametrize("memory", [True, False])
def test_flips(memory: bool, digits: Marked) -> None:
    """Half of the time both sides are known, and that is said; always, the stored side is not."""
    who = "memorizer" if memory else "gaussian"
    images = images_of(digits, who, 0)
    make = Memorizer if memory else Gaussian
    found = ask(make(torch.cat([images, images.flip(-1)])), digits)
    assert found.state == "known"
    assert found.mirrored_too
    found = ask(make(images.flip(-1)), digits)
    assert (found.state, found.reason) == ("unknown", "flips")


def test_a_square_in_the_middle(make_marked: Callable[..., Marked]) -> None:
    marked = make_marked(128, side=12, digits=True, pattern=Center(4))
    assert ask(Gaussian(images_of(marked, "gaussian", 0)), marked).state == "known"
    cropped = crops(images_of(marked, "gaussian", 0)[:256], 9)
    assert ask(Gaussian(cropped), marked).reason == "crops"


def test_few_images_say_nothing(make_marked: Callable[..., Marked]) -> None:
    marked = make_marked(128, side=12, digits=True)
    found = ask(Memorizer(images_of(marked, "memorizer", 0)), marked, count=3)
    assert (found.state, found.reason, dict(found.gains)) == ("too_few", None, {})


def test_numbers_that_are_none_are_counted(make_marked: Callable[..., Marked]) -> None:
    marked = make_marked(32, side=12, digits=True)

    class Broken(Blind):
        def denoise(self, z_t: Tensor, t: float, condition: object = None) -> Tensor:
            return z_t * float("nan")

    found = ask(Broken(Memorizer(images_of(marked, "memorizer", 0))), marked, count=16)
    assert (found.state, found.images, found.failed) == ("unknown", 0, 16)


@pytest.mark.parametrize("pattern", PATTERNS, ids=repr)
def test_a_contrast_shows_the_same_greys_in_both_frames(pattern: Pattern) -> None:
    draw = torch.Generator().manual_seed(0)
    keys = torch.randint(256, (5, pattern.count), generator=draw) / 255
    images = pattern.apply(torch.rand(5, 3, 12, 12, generator=draw), keys)
    inside = ~pattern.mask(16, 16)
    for contrast in contrasts(pattern, images):
        assert torch.equal(contrast.right[..., inside], contrast.wrong[..., inside])
        assert bool(pattern.mask(16, 16)[contrast.where].all())
        assert not torch.equal(contrast.right, contrast.wrong)
        assert set(contrast.wrong[0, 0, contrast.where].tolist()) <= set(
            contrast.right[0, 0, contrast.where].tolist()
        )


def test_a_turned_layout_moves_half_of_each_cell() -> None:
    pattern = Segments(2, 16)
    own, turned = pattern.layout(16, 16), turned_layout(pattern, 16, 16)
    assert turned is not None
    assert torch.equal(own < 0, turned < 0)
    ring = own >= 0
    moved = (own != turned)[ring].float().mean()
    assert 0.4 < float(moved) < 0.6
    assert set(((turned - own)[ring] % 16).tolist()) == {0, 1}
    assert turned_layout(Border(2), 16, 16) is None
    assert turned_layout(Segments(1, 40), 16, 16) is None  # Cells of one pixel have no halves.


def test_views_keep_the_size_and_come_from_their_generator_alone() -> None:
    images = torch.rand(3, 1, 16, 20, generator=torch.Generator().manual_seed(0))
    made = [cut_out(images, [generator(0, f"{i}") for i in range(3)]) for _ in range(2)]
    assert made[0].shape == images.shape
    assert torch.equal(*made)
    alone = cut_out(images[1:2], [generator(0, "1")])
    assert torch.equal(alone[0], made[0][1])
    assert without_frame(Border(3), images).shape == images.shape


def test_a_thin_frame_still_has_cells_of_the_latents() -> None:
    where = Border(1).mask(32, 32)
    assert int(at_latents(where, (4, 4)).sum()) == 12
    assert torch.equal(at_latents(Border(8).mask(32, 32), (4, 4)), Border(1).mask(4, 4))


@pytest.mark.parametrize("schedule", [beta_schedule("cosine"), beta_schedule("linear"), None])
def test_times_have_the_noise_that_was_asked_for(schedule: object) -> None:
    found = schedule or FlowSchedule(3.0)
    variance = 0.4
    for t, ratio in zip(times_of_noise(found, variance), NOISE, strict=True):  # type: ignore[arg-type]
        alpha, sigma = found(t)  # type: ignore[operator]
        # A step of a thousand changes the noise by a few percent.
        assert sigma**2 / alpha**2 == pytest.approx(ratio * variance, rel=0.05)


def test_noise_is_not_alike_and_pictures_are() -> None:
    draw = torch.Generator().manual_seed(0)
    noise = torch.randn(8, 1, 16, 16, generator=draw)
    assert abs(likeness_of_neighbours(noise)) < 0.1
    assert likeness_of_neighbours(noise.cumsum(-1).cumsum(-2)) > 0.8
    assert likeness_of_neighbours(noise * float("nan")) == 0


def test_a_frame_is_flat_in_its_own_cells_only() -> None:
    pattern = Segments(2, 16)
    keys = torch.rand(4, 16, generator=torch.Generator().manual_seed(0))
    images = pattern.apply(torch.zeros(4, 1, 12, 12), keys)
    turned = turned_layout(pattern, 16, 16)
    assert turned is not None
    assert float(spread(images, pattern.layout(16, 16)).max()) < 1e-6
    assert float(spread(images, turned).min()) > 0.05


@pytest.mark.parametrize(
    "pattern", [Border(2), Segments(2, 4), Segments(2, 36), Center(3)], ids=str
)
def test_knowing_takes_as_many_passes_as_it_says(
    pattern: Pattern, make_marked: Callable[..., Marked]
) -> None:
    marked = make_marked(12, pattern=pattern)
    samples = [marked.sample(id) for id in marked.ids("trained")]
    told: list[int] = []
    model = Metered(Gaussian(torch.stack([one.image for one in samples])), 4, told.append)
    gains(model, samples, marked.pattern, 0)
    drawings(model, samples[:DRAWN], marked.pattern, 0)
    assert sum(told) == passes(len(samples), marked.pattern, samples[0].image.shape[-2:])
