"""The figures of a run: what was reproduced, what it cost, and how the two halves differ."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

from solidmark.late import stats
from solidmark.measures.invmm.judging import RANKED, Judged
from solidmark.runs import Figure
from solidmark.scores import Estimate, clopper_pearson, least_nameable
from solidmark.scores.closeness import named_subjects, roc_rows
from solidmark.scores.groups import writable
from solidmark.scores.ranks import LEAST, spearman
from solidmark.scores.rows import Side, figure_of

NO_NULL = "Without held-out images there are no p-values: it is not known what chance gives."
BY = {
    "copies": "how often an image occurs among the training images",
    "loss": "the denoising loss",
    "magnitude": "the noise magnitude",
    "spread": "the bottleneck spread",
    "solidmark": "the p-value of the key that SolidMark reads",
    "energy": "the p-value of the key that the energy reader reads",
}
"""What images are ordered by before the dear search, and what else is known of them."""


def result_rows(
    judged: Judged, restarts: int, triage: str, fprs: Sequence[float], fdr: float, seed: int
) -> list[Figure]:
    """Makes the figures."""
    sides = {split: judged.side(split, seed) for split in _SPLITS}
    rows: list[Figure] = []
    for split in _SPLITS:
        if judged.of(split):
            rows += _outcomes(judged, sides, split, restarts)
    rows.append(_calls(judged, sides["trained"]))
    if sides["trained"].n and sides["held_out"].n:
        rows.append(_named(judged, sides, fdr))
        rows += named_subjects(sides["trained"], sides["held_out"], fdr)
        rows += roc_rows(sides["trained"], sides["held_out"], "trained_vs_held_out", fprs)
    rows += _correlations(judged, sides["trained"], triage)
    return rows


_SPLITS = ("trained", "held_out")


def _outcomes(
    judged: Judged, sides: Mapping[str, Side], split: str, restarts: int
) -> Iterator[Figure]:
    own, pictures = sides[split], judged.of(split)
    count = sum(row["status"] == "reproduced" for row in pictures)
    other = judged.of("held_out") if split == "trained" and sides["held_out"].n else []
    yield _reproduced(own, count, sum(row["status"] == "reproduced" for row in other), sides)
    for outcome in ("spent", "failed", "not_tried"):
        number = sum(row["status"] == outcome for row in pictures)
        yield _number(own, outcome, "images", Estimate(number), count=number)
    yield _kl(own, [row["kl"] for row in pictures if row["status"] == "reproduced"], restarts)
    tried = [row["network_calls"] for row in pictures if row["restarts"]]
    mean = Estimate(float(np.mean(tried)) if tried else None)
    yield _number(own, "network_calls", "network calls an image that was tried", mean)


def _number(own: Side, statistic: str, unit: str, estimate: Estimate, **more: Any) -> Figure:
    """A figure of what was done; neither way means memorized."""
    return figure_of(own, statistic, unit, estimate, direction=None, **more)


def _reproduced(own: Side, count: int, other: int, sides: Mapping[str, Side]) -> Figure:
    """The share of those tried that came back, beside that of the held-out ones."""
    if own.n == 0:
        estimate = Estimate(note="None was tried to an end.")
        return figure_of(own, "reproduced", "share", estimate, count=0)
    low, high = clopper_pearson(count, own.n)
    if own.split != "trained" or not sides["held_out"].n:
        note = NO_NULL if own.split == "trained" else None
        estimate = Estimate(count / own.n, low, high, note=note)
        return figure_of(own, "reproduced", "share", estimate, count=count)
    m = sides["held_out"].n
    # Fisher's exact test: so many of the reproduced ones are trained, given how many there are.
    one, each = own.of_subjects, sides["held_out"].of_subjects
    k, j = (count, other) if one is own and each is sides["held_out"] else _came_back(one, each)
    p = stats.hypergeom.sf(k - 1, one.n + each.n, one.n, k + j)
    if own.subject is not None:
        low, high = clopper_pearson(count / own.n * own.worth, own.worth)
    estimate = Estimate(count / own.n, low, high, writable(p))
    return figure_of(own, "reproduced", "share", estimate, other / m, count=count)


def _came_back(*sides: Side) -> list[int]:
    """How many pictures of each side were reproduced: those score below 1."""
    return [int((one.distance < 1).sum()) for one in sides]


def _kl(own: Side, kls: Sequence[float], restarts: int) -> Figure:
    """The median KL of those that came back."""
    note = "Of the reproduced images. A single attempt has no interval: ask for --restarts."
    if restarts > 1:
        chance = 100 * (1 - 2.0 ** (1 - restarts))
        note = (
            f"Of the reproduced images, each the median of {restarts} restarts; kl_low to kl_high "
            f"of scores.parquet holds the median of all restarts with a chance of {chance:.3g} %."
        )
    estimate = Estimate(float(np.median(kls)) if kls else None, note=note)
    ends = {"lowest": min(kls, default=None), "highest": max(kls, default=None)}
    unit = "nats a dimension"
    return figure_of(own, "kl", unit, estimate, direction="low", count=len(kls), facts=ends)


def _calls(judged: Judged, own: Side) -> Figure:
    """What all images cost together."""
    rows = [row for split in _SPLITS for row in judged.of(split)]
    total = Estimate(float(sum(row["network_calls"] for row in rows)))
    both = {"split": "all", "n": sum(row["restarts"] > 0 for row in rows), "failed": 0}
    return _number(own, "network_calls_total", "network calls", total, **both)


def _named(judged: Judged, sides: Mapping[str, Side], fdr: float) -> Figure:
    """How many images can be named. Their smallest q is Simes's test that there are none."""
    own, m = sides["trained"], sides["held_out"].of_subjects.n
    what = "images" if sides["held_out"].subject is None else "subjects"
    q = np.array([row["q_value"] for row in judged.of("trained") if row["q_value"] is not None])
    count = int((q <= fdr).sum())
    least = least_nameable(own.n, m, fdr)
    note = f"With {m:,} held-out {what} no p-value is below 1 in {m + 1:,}: " + (
        f"at least {least:,} of {own.n:,} must score lower than all of them before one is named."
        if least <= own.n
        else f"too few to name any of {own.n:,}."
    )
    estimate = Estimate(count, p_value=writable(q.min()) if len(q) else None, note=note)
    return figure_of(
        own, "named", "rows", estimate, count=count, fdr=fdr, expected_false=fdr * count
    )


