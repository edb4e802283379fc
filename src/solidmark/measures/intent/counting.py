"""How often a prompt shows a feature, and whether that is more than comes anyhow.

.. math:: p = P(X \\ge c), \\quad X \\sim Hypergeometric(n + n', c + c', n)

c of n generations of the prompt show it, and c' of n' of the others: Fisher's exact test, from
one side. Given c + c' it holds for any law of the generations that is the same for both.

Many features are looked at for many prompts, so p-values become q-values (Benjamini and Hochberg)
over ALL pairs that could have been named: also those that the prompt does not show, whose p is 1.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from solidmark.measures.intent.prompts import Prompt
from solidmark.measures.intent.shown import Shown
from solidmark.scores import clopper_pearson, q_values


@dataclass(frozen=True)
class Share:
    """c of n generations.

    Arguments:
        count: Those that show the feature.
        n: All that count.
    """

    count: int
    n: int

    @property
    def value(self) -> float | None:
        """The frequency; None where there is no generation."""
        return self.count / self.n if self.n else None

    @property
    def interval(self) -> tuple[float | None, float | None]:
        """The 95 % interval (Clopper and Pearson, 1934)."""
        return clopper_pearson(self.count, self.n) if self.n else (None, None)


def fisher(more: Share, less: Share) -> float | None:
    """Fisher's exact test that a feature is more frequent on the one side, one-sided.

    Returns:
        The p-value; None where one side has no generations.

    References:
        Fisher (1935), "The logic of inductive inference".

    Example:
        >>> print(f"{fisher(Share(3, 3), Share(0, 3)):.2f}")
        0.05
    """
    from scipy import stats

    if not more.n or not less.n:
        return None
    total, drawn = more.count + less.count, more.n
    return float(stats.hypergeom.sf(more.count - 1, more.n + less.n, total, drawn))


def recurrence(share: Share, rate: float | None) -> float | None:
    """The chance that so many of n pictures are copies of one and the same, by luck.

    .. math:: p = P(X \\ge c), \\quad X \\sim Binomial(n, rate)

    Arguments:
        share: Those that are copies of it, of all.
        rate: How often one comes at most, if it does not come whatever is asked.

    Returns:
        The p-value; None where the rate is not known or there is no generation.
    """
    from scipy import stats

    if rate is None or not share.n:
        return None
    return float(stats.binom.sf(share.count - 1, share.n, rate))


def among(p_values: Sequence[float | None], looked_at: int) -> list[float | None]:
    """The q-values of some tests among all that were made; the others have p = 1.

    Arguments:
        p_values: Those of the tests that matter; None where there is none.
        looked_at: How many tests there were in all.
    """
    known = [np.nan if p is None else p for p in p_values]
    others = max(0, looked_at - sum(p is not None for p in p_values))
    q = q_values(np.concatenate([np.array(known, dtype=float), np.ones(others)]))
    return [None if np.isnan(value) else float(value) for value in q[: len(known)]]


@dataclass(frozen=True)
class Pools:
    """What the unrelated prompts of each prompt show.

    Arguments:
        prompts: All prompts, asked and unrelated.
        shown: What the generations of each text show.
        named: Which features each prompt names, by its text.
    """

    prompts: Sequence[Prompt]
    shown: Mapping[str, Shown]
    named: Mapping[str, Mapping[str, str]]

    def of(self, prompt: Prompt) -> list[Prompt]:
        """The prompts that contain no entity of this one."""
        return [p for p in self.prompts if p.text != prompt.text and not prompt.is_related(p.text)]

    def pooled(self, prompt: Prompt) -> Callable[[str], Share]:
        """The share of the unrelated generations that show a feature, without naming it."""
        unrelated = self.of(prompt)
        every = sum((self.shown[p.text] for p in unrelated), Shown())

        def share(feature: str) -> Share:
            naming = [p for p in unrelated if feature in self.named[p.text]]
            own = sum((self.shown[p.text] for p in naming), Shown())
            return Share(every.counts[feature] - own.counts[feature], every.n - own.n)

        return share

    def shown_by(self, prompt: Prompt) -> set[str]:
        """The features that at least one unrelated generation shows."""
        return {f for p in self.of(prompt) for f in self.shown[p.text].counts}


def share_of(shown: Shown, feature: str) -> Share:
    """How often the generations of a text show a feature."""
    return Share(shown.counts[feature], shown.n)


def describe(share: Share) -> dict[str, Any]:
    """A share as columns."""
    low, high = share.interval
    return {
        "count": share.count,
        "n": share.n,
        "frequency": share.value,
        "ci_low": low,
        "ci_high": high,
    }
