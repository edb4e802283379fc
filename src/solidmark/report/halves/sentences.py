"""The sentences behind the verdict on an `inpaint` run: one a fact, each with chance, n and p."""

from solidmark.report import judged
from solidmark.report.halves.run import HalvesRun
from solidmark.report.numbers import at_most, p_value, percent, percents
from solidmark.report.pairs.facts import MeasureFacts
from solidmark.report.pairs.sentences import fewer, share_low, unlike_shares
from solidmark.report.words import because, expect_wrong
from solidmark.scores import least_nameable

BETTER = "inpainted better than images that the model never saw"


def close(facts: MeasureFacts) -> str:
    """What was seen: images one by one, or all of them together."""
    row, count = facts.named("trained"), facts.named_count
    if row is None or not count:
        return f"Trained images are {BETTER}, beyond luck, but no single one can be named."
    whom = "trained image is" if count == 1 else "trained images are"
    wrong = expect_wrong(count, float(row.get("expected_false") or 0), facts.run.fdr)
    return f"{count:,} of {row['n']:,} {whom} {BETTER}; {wrong}."


def plain(facts: MeasureFacts) -> str:
    flagged, low = facts.flagged
    return (
        f"{flagged:,} of {facts.n:,} trained images are {BETTER}, but the hidden half of {low:,} "
        "of them is nearly of one colour: such a half is easy to draw, memorized or not."
    )


def unclear(facts: MeasureFacts) -> str:
    return (
        "A hint of memory, but no proof: luck alone does this too often. More images, or more "
        "draws of each, would decide it."
    )


def nothing(facts: MeasureFacts, needed: float) -> str:
    """That nothing was seen, and what would have been.

    Arguments:
        facts: Of the measure.
        needed: Below this a p-value is beyond luck.
    """
    seen = facts.smallest_seen(needed)
    said = (
        f"The {facts.n:,} trained images are inpainted no better than images that the model never "
        "saw."
    )
    if seen is None:
        return (
            f"{said} But {facts.n:,} trained and {facts.m:,} held-out images are too few to see "
            "any number of memorized ones."
        )
    return (
        f"{said} Images that are drawn closer than chance allows would have been seen, four times "
        f"in five, had they been at least {at_most(seen)} of the trained ones."
    )


def too_few(facts: MeasureFacts, needed: float) -> str:
    """That memory could not have been seen."""
    sides = f"{facts.n:,} trained and {facts.m:,} held-out images"
    return judged.too_few(facts.smallest_seen(needed), "memorized images", sides)


def unseen(facts: MeasureFacts, needed: float) -> str:
    """What a green verdict cannot see."""
    return judged.unseen(
        facts.smallest_seen(needed),
        f"memorized images among the {facts.n:,} trained ones that are fewer than",
        "images that the shown half does not bring back in so many draws",
    )


def no_null(facts: MeasureFacts) -> str:
    return (
        "Without held-out images it is not known how well the model inpaints images that it never "
        "saw, so nothing can be judged. solidmark mark --held-out sets some aside, and --split "
        "held_out asks about them."
    )


def failed(facts: MeasureFacts) -> str:
    return f"No trained image could be scored.{because(facts.reason)}"


def as_a_whole(facts: MeasureFacts) -> str:
    """All trained images against all held-out ones: memory too weak to name anybody."""
    row = facts.area
    if row is None or row.get("p_value") is None:
        return ""
    return (
        f"A trained image is inpainted better than a held-out one in {percent(row['value'])} of "
        f"all pairs of them, where half are by chance{fewer(row['value'])} (95 % interval "
        f"{percents(row['ci_low'], row['ci_high'])}; {p_value(row['p_value'])})."
    )


def named(facts: MeasureFacts) -> str:
    """What it would have taken to name somebody."""
    if facts.named("trained") is None or facts.named_count or not facts.m:
        return ""
    least = least_nameable(facts.n, facts.m, facts.run.fdr)
    return (
        f"No trained image can be named: with {facts.m:,} held-out images, that takes at least "
        f"{least:,} of {facts.n:,} that are closer than all of them."
    )


def low_content(facts: MeasureFacts) -> str:
    flagged, low = facts.flagged
    if not low or not facts.m:
        return ""
    return (
        f"The hidden half of {low:,} of the {flagged:,} closest is nearly of one colour; of all "
        f"trained images {percent(share_low(facts, 'trained'))} are so, of the held-out ones "
        f"{percent(share_low(facts, 'held_out'))}."
    )


def unlike(facts: MeasureFacts) -> str:
    """Held-out images that are harder to draw judge nothing."""
    shares = unlike_shares(facts)
    if shares is None:
        return ""
    return (
        f"Careful: the hidden half of {percent(shares[0])} of the trained images is nearly of "
        f"one colour, and of {percent(shares[1])} of the held-out ones. Plain halves are "
        "easy to draw, so some of this closeness is no memory."
    )


def failures(facts: MeasureFacts) -> str:
    row = facts.named("trained") or next(
        iter(facts.run.find(facts.measure.name, "trained", "mean")), {}
    )
    lost = int(row.get("failed") or 0)
    if not lost:
        return ""
    return (
        f"{lost:,} trained image{'s' if lost > 1 else ''} could not be scored, and count nowhere."
    )


def shown_frames(run: HalvesRun) -> str:
    """What the frames gave away."""
    if run.config.get("frame") != "shown":
        return ""
    return (
        "The frames were shown, and the key of a frame says which image is meant: this is what "
        "the key brings back, more than the other half of the picture does alone."
    )
