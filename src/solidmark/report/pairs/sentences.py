"""The sentences behind the verdict on a `nearest` run: one a fact, each with chance, n and p."""

from typing import Any

from solidmark.late import stats
from solidmark.report import judged
from solidmark.report.numbers import at_most, p_value, percent, percents
from solidmark.report.pairs.facts import MeasureFacts, rank_of
from solidmark.report.pairs.run import low_content as count_low
from solidmark.report.words import because, expect_wrong
from solidmark.scores import least_nameable

FEW = 99
"""Fewer images than these cannot show a rate of 1 %."""

SAME = 1e-6
"""As close as this an image is the same to a measure."""

UNLIKE = 0.01
"""How seldom luck must make the contrasts of both sides differ so, to be warned of."""


def fresh(facts: MeasureFacts) -> str:
    """What generations are compared with, as the subject of a sentence."""
    if facts.run.null_is_training:
        return "training images come to one another"
    return "fresh images of the same kind come"


def close(facts: MeasureFacts, needed: float) -> str:
    """What was seen, by the question whose answer is beyond luck.

    Arguments:
        facts: Of the measure.
        needed: Below this a p-value is beyond luck.
    """
    row, count = facts.named("generated"), facts.named_count
    if row is not None and count:
        verb = "generation is" if count == 1 else "generations are"
        return (
            f"{count:,} of {row['n']:,} {verb} closer to a training image than {fresh(facts)}; "
            f"{expect_wrong(count, float(row.get('expected_false') or 0), facts.run.fdr)}."
        )
    if facts.smallest_p("generated") < needed:
        return (
            f"More generations come close to a training image than {fresh(facts)}, but none can "
            "be named one by one."
        )
    own = facts.named("trained") or {}
    if own.get("count"):
        return (
            f"{own['count']:,} of {own['n']:,} training images came back: a generation is closer "
            "to each of them than to fresh images of the same kind."
        )
    return (
        "Generations come closer to training images than to fresh images of the same kind, but "
        "none of them can be named one by one."
    )


def plain(facts: MeasureFacts) -> str:
    flagged, low = facts.flagged
    return (
        f"{flagged:,} of {facts.n:,} generations are closer to a training image than "
        f"{fresh(facts)}, but {low:,} of them are nearly of one colour: such pictures are near to "
        "many, copied or not."
    )


def unclear(facts: MeasureFacts) -> str:
    return (
        "A hint of copies, but no proof: luck alone does this too often. More generations or more "
        "images to compare with would decide it."
    )


def nothing(facts: MeasureFacts, needed: float) -> str:
    seen = facts.smallest_seen(needed)
    said = f"The {facts.n:,} generations come no closer to training images than {fresh(facts)}."
    if seen is None:
        return (
            f"{said} But {facts.n:,} generations and {facts.m:,} held-out images are too few to "
            "see any number of copies."
        )
    return (
        f"{said} Copies would have been seen, four times in five, had they been at least "
        f"{at_most(seen)} of the generations."
    )


def too_few(facts: MeasureFacts, needed: float) -> str:
    """That copies could not have been seen."""
    sides = f"{facts.n:,} generations and {facts.m:,} images to compare with"
    return judged.too_few(facts.smallest_seen(needed), "copies among the generations", sides)


def unseen(facts: MeasureFacts, needed: float) -> str:
    """What a green verdict cannot see."""
    return judged.unseen(
        facts.smallest_seen(needed),
        f"copies among the {facts.n:,} generations that are fewer than",
        "copies that were changed so that this measure does not recognise them (crops, mirror "
        "images, other colours) or that were not drawn this time",
    )


def no_null(facts: MeasureFacts) -> str:
    return (
        "There are no held-out images, so it is not known how close fresh images of the same kind "
        "come, and closeness cannot be judged on this set. --held-out DATA gives them; --null "
        "train compares with how close the training images come to one another."
    )


def failed(facts: MeasureFacts) -> str:
    return f"No generation could be scored.{because(facts.reason)}"


def within(facts: MeasureFacts) -> str:
    """The decisive count of generations, beside chance."""
    row = facts.decisive
    if row is None:
        return ""
    limit = f"{'at least' if facts.measure.is_similarity else 'at most'} {row['threshold']:.3g}"
    if rank_of(row, facts.m) == 1:
        who = "training images" if facts.run.null_is_training else "held-out images"
        place = f"closer than every one of the {facts.m:,} {who} ({limit})"
    else:
        place = f"as close as {percent(row['fpr'])} of fresh images ({limit})"
    return (
        f"{row['count']:,} of {row['n']:,} {_plural(row['count'], 'comes', 'come')} {place}, "
        f"{_by_chance(row)} (share "
        f"{percent(row['value'])}, 95 % interval {percents(row['ci_low'], row['ci_high'])}; "
        f"{p_value(row['p_value'])})."
    )


def named(facts: MeasureFacts) -> str:
    """What it would have taken to name somebody."""
    row = facts.named("generated")
    if row is None or facts.named_count or not facts.m:
        return ""
    least = least_nameable(facts.n, facts.m, facts.run.fdr)
    return (
        f"No generation can be named: with {facts.m:,} images to compare with, that takes at "
        f"least {least:,} of {facts.n:,} that are closer than all of them."
    )


