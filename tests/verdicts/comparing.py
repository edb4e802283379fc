"""Comparisons for the judge, from numbers alone."""

from typing import Any

import numpy as np

from solidmark.runs import Figure, Verdict
from solidmark.scores import closeness
from solidmark.scores.closeness import TRAINED
from solidmark.scores.control import Control
from solidmark.verdicts import Compared, Family, Nouns, Question, judge, question

OTHER = Control("other_kind", 9, 9, 9, 9, 0.9, 0.8, 0.95, 0.001, "texture")
ALIKE = Control("alike", 9, 9, 9, 9, 0.5, 0.4, 0.6, 0.5)


def asked(words: Nouns, n: int, m: int, p: float, named: int = 0, **more: Any) -> Question:
    """A comparison of n images with m others that has one test, of this p."""
    count = Figure(
        measure="l2",
        statistic="named",
        split="trained",
        value=named,
        n=n,
        count=named,
        fdr=0.05,
        expected_false=0.05 * named,
        p_value=p if n and m else None,
    )
    return Question(words, "low", n, m, count if n and m else None, **more)


def by(name: str, *questions: Question, **more: Any) -> Compared:
    """A measure of this name."""
    return Compared(name, name.upper(), f"What does {name} ask?", questions, **more)


def verdict_by_distance(
    family: Family,
    words: Nouns,
    own: np.ndarray,
    null: np.ndarray,
    plain: tuple[float, float] = (0.0, 0.0),
    control: Control | None = None,
) -> Verdict:
    """The verdict on distances alone.

    Arguments:
        family: Of which command.
        words: The same.
        own: The distances of trained images.
        null: Those of held-out ones.
        plain: Which share of the closest of each side are nearly of one colour.
        control: Whether both sides are of one kind.
    """
    figures = closeness(own, null, measure="l2", direction="low", thresholds=[0.5], splits=TRAINED)
    sides = {}
    for split, values, share in zip(TRAINED[:2], (own, null), plain, strict=True):
        contrast = np.full(len(values), 0.3)
        contrast[np.argsort(values)[: round(share * len(values))]] = 0.01
        ids = [f"{split} {number:04d}" for number in range(len(values))]
        columns = {"id": ids, "distance": values, "contrast": contrast}
        sides[split] = {**columns, "status": ["ok"] * len(ids), "note": [None] * len(ids)}
    return judge(family, [by("l2", question(words, "l2", "low", sides, figures))], control)
