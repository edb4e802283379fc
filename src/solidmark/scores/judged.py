"""What people say of pairs: how many are copies, and how far a distance agrees with them.

.. math:: AUC = P(d_{copy} < d_{other}) + P(d_{copy} = d_{other}) / 2
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from solidmark.runs import Figure
from solidmark.scores.groups import clopper_pearson, effective_n, group_codes
from solidmark.scores.roc import roc

VERDICTS = COPY, NOT, UNSURE = ("copy", "not", "unsure")
"""What a person may say of a pair."""

DISPUTED = "disputed"
"""A pair that was called both a copy and none."""

Pair = tuple[str, str]
"""A generation, or a held-out image, and a training image."""

_SHARE = (
    "Of pairs like those that were judged, and not of all generations. Unsure and disputed pairs "
    "count nowhere. Pairs of one training image are taken to agree fully in the interval."
)
_AREA = (
    "How often a pair called a copy is closer than one called none. Among pairs that were chosen "
    "for their closeness it is lower than among any pairs."
)


@dataclass(frozen=True)
class Judged:
    """A pair, and how often each thing was said of it.

    Arguments:
        split: Which images it is of: `generated`, or `null` for the control.
        pair: Their ids.
        copy: How often it was called a copy.
        other: How often it was called none.
        unsure: How often nobody could say.
    """

    split: str
    pair: Pair
    copy: int = 0
    other: int = 0
    unsure: int = 0

    @property
    def verdict(self) -> str:
        """What stands of it: those who are unsure do not overrule who is not."""
        if self.copy and self.other:
            return DISPUTED
        return COPY if self.copy else NOT if self.other else UNSURE


def gather_judged(said: Iterable[tuple[str, Pair, str]]) -> list[Judged]:
    """All that was said, a row a pair, in the order in which pairs were first judged.

    Arguments:
        said: Split, pair and verdict of each judgement.

    Example:
        >>> one = ("generated", ("g", "t"))
        >>> [pair.verdict for pair in gather_judged([(*one, "copy"), (*one, "not")])]
        ['disputed']
    """
    counts: dict[tuple[str, Pair], dict[str, int]] = {}
    for split, pair, verdict in said:
        own = counts.setdefault((split, pair), dict.fromkeys(VERDICTS, 0))
        own[verdict] += 1
    return [
        Judged(split, pair, own[COPY], own[NOT], own[UNSURE])
        for (split, pair), own in counts.items()
    ]


def judged_share(pairs: Sequence[Judged], split: str, chance: float | None = None) -> Figure:
    """How many of the judged pairs are copies.

    Arguments:
        pairs: Pairs of all splits.
        split: Whose share.
        chance: The share among pairs of the control, where some were judged.

    Returns:
        The share, in [0, 1]; high means memorized. `failed` are those that nothing was decided of.

    References:
        Survey Sampling (Kish, 1965), section 8.2, for the interval.
    """
    own = [one for one in pairs if one.split == split]
    decided = [one for one in own if one.verdict in (COPY, NOT)]
    n, count = len(decided), sum(one.verdict == COPY for one in decided)
    low = high = None
    if n:
        trials = effective_n(group_codes([one.pair[1] for one in decided], n))
        low, high = clopper_pearson(count / n * trials, trials)
    return Figure(
        measure="judgement",
        split=split,
        statistic="judged",
        n=n,
        failed=len(own) - n,
        count=count,
        value=count / n if n else None,
        unit="share",
        direction="high",
        chance=chance,
        ci_low=low,
        ci_high=high,
        note=_SHARE if n else "Nothing was decided of any pair.",
        facts={word: sum(one.verdict == word for one in own) for word in (UNSURE, DISPUTED)},
    )


def judged_area(
    pairs: Sequence[Judged], distances: Mapping[Pair, float], measure: str, seed: int = 0
) -> Figure:
    """How far a distance tells what people call a copy from what they call none.

    Arguments:
        pairs: Pairs of all splits; those of generations count.
        distances: What the measure says of pairs; low = close.
        measure: Its name.
        seed: Of the bootstrap, which draws training images.

    Returns:
        The area, in [0, 1]: 1/2 is chance, 1 is full agreement. `failed` are decided pairs
        that the measure says nothing of.
    """
    sides: dict[str, list[Judged]] = {COPY: [], NOT: []}
    lost = 0
    for one in pairs:
        if one.split == "generated" and one.verdict in sides:
            lost += one.pair not in distances
            sides[one.verdict] += [one] * (one.pair in distances)
    close, far = (np.array([distances[one.pair] for one in some]) for some in sides.values())
    images = [[one.pair[1] for one in some] for some in sides.values()]
    known = Figure(
        measure=measure,
        split="generated",
        statistic="judged_auc",
        n=len(close) + len(far),
        failed=lost,
        unit="share of pairs of pairs",
        chance=0.5,
        facts={"copies": len(close), "others": len(far)},
        note="It takes pairs that were called copies, and pairs that were called none.",
    )
    if not len(close) or not len(far):
        return known
    found = roc(close, far, *images, fprs=(), seed=seed).auc
    return replace(
        known,
        value=found.value,
        ci_low=found.ci_low,
        ci_high=found.ci_high,
        p_value=found.p_value,
        note=_AREA,
    )
