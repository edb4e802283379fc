"""How much privacy was lost, at least: the keys of an audit as the canaries of a one-run bound.

.. math:: q = \\frac{b e^\\varepsilon}{b e^\\varepsilon + 1 - b}, \\qquad
    \\varepsilon_{low} = \\max\\bigl(0, \\mathrm{logit}(p_{low}) - \\mathrm{logit}(b)\\bigr)

Each key is a draw that the training saw, and nobody else. If the training is epsilon-differentially
private where one image's keys are replaced by others, then whoever sees all that came out of it,
and all other keys, is right about this one with a chance of q at most, when he names a part of all
keys that has the prior chance b. A guess here is the part of the keys whose p-value, had the image
one of them, would be at most b: it is made of the reading and never of the key. p_low is the lower
end of the share of the images whose key lies in its part.

It is a lower bound of what the training lost, with its randomness, and not of one image; 0 proves
nothing. It cannot be above what so few guesses can show: with n images, all right, log n and a
little more than -log b.
"""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from solidmark.errors import BadInput
from solidmark.late import special, stats
from solidmark.runs import Figure
from solidmark.scores.groups import Estimate, Groups, group_codes
from solidmark.scores.null import LEVELS
from solidmark.scores.parts import Part, result_row
from solidmark.scores.statistics import statistic_p_values

PRIORS = (0.5, 0.1, 0.01, 1e-3, 1e-4, 1e-6)
"""The prior chances of a guess that are tried, fixed beforehand; they share the error."""

ERROR = 0.05


@dataclass(frozen=True)
class Loss:
    """A lower bound of epsilon.

    Arguments:
        epsilon: The bound, in nats, 0 or more; high = more was lost.
        prior: With which guesses it was had.
        right: How many of them were right.
        guesses: How many there were, one a key.
    """

    epsilon: float
    prior: float
    right: int
    guesses: int


MOST = 20_000
"""Keys that are looked at, at most: with so many, all right, the bound is 9 above -log b."""


def epsilon_row(part: Part) -> Figure:
    """The bound from the readings of one reader and split.

    By the distance, whatever the p-values rank: a guess is any part of the keys that a reading
    alone has chosen.

    Arguments:
        part: The rows, one an image.
    """
    if not part.n:
        return result_row(part, "epsilon", "nats", Estimate(note="No row could be scored."), 0.0)
    found = lost_privacy(*_guesses(part))
    most = lower_epsilon(found.guesses, found.guesses, PRIORS[-1], ERROR / len(PRIORS))
    note = (
        f"At least, at 95 %: {found.right:,} of {found.guesses:,} guesses with a prior chance of "
        f"{found.prior:g} were right. It is about the training where the keys of one image are "
        f"replaced by others, with delta 0. So many guesses cannot show more than {most:.1f}, and "
        "0 proves nothing."
    )
    estimate = Estimate(found.epsilon, note=note)
    facts = {"prior": found.prior, "guesses": found.guesses}
    return result_row(part, "epsilon", "nats", estimate, 0.0, count=found.right, facts=facts)


def claimed_row(part: Part, claimed: float) -> Figure:
    """What the readings of one reader say against an epsilon that somebody claims.

    Arguments:
        part: The rows, one an image.
        claimed: The epsilon, in nats, above 0.
    """
    if not part.n:
        nothing = Estimate(claimed, note="No row could be scored.")
        return result_row(part, "claimed_epsilon", "nats", nothing, None)
    note = (
        "As claimed, with delta 0. p: how often a training that loses no more lets so many guesses "
        "be right; a small one refutes the claim, a large one proves nothing."
    )
    estimate = Estimate(claimed, p_value=p_of_claim(*_guesses(part), claimed), note=note)
    return result_row(part, "claimed_epsilon", "nats", estimate, None)


