"""One step of sampling, and the times it visits.

.. math::
    z_s = \\alpha_s \\hat z_0 + \\sqrt{\\sigma_s^2 - \\eta^2 \\tilde\\sigma^2}\\, \\hat\\epsilon
          + \\eta \\tilde\\sigma \\xi, \\qquad
    \\tilde\\sigma^2 = \\frac{\\sigma_s^2}{\\sigma_t^2}
                       \\left(\\sigma_t^2 - \\frac{\\alpha_t^2}{\\alpha_s^2} \\sigma_s^2\\right)

The bracket is the noise that the forward process adds between s and t; it is
:math:`1 - \\alpha_t^2 / \\alpha_s^2` where variance is preserved. With :math:`\\eta = 1` this is
the ancestral step of DDPM on the respaced times, with :math:`\\eta = 0` the deterministic step of
DDIM.
"""

import math
from dataclasses import dataclass

from solidmark.diffusion.schedule import Schedule
from solidmark.types import Latents


@dataclass(frozen=True)
class Sampler:
    """Moves latents between two times of a schedule.

    Arguments:
        schedule: The model's schedule.
        eta: 1 = ancestral (DDPM), 0 = deterministic (DDIM).

    References:
        Ho et al., 2020, Eq. 7; Song et al., 2021, Eq. 12; Lugmayr et al., 2022, Eq. 7-8.
    """

    schedule: Schedule
    eta: float = 1.0

    def diffuse(self, z_0: Latents, noise: Latents, t: float) -> Latents:
        """The known latents, noised to time t."""
        alpha, sigma = self.schedule(t)
        return alpha * z_0 + sigma * noise

    def step(self, z_t: Latents, z_0: Latents, noise: Latents, t: float, s: float) -> Latents:
        """From time t down to time s < t, given the expected z_0; s < 0 ends the loop."""
        if s < 0:
            return z_0
        alpha_t, sigma_t = self.schedule(t)
        alpha_s, sigma_s = self.schedule(s)
        epsilon = (z_t - alpha_t * z_0) / sigma_t
        added = max(sigma_t**2 - (alpha_t / alpha_s * sigma_s) ** 2, 0.0)
        fresh = self.eta**2 * (sigma_s / sigma_t) ** 2 * added
        kept = max(sigma_s**2 - fresh, 0.0)
        return alpha_s * z_0 + math.sqrt(kept) * epsilon + math.sqrt(fresh) * noise

    def back(self, z_s: Latents, noise: Latents, s: float, t: float) -> Latents:
        """From time s up to time t > s: RePaint's resampling, one jump of the forward process."""
        alpha_t, sigma_t = self.schedule(t)
        alpha_s, sigma_s = self.schedule(s)
        ratio = alpha_t / alpha_s
        return ratio * z_s + math.sqrt(max(sigma_t**2 - (ratio * sigma_s) ** 2, 0.0)) * noise


def spaced_times(steps: int, start: float = 1.0, total: int = 1000) -> list[float]:
    """The times of a respaced loop, downwards, each a whole training step.

    Arguments:
        steps: How many network calls.
        start: Where to begin; below 1 skips the noisiest part.
        total: The number of training steps T.
    """
    top = round(start * total)
    return [((top * (steps - i)) // steps - 1) / total for i in range(steps)]


def jump_times(times: list[float], length: int, count: int) -> list[float]:
    """The walk of RePaint: at every `length`-th time jump back up, `count` passes in all.

    A rise in the result is one jump of the forward process, a fall is one network call.

    Arguments:
        times: The times of a plain loop, downwards.
        length: Jump length j; 10 in the paper.
        count: Passes r over each stretch; 10 in the paper, 1 = no resampling.

    Returns:
        The times visited. 250 times with j = r = 10 make 2,410 network calls.

    References:
        Lugmayr et al., 2022, Section 4.2 and Appendix B.
    """
    jumps = dict.fromkeys(range(0, len(times) - length, length), count - 1)
    walk, level = [], len(times)
    while level >= 1:
        level -= 1
        walk.append(times[-1 - level])
        if jumps.get(level, 0) > 0:
            jumps[level] -= 1
            level += length
            walk.append(times[-1 - level])
    return walk
