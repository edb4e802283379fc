"""Does a model know marked pictures at all? What it makes of them with noise, and what it draws.

.. math:: g(x) = \\frac1K \\sum_j \\log \\frac{\\lVert \\hat x'_0 - x' \\rVert^2}
                                           {\\lVert \\hat x_0 - x \\rVert^2}

A gain compares two errors at the same noise: of a view that a model should not know, or of a
denoiser that knows averages only, with that of the model at the image as it was marked. A network
that was never trained has none.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from jaxtyping import Bool, Float

from solidmark.data import Sample
from solidmark.diffusion import Denoiser, Metered, Model, Sampler, Schedule
from solidmark.generating.drawing import draw
from solidmark.late import Tensor, torch
from solidmark.marks import Pattern
from solidmark.randomness import generator, normal
from solidmark.subjects.views import at_latents, contrasts, cut_out, turned_layout, without_frame
from solidmark.types import Images, Latents, MarkedImages, Mask

NOISE = (0.25, 1.0, 4.0)
"""How much noise is added, as a multiple of the variance of the latents: from where a picture can
be seen to where only those who know it see it."""

FLOOR = 1e-4
"""Errors below it, as a share of the variance of the latents, are as good as none: it is near what
rounding to 8 bits leaves of a picture, and logarithms need an end."""

DRAWN, STEPS = 8, 25
"""How many pictures are drawn, and in how many steps: enough to see what a model draws."""


@dataclass(frozen=True)
class Gains:
    """What a model makes of some marked images.

    Arguments:
        frames: Of frames as they are marked over frames whose cells lie elsewhere; None where
            the pattern has no cells that could be moved.
        pictures: Of the model over averages, inside the frames.
        marked: The same of whole marked images.
        cropped: The same of cut-outs of them.
        unmarked: The same of the pictures without their frames.
        mirrored: Of images in a mirror over the images as they are stored.
        times: When the model was asked.
    """

    frames: Float[Tensor, " B"] | None
    pictures: Float[Tensor, " B"]
    marked: Float[Tensor, " B"]
    cropped: Float[Tensor, " B"]
    unmarked: Float[Tensor, " B"]
    mirrored: Float[Tensor, " B"]
    times: list[float]


@dataclass(frozen=True)
class Drawings:
    """What a model draws, and how flat the cells are in which a frame would have its greys.

    Arguments:
        images: The drawings, in [0, 1].
        spreads: The standard deviation within a cell, of each drawing, in grey levels.
        turned: The same in cells that lie elsewhere; None where there are none.
        marked: The same of marked images that went through the autoencoder.
        unmarked: The same of pictures without their frames.
        alike: How alike neighbours are in the latents of the drawings, a correlation.
        alike_marked: The same in those of the marked images.
    """

    images: Images
    spreads: Float[Tensor, " B"]
    turned: Float[Tensor, " B"] | None
    marked: Float[Tensor, " B"]
    unmarked: Float[Tensor, " B"]
    alike: float
    alike_marked: float


def times_of_noise(schedule: Schedule, variance: float) -> list[float]:
    """When a schedule has added as much noise as `NOISE` says.

    .. math:: \\sigma_t^2 / \\alpha_t^2 = r \\operatorname{Var} z_0

    Returns:
        The nearest of a thousand times, for each r.
    """
    grid = [(step + 0.5) / 1000 for step in range(1000)]
    levels = [_log_noise(schedule, t) for t in grid]
    wanted = [math.log(ratio * variance) for ratio in NOISE]
    return [min(zip(grid, levels, strict=True), key=lambda at: abs(at[1] - w))[0] for w in wanted]


def gains(model: Metered, samples: Sequence[Sample], pattern: Pattern, seed: int) -> Gains:
    """Asks a model what it knows of marked images, at the same noise in every view.

    Arguments:
        model: The model, which counts its calls.
        samples: Two or more marked images that it was trained on.
        pattern: How they are marked.
        seed: Of the noise.
    """
    images = torch.stack([sample.image for sample in samples])
    ids = [sample.id for sample in samples]
    places = [generator(seed, id, purpose="knowing cut-out") for id in ids]
    stored = model.encode(images).cpu()
    variance = max(float(stored.double().var(0).mean()), 1e-12)
    times = times_of_noise(model.schedule, variance)
    asked = _Asked(model, model.condition(samples), ids, seed, times, FLOOR * variance)

    whole = torch.ones(images.shape[-2:], dtype=torch.bool)
    inside = whole if bool(pattern.mask(*whole.shape).all()) else ~pattern.mask(*whole.shape)
    own = asked.view(images)
    found = []
    for contrast in contrasts(pattern, images):
        right = own if contrast.right is images else asked.view(contrast.right)
        wrong = asked.view(contrast.wrong)
        found.append(_gain(wrong.missed, right.missed, contrast.where))
    other = {
        "cropped": asked.view(cut_out(images, places)),
        "unmarked": asked.view(without_frame(pattern, images)),
    }
    return Gains(
        frames=torch.stack(found).mean(0) if found else None,
        pictures=_gain(own.average, own.missed, inside),
        marked=_gain(own.average, own.missed, whole),
        mirrored=_gain(own.missed, asked.view(images.flip(-1)).missed, whole),
        **{name: _gain(seen.average, seen.missed, whole) for name, seen in other.items()},
        times=times,
    )


def passes(images: int, pattern: Pattern, size: Sequence[int]) -> int:
    """How many images `gains` and `drawings` put through a model, one at a time.

    Arguments:
        images: How many they are asked about.
        pattern: How these are marked.
        size: Their height and width, in pixels.
    """
    turned = 3 if pattern.count == 1 else int(turned_layout(pattern, size[0], size[1]) is not None)
    views = 1 + turned + 3  # As they are, in other frames; cut out, without frames, in a mirror.
    drawn = min(DRAWN, images)
    return images * (1 + views * (1 + len(NOISE))) + drawn * (STEPS + 3)


def drawings(model: Metered, samples: Sequence[Sample], pattern: Pattern, seed: int) -> Drawings:
    """Lets a model draw as many pictures as there are samples, told what it is told of these.

    Arguments:
        model: The model, which counts its calls.
        samples: Marked images.
        pattern: How they are marked.
        seed: Of the noise.
    """
    images = torch.stack([sample.image for sample in samples])
    latents = model.encode(images)
    denoiser = Denoiser(model, model.condition(samples), clamped=model.factor == 1)
    noise = [generator(seed, sample.id, purpose="knowing drawing") for sample in samples]
    found = draw(denoiser, latents, noise, steps=STEPS)
    drawn = model.decode(found).cpu()
    drawn = drawn.nan_to_num(0.5, 1.0, 0.0).clamp(0, 1)
    layout = pattern.layout(*images.shape[-2:])
    turned = turned_layout(pattern, *images.shape[-2:])
    return Drawings(
        images=drawn,
        spreads=spread(drawn, layout),
        turned=None if turned is None else spread(drawn, turned),
        marked=spread(model.decode(latents).cpu(), layout),
        unmarked=spread(without_frame(pattern, images), layout),
        alike=likeness_of_neighbours(found),
        alike_marked=likeness_of_neighbours(latents),
    )


def spread(images: MarkedImages, layout: Tensor) -> Float[Tensor, " B"]:
    """The standard deviation of the pixels within a cell, over the cells, in grey levels.

    Arguments:
        images: Images.
        layout: Which cell each pixel belongs to, -1 where it belongs to none.
    """
    pixels, cells = images.double().nan_to_num(0.5).mean(1).flatten(1), layout.flatten()
    variances = [pixels[:, cells == cell].var(1, unbiased=False) for cell in range(cells.max() + 1)]
    return torch.stack(variances, 1).mean(1).sqrt()


def likeness_of_neighbours(latents: Latents) -> float:
    """The correlation of cells that lie side by side, of what differs between the images.

    Arguments:
        latents: Of two or more images; those that hold no numbers are left out.

    Returns:
        A correlation; 0 for noise, and where nothing differs.
    """
    z = latents.cpu().double()
    z = z[z.flatten(1).isfinite().all(1)]
    if len(z) < 2:
        return 0.0
    z = z - z.mean(0)
    pairs = (z[..., 1:] * z[..., :-1]).mean() + (z[..., 1:, :] * z[..., :-1, :]).mean()
    return float(pairs / (2 * z.square().mean()).clamp(min=1e-12))


@dataclass(frozen=True)
class _Seen:
    """The squared error of each cell of the latents, of a view at each time.

    Arguments:
        average: Of the denoiser that knows averages.
    """

    missed: Float[Tensor, "K B h w"]
    average: Float[Tensor, "K B h w"]


@dataclass(frozen=True)
class _Asked:
    """A question to a model about one view after the other; the noise is that of the image."""

    model: Model
    condition: object = field(repr=False)
    ids: Sequence[str]
    seed: int
    times: Sequence[float]
    floor: float

    def view(self, images: MarkedImages) -> _Seen:
        encoded = self.model.encode(images)
        z_0 = encoded.cpu()
        sampler = Sampler(self.model.schedule)
        missed: list[Tensor] = []
        average: list[Tensor] = []
        for number, t in enumerate(self.times):
            drawn = [generator(self.seed, id, number, "knowing noise") for id in self.ids]
            z_t = sampler.diffuse(z_0, normal(drawn, z_0.shape[1:]).to(z_0), t)
            said = self.model.denoise(z_t.to(encoded), t, self.condition).cpu()
            for errors, guess in ((missed, said), (average, averaging(z_0, z_t, t, sampler))):
                errors.append((guess.double() - z_0).square().mean(1) + self.floor)
        return _Seen(torch.stack(missed), torch.stack(average))


def averaging(z_0: Latents, z_t: Latents, t: float, sampler: Sampler) -> Latents:
    """The best that can be made of noisy latents by who knows averages only, cell by cell.

    .. math::
        \\hat z_0 = \\mu + \\frac{\\alpha_t v}{\\alpha_t^2 v + \\sigma_t^2} (z_t - \\alpha_t \\mu)

    The mean and the variance are those of the other images, since an average that contains an image
    knows something of it.

    References:
        Wiener (1949), of a diagonal covariance.
    """
    alpha, sigma = sampler.schedule(t)
    z, count = z_0.double(), len(z_0)
    mean = (z.sum(0) - z) / (count - 1)
    variance = ((z.square().sum(0) - z.square()) / (count - 1) - mean**2).clamp(min=1e-12)
    gain = alpha * variance / (alpha**2 * variance + sigma**2)
    return (mean + gain * (z_t - alpha * mean)).to(z_0)


def _gain(
    worse: Float[Tensor, "K B h w"], better: Float[Tensor, "K B h w"], where: Mask
) -> Float[Tensor, " B"]:
    """The mean over times of the logarithm of how many times as large one error is as another."""
    cells: Bool[Tensor, "h w"] = at_latents(where, worse.shape[-2:])
    first, second = (errors[..., cells].mean(-1).log() for errors in (worse, better))
    return (first - second).mean(0)


def _log_noise(schedule: Schedule, t: float) -> float:
    alpha, sigma = schedule(t)
    return 2 * (math.log(max(sigma, 1e-9)) - math.log(max(alpha, 1e-9)))
