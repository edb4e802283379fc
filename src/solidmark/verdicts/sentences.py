"""The sentences of a comparison, each a fact with chance, n and p. The words are the family's."""

from collections.abc import Mapping

from solidmark.runs import Figure
from solidmark.scores import least_nameable
from solidmark.scores.content import low_content
from solidmark.scores.within import rank_of
from solidmark.scores.written import at_most, p_value, percent, percents
from solidmark.verdicts.compared import Compared, Question
from solidmark.verdicts.nouns import Outcome, Pair
from solidmark.verdicts.words import because, expect_wrong

FEW = 99
"""Fewer images than these cannot show a rate of 1 %."""


UNSEEN = "What this cannot see:"
"""How the sentence of a green verdict begins."""


def of(pair: Pair, count: int) -> str:
    """The word for so many."""
    return pair[0] if count == 1 else pair[1]


def sides(one: Question) -> str:
    """How many there are of both."""
    w = one.words
    return f"{one.n:,} {of(w.asked, one.n)} and {one.m:,} {of(w.others, one.m)}"


def worth(one: Question) -> str:
    """The same, with how many subjects they show where several show one."""
    if one.apart is None:
        return sides(one)
    return f"{sides(one)} ({one.apart[0]:,} and {one.apart[1]:,} subjects)"


def headline(measure: Compared, outcome: Outcome, needed: float) -> str:
    """The outcome of a measure in a sentence or two; empty where the control decides it.

    Arguments:
        measure: The measure.
        outcome: What it comes to.
        needed: Below this a p-value is beyond luck.
    """
    one, found = measure.main, measure.found
    parts: Mapping[Outcome, tuple[str, ...]] = {
        "other_kind": (),
        "close": (found, close(measure, needed)),
        "plain": (plain(one),),
        "unclear": (
            f"A hint, but no proof: luck alone does this too often. {one.words.more} would decide "
            "it.",
            found,
        ),
        "nothing": (
            found or f"The {one.n:,} {of(one.words.asked, one.n)} {one.words.not_close}.",
            reach(one, needed),
        ),
        "too_few": (too_few(one, needed), found),
        "no_null": (found, one.words.no_null),
        "failed": (f"No {one.words.asked[0]} could be scored.{because(one.reason)}",),
    }
    return " ".join(part for part in parts[outcome] if part)


def telling(measure: Compared, needed: float) -> Question:
    """The first comparison that is beyond luck."""
    return next((one for one in measure.questions if one.smallest_p < needed), measure.main)


def close(measure: Compared, needed: float) -> str:
    """What was seen, by the first comparison that is beyond luck."""
    one = telling(measure, needed)
    w = one.words
    if one.named is None or not one.named_count:
        many = w.asked[1][:1].upper() + w.asked[1][1:]
        return f"{many} {w.do[1]} {w.close}, beyond luck, but no single one can be named."
    return (
        f"{one.named_count:,} of {one.n:,} {of(w.asked, one.n)}{_subjects(one)} "
        f"{of(w.do, one.named_count)} {w.close}; {wrong(one.named)}."
    )


def _subjects(one: Question) -> str:
    """How many subjects that is, in brackets; empty where each image shows one of its own."""
    row = one.of_subjects
    return "" if row is None or row.count is None else f" ({row.count:,} of {row.n:,} subjects)"


def wrong(named: Figure) -> str:
    """How many of those that are named to expect wrong."""
    return expect_wrong(named.count or 0, named.expected_false or 0.0, named.fdr or 0.05)


def plain(one: Question) -> str:
    """That plain pictures are close."""
    w, (flagged, low) = one.words, one.flagged
    return (
        f"{flagged:,} of {one.n:,} {of(w.asked, one.n)} {of(w.do, flagged)} {w.close}, but {low:,} "
        f"of them {w.looks} nearly of one colour: {w.plain}."
    )


def reach(one: Question, needed: float) -> str:
    """What would have been seen, had it been there."""
    w, seen = one.words, one.smallest_seen(needed)
    if seen is None:
        return ""
    whom = w.whom[:1].upper() + w.whom[1:]
    return (
        f"{whom} would have been seen, four times in five, had they been at least {at_most(seen)} "
        f"of the {w.asked[1]}."
    )


def too_few(one: Question, needed: float) -> str:
    """Why nothing can be said."""
    w, seen = one.words, one.smallest_seen(needed)
    if seen is None:
        return f"Cannot be judged: {worth(one)} are too few to see any number of {w.whom}."
    return (
        f"Cannot be judged: with {worth(one)}, {w.whom} are seen (four times in five) only where "
        f"they are {percent(seen)} or more. More images of both kinds see fewer."
    )


def unseen(one: Question, needed: float) -> str:
    """What a green verdict cannot see."""
    w, seen = one.words, one.smallest_seen(needed)
    if seen is None:
        return f"{UNSEEN} {w.missed}."
    return (
        f"{UNSEEN} {w.whom} where they are fewer than {percent(seen)} of the "
        f"{one.n:,} {of(w.asked, one.n)}, and {w.missed}."
    )


