"""What an InvMM run comes to: the nouns of the judge, and what it is handed."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from solidmark.cards import asks_of, title_of
from solidmark.measures.invmm.judging import MEASURE, Judged
from solidmark.measures.invmm.rows import BY
from solidmark.runs import Figure, Verdict, first
from solidmark.scores.control import Control
from solidmark.scores.written import p_value, percent, short
from solidmark.verdicts import Compared, Family, Nouns, Question, judge
from solidmark.verdicts.compared import apart
from solidmark.verdicts.words import counted_once

SPLITS = ("trained", "held_out")

FAMILY = Family(
    measure="A run",
    sees="memory",
    tests="the count of reproduced images (Fisher), the area of trained against held-out images or "
    "the list of named images (Simes)",
    innocent="in which nothing was memorized",
    names={"close": "memorized"},
)

WORDS = Nouns(
    asked=("trained image", "trained images"),
    others=("held-out image", "held-out images"),
    do=("scores", "score"),
    close="lower than images that the model never saw",
    not_close="score no lower than images that the model never saw",
    nearer="lower in score",
    as_near="as low in score",
    pair="A trained image has a lower score than a held-out one",
    whom="images that score lower than every held-out one",
    missed="images whose noise the search does not find in its steps",
    more="More images of both kinds",
    no_null="But no held-out image was tried, so it is not known how many images the same search "
    "would reproduce that the model never saw, and nothing can be judged. --held-out DATA gives "
    "them.",
)


def verdict_on(
    judged: Judged,
    config: Mapping[str, Any],
    figures: Sequence[Figure],
    control: Control | None,
    among: int = 1,
) -> Verdict:
    """The verdict on an InvMM run."""
    n, m = (int(np.isfinite(judged.scores(split)).sum()) for split in SPLITS)
    own, other = (
        sorted(row["kl"] for row in judged.of(split) if row["status"] == "reproduced")
        for split in SPLITS
    )
    counts = len(own), len(other), n, m
    failed = [row["note"] for row in judged.of("trained") if row["status"] == "failed"]
    reproduced = first(figures, "reproduced", "trained")
    asked = Question(
        WORDS,
        "low",
        n,
        m,
        named=first(figures, "named", "trained"),
        area=first(figures, "auc", "trained_vs_held_out"),
        tests=() if reproduced is None else (reproduced,),
        lost=len(failed),
        apart=apart(judged.side("trained"), judged.side("held_out")),
        of_subjects=first(figures, "named_subjects", "trained"),
    )
    details = (
        _by_count(*counts[:2], None if reproduced is None else reproduced.p_value),
        _by_kl(own, other, m),
        _lax(*counts),
        _restarts(judged),
        _not_tried(judged, str(config.get("triage") or "none")),
    )
    title, asks = title_of(MEASURE), asks_of(MEASURE)
    found = Compared(MEASURE, title, asks, (asked,), found=_found(*counts), details=details)
    copies = {
        split: sum(row["split"] == split and row["copy_of"] is not None for row in judged.rows)
        for split in SPLITS
    }
    return judge(FAMILY, [found], control, counted_once(copies), among=among)


def _found(k: int, j: int, n: int, m: int) -> str:
    """What came back: k of n trained images, beside j of m held-out ones."""
    if _is_lax(j, m):
        return (
            f"Images that the model never saw are reproduced as well: {j:,} of {m:,} held-out "
            f"ones, and {k:,} of {n:,} trained ones."
        )
    if m and not k and not j:
        return "No image was reproduced, trained or held-out."
    against = f", against {j:,} of {m:,} held-out ones" if m else ""
    return f"{k:,} of {n:,} trained images {'was' if k == 1 else 'were'} reproduced{against}."


def _is_lax(j: int, m: int) -> bool:
    """Whether so many held-out images were reproduced that reproduction alone says little."""
    return m > 0 and 4 * j >= m


def _lax(k: int, j: int, n: int, m: int) -> str:
    if not _is_lax(j, m) or not k:
        return ""
    return (
        f"Careful: {percent(j / m)} of the held-out images were reproduced too. A similarity "
        "that is so easily reached separates by its KL only; --threshold auto asks for one that "
        "pictures of different things do not reach."
    )


def _by_count(k: int, j: int, p: float | None) -> str:
    """How seldom luck gives such a count."""
    if p is None or not k:
        return ""
    return (
        f"If trained and held-out images were alike to the model, {k:,} or more of the {k + j:,} "
        f"that were reproduced would be trained ones with {p_value(p)}."
    )


def _by_kl(own: Sequence[float], other: Sequence[float], m: int) -> str:
    """How near to ordinary noise the trained images lie, beside the held-out ones."""
    if not own:
        return ""
    beside = f"; for held-out ones {spread(other) if other else 'none was found'}" if m else ""
    return (
        f"The noise found for the reproduced trained images lies {spread(own)} nats per dimension "
        f"from ordinary noise (KL; low = memorized){beside}."
    )


def _restarts(judged: Judged) -> str:
    """How far the restarts agree."""
    rows = [row for row in judged.of("trained") if row["restarts"] > 1 and row["reproduced"]]
    if not rows:
        return ""
    every = sum(row["reproduced"] == row["restarts"] for row in rows)
    return (
        f"Of the {len(rows):,} trained images that any restart reproduced, {every:,} "
        f"{'was' if every == 1 else 'were'} reproduced by every one. Those that most restarts "
        "reproduce are counted."
    )


def _not_tried(judged: Judged, triage: str) -> str:
    """What the budget left out: nothing is known of it."""
    left = {
        split: sum(row["status"] == "not_tried" for row in judged.of(split)) for split in SPLITS
    }
    if not any(left.values()):
        return ""
    whom = " and ".join(
        f"{count:,} {split.replace('_', '-')} image{'' if count == 1 else 's'}"
        for split, count in left.items()
        if count
    )
    order = f"on those most suspicious by {BY.get(triage, triage)}"
    order = "in an order drawn at random" if triage == "none" else order
    one = sum(left.values()) == 1
    return (
        f"{whom} {'was' if one else 'were'} not tried: the budget was spent before, {order}. "
        f"Nothing is known of {'it, and it counts' if one else 'them, and they count'} nowhere."
    )


def spread(kls: Sequence[float]) -> str:
    """KLs in the middle and from end to end.

    Example:
        >>> spread([0.01, 0.02, 0.4]), spread([0.25])
        ('0.02 (0.01 to 0.4)', '0.25')
    """
    middle = short(float(np.median(kls)))
    return middle if len(kls) == 1 else f"{middle} ({short(kls[0])} to {short(kls[-1])})"
