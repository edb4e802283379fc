"""The sentences behind the verdict on an `invmm` run: one a fact, each with chance, n and p."""

from collections import Counter

from solidmark.report import judged
from solidmark.report.inversions.facts import InversionFacts
from solidmark.report.inversions.words import TRIAGES
from solidmark.report.numbers import at_most, p_value, percent, percents, short
from solidmark.report.pairs.bound import smallest_copied_share
from solidmark.report.pairs.sentences import fewer
from solidmark.report.words import because, expect_wrong
from solidmark.scores import least_nameable

FEW = 99
"""Fewer held-out images than these cannot show a rate of 1 %."""


def memorized(facts: InversionFacts) -> str:
    """What was seen: images that come out of the model again, or all of them together."""
    k, j = facts.reproduced
    if k and facts.is_lax:
        return (
            "Trained images come back more easily than held-out ones, which come back as well: "
            f"{k:,} of {facts.n:,} were reproduced, against {_against(facts, j)}."
        )
    if not k:
        return (
            "No trained image was reproduced, but trained images come nearer to it than held-out "
            "ones do, beyond luck."
        )
    return f"{_of(k, facts.n, 'trained')} reproduced, against {_against(facts, j)}."


def unclear(facts: InversionFacts) -> str:
    k, j = facts.reproduced
    return (
        f"A hint of memory, but no proof: {_of(k, facts.n, 'trained')} reproduced, against "
        f"{_against(facts, j)}. More images of both kinds would decide it."
    )


def nothing(facts: InversionFacts, needed: float) -> str:
    """That nothing was seen, and what would have been.

    Arguments:
        facts: Of the run.
        needed: Below this a p-value is beyond luck.
    """
    k, j = facts.reproduced
    if facts.is_lax:
        return (
            f"Images that the model never saw are reproduced as well: {_against(facts, j)}, and "
            f"{k:,} of {facts.n:,} trained ones. Being reproduced says nothing here."
        )
    said = (
        "No image was reproduced, trained or held-out."
        if not k and not j
        else f"{_of(k, facts.n, 'trained')} reproduced, against {_against(facts, j)}: no more "
        "than luck gives."
    )
    share = smallest_copied_share(facts.n, facts.m, 1, needed)
    if share is None:
        return (
            f"{said} But {facts.n:,} trained and {facts.m:,} held-out images are too few to see "
            "any number of memorized ones."
        )
    return (
        f"{said} Images that score lower than every held-out one would have been seen, four times "
        f"in five, had they been at least {at_most(share)} of the trained ones."
    )


def too_few(facts: InversionFacts, needed: float) -> str:
    """That memory could not have been seen."""
    k, j = facts.reproduced
    sides = f"{facts.n:,} trained and {facts.m:,} held-out images"
    found = f" {_of(k, facts.n, 'trained')} reproduced, against {_against(facts, j)}."
    return judged.too_few(facts.smallest_seen(needed), "memorized images", sides) + found


def unseen(facts: InversionFacts, needed: float) -> str:
    """What a green verdict cannot see."""
    return judged.unseen(
        facts.smallest_seen(needed),
        f"memorized images among the {facts.n:,} trained ones that are fewer than",
        "images whose noise the search does not find in its steps",
    )


def no_null(facts: InversionFacts) -> str:
    k, _ = facts.reproduced
    return (
        f"{_of(k, facts.n, 'trained')} reproduced. But no held-out image was tried, so it is not "
        "known how many images the same search would reproduce that the model never saw, and "
        "nothing can be judged. --held-out DATA gives them."
    )


def failed(facts: InversionFacts) -> str:
    rows = facts.run.of("trained", "failed")
    if not rows:
        return "No trained image was tried to the end. A larger --budget tries more."
    notes = Counter(row.note for row in rows if row.note).most_common(1)
    return f"Every trained image that was tried failed.{because(notes[0][0] if notes else '')}"


def by_count(facts: InversionFacts) -> str:
    """How seldom luck gives such a count."""
    k, j = facts.reproduced
    if facts.reproduced_p is None or not k:
        return ""
    return (
        f"If trained and held-out images were alike to the model, {k:,} or more of the {k + j:,} "
        f"that were reproduced would be trained ones with {p_value(facts.reproduced_p)}."
    )


def by_kl(facts: InversionFacts) -> str:
    """How near to ordinary noise the trained images lie, beside the held-out ones."""
    own, other = facts.kls("trained"), facts.kls("held_out")
    if not own:
        return ""
    said = (
        f"The noise found for the reproduced trained images lies {spread(own)} nats per dimension "
        "from ordinary noise (KL; low = memorized)"
    )
    if not facts.m:
        return f"{said}."
    return f"{said}; for held-out ones {spread(other) if other else 'none was found'}."