def _guesses(part: Part) -> tuple[Float[np.ndarray, " N"], Groups | None]:
    """The p-values that guesses are made of, and which rows are one guess."""
    own = replace(part, rows=part.rows[:MOST], read=part.read)
    if part.read is not None:
        own = replace(own, read=part.read[:MOST])
    read = own.numbers("key_read")
    even = np.ones((read.shape[1], LEVELS))
    return statistic_p_values("l1", own.numbers("key"), read, weights=even), own.key_groups


def lower_epsilon(right: int, guesses: int, prior: float, error: float = ERROR) -> float:
    """The least epsilon at which so many right guesses are not too rare.

    Arguments:
        right: How many guesses were right.
        guesses: How many were made; whether one is made must not depend on a key.
        prior: The chance of a right one without the model, in (0, 1).
        error: How often the bound may be above the truth.

    Returns:
        The bound, in nats, 0 or more.

    Raises:
        BadInput: When the counts or the chances are none.

    References:
        Steinke, Nasr and Jagielski (2023), "Privacy auditing with one (1) training run", with keys
        of many values in the place of bits; Clopper and Pearson (1934).

    Example:
        >>> print(f"{lower_epsilon(90, 100, 0.5):.3f} {lower_epsilon(10, 100, 1 / 256):.3f}")
        1.631 2.702
    """
    if not 0 <= right <= guesses or guesses < 1 or not 0 < prior < 1 or not 0 < error < 1:
        raise BadInput(
            f"{right} right of {guesses} guesses with a prior chance of {prior:g} are no counts."
        )
    if right == 0:
        return 0.0
    low = float(stats.beta.ppf(error, right, guesses - right + 1))
    return max(0.0, float(special.logit(low) - special.logit(prior)))


def lost_privacy(p_value: Float[np.ndarray, " N"], key_groups: Groups | None = None) -> Loss:
    """The bound from the p-values of an audit, over all priors at once.

    Arguments:
        p_value: P-values under keys drawn anew, with shape (N), in (0, 1]: the chance of a key that
            fits a reading as well. Those of exchanged keys are none, since they know other keys.
        key_groups: Which rows share a key, and are one guess; None when none do.

    Returns:
        The largest of the bounds, each at its part of the error (Bonferroni).

    Raises:
        BadInput: When there is no row.

    Example:
        >>> lost_privacy(np.full(100, 1e-9)).prior
        1e-06
    """
    own = _one_a_key(p_value, key_groups)
    found = []
    for prior in PRIORS:
        right = int((own <= prior).sum())
        bound = lower_epsilon(right, len(own), prior, ERROR / len(PRIORS))
        found.append(Loss(bound, prior, right, len(own)))
    return max(found, key=lambda loss: loss.epsilon)


def p_of_claim(
    p_value: Float[np.ndarray, " N"], key_groups: Groups | None, claimed: float
) -> float:
    """How often a training that loses no more than a claimed epsilon shows as much.

    Arguments:
        p_value: As of `lost_privacy`, with shape (N).
        key_groups: As of `lost_privacy`.
        claimed: The epsilon, in nats, above 0.

    Returns:
        The smallest of the chances of so many right guesses, times the number of priors
        (Bonferroni), in (0, 1].

    Raises:
        BadInput: When there is no row.

    Example:
        >>> print(f"{p_of_claim(np.repeat([1e-9, 1.0], [3, 97]), None, 2.0):.1e}")
        3.9e-10
    """
    own = _one_a_key(p_value, key_groups)
    least = 1.0
    for prior in PRIORS:
        right = int((own <= prior).sum())
        most = float(special.expit(special.logit(prior) + claimed))
        least = min(least, float(stats.binom.sf(right - 1, len(own), most)))
    return min(1.0, len(PRIORS) * least)


def _one_a_key(
    p_value: Float[np.ndarray, " N"], key_groups: Groups | None
) -> Float[np.ndarray, " G"]:
    _, first = np.unique(group_codes(key_groups, len(p_value)), return_index=True)
    if not len(first):
        raise BadInput("There is no row to bound a loss with. Score at least one image.")
    return p_value[first]
