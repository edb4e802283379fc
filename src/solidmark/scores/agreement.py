"""Caption agreement as a number: in how many images the right caption won."""

from collections.abc import Sequence

from solidmark.errors import EmptyTable
from solidmark.late import stats
from solidmark.scores.groups import Estimate, clopper_pearson, writable


def agreement(right: Sequence[bool], captions: int) -> Estimate:
    """The share of images whose right caption was chosen.

    Arguments:
        right: Whether it was, an image.
        captions: N, how many there were to choose from.

    Returns:
        The share, in [0, 1] (chance 1 / N; high means that captions are followed), its exact 95 %
        interval, and the one-sided p-value of chance.

    Raises:
        EmptyTable: When there is no image.

    Example:
        >>> agreement([True, True, False], 4).p_value
        0.15625
    """
    if not right:
        raise EmptyTable("There is no image to agree with. Draw at least one.")
    count, n = sum(right), len(right)
    p = writable(stats.binomtest(count, n, 1 / captions, alternative="greater").pvalue)
    return Estimate(count / n, *clopper_pearson(count, n), p)
