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


def level_of(readers: int, alpha: float = ALPHA) -> float:
    """The level of one test of one reader (Bonferroni).

    Arguments:
        readers: How many readers the run has.
        alpha: The level of the run.

    Example:
        >>> level_of(2)
        0.0025
    """
    return alpha / (len(TESTS) * max(readers, 1))
