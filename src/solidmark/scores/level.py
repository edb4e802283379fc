"""At which level a run decides: one look has one price, whatever it finds."""

TESTS = ("permutation_z", "named")
"""The statistics whose p-values decide: all keys together, and the best ones (Simes)."""

ALPHA = 0.01
"""How often a run in which nothing is memorized may be called memorized; and as often may a sound
run be called untrustworthy."""

HINT = 0.05
"""How often a run in which nothing is memorized may say more than "nothing seen"."""

POWER = 0.8
"""How often what is called the smallest share would have been seen."""


def shares_of(look: int | None) -> int:
    """In how many parts the level is cut, of which a look at a training has one.

    .. math:: \\sum_{k \\ge 1} \\frac{\\alpha}{k (k + 1)} = \\alpha

    So all looks together keep the level, however many there will be, and whenever one stops.

    Arguments:
        look: Which look it is, counted from 1; None of a run that is the only one.

    References:
        Alpha spending: Lan and DeMets, 1983; the sum telescopes, and the bound is Bonferroni's.

    Example:
        >>> shares_of(None), shares_of(1), shares_of(3)
        (1, 2, 12)
    """
    return 1 if look is None else look * (look + 1)


def level_of(readers: int, alpha: float = ALPHA) -> float:
    """The level of one test of one reader (Bonferroni).

    Arguments:
        readers: How many readers the run has; times `shares_of` a look.
        alpha: The level of the run.

    Example:
        >>> level_of(2)
        0.0025
    """
    return alpha / (len(TESTS) * max(readers, 1))
