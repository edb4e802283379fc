"""How much image and how much noise is left at time t.

.. math:: z_t = \\alpha_t z_0 + \\sigma_t \\epsilon, \\quad t \\in [0, 1]

t = 0 is the image (almost), t = 1 is noise (almost).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

from jaxtyping import Float, Int

from solidmark.errors import UnknownName
from solidmark.late import Tensor, torch
from solidmark.types import Times


@runtime_checkable
class Schedule(Protocol):
    """Maps a time in [0, 1] to (alpha_t, sigma_t)."""

    def __call__(self, t: float) -> tuple[float, float]: ...


def moments(schedule: Schedule, t: Times) -> tuple[float, float] | tuple[Tensor, Tensor]:
    """(alpha, sigma) of one time, or of a time a row, to be multiplied with latents.

    Arguments:
        schedule: The schedule.
        t: One time, or B of them.

    Returns:
        Two numbers, or two tensors with shape (B, 1, 1, 1), float32, on the device of the times.
    """
    if not isinstance(t, Tensor):
        return schedule(t)
    pairs = torch.tensor([schedule(one) for one in t.tolist()], dtype=torch.float64)
    alpha, sigma = pairs.to(t.device, torch.float32).reshape(-1, 2, 1, 1, 1).unbind(1)
    return alpha, sigma


def times_told(tell: Callable[[float], float], t: Times, count: int) -> Float[Tensor, " B"]:
    """What a network is told of the time of each row.

    Arguments:
        tell: What it is told of one time, such as the schedule's `network_time`.
        t: One time, or one a row.
        count: The number of rows B.
    """
    times = t.tolist() if isinstance(t, Tensor) else [t] * count
    return torch.tensor([tell(time) for time in times])


@dataclass(frozen=True)
class DiscreteSchedule:
    """The variance-preserving schedule of a model trained at T discrete steps.

    Arguments:
        alphas_cumprod: :math:`\\bar\\alpha`, with shape (T), decreasing, in (0, 1).
    """

    alphas_cumprod: Float[Tensor, " T"]

    @property
    def steps(self) -> int:
        return len(self.alphas_cumprod)

    def index(self, t: float) -> int:
        """The training step nearest to a time; t = 0.05 of T = 1000 steps is step 50."""
        return min(max(round(t * self.steps), 0), self.steps - 1)

    def network_time(self, t: float) -> float:
        """What the network is told at time t: the number of the training step."""
        return float(self.index(t))

    def at(self, steps: Int[Tensor, " B"]) -> tuple[Tensor, Tensor, Tensor]:
        """(alpha, sigma, network time) of training steps in [0, T), each with shape (B)."""
        alpha_bar = self.alphas_cumprod.to(steps.device)[steps].float()
        return alpha_bar.sqrt(), (1 - alpha_bar).sqrt(), steps.float()

    def __call__(self, t: float) -> tuple[float, float]:
        alpha_bar = float(self.alphas_cumprod[self.index(t)])
        return math.sqrt(alpha_bar), math.sqrt(1 - alpha_bar)


@dataclass(frozen=True)
class FlowSchedule:
    """The straight path of rectified flow, run through at a shifted pace.

    .. math:: \\sigma_t = \\frac{s t}{1 + (s - 1) t}, \\quad \\alpha_t = 1 - \\sigma_t

    Arguments:
        shift: s; above 1 more of the times are noisy. 3 in Stable Diffusion 3.
        steps: The number T of times that a network is told, sigma T.

    References:
        Liu et al., 2023; Esser et al., 2024, Eq. 23.
    """

    shift: float = 1.0
    steps: int = 1000

    def network_time(self, t: float) -> float:
        """What the network is told at time t."""
        return self(t)[1] * self.steps

    def at(self, steps: Int[Tensor, " B"]) -> tuple[Tensor, Tensor, Tensor]:
        """(alpha, sigma, network time) of training steps in [0, T), each with shape (B)."""
        t = training_times(self, steps)
        sigma = self.shift * t / (1 + (self.shift - 1) * t)
        return 1 - sigma, sigma, sigma * self.steps

    def __call__(self, t: float) -> tuple[float, float]:
        sigma = self.shift * t / (1 + (self.shift - 1) * t)
        return 1 - sigma, sigma


def training_times(schedule: Schedule, steps: Int[Tensor, " B"]) -> Float[Tensor, " B"]:
    """The times at which training shows a network its images.

    Those of a flow end with pure noise and leave the image without noise out: there is nothing to
    learn from it.

    Arguments:
        schedule: The schedule, of T steps; 1000 where it does not say.
        steps: Numbers of training steps in [0, T).
    """
    first = 1 if isinstance(schedule, FlowSchedule) else 0
    return (steps.float() + first) / training_steps(schedule)


def training_steps(schedule: Schedule) -> int:
    """T, the number of training steps of a schedule; 1000 where it does not say."""
    return int(getattr(schedule, "steps", 1000))


def beta_schedule(name: Literal["cosine", "linear"], steps: int = 1000) -> DiscreteSchedule:
    """The two schedules that DDPMs are trained with.

    Arguments:
        name: `cosine` (Nichol and Dhariwal, 2021) or `linear` (Ho et al., 2020).
        steps: The number of training steps T.
    """
    if name == "linear":
        betas = torch.linspace(1e-4, 0.02, steps, dtype=torch.float64)
    elif name == "cosine":
        u = torch.arange(steps + 1, dtype=torch.float64) / steps
        f = torch.cos((u + 0.008) / 1.008 * math.pi / 2) ** 2
        betas = (1 - f[1:] / f[:-1]).clamp(max=0.999)
    else:
        raise UnknownName("schedule", name, ["cosine", "linear"])
    return DiscreteSchedule(torch.cumprod(1 - betas, 0))
