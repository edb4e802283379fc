"""The sentences behind the verdict on a `signals` run: one a fact, each with chance, n and p."""

from solidmark.report import judged
from solidmark.report.numbers import at_most, p_value, percent, percents
from solidmark.report.pairs.cards import digits
from solidmark.report.pairs.facts import MeasureFacts, rank_of
from solidmark.report.pairs.sentences import FEW, fewer, share_low, unlike_shares
from solidmark.report.words import because, expect_wrong
from solidmark.scores import least_nameable


def noun(facts: MeasureFacts, count: int) -> str:
    """What is counted: images, or prompts."""
    what = "prompt" if facts.measure.card.get("per") == "prompt" else "image"
    return what if count == 1 else f"{what}s"


def never(facts: MeasureFacts) -> str:
    """What they are compared with."""
    return f"held-out {noun(facts, 2)}, which the model never saw"


def close(facts: MeasureFacts) -> str:
    """What was seen: images one by one, or all of them together."""
    row, count = facts.named("trained"), facts.named_count
    if row is None or not count:
        return (
            f"Trained {noun(facts, 2)} stand out from {never(facts)}, beyond luck, but no single "
            "one can be named."
        )
    wrong = expect_wrong(count, float(row.get("expected_false") or 0), facts.run.fdr)
    verb = "stands" if count == 1 else "stand"
    return (
        f"{count:,} of {row['n']:,} trained {noun(facts, row['n'])} {verb} out from "
        f"{never(facts)}; {wrong}."
    )


def plain(facts: MeasureFacts) -> str:
    flagged, low = facts.flagged
    return (
        f"{flagged:,} of {facts.n:,} trained images stand out from {never(facts)}, but {low:,} of "
        "them are nearly of one colour, which is enough to stand out."
    )


def unclear(facts: MeasureFacts) -> str:
    return (
        "A hint, but no proof: luck alone does this too often. More images, or more calls for "
        "each, would decide it."
    )


def nothing(facts: MeasureFacts) -> str:
    return f"The {facts.n:,} trained {noun(facts, facts.n)} do not stand out from {never(facts)}."


def reach(facts: MeasureFacts, needed: float) -> str:
    """What would have been seen, had it been there.

    Arguments:
        facts: Of the signal.
        needed: Below this a p-value is beyond luck.
    """
    seen = facts.smallest_seen(needed)
    if seen is None:
        return (
            f"But {facts.n:,} trained and {facts.m:,} held-out {noun(facts, 2)} are too few to see "
            "any number of them stand out."
        )
    return (
        f"Had at least {at_most(seen)} of the trained ones lain beyond every held-out one, "
        "that would have been seen four times in five."
    )


def too_few(facts: MeasureFacts, needed: float) -> str:
    """That a trace could not have been seen."""
    sides = f"{facts.n:,} trained and {facts.m:,} held-out {noun(facts, 2)}"
    whom = f"{noun(facts, 2)} that stand out"
    return judged.too_few(facts.smallest_seen(needed), whom, sides)


def unseen(facts: MeasureFacts, needed: float) -> str:
    """What a green verdict cannot see."""
    return judged.unseen(
        facts.smallest_seen(needed),
        f"a trace on fewer of the {facts.n:,} trained {noun(facts, facts.n)} than",
        "memory that leaves no trace in this signal",
    )


def no_null(facts: MeasureFacts) -> str:
    if facts.measure.card.get("per") == "prompt":
        return (
            "There is no held-out prompt that the model was not trained on, so it is not known "
            "what a prompt does that it never saw. --held-out DATA with captions of their own "
            "gives some."
        )
    return (
        "Without held-out images it is not known what the signal says of images that the model "
        "never saw, so nothing can be judged. --held-out DATA gives some."
    )


def failed(facts: MeasureFacts) -> str:
    return f"No trained image could be measured.{because(facts.reason)}"


def as_a_whole(facts: MeasureFacts) -> str:
    """All trained images against all held-out ones: a trace too weak to name anybody."""
    row = facts.area
    if row is None or row.get("p_value") is None:
        return ""
    return (
        f"A trained {noun(facts, 1)} looks more memorized than a held-out one in "
        f"{percent(row['value'])} of all pairs of them, where half do by chance"
        f"{fewer(row['value'])} (95 % interval {percents(row['ci_low'], row['ci_high'])}; "
        f"{p_value(row['p_value'])})."
    )


def turned_round(facts: MeasureFacts) -> str:
    """An area below one half is no memory, whatever its size."""
    row = facts.area
    if row is None or row.get("ci_high") is None or row["ci_high"] >= 0.5:
        return ""
    return (
        "Careful: held-out ones look more memorized than trained ones, beyond luck. Either the "
        "direction of this signal does not hold here, or both sides differ in kind."
    )


def within(facts: MeasureFacts) -> str:
    """The decisive count, beside chance."""
    row = facts.decisive
    if row is None:
        return ""
    limit = f"{'at least' if facts.measure.is_similarity else 'at most'} {digits(row['threshold'])}"
    if rank_of(row, facts.m) == 1:
        place = f"beyond every one of the {facts.m:,} held-out ones ({limit})"
    else:
        place = f"where {percent(row['fpr'])} of held-out ones lie ({limit})"
    expected = row["chance"] * row["n"]
    return (
        f"{row['count']:,} of {row['n']:,} {'lies' if row['count'] == 1 else 'lie'} {place}, where "
        f"about {expected:.2g} would by chance (share {percent(row['value'])}, 95 % interval "
        f"{percents(row['ci_low'], row['ci_high'])}; {p_value(row['p_value'])})."
    )


def named(facts: MeasureFacts) -> str:
    """What it would have taken to name somebody."""
    if facts.named("trained") is None or facts.named_count or not facts.m:
        return ""
    least = least_nameable(facts.n, facts.m, facts.run.fdr)
    return (
        f"No trained {noun(facts, 1)} can be named: with {facts.m:,} held-out ones, that takes at "
        f"least {least:,} of {facts.n:,} that lie beyond all of them."
    )


def low_content(facts: MeasureFacts) -> str:
    flagged, low = facts.flagged
    if not low or not facts.m:
        return ""
    return (
        f"{low:,} of the {flagged:,} that stand out most are nearly of one colour; of all trained "
        f"images {percent(share_low(facts, 'trained'))} are so, of the held-out ones "
        f"{percent(share_low(facts, 'held_out'))}."
    )


def unlike(facts: MeasureFacts) -> str:
    """Held-out images of another kind judge nothing."""
    shares = unlike_shares(facts, "two-sided")
    if shares is None:
        return ""
    return (
        f"Careful: {percent(shares[0])} of the trained images are nearly of one colour, and "
        f"{percent(shares[1])} of the held-out ones. The signal may tell that instead."
    )


def few(facts: MeasureFacts) -> str:
    if not 0 < facts.m < FEW:
        return ""
    return (
        f"With {facts.m:,} held-out {noun(facts, facts.m)}, no p-value is below 1 in "
        f"{facts.m + 1:,}; {FEW} or more show a rate of 1 %."
    )


def failures(facts: MeasureFacts) -> str:
    table = facts.run.tables.get((facts.measure.name, "trained"))
    lost = 0 if table is None else table["status"].to_pylist().count("failed")
    if not lost:
        return ""
    return (
        f"{lost:,} trained image{'s' if lost > 1 else ''} could not be measured, and count nowhere."
    )
