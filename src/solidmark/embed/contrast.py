"""Learning what is the same picture, from pictures alone: two changed copies of each, and the rest.

.. math:: \\ell_i = -\\log \\frac{\\exp(s(a_i, b_i) / \\tau)}
          {\\sum_{x \\ne a_i} \\exp(s(a_i, x) / \\tau)}

where a_i and b_i are two views of picture i, and x runs over all views of the batch.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from jaxtyping import Float, UInt8

from solidmark.embed.own import Shape, Weights, features
from solidmark.late import Tensor, functional, torch
from solidmark.randomness import generator

TEMPERATURE = 0.1

SMALLEST = 0.6
"""A view shows at least this share of each side."""

TURNED = 15.0
"""A view is turned by at most so many degrees, either way."""

COLOURS = 0.4
"""How much brightness, contrast and tints of a view vary."""

BLUR = 1.5
"""The strongest blur of a view of 32 pixels, in pixels."""

NOISE = 0.05
"""The strongest noise of a view, of colours in [0, 1]."""

DECAY = 1e-4


@dataclass(frozen=True)
class Fit:
    """How a network is fitted.

    Arguments:
        steps: How many batches it sees.
        batch_size: Pictures of a batch, two views of each.
        learning_rate: At the start, after a tenth of the steps; falls to 0 along a cosine.
        seed: Of the first weights, the batches and the views.
    """

    steps: int = 250
    batch_size: int = 128
    learning_rate: float = 2e-3
    seed: int = 0


def fit(
    pictures: UInt8[Tensor, "N 3 side side"],
    shape: Shape,
    how: Fit,
    device: str = "cpu",
    told: Callable[[float], None] = lambda loss: None,
) -> Weights:
    """Fits a network to pictures, without anything else being known of them.

    Arguments:
        pictures: At least two, no two of them equal: views of equal ones would be told apart.
        shape: The network's.
        how: How long, and from which seed.
        device: Where it runs.
        told: Is told the loss of each step.

    References:
        SimCLR (Chen et al., 2020): two views, and the loss. SSCD (Pizzi et al., 2022): rows that
        are compared as they are, without a head that is thrown away.
    """
    weights = {
        name: value.to(device).requires_grad_() for name, value in shape.fresh(how.seed).items()
    }
    optimizer = torch.optim.AdamW(weights.values(), how.learning_rate, weight_decay=DECAY)
    for step, batch in enumerate(_batches(len(pictures), how)):
        for group in optimizer.param_groups:
            group["lr"] = how.learning_rate * pace(step, how.steps)
        generators = generator(how.seed, str(step), purpose="views")
        values = pictures[batch].to(device).float() / 255
        both = torch.cat([views(values, generators) for _ in range(2)])
        rows = functional.normalize(features(weights, shape, (both - 0.5) / 0.25), dim=1)
        one, other = rows.chunk(2)
        loss = contrast(one, other)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        told(float(loss.detach()))
    return {name: value.detach() for name, value in weights.items()}


def pace(step: int, steps: int) -> float:
    """The share of the learning rate at a step: up within a tenth, down along a cosine.

    Example:
        >>> pace(0, 100), pace(9, 100), round(pace(99, 100), 3)
        (0.1, 1.0, 0.0)
    """
    up = max(1, steps // 10)
    if step < up:
        return (step + 1) / up
    return 0.5 * (1 + math.cos(math.pi * (step + 1 - up) / max(1, steps - up)))


def _batches(count: int, how: Fit) -> Iterator[Tensor]:
    """The numbers of the pictures of each step: all of them in an order, then in another."""
    order = torch.empty(0, dtype=torch.long)
    passes = 0
    size = min(how.batch_size, count)
    for _ in range(how.steps):
        if len(order) < size:
            drawn = generator(how.seed, str(passes), purpose="batches")
            order, passes = torch.randperm(count, generator=drawn), passes + 1
        batch, order = order[:size], order[size:]
        yield batch


def contrast(
    one: Float[Tensor, "B D"], other: Float[Tensor, "B D"], temperature: float = TEMPERATURE
) -> Float[Tensor, ""]:
    """The loss of pairs of rows of length 1: low where each is next to its own, far from the rest.

    Arguments:
        one: A view of each picture.
        other: The other view, in the same order.
        temperature: tau; low looks at the nearest strangers only.
    """
    rows = torch.cat([one, other])
    alike = rows @ rows.T / temperature
    alike = alike.masked_fill(torch.eye(len(rows), dtype=torch.bool, device=rows.device), -1e9)
    own = torch.arange(len(rows), device=rows.device).roll(len(one))
    return functional.cross_entropy(alike, own)


def views(
    pictures: Float[Tensor, "B 3 side side"], drawn: "torch.Generator"
) -> Float[Tensor, "B 3 side side"]:
    """A changed copy of each: cut out, turned, mirrored, other colours, blurred, with noise.

    Arguments:
        pictures: In [0, 1].
        drawn: What is drawn for them, on the CPU.

    Returns:
        The copies, in [0, 1].
    """
    count, side = len(pictures), pictures.shape[-1]

    def uniform(low: float, high: float, *shape: int) -> Tensor:
        return (low + (high - low) * torch.rand(count, *shape, generator=drawn)).to(pictures)

    share = uniform(SMALLEST, 1.0)
    place = uniform(-1.0, 1.0, 2) * (1 - share)[:, None]
    angle = uniform(-TURNED, TURNED) * math.pi / 180
    mirrored = torch.where(uniform(0, 1) < 0.5, -1.0, 1.0)
    cos, sin = share * angle.cos(), share * angle.sin()
    across = torch.stack([mirrored * cos, -sin, place[:, 0]], dim=1)
    down = torch.stack([mirrored * sin, cos, place[:, 1]], dim=1)
    where = functional.affine_grid(
        torch.stack([across, down], dim=1), list(pictures.shape), align_corners=False
    )
    x = functional.grid_sample(pictures, where, padding_mode="border", align_corners=False)
    mean = x.mean(dim=(1, 2, 3), keepdim=True)
    x = (x - mean) * uniform(1 - COLOURS, 1 + COLOURS, 1, 1, 1) + mean
    x = x * uniform(1 - COLOURS / 2, 1 + COLOURS / 2, 3, 1, 1)
    x = x + uniform(-COLOURS / 2, COLOURS / 2, 1, 1, 1)
    grey = x.mean(dim=1, keepdim=True)
    x = torch.where(uniform(0, 1, 1, 1, 1) < 0.2, grey, x).clamp(0, 1)
    sigma = uniform(0.1, BLUR * side / 32) * (uniform(0, 1) < 0.5)
    x = _blurred(x, sigma)
    noise = torch.randn(x.shape, generator=drawn).to(x) * uniform(0, NOISE, 1, 1, 1)
    return (x + noise).clamp(0, 1)


def _blurred(
    x: Float[Tensor, "B 3 side side"], sigma: Float[Tensor, " B"]
) -> Float[Tensor, "B 3 side side"]:
    """Each picture blurred by its own standard deviation, in pixels; 0 leaves it as it is."""
    reach = max(1, math.ceil(2 * BLUR * x.shape[-1] / 32))
    steps = torch.arange(-reach, reach + 1, device=x.device)
    kernel = torch.exp(-0.5 * (steps / sigma.clamp(min=1e-3)[:, None]) ** 2)
    kernel = (kernel / kernel.sum(dim=1, keepdim=True)).repeat_interleave(3, dim=0)
    flat = x.reshape(1, -1, *x.shape[-2:])
    padded = functional.pad(flat, (reach,) * 4, mode="replicate")
    rows = functional.conv2d(padded, kernel[:, None, None, :], groups=len(kernel))
    both = functional.conv2d(rows, kernel[:, None, :, None], groups=len(kernel))
    return both.reshape(x.shape)