def by_area(facts: InversionFacts) -> str:
    """All trained images against all held-out ones: memory too weak to name anybody."""
    row = facts.area
    if row is None or row.get("value") is None or row.get("p_value") is None:
        return ""
    low, high = row.get("ci_low"), row.get("ci_high")
    interval = "" if low is None or high is None else f"95 % interval {percents(low, high)}; "
    return (
        f"A trained image has a lower score than a held-out one in {percent(row['value'])} of all "
        f"pairs of them, where half are by chance{fewer(row['value'])} "
        f"({interval}{p_value(row['p_value'])})."
    )


def named(facts: InversionFacts) -> str:
    """Who can be named, or what it would have taken."""
    if facts.named is None or not facts.m or not facts.n:
        return ""
    count = facts.named_count
    if count:
        expected = float(facts.named.get("expected_false") or facts.run.fdr * count)
        verb = "image" if count == 1 else "images"
        return (
            f"{count:,} trained {verb} can be named (q at most {facts.run.fdr:g}): "
            f"{expect_wrong(count, expected, facts.run.fdr)}."
        )
    least = least_nameable(facts.n, facts.m, facts.run.fdr)
    if least > facts.n:
        return (
            f"No trained image can be named: {facts.m:,} held-out images are too few to name any "
            f"of {facts.n:,}, whatever their scores."
        )
    return (
        f"No trained image can be named: with {facts.m:,} held-out images, that takes at least "
        f"{least:,} of {facts.n:,} that score lower than all of them."
    )


def lax(facts: InversionFacts) -> str:
    """Where reproduction alone says little."""
    k, j = facts.reproduced
    if not facts.is_lax or not k:
        return ""
    return (
        f"Careful: {percent(j / facts.m)} of the held-out images were reproduced too. A similarity "
        "that is so easily reached separates by its KL only; --threshold auto asks for one that "
        "pictures of different things do not reach."
    )


def not_tried(facts: InversionFacts) -> str:
    """What the budget left out: nothing is known of it."""
    left = {split: facts.count(split, "not_tried") for split in ("trained", "held_out")}
    if not any(left.values()):
        return ""
    whom = " and ".join(
        f"{count:,} {split.replace('_', '-')} image{'' if count == 1 else 's'}"
        for split, count in left.items()
        if count
    )
    triage = str(facts.run.config.get("triage") or "none")
    order = (
        "in an order drawn at random"
        if triage == "none"
        else f"on those most suspicious by {TRIAGES.get(triage, triage)}"
    )
    one = sum(left.values()) == 1
    return (
        f"{whom} {'was' if one else 'were'} not tried: the budget was spent before, {order}. "
        f"Nothing is known of {'it, and it counts' if one else 'them, and they count'} nowhere."
    )


def failures(facts: InversionFacts) -> str:
    lost = sum(facts.count(split, "failed") for split in ("trained", "held_out"))
    if not lost or not facts.n:
        return ""
    return (
        "1 image failed, and counts nowhere."
        if lost == 1
        else (f"{lost:,} images failed, and count nowhere.")
    )


def few(facts: InversionFacts) -> str:
    if not facts.n or not 0 < facts.m < FEW:
        return ""
    return (
        f"With {facts.m:,} held-out image{'' if facts.m == 1 else 's'} no p of one image is below "
        f"1 in {facts.m + 1:,}."
    )


def restarts(facts: InversionFacts) -> str:
    """How far the restarts agree."""
    rows = [row for row in facts.scored("trained") if row.restarts > 1 and row.reproduced]
    if not rows:
        return ""
    every = sum(row.reproduced == row.restarts for row in rows)
    return (
        f"Of the {len(rows):,} trained images that any restart reproduced, {every:,} "
        f"{'was' if every == 1 else 'were'} reproduced by every one. Those that most restarts "
        "reproduce are counted."
    )


def spread(kls: list[float]) -> str:
    """KLs in the middle and from end to end.

    Example:
        >>> spread([0.01, 0.02, 0.4]), spread([0.25])
        ('0.02 (0.01 to 0.4)', '0.25')
    """
    middle = kls[len(kls) // 2] if len(kls) % 2 else sum(kls[len(kls) // 2 - 1 :][:2]) / 2
    if len(kls) == 1:
        return short(middle)
    return f"{short(middle)} ({short(kls[0])} to {short(kls[-1])})"


def _of(count: int, n: int, what: str) -> str:
    images, verb = ("image" if n == 1 else "images"), ("was" if count == 1 else "were")
    return f"{count:,} of {n:,} {what} {images} {verb}"


def _against(facts: InversionFacts, count: int) -> str:
    return f"{count:,} of {facts.m:,} held-out ones"
