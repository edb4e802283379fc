"""Adam over a stack of attempts, each row with moments and a step number of its own.

The optimiser of torch has one step number a tensor, so rows that started at different times would
need an optimiser each.

References:
    Kingma and Ba, 2015, Algorithm 1.
"""

from collections.abc import Sequence

from solidmark.late import Tensor, torch
from solidmark.measures.invmm.inversion.objective import over_rows

BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-8


def adam_step(
    value: Tensor,
    slope: Tensor,
    first: Tensor,
    second: Tensor,
    steps: Sequence[int],
    rate: float,
) -> tuple[Tensor, Tensor, Tensor]:
    """One step down, without weight decay.

    Arguments:
        first: The first moment, zero before the first step.
        steps: The number of the step of each row, from 1.

    Returns:
        The new value, first and second moment.
    """
    first = BETA_1 * first + (1 - BETA_1) * slope
    second = BETA_2 * second + (1 - BETA_2) * slope.square()
    size = over_rows([rate / (1 - BETA_1**step) for step in steps], value)
    scale = over_rows([(1 - BETA_2**step) ** 0.5 for step in steps], value)
    return value - size * first / (torch.sqrt(second) / scale + EPSILON), first, second
