"""Drawing a part of an image anew, the rest known: one loop for pixels, one for latents.

.. math::
    z_t \\leftarrow m \\odot z_t + (1 - m) \\odot (\\alpha_t x + \\sigma_t \\epsilon)

m is 1 where the model is free to draw. Nothing that the known image shows there is looked at by
the loop over pixels; an autoencoder looks at everything, so what it is given must not show there
what is to be found out.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from solidmark.cards.asked import Paste
from solidmark.diffusion.denoiser import Denoiser
from solidmark.diffusion.sampling import Sampler, spaced_times
from solidmark.late import Tensor, functional, torch
from solidmark.randomness import normal
from solidmark.types import Images, Mask

_Noise = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Known:
    """The images to inpaint.

    Arguments:
        images: In [0, 1]; grey where nothing is known.
        free: True where the model draws.
        generators: One an image.
    """

    images: Images
    free: Mask
    generators: "Sequence[torch.Generator]"

    def noise(self, like: Tensor) -> Tensor:
        """Fresh noise for each image, of the shape of a batch."""
        return normal(self.generators, like.shape[1:]).to(like)


def inpaint_pixels(
    denoiser: Denoiser, known: Known, walk: Sequence[float], eta: float = 1.0
) -> Images:
    """Pastes the known part, noised to the time, BEFORE every network call.

    Arguments:
        denoiser: Of a model of pixels.
        known: The images.
        walk: The times; a rise is a jump back up, as `jump_times` makes them.
        eta: 1 = ancestral sampling (DDPM), 0 = deterministic (DDIM).

    Returns:
        The images in [0, 1], on the CPU, the known part as it was given.

    References:
        Lugmayr et al., 2022, Algorithm 1.
    """
    sampler = Sampler(denoiser.model.schedule, eta)
    shown = denoiser.model.encode(known.images)
    free = known.free.to(shown.device)
    z = known.noise(shown)
    for t, s in pairwise([*walk, -1.0]):
        if s > t:
            z = sampler.back(z, known.noise(z), t, s)
            continue
        z = torch.where(free, z, sampler.diffuse(shown, known.noise(z), t))
        z = sampler.step(z, denoiser(z, t), known.noise(z), t, s)
    return denoiser.model.decode(torch.where(free, z, shown)).clamp(0, 1).cpu()


def inpaint_latents(
    denoiser: Denoiser,
    known: Known,
    steps: int,
    *,
    every: int = 10,
    paste: Paste = "pixels",
    eta: float = 0.0,
) -> Images:
    """Algorithm 1 of SolidMark (`pixels`), or the cheap variant (`latents`).

    Arguments:
        denoiser: Of any model; with pixels for latents both variants work too.
        known: The images. The autoencoder sees all of them.
        steps: Sampling steps.
        every: `pixels`: after so many steps the latents are decoded, the images noised to that
            time are pasted, and the whole is encoded again.
        paste: `latents`: the known cells are replaced before every network call.
        eta: 1 = ancestral sampling (DDPM), 0 = deterministic (DDIM).

    Returns:
        The images in [0, 1], on the CPU, the known pixels as they were given.

    References:
        SolidMark (Kriplani et al., 2025), Algorithm 1; Avrahami et al., 2023 (blended latent
        diffusion).
    """
    model = denoiser.model
    sampler = Sampler(model.schedule, eta)
    shown = model.encode(known.images)
    cells, pixels = (touched(known.free, f).to(shown.device) for f in (model.factor, 1))
    z = known.noise(shown)
    for number, (t, s) in enumerate(pairwise([*spaced_times(steps), -1.0]), 1):
        if paste == "latents":
            z = torch.where(cells, z, sampler.diffuse(shown, known.noise(shown), t))
        expected = denoiser(z, t)
        z = sampler.step(z, expected, known.noise(z), t, s)
        if paste == "pixels" and number % every == 0 and s >= 0:
            x = model.decode(z)
            noised = sampler.diffuse(known.images.to(x) * 2 - 1, known.noise(x), s) / 2 + 0.5
            z = model.encode(torch.where(pixels, x, noised))
    return torch.where(pixels.cpu(), model.decode(z).clamp(0, 1).cpu(), known.images)


def touched(mask: Mask, factor: int) -> Mask:
    """The cells of the latents that a mask of pixels reaches into.

    Arguments:
        mask: Of pixels.
        factor: The pixels along a side of a cell; 1 = the pixels themselves.
    """
    return functional.max_pool2d(mask[None].float(), factor)[0] > 0