def _correlations(judged: Judged, own: Side, triage: str) -> Iterator[Figure]:
    """How the order of the trained images goes with what else is known of them."""
    ranked = [row for row in judged.of("trained") if row["status"] in RANKED]
    score = np.array([row["score"] for row in ranked], dtype=np.float64)
    copies = np.array([row["copies"] for row in ranked], dtype=np.float64)
    if len(set(copies)) > 1:
        yield _correlation(own, score, -copies, "copies")
    valued = [row for row in ranked if row["triage_value"] is not None]
    if valued:
        score = np.array([row["score"] for row in valued], dtype=np.float64)
        value = np.array([row["triage_value"] for row in valued], dtype=np.float64)
        yield _correlation(own, score, value, triage)


def _correlation(
    own: Side, score: Float[np.ndarray, " N"], value: Float[np.ndarray, " N"], by: str
) -> Figure:
    """Spearman's rho of the score and something that is low where memory is suspected."""
    n = len(score)
    found = spearman(score, value, "greater")
    if found is not None:
        rho, low, high, p = found
        note = f"Spearman's, of the trained images, with {BY[by]}; high = they agree."
        estimate = Estimate(rho, low, high, p, note)
    elif n < LEAST:
        estimate = Estimate(note=f"A rank correlation needs {LEAST} images or more.")
    else:
        estimate = Estimate(note="One of the two is the same for all images.")
    return figure_of(own, "rank_correlation", "rho", estimate, 0.0, n=n, by=by)
