"""Predictions of noise, in which differences of models and conditions are measured.

.. math::
    \\hat\\epsilon - \\hat\\epsilon' = -\\frac{\\alpha_t}{\\sigma_t} (\\hat z_0 - \\hat z_0')

A `Model` gives :math:`\\hat z_0`; the papers measure what the network predicts.
"""

from solidmark.diffusion.schedule import FlowSchedule, Schedule


def noise_per_latent(schedule: Schedule, t: float) -> float:
    """How far the predicted noise moves when the expected latents move by 1.

    For a flow it is the velocity that moves, by :math:`1 / \\sigma_t`: at t = 1 its noise is known,
    and no difference would be seen in it.

    Arguments:
        schedule: The model's schedule.
        t: The time, in (0, 1].
    """
    alpha, sigma = schedule(t)
    return (1.0 if isinstance(schedule, FlowSchedule) else alpha) / sigma