def within(one: Question) -> str:
    """The count at the smallest rate, beside chance."""
    w, row = one.words, one.sharpest
    if row is None or not row.n or row.chance is None or row.interval is None:
        return ""
    limit = f"{'at least' if one.direction == 'high' else 'at most'} {row.threshold:.3g}"
    place = f"{w.as_near} as {percent(row.fpr or 0.0)} of {w.others[1]} ({limit})"
    if one.apart is None and rank_of(row, one.m) == 1:
        place = f"{w.nearer} than every one of the {one.m:,} {of(w.others, one.m)} ({limit})"
    count = row.count or 0
    return (
        f"{count:,} of {row.n:,} {of(w.asked, row.n)} {'lies' if count == 1 else 'lie'} {place}, "
        f"where about {row.chance * row.n:.2g} would by chance (share {percent(row.value or 0.0)}, "
        f"95 % interval {percents(*row.interval)}; {p_value(row.p_value or 1.0)})."
    )


def as_a_whole(one: Question) -> str:
    """All in question against all others: memory too weak to name anybody."""
    row = one.area
    if row is None or row.value is None or row.p_value is None:
        return ""
    fewer = ", and that is fewer: no sign of memory" if row.value < 0.5 else ""
    interval = f"95 % interval {percents(*row.interval)}; " if row.interval else ""
    return (
        f"{one.words.pair} in {percent(row.value)} of all pairs of them, where half do by chance"
        f"{fewer} ({interval}{p_value(row.p_value)})."
    )


def turned_round(one: Question) -> str:
    """An area below one half is no memory, whatever its size."""
    high = None if one.area is None else one.area.ci_high
    return one.words.turned if high is not None and high < 0.5 else ""


def named(one: Question) -> str:
    """Who can be named, or what it would have taken."""
    w = one.words
    if one.named is None or one.named.count is None or not one.m:
        return ""
    count, fdr = one.named_count, one.named.fdr or 0.05
    if count:
        return (
            f"{count:,} of {one.n:,} {of(w.asked, one.n)}{_subjects(one)} can be named "
            f"(q at most {fdr:g}): {wrong(one.named)}."
        )
    m, others = null_of(one)
    least = least_nameable(one.n, m, fdr)
    start = f"No {w.asked[0]} can be named: "
    if least > one.n:
        return f"{start}{m:,} {of(others, m)} are too few to name any of {one.n:,}."
    return (
        f"{start}with {m:,} {of(others, m)}, that takes at least {least:,} of {one.n:,} "
        f"that lie {w.nearer} than all of them."
    )


def by_subject(one: Question) -> str:
    """How many subjects can be named, and what the images are worth that show the same ones."""
    if one.apart is None:
        return ""
    n, m = one.apart
    shown = (
        f"Images of one group show one subject: the {sides(one)} show {n:,} and {m:,} subjects, "
        "and chances are those of subjects."
    )
    row = one.of_subjects
    if row is None or row.count is None or not one.m:
        return shown
    return (
        f"{shown} By subject, all images of a group together, {row.count:,} of {row.n:,} "
        f"{'is' if row.count == 1 else 'are'} named (q at most {row.fdr or 0.05:g})."
    )


def null_of(one: Question) -> tuple[int, Pair]:
    """How many p-values rest on: held-out images, or subjects where several show one."""
    _, m = one.independent
    if m == one.m:
        return m, one.words.others
    return m, ("held-out subject", "held-out subjects")


def twins(one: Question) -> str:
    """A copy in the null takes away all power."""
    k = one.twins
    if not k:
        return ""
    return (
        f"{k:,} of the {one.m:,} {of(one.words.others, one.m)} {'has' if k == 1 else 'have'} a "
        "twin in the training set by this measure, so nothing can be closer than chance allows: "
        "take the twins out."
    )


def plain_ones(one: Question) -> str:
    """How many of the closest are nearly of one colour."""
    w, (flagged, low) = one.words, one.flagged
    if not low or not one.m:
        return ""
    own, null = (low_content(part) / len(part) for part in (one.contrast, one.null_contrast))
    return (
        f"{low:,} of the {flagged:,} {w.nearest} {w.looks} nearly of one colour, against "
        f"{percent(own)} of all {w.asked[1]} and {percent(null)} of the {w.others[1]}."
    )


def unlike(one: Question) -> str:
    """A null that is not like those in question judges nothing."""
    if one.unlike is None:
        return ""
    w, (own, null) = one.words, one.unlike
    return (
        f"Careful: {percent(own)} of the {w.asked[1]} {w.looks} nearly of one colour, and "
        f"{percent(null)} of the {w.others[1]}. {w.unlike}"
    )


def few(one: Question) -> str:
    """How small a p-value can be."""
    m, others = null_of(one)
    if not one.n or not 0 < m < FEW:
        return ""
    return (
        f"With {m:,} {of(others, m)}, no p-value is below 1 in {m + 1:,}; "
        f"{FEW} or more show a rate of 1 %."
    )


def failures(one: Question) -> str:
    """How many count nowhere."""
    if not one.lost or not one.n:
        return ""
    return (
        f"{one.lost:,} {of(one.words.asked, one.lost)} could not be scored, and "
        f"{'counts' if one.lost == 1 else 'count'} nowhere."
    )
