"""Where a sum of costs lies once its law is tilted to a threshold.

.. math:: w(t) = P(T = t) e^{-\\theta t} / E[e^{-\\theta T}], \\quad E_w[T] = x

Between the ends of the window lies all of w but `exp(-12)` at most, by Chernoff's bound: with y the
mean of the law tilted by another theta',

.. math:: P_w(T \\text{ beyond } y) \\le
    E[e^{-\\theta' T}] / E[e^{-\\theta T}] \\cdot e^{(\\theta' - \\theta) y}
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from solidmark.late import optimize

_DEPTH = 12.0


@dataclass(frozen=True)
class Window:
    """Where the bulk of the tilted law lies, from `x - below` to `x + above`.

    Arguments:
        theta: The tilt, 0 or more, in units of 1 / cost.
        below: How far it reaches below x, in the unit of the costs.
        above: How far it reaches above x.
        further_below: A bound of P(T <= x - below), without the tilt.
    """

    theta: float
    below: float
    above: float
    further_below: float


def tilted_window(
    costs: Float[np.ndarray, "M L"], x: float, rates: Float[np.ndarray, "M L"]
) -> Window:
    """Tilts the law of a sum of costs to the threshold x, and finds its bulk.

    Theta is where the mean of the tilted law is x, or 0 where it is below x without a tilt. The
    bounds hold wherever they are taken, so their roots need not be met well.

    Arguments:
        costs: The costs of the levels of each key, with shape (M, 256); 0 is the least of those
            that are possible.
        x: The threshold, above 0. A level that costs more by itself counts as impossible.
        rates: How probable each level is, with shape (M, 256); each row sums to 1.

    References:
        Esscher (1932) for the tilt; Chernoff (1952) for the bound.
    """
    kept = (costs <= x) & (rates > 0)
    laws = _Laws(np.where(kept, costs, 0.0), np.where(kept, rates, 0.0))
    unit = len(costs) / x
    theta = 0.0
    if laws.tilted(0.0)[0] > x:
        theta = _root(lambda t: laws.tilted(t)[0] - x, 0.0, unit, 1e-3)
    low, further_below = laws.end(np.zeros(len(costs)), theta, unit)
    high, _ = laws.end(laws.costs.max(axis=1), theta, -unit)
    return Window(theta, x - low, max(high - x, 0.0), further_below)


@dataclass(frozen=True)
class _Laws:
    """The law of the sum under any tilt.

    Arguments:
        costs: The costs, 0 where they are not kept.
        rates: How probable each level is, 0 where it is not kept.
    """

    costs: Float[np.ndarray, "M L"]
    rates: Float[np.ndarray, "M L"]

    def tilted(self, theta: float) -> tuple[float, float]:
        """The mean of the tilted law, and log E exp(-theta T)."""
        exponent = -theta * self.costs
        highest = exponent.max(axis=1, keepdims=True)
        weight = np.exp(exponent - highest) * self.rates
        total = weight.sum(axis=1)
        mean = ((weight * self.costs).sum(axis=1) / total).sum()
        return float(mean), float((np.log(total) + highest[:, 0]).sum())

    def end(
        self, extreme: Float[np.ndarray, " M"], theta: float, unit: float
    ) -> tuple[float, float]:
        """One end of the window, and a bound of what is beyond it, without the tilt.

        Arguments:
            extreme: The last cost of each key on this side.
            theta: The tilt of the law that is looked at.
            unit: Which way to tilt it further: above 0 for the lower end, below 0 for the upper.
        """
        log_at_theta = self.tilted(theta)[1]

        def depth(t: float) -> float:
            mean, log_mass = self.tilted(t)
            return log_at_theta - log_mass - (t - theta) * mean

        at_extreme = (self.rates * (self.costs == extreme[:, None])).sum(axis=1)
        deepest = log_at_theta - np.log(at_extreme).sum() + theta * extreme.sum()
        if deepest <= _DEPTH + 1e-6:  # even the last sum is too likely to be left out
            return float(extreme.sum()), 0.0
        t = _root(lambda t: _DEPTH - depth(t), theta, unit, 0.02)
        mean, log_mass = self.tilted(t)
        return mean, float(np.exp(log_mass + t * mean))


def _root(of: Callable[[float], float], start: float, step: float, error: float) -> float:
    """Where a function that is above 0 at the start falls through 0, on the side of the step."""
    while of(start + step) > 0:
        step *= 2
    ends = sorted((start, start + step))
    return float(optimize.brentq(of, *ends, xtol=error * abs(step), rtol=error))
