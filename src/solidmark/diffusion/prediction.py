"""What a network was trained to predict, turned into the expected image."""

from typing import Literal, get_args

from solidmark.errors import UnknownName
from solidmark.late import Tensor
from solidmark.types import Latents

Prediction = Literal["epsilon", "v_prediction", "sample", "flow_prediction"]


def to_sample(
    output: Latents,
    z_t: Latents,
    alpha: float | Tensor,
    sigma: float | Tensor,
    kind: Prediction,
) -> Latents:
    """Turns a network's output into :math:`E[z_0 | z_t]`.

    .. math::
        \\epsilon: \\hat z_0 = (z_t - \\sigma_t \\hat\\epsilon) / \\alpha_t \\qquad
        v: \\hat z_0 = \\alpha_t z_t - \\sigma_t \\hat v \\qquad
        flow: \\hat z_0 = z_t - \\sigma_t \\hat u

    Arguments:
        output: What the network said, with shape (B, C, H, W).
        z_t: What it was shown, with the same shape.
        alpha: :math:`\\alpha_t`, of the batch, or a row each with shape (B, 1, 1, 1).
        sigma: :math:`\\sigma_t`, likewise.
        kind: What the output means, in the words of diffusers.

    Raises:
        UnknownName: When the output means something else.

    References:
        Ho et al., 2020 (epsilon); Salimans and Ho, 2022 (v); Lipman et al., 2023 (flow, where
        :math:`\\alpha_t = 1 - \\sigma_t`).
    """
    if kind not in get_args(Prediction):
        raise UnknownName("prediction", kind, get_args(Prediction))
    if kind == "epsilon":
        return (z_t - sigma * output) / alpha
    if kind == "v_prediction":
        return alpha * z_t - sigma * output
    if kind == "flow_prediction":
        return z_t - sigma * output
    return output
