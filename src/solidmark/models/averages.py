"""A model that knows the training images, but only on average: mean and variance of each pixel.

.. math::
    E[z_0 | z_t, c] = \\mu_c + \\frac{\\alpha_t v_c}{\\alpha_t^2 v_c + \\sigma_t^2}
                      (z_t - \\alpha_t \\mu_c)

It has memorized no image. Still the true key of an image is a part of every average over the
training set, the more the fewer images it is taken over, so what it answers is not independent of
the keys: it is the null of "knows no more than averages", where `Gaussian` is that of "knows
nothing of the keys". What must not be said of it is that it knows one image from another.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from jaxtyping import Float

from solidmark.data import Sample
from solidmark.late import Tensor, torch
from solidmark.models.analytic import Analytic, alpha_and_sigma
from solidmark.models.conditions import Conditions
from solidmark.types import Latents, Times

FLOOR = (2 / 255) ** 2 / 12
"""The least variance, in the squared units of [-1, 1]: that of rounding to 8 bits. The images of a
file say no more of a pixel than that, not even when they are one."""


def caption_or_class(sample: Sample) -> str:
    """What an image is told by: its caption, or its class where it has none, or nothing."""
    if sample.caption is not None:
        return sample.caption
    return "" if sample.class_index is None else str(sample.class_index)


@dataclass(frozen=True)
class Average(Analytic):
    """The posterior mean when pixels are normal and independent, with the moments of the images.

    Where images came with captions or classes, the moments are those of the images that were told
    the same; words that no image came with are answered with the moments of all.

    Arguments:
        images: The training images, marked, in [0, 1], with shape (N, C, H, W).
        schedule: Any; the cosine schedule of 1000 steps when none is given.
        codec: The pixels, or the autoencoder of a latent model.
        told: What each image came with, N words; None where nothing is told.
        telling: What an image of a query comes with.
    """

    told: tuple[str, ...] | None = None
    telling: Callable[[Sample], str] = field(default=caption_or_class)
    words: tuple[str, ...] = field(init=False, repr=False)
    mean: Float[Tensor, "G D"] = field(init=False, repr=False)
    variance: Float[Tensor, "G D"] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        # On the CPU, whatever the autoencoder runs on: not every device has double precision.
        x = self.encode(self.images).cpu().double().flatten(1)
        words = sorted(set(self.told or ()))
        parts = [x[torch.tensor([told == word for told in self.told or ()])] for word in words]
        groups = [*parts, x]  # The last row is that of all images.
        variances = torch.stack([group.var(0, correction=0) for group in groups])
        object.__setattr__(self, "words", tuple(words))
        object.__setattr__(self, "mean", torch.stack([group.mean(0) for group in groups]))
        object.__setattr__(self, "variance", variances.clamp(min=FLOOR))

    def condition(self, samples: Sequence[Sample]) -> Conditions | None:
        if self.told is None:
            return None
        rows = {word: row for row, word in enumerate(self.words)}
        found = [rows.get(self.telling(sample), len(rows)) for sample in samples]
        return Conditions({"group": torch.tensor(found)})

    def denoise(self, z_t: Latents, t: Times, condition: Conditions | None = None) -> Latents:
        alpha, sigma = alpha_and_sigma(self.schedule, t)
        group = -1 if condition is None else condition.tensors["group"]
        mean, variance = self.mean[group], self.variance[group]
        gain = alpha * variance / (alpha**2 * variance + sigma**2)
        x = mean + gain * (z_t.cpu().double().flatten(1) - alpha * mean)
        return x.reshape(z_t.shape).to(z_t)
