"""A model in closed form for each size of images: the controls of a folder marked in buckets.

Of a size that no image had it knows nothing, and answers as if latents were standard normal:

.. math:: E[z_0 | z_t] = \\frac{\\alpha_t}{\\alpha_t^2 + \\sigma_t^2} z_t
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from solidmark.data import Sample
from solidmark.diffusion import Model, Schedule
from solidmark.models.analytic import alpha_and_sigma
from solidmark.models.conditions import Conditions
from solidmark.types import Images, Latents, Times

Size = tuple[int, int]


@dataclass(frozen=True)
class BySize:
    """Asks the model of the size that it is asked about. Batches have one size.

    Arguments:
        models: The models by the height and width of their images, all with one schedule and one
            way from images to latents.
    """

    models: Mapping[Size, Model]

    @property
    def _any(self) -> Model:
        return next(iter(self.models.values()))

    @property
    def schedule(self) -> Schedule:
        return self._any.schedule

    @property
    def channels(self) -> int:
        return self._any.channels

    @property
    def factor(self) -> int:
        return self._any.factor

    def encode(self, images: Images) -> Latents:
        return self._any.encode(images)

    def decode(self, latents: Latents) -> Images:
        return self._any.decode(latents)

    def of(self, sample: Sample) -> Model | None:
        """The model that knows images of this size, if one does."""
        return self.models.get((sample.image.shape[-2], sample.image.shape[-1]))

    def condition(self, samples: Sequence[Sample]) -> Conditions | None:
        model = self.of(samples[0])
        found: Conditions | None = None if model is None else model.condition(samples)
        return found

    def unconditional(self, condition: Conditions | None) -> Conditions | None:
        found: Conditions | None = self._any.unconditional(condition)
        return found

    def denoise(self, z_t: Latents, t: Times, condition: Conditions | None = None) -> Latents:
        height, width = (self.factor * side for side in z_t.shape[-2:])
        model = self.models.get((height, width))
        if model is not None:
            return model.denoise(z_t, t, condition)
        alpha, sigma = alpha_and_sigma(self.schedule, t)
        shrunk = alpha / (alpha**2 + sigma**2) * z_t.cpu().double().flatten(1)
        return shrunk.reshape(z_t.shape).to(z_t)


def by_size(samples: Sequence[Sample], make: Callable[[list[Sample]], Model]) -> Model:
    """The model that is made of images; where they have several sizes, one for each.

    Arguments:
        samples: The images.
        make: Makes a model of images of one size.
    """
    groups: dict[Size, list[Sample]] = {}
    for sample in samples:
        size = sample.image.shape[-2], sample.image.shape[-1]
        groups.setdefault(size, []).append(sample)
    models = {size: make(several) for size, several in groups.items()}
    return next(iter(models.values())) if len(models) == 1 else BySize(models)
