"""Images with noise, at times evenly spread over all of them."""

from collections.abc import Iterator, Sequence

from solidmark.data import Sample
from solidmark.diffusion import Model, Sampler
from solidmark.late import torch
from solidmark.randomness import normal
from solidmark.types import Latents


def even_times(count: int) -> list[float]:
    """The middles of `count` equal parts of (0, 1).

    Example:
        >>> even_times(2)
        [0.25, 0.75]
    """
    return [(number + 0.5) / count for number in range(count)]


def noised(
    model: Model,
    samples: Sequence[Sample],
    generators: "Sequence[torch.Generator]",
    times: Sequence[float],
) -> Iterator[tuple[float, Latents, Latents]]:
    """The images at each time, with fresh noise.

    Arguments:
        model: The model, by whose schedule the noise is added.
        samples: B images.
        generators: One an image, of which its noise is drawn.
        times: When, each in (0, 1).

    Yields:
        The time, the latents of the images with noise, and without.
    """
    z_0 = model.encode(torch.stack([sample.image for sample in samples]))
    sampler = Sampler(model.schedule)
    for t in times:
        noise = normal(generators, z_0.shape[1:]).to(z_0)
        yield t, sampler.diffuse(z_0, noise, t), z_0
