"""The weight of the KL, which falls while the loss does not.

.. math::
    w \\leftarrow w + \\delta \\text{ at every step}; \\qquad
    \\text{at every C-th: } w \\leftarrow w / 2 \\text{ if } P' - P < \\xi
    \\text{ else } w + \\delta

P is the mean loss of the last 100 steps, P' that of C steps before (infinite at first). So the
noise is kept as close to N(0, I) as the image allows: while the image comes closer, the KL counts
more, and once it does not, the KL has to give way.

References:
    InvMM (Ma et al., 2024), Algorithm 1, and its public code.
"""

import math
from dataclasses import dataclass, replace

from solidmark.measures.invmm.inversion.configuration import Inversion


@dataclass(frozen=True)
class Weight:
    """The weight of one attempt and what it hangs on.

    Arguments:
        value: w.
        previous: P', the mean loss when the weight was adapted last.
        losses: The losses of the last steps, `loss_window` of them at most.
    """

    value: float = 1.0
    previous: float = math.inf
    losses: tuple[float, ...] = ()

    @property
    def mean(self) -> float:
        """P, the mean loss over the window; NaN before the first step."""
        return math.fsum(self.losses) / len(self.losses) if self.losses else math.nan

    def after(self, loss: float, step: int, inversion: Inversion) -> "Weight":
        """The weight once a step is done.

        Arguments:
            loss: The p of the step.
            step: Its number, from 1.
            inversion: C, the window, xi and delta.
        """
        losses = (*self.losses, loss)[-inversion.loss_window :]
        grown = Weight(self.value + inversion.weight_step, self.previous, losses)
        if step % inversion.every:
            return grown
        improved = self.previous - grown.mean >= inversion.improvement
        value = grown.value + inversion.weight_step if improved else grown.value / 2
        return replace(grown, value=value, previous=grown.mean)
