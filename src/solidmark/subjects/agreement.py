"""Caption agreement: does a picture still show what its caption asks for?

.. math::
    \\hat c = \\arg\\min_{c} \\; \\mathrm{mean}_{t, \\epsilon}
              \\lVert \\epsilon - \\epsilon_\\theta(x_t, c) \\rVert^2

A mitigation that makes a model ignore captions also ends its memory of them. So images are drawn
from the mitigated captions, and the model itself, without the mitigation, says which of N captions
explains each best: the right one or those of other images. It needs no other network.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from solidmark.data import Sample
from solidmark.diffusion import Metered, Model, Sampler, spaced_times
from solidmark.diffusion.noise import noise_per_latent
from solidmark.errors import BadInput
from solidmark.late import torch
from solidmark.models.text import captions
from solidmark.randomness import generator, normal
from solidmark.types import Images


@dataclass(frozen=True)
class Choice:
    """The caption that explains one image best.

    Arguments:
        id: The image whose caption it was drawn from.
        caption: That caption, as it was before any mitigation.
        chosen: The one that was chosen.
    """

    id: str
    caption: str
    chosen: str

    @property
    def right(self) -> bool:
        return self.chosen == self.caption


@dataclass(frozen=True)
class Agreement:
    """Draws images from captions and asks a model what they show.

    Costs per image: `steps` network calls, twice that with guidance, and `captions * times`.

    Arguments:
        captions: N, how many captions there are to choose from; chance is 1 / N.
        steps: Steps of DDIM.
        guidance: Scale of classifier-free guidance, 1 = none.
        times: How many times, evenly spaced in (0, 1), each with a noise that all captions share.

    References:
        Li et al., 2023 ("Your diffusion model is secretly a zero-shot classifier"), Eq. 4 and
        Section 3.2; Song et al., 2021 (DDIM). Its use for mitigations is ours.
    """

    captions: int = 8
    steps: int = 20
    guidance: float = 3.0
    times: int = 8

    def __post_init__(self) -> None:
        if self.captions < 2 or self.times < 1:
            raise BadInput(
                "An agreement takes 2 or more captions and 1 or more times, not "
                f"{self.captions}, {self.times}."
            )
        if not 1 <= self.steps <= 1000 or not self.guidance >= 0:
            raise BadInput(
                "An agreement takes 1 to 1000 steps and a guidance of 0 or more, not "
                f"{self.steps}, {self.guidance}."
            )

    def ask(
        self,
        model: Model,
        judge: Model,
        samples: Sequence[Sample],
        seed: int = 0,
        batch_size: int = 16,
    ) -> list[Choice]:
        """Draws an image for each caption and lets the judge choose.

        An image is drawn from noise of its own, the same for every mitigation, and depends on no
        other image. Which captions stand beside the right one depends on those of all samples.

        Arguments:
            model: Draws; a `Mitigated` one, or the judge itself.
            judge: The same model without mitigation.
            samples: Images with captions.
            seed: Of noise and choices.
            batch_size: Images a network call.

        Raises:
            BadInput: When an image has no caption, or there are fewer than N different ones.
            MissingCapability: When there is guidance, and the model has nothing to be led from.
        """
        pool = sorted(set(captions(samples)))
        if len(pool) < self.captions:
            raise BadInput(
                f"There are {len(pool)} different captions, and {self.captions} to choose from "
                "were asked for. Ask for fewer, or take more images."
            )
        found = []
        for start in range(0, len(samples), batch_size):
            batch = samples[start : start + batch_size]
            images = self.draw(Metered(model, batch_size), batch, seed)
            found += self._choose(Metered(judge, batch_size), batch, images, pool, seed)
        return found

    def draw(self, model: Model, samples: Sequence[Sample], seed: int = 0) -> Images:
        """Images of the captions, of the size of the samples, in [0, 1]."""
        like = model.encode(samples[0].image[None])
        generators = [generator(seed, sample.id, purpose="agreement draws") for sample in samples]
        z = normal(generators, like.shape[1:]).to(like)
        condition = model.condition(samples)
        without = model.unconditional(condition) if self.guidance != 1 else None
        sampler = Sampler(model.schedule, eta=0.0)
        for t, s in pairwise([*spaced_times(self.steps), -1.0]):
            expected = model.denoise(z, t, condition)
            if self.guidance != 1:
                blind = model.denoise(z, t, without)
                expected = blind + self.guidance * (expected - blind)
            z = sampler.step(z, expected, z, t, s)  # Without noise: eta is 0.
        return model.decode(z).clamp(0, 1).cpu()

    def _choose(
        self,
        judge: Model,
        samples: Sequence[Sample],
        images: Images,
        pool: Sequence[str],
        seed: int,
    ) -> list[Choice]:
        """The caption with the smallest mean error, for each image."""
        offered = [self._offer(sample, pool, seed) for sample in samples]
        asked = [
            replace(sample, caption=caption)
            for sample, several in zip(samples, offered, strict=True)
            for caption in several
        ]
        condition = judge.condition(asked)
        z_0 = judge.encode(images)
        sampler = Sampler(judge.schedule)
        generators = [generator(seed, sample.id, purpose="agreement asks") for sample in samples]
        errors = torch.zeros(len(samples), self.captions)
        for number in range(self.times):
            t = (number + 0.5) / self.times
            noise = normal(generators, z_0.shape[1:]).to(z_0)
            known = z_0.repeat_interleave(self.captions, 0)
            z_t = sampler.diffuse(known, noise.repeat_interleave(self.captions, 0), t)
            missed = noise_per_latent(judge.schedule, t) * (
                judge.denoise(z_t, t, condition) - known
            )
            errors += missed.square().flatten(1).mean(1).reshape(errors.shape).cpu() / self.times
        return [
            Choice(sample.id, str(sample.caption), several[best])
            for sample, several, best in zip(
                samples, offered, errors.argmin(1).tolist(), strict=True
            )
        ]

    def _offer(self, sample: Sample, pool: Sequence[str], seed: int) -> list[str]:
        """The right caption among N - 1 others, at a random place: a tie goes to the first."""
        draws = generator(seed, sample.id, purpose="agreement captions")
        others = [caption for caption in pool if caption != sample.caption]
        order = torch.randperm(len(others), generator=draws)[: self.captions - 1]
        several = [others[index] for index in order.tolist()]
        place = int(torch.randint(self.captions, (), generator=draws))
        return [*several[:place], str(sample.caption), *several[place:]]
