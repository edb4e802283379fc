"""What a model predicts of the noise, in double precision, and its score."""

from solidmark.diffusion import Condition, Model
from solidmark.late import Tensor
from solidmark.types import Latents


def predicted_noise(model: Model, z_t: Latents, t: float, condition: Condition) -> Tensor:
    """The noise that a model sees in latents, whatever its network predicts.

    .. math:: \\hat\\epsilon = (z_t - \\alpha_t \\hat z_0) / \\sigma_t

    Arguments:
        model: The model.
        z_t: Latents with noise, with shape (B, c, h, w).
        t: The time, in (0, 1).
        condition: What the model is told, one row an image.

    Returns:
        The noise, with the shape of the latents, float64 on the CPU. The score is -1 / sigma of it.
    """
    alpha, sigma = model.schedule(t)
    found = model.denoise(z_t, t, condition)
    return (z_t.cpu().double() - alpha * found.cpu().double()) / sigma