def came_back(facts: MeasureFacts) -> str:
    """How many training images came back, or at least more than by chance."""
    row = facts.named("trained")
    if row is None:
        return ""
    count, n = int(row.get("count") or 0), row["n"]
    if count:
        verb = "training image is" if count == 1 else "training images are"
        wrong = expect_wrong(count, float(row.get("expected_false") or 0), facts.run.fdr)
        return f"{count:,} of {n:,} {verb} named as having come back; {wrong}."
    near = facts.sharpest("trained")
    if near is None or not near["count"]:
        return f"No training image of {n:,} can be named as one that came back."
    m = facts.run.count(facts.measure.name, "held_out")
    how = f"as close as {percent(near['fpr'])} of held-out images have"
    if rank_of(near, m) == 1:
        how = f"closer than any of {m:,} held-out images has"
    return (
        f"{near['count']:,} of {n:,} training images {_plural(near['count'], 'has', 'have')} a "
        f"generation {how}, {_by_chance(near)} ({p_value(near['p_value'])}); none can be named."
    )


def as_a_whole(facts: MeasureFacts) -> str:
    """All training images against all held-out ones: memory too weak to name anybody."""
    row = facts.area
    if row is None or row.get("p_value") is None:
        return ""
    return (
        f"A training image has a closer generation than a held-out one in {percent(row['value'])} "
        f"of all pairs of them, where half do by chance{fewer(row['value'])} (95 % interval "
        f"{percents(row['ci_low'], row['ci_high'])}; {p_value(row['p_value'])})."
    )


def same(facts: MeasureFacts) -> str:
    """A copy in the null takes away all power."""
    distances = facts.run.distances(facts.measure.name, "null")
    if not len(distances) or distances[0] > SAME:
        return ""
    count = int((distances <= SAME).sum())
    who = "training image has a twin" if facts.run.null_is_training else "held-out image has a twin"
    whom = f"{count:,} {who.replace('image has', 'images have') if count > 1 else who}"
    return (
        f"{whom} in the training set by this measure, so no generation can be closer than chance "
        "allows: take the twins out."
    )


def fewer(area: float) -> str:
    """What an area below one half is, as an aside: the sentence must not point to memory."""
    return ", and that is fewer: no sign of memory" if area < 0.5 else ""


def _plural(count: int, one: str, more: str) -> str:
    return one if count == 1 else more


def _by_chance(row: dict[str, Any]) -> str:
    expected = row["chance"] * row["n"]
    return f"where about {expected:.2g} {_plural(round(expected), 'does', 'do')} by chance"


def low_content(facts: MeasureFacts) -> str:
    flagged, low = facts.flagged
    if not low or not facts.m:
        return ""
    return (
        f"{low:,} of the {flagged:,} closest are nearly of one colour; of all generations "
        f"{percent(share_low(facts, 'generated'))} are."
    )


def unlike(facts: MeasureFacts) -> str:
    """A null that is not like the generations judges nothing."""
    shares = unlike_shares(facts)
    if shares is None:
        return ""
    return (
        f"Careful: {percent(shares[0])} of the generations are nearly of one colour, and "
        f"{percent(shares[1])} of the images that they are compared with. Plain pictures "
        "come close to everything, so some of this closeness is no copying."
    )


def unlike_shares(facts: MeasureFacts, alternative: str = "greater") -> tuple[float, float] | None:
    """Which shares of the images in question and of the null are nearly of one colour.

    Arguments:
        facts: Of the measure.
        alternative: "greater" where only more such images in question matter, or "two-sided".

    Returns:
        Both shares; None where luck makes them differ so (Fisher's exact test).
    """
    if not facts.m or not facts.n:
        return None
    name = facts.measure.name
    own, other = (count_low(facts.run.contrasts(name, one)) for one in (facts.asked, facts.null))
    table = [[own, facts.n - own], [other, facts.m - other]]
    if float(stats.fisher_exact(table, alternative=alternative).pvalue) >= UNLIKE:
        return None
    return own / facts.n, other / facts.m


def share_low(facts: MeasureFacts, split: str) -> float:
    """Which share of the images of a split is nearly of one colour."""
    contrasts = facts.run.contrasts(facts.measure.name, split)
    return count_low(contrasts) / len(contrasts) if len(contrasts) else 0.0


def few(facts: MeasureFacts) -> str:
    if not 0 < facts.m < FEW:
        return ""
    return (
        f"With {facts.m:,} images to compare with, no p-value is below 1 in {facts.m + 1:,}; "
        f"{FEW} or more show a rate of 1 %."
    )


def failures(facts: MeasureFacts) -> str:
    table = facts.run.tables.get((facts.measure.name, "generated"))
    lost = 0 if table is None else len(table) - facts.n
    if not lost:
        return ""
    return f"{lost:,} generation{'s' if lost > 1 else ''} could not be scored, and count nowhere."
