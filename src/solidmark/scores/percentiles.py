"""Percentiles of the close side, and what they cannot see.

The 95th percentile of similarities is the 5th of distances: it is decided by the one row in twenty
that is closest, and is the same however close the rows beyond it are. A mitigation that rids a
model of half of its copies can leave it where it was (SolidMark, Kriplani et al., 2025, figure 3).
"""

from typing import Literal

import numpy as np
from jaxtyping import Float

from solidmark.scores.groups import Estimate

Direction = Literal["low", "high"]
"""Which side is close, on the scale that is reported: distances are low, similarities high."""

PERCENTILES = (5, 25, 50, 75, 90, 95)
"""Of the close side: at 95, one row in twenty is closer."""

DRAWS = 2000
_ERROR = 0.025


def percentile_of(
    distance: Float[np.ndarray, " N"],
    percentile: float,
    generator: np.random.Generator,
    draws: int = DRAWS,
) -> Estimate:
    """A percentile of the close side, with the 95 % percentile interval of the bootstrap.

    A bootstrap sample of sorted rows is `floor(N u)` of N sorted uniform numbers, and of these
    only the two that the percentile lies between are drawn: from their own laws, exactly, so that
    a draw costs the same for any N.

    Arguments:
        distance: The distances, with shape (N), sorted, low = close, none NaN.
        percentile: Which, in (0, 100); at 95 one row in twenty is closer.

    Returns:
        The distance and its interval. An end is None where the true percentile lies beyond the
        outermost row with a chance above 2.5 %, which no resampling of the rows can show.

    References:
        Efron (1979); order statistics of uniform numbers by David and Nagaraja (2003), chapter 2.

    Example:
        >>> rows = np.arange(1001) / 1000
        >>> found = percentile_of(rows, 95, np.random.default_rng(0))
        >>> print(f"{found.value:.2f} {found.ci_low:.2f} {found.ci_high:.2f}")
        0.05 0.04 0.07
    """
    n, closer = len(distance), 1 - percentile / 100
    place = (n - 1) * closer
    below = int(place)
    part = place - below
    first = generator.beta(below + 1, n - below, draws)
    further = max(n - below - 1, 1)
    second = first + (1 - first) * (1 - generator.random(draws) ** (1 / further))
    rows = (np.minimum((n * u).astype(np.int64), n - 1) for u in (first, second))
    lower, upper = (distance[row] for row in rows)
    low, high = np.quantile(lower + part * (upper - lower), [_ERROR, 1 - _ERROR])
    value = float(np.quantile(distance, closer))
    has_low, has_high = (1 - closer) ** n <= _ERROR, closer**n <= _ERROR
    note = None
    if not (has_low and has_high):
        note = f"{n:,} rows are too few for an interval of this percentile with both ends."
    return Estimate(
        value, float(low) if has_low else None, float(high) if has_high else None, note=note
    )


def percentile_blindness(
    values: Float[np.ndarray, " N"],
    threshold: float,
    percentile: float = 95,
    direction: Direction = "low",
) -> str | None:
    """Says when a percentile cannot see the rows that a count does.

    Arguments:
        values: The distances or similarities, with shape (N); NaN is left out.
        threshold: Within it a row counts as close; a calibrated one, if there is one.
        percentile: Which percentile of the close side.
        direction: Which side is close.

    Returns:
        One sentence with the numbers; None when there is no close row to be overlooked, or enough
        of them to reach the percentile.

    References:
        SolidMark (Kriplani et al., 2025), section 3.2 and figure 3.

    Example:
        >>> values = np.concatenate([np.full(8, 0.01), np.linspace(0.3, 0.9, 992)])
        >>> print(percentile_blindness(values, 0.1))
        8 of 1,000 lie within 0.1, but the 95th percentile is decided by the 50 closest: \
however close those 8 are, it stays where it is.
    """
    scored = values[~np.isnan(values)]
    close = int((scored <= threshold if direction == "low" else scored >= threshold).sum())
    # The nearer of the two rows that it lies between; it is the same whatever is before that.
    deciding = int((len(scored) - 1) * (1 - percentile / 100) + 1e-9) + 1
    if not 0 < close < deciding:
        return None
    lies, those = ("lies", "that 1 is") if close == 1 else ("lie", f"those {close:,} are")
    return (
        f"{close:,} of {len(scored):,} {lies} within {threshold:.4g}, but the {percentile:g}th "
        f"percentile is decided by the {deciding:,} closest: however close {those}, it stays "
        "where it is."
    )
