"""What is descended on: the loss of noise drawn from q, and how far q is from N(0, I).

.. math::
    L = p + w r, \\qquad
    p = \\frac{1}{d} \\lVert \\hat z_0(\\alpha_t z_0 + \\sigma_t n, t) - z_0 \\rVert^2, \\quad
    n = \\mu + e^{\\nu / 2} \\xi, \\qquad
    r = \\frac{1}{2 d} \\sum \\mu^2 + e^\\nu - \\nu - 1

:math:`\\nu` is the log-variance. The network's gradient is taken with respect to what it is shown
and told; from there on the chain rule is written out, so no graph holds more than one call.

References:
    InvMM (Ma et al., 2024), Section 4.
"""

from collections.abc import Sequence

from jaxtyping import Float, Int

from solidmark.late import Tensor, torch
from solidmark.measures.invmm.inversion.configuration import Inversion
from solidmark.types import Latents


def kl_per_dimension(mu: Latents, log_variance: Latents) -> Float[Tensor, " B"]:
    """r: the KL from N(0, I) to each row, in nats per dimension; low = close to pure noise.

    Arguments:
        mu: The means.
        log_variance: The logarithms of the variances.
    """
    return 0.5 * (mu.square() + log_variance.exp() - log_variance - 1).flatten(1).mean(1)


def kl_slopes(mu: Latents, log_variance: Latents) -> dict[str, Latents]:
    """The gradient of `kl_per_dimension`, each row's with respect to itself."""
    dimensions = mu[0].numel()
    return {
        "mu": mu / dimensions,
        "log_variance": 0.5 * (log_variance.exp() - 1) / dimensions,
    }


def draw_steps(generator: "torch.Generator", inversion: Inversion, total: int) -> Int[Tensor, " S"]:
    """The training steps at which the samples of one step of descent are asked.

    Returns:
        Whole numbers in [0, T). `stratified`: one from each of S stretches of equal length, whose
        mixture is uniform, so that the mean over the samples is unbiased either way.
    """
    if inversion.times == "independent":
        return torch.randint(total, (inversion.samples,), generator=generator)
    places = torch.rand(inversion.samples, generator=generator, dtype=torch.float64)
    places = (torch.arange(inversion.samples) + places) / inversion.samples
    return (places * total).long().clamp(max=total - 1)


def clipped(slopes: dict[str, Tensor], largest: float | None) -> dict[str, Tensor]:
    """Gradients, each row shortened to a norm over all that it is descended on.

    Arguments:
        slopes: With shape (A, ...), by name.
        largest: The norm; None = any.
    """
    if largest is None:
        return slopes
    squares = [slope.flatten(1).square().sum(1) for slope in slopes.values()]
    norm = torch.stack(squares).sum(0).sqrt()
    scale = (largest / (norm + 1e-6)).clamp(max=1)
    return {name: slope * over_rows(scale, slope) for name, slope in slopes.items()}


def over_rows(values: Tensor | Sequence[float], like: Tensor) -> Tensor:
    """A number a row, to be multiplied with a tensor of that many rows."""
    given = torch.as_tensor(values, dtype=like.dtype, device=like.device)
    return given.reshape(-1, *[1] * (like.ndim - 1))
