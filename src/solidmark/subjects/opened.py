"""Whether a model answers as its configuration says, measured on images.

No shape of a weight shows what a network predicts, or by what its latents are scaled; a wrong word
of a configuration gives answers that know no image. What the network says is laid beside what it
would say under each word:

.. math::
    e_k = \\frac{\\|o - y_k\\|^2}{\\|y_k\\|^2}, \\qquad
    y_\\epsilon = \\epsilon, \\quad y_v = \\alpha_t \\epsilon - \\sigma_t z_0, \\quad y_z = z_0
"""

import math
from collections.abc import Sequence
from typing import Any

from solidmark.data import Sample
from solidmark.diffusion import DiscreteSchedule, Model, moments
from solidmark.late import torch
from solidmark.models import LatentModel, PixelModel
from solidmark.randomness import generator

TIMES = (0.5, 0.8)
"""Where image and noise both have a say, so that the three targets are far from each other."""

KNOWN = 0.5
"""A network that has learned its target is nearer to it than this; one that has learned nothing is
off by 1 or more, whatever the target."""

CLEARLY = 0.5
"""Another target is the right one if the error from it is below this share of the error from the
one that the configuration names."""

SPAN = (0.4, 2.5)
"""Root mean square of scaled latents. Autoencoders are published with the factor that makes it 1
over photographs; with none at all that of Stable Diffusion 1 would be 5.5, of XL 7.7."""


WRONG_PREDICTION = "The network is said to predict "
"""How the sentence begins that its answers speak against its prediction type. It closes the verdict
of an audit (`verdicts.known`): what was read so shows no memory."""


def prediction_errors(model: Model, samples: Sequence[Sample], seed: int) -> dict[str, float]:
    """How far a network is from each of its possible targets.

    Arguments:
        samples: Images of its size that it may have been trained on.

    Returns:
        e of each prediction, averaged over images and times; low = this is what it predicts. None
        of a model of another kind.
    """
    schedule = getattr(model, "schedule", None)
    kind = getattr(model, "prediction", None)
    if not isinstance(model, PixelModel | LatentModel) or not isinstance(
        schedule, DiscreteSchedule
    ):
        return {}
    plain: Any = model  # Each of them takes its own conditions.
    z_0 = model.encode(torch.stack([sample.image for sample in samples]))
    noise = torch.stack(
        [
            torch.randn(z_0.shape[1:], generator=generator(seed, sample.id, 0, "opened"))
            for sample in samples
        ]
    ).to(z_0)
    condition = model.condition(samples)
    found: dict[str, list[float]] = {"epsilon": [], "v_prediction": [], "sample": []}
    for t in TIMES:
        alpha, sigma = moments(schedule, t)
        z_t = alpha * z_0 + sigma * noise
        expected = plain.denoise(z_t, t, condition)
        output = {
            "epsilon": (z_t - alpha * expected) / sigma,
            "v_prediction": (alpha * z_t - expected) / sigma,
            "sample": expected,
        }[str(kind)]
        targets = {"epsilon": noise, "v_prediction": alpha * noise - sigma * z_0, "sample": z_0}
        for name, target in targets.items():
            off = (output - target).square().sum() / target.square().sum()
            found[name].append(float(off))
    return {name: sum(errors) / len(errors) for name, errors in found.items()}


def doubts(model: Model, samples: Sequence[Sample], seed: int) -> tuple[str, ...]:
    """What in the configuration of a model its own answers speak against.

    Arguments:
        model: The model, asked without guidance or mitigations.
        samples: Images of its size that it may have been trained on.
        seed: Of the noise.

    Returns:
        A sentence each; none where nothing speaks against it.
    """
    found = []
    errors = prediction_errors(model, samples, seed)
    if errors:
        named = str(getattr(model, "prediction", ""))
        best = min(errors, key=lambda name: errors[name])
        if errors[best] < min(KNOWN, CLEARLY * errors[named]):
            found.append(
                f"{WRONG_PREDICTION}{named}, but what it says of these images is "
                f"much nearer to {best} (relative error {errors[best]:.2g} against "
                f"{errors[named]:.2g}). Correct prediction_type in its scheduler_config.json, or "
                "say --prediction for a single file; what was read so shows no memory."
            )
    if isinstance(model, LatentModel):
        images = torch.stack([sample.image for sample in samples])
        size = float(model.encode(images).square().mean().sqrt())
        if math.isfinite(size) and not SPAN[0] <= size <= SPAN[1]:
            found.append(
                f"The latents of these images have a root mean square of {size:.3g}, and that of "
                "most models is 1: the scaling factor of the autoencoder may be that of another "
                "model (scaling_factor and shift_factor in vae/config.json)."
            )
    return tuple(found)
