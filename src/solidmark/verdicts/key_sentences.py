"""The sentences behind a verdict: one a fact, each with chance, interval, n and p-value.

Keys of one grey are spoken of by how many are read within delta. Keys of several greys hardly ever
are, on average, by chance or otherwise: they are spoken of by the images that can be named.
"""

from solidmark.runs import Figure
from solidmark.scores.level import ALPHA, level_of
from solidmark.scores.written import at_least, at_most, p_value, percent, percents, plain
from solidmark.verdicts.key_facts import DELTA, Facts
from solidmark.verdicts.words import expect_wrong

FDR = 0.05
"""The false-discovery rate of a list that does not say its own."""

FEW = 50
"""Below so many rows the sentences warn of wide intervals."""


def counted(row: Figure) -> str:
    """How many of how many."""
    return f"{row.count or 0:,} of {row.n or 0:,}"


def read(facts: Facts) -> str:
    """How many keys are read, or how many images are named."""
    row = facts.find("trained", "eidetic")
    if facts.several_keys or row is None:
        return names(facts)
    return (
        f"{facts.title} reads {counted(row)} keys of trained images within "
        f"{row.delta or DELTA:g} ({_share(row)}) where chance is {percent(row.chance or 0.0)} "
        f"({_p_words(row)})."
    )


def exchange(facts: Facts) -> str:
    """The permutation test over all trained images."""
    row = facts.find("trained", "permutation_z")
    if row is None or row.value is None:
        return ""
    side = "nearer to" if row.value >= 0 else "further from"
    return (
        f"All trained images tested together: the readings lie {plain(abs(row.value), 1)} "
        f"standard deviations {side} the own keys than exchanged keys would ({_p_words(row)})."
    )


def share(facts: Facts) -> str:
    """How large a share of the images is memorized, at least."""
    row = facts.find("trained", "share")
    if not facts.several_keys or row is None or not row.ci_low:
        return ""
    return (
        f"At least {at_least(row.ci_low)} of the trained images are memorized (95 % "
        f"confidence; estimate {percent(row.value or 0.0)}, which leans low)."
    )


def claim(facts: Facts) -> str:
    """Whether the keys refute an epsilon that somebody claims."""
    row, bound = facts.find("trained", "claimed_epsilon"), facts.find("trained", "epsilon")
    if row is None or row.p_value is None or row.value is None:
        return ""
    least = bound.value or 0.0 if bound else 0.0
    if row.p_value < level_of(facts.readers):
        return (
            f"The claimed epsilon of {row.value:g} (delta 0) is refuted "
            f"({p_value(row.p_value)}): at least {least:.1f} was lost."
        )
    return (
        f"The claimed epsilon of {row.value:g} (delta 0) is not refuted ({p_value(row.p_value)}), "
        f"which does not prove it: at least {least:.1f} was lost, at 95 %."
    )


def averages(facts: Facts, headlined: bool) -> str:
    """What groups of images are known by together, where no image is seen to be memorized.

    Arguments:
        headlined: Whether the headline has said of how many groups.
    """
    row = facts.averages
    if row is None or facts.p("trained") < level_of(facts.readers):
        return ""
    known = "That" if headlined else f"The model knows {averages_known(row)}. That"
    return (
        f"{known} is knowledge of groups ({_p_words(row)}) and points at none of their images; in "
        "a group of few it comes close."
    )


def averages_known(row: Figure) -> str:
    """Of how many groups the average frame is known, and how large they are."""
    small, large = row.facts.get("smallest"), row.facts.get("largest")
    size = f"{small}" if small == large else f"{small} to {large}"
    return (
        f"the average frame of {row.count} of {row.facts.get('groups')} groups with one caption, "
        f"class or size, of {size} images each"
    )


def blind_spots(facts: Facts) -> str:
    """What a green verdict cannot see."""
    return (
        "It cannot see pictures that were trained flipped, cropped or resized, memory fainter than "
        "that of the ideal model, nor less than "
        f"{at_most(facts.smallest or 1.0)} of the images."
    )


def held_out(facts: Facts) -> str:
    """The control, and whether it is at chance."""
    row = facts.find("held_out", "eidetic")
    if row is None or not row.n:
        return (
            "There is no held-out control that was scored, so a faulty run would not show. "
            "Quote these numbers with that in mind."
        )
    known = _control_names(facts) if facts.several_keys else _control_count(row)
    if not facts.is_off:
        small = " They are few: a weak control." if row.n < 10 else ""
        luck = "" if facts.several_keys else _luck(row)
        return f"The held-out images are at chance ({known}).{luck}{small}"
    text = f"The held-out images are not at chance ({known})."
    together = facts.find("held_out", "permutation_z")
    if together is not None and together.value is not None and not facts.several_keys:
        text += f" All of them tested together: permutation z {plain(together.value, 1)}, "
        text += f"{_p_words(together)}."
    return text


def reference(facts: Facts) -> str:
    """What the reader finds where everything is memorized."""
    row, listed = facts.find("ceiling", "eidetic"), facts.find("ceiling", "named")
    if row is None or not row.n:
        return (
            "No reference was measured: whether this reader can see memory in these images at all "
            "is not known."
        )
    if facts.several_keys and listed is not None:
        done = f"names {counted(listed)}"
    else:
        done = f"reads {counted(row)} ({percent(row.value or 0.0)})"
    text = (
        "For reference: of an ideal model that has memorized every image, which a trained network "
        f"may be read better or worse than, {facts.title} {done}"
    )
    if facts.p("ceiling") >= ALPHA:
        return f"{text}, which is no more than chance: it cannot read these keys."
    return f"{text}."


def names(facts: Facts) -> str:
    """How many images can be named, and how many of the names to expect wrong."""
    row = facts.find("trained", "named")
    if row is None or row.count is None:
        return ""
    fdr = f"{row.fdr or FDR:g}"
    if not row.count:
        advice = "" if facts.several_keys else " Marks of several keys (segments) can name images."
        return f"No single image can be named with confidence: no q is at most {fdr}.{advice}"
    which = "1 image" if row.count == 1 else f"{row.count or 0:,} images"
    return f"{which} can be named one by one (q at most {fdr}); {wrong(row)}."


def subjects(facts: Facts) -> str:
    """How many subjects can be named, all pictures of each together, where images have groups."""
    row = facts.find("trained", "named_subjects")
    if row is None or row.count is None:
        return ""
    fdr, control = f"{row.fdr or FDR:g}", facts.find("held_out", "named_subjects")
    beside = "" if control is None else f", and {counted(control)} held-out ones"
    return (
        f"By subject, all images of a group together: {counted(row)} are named "
        f"(q at most {fdr}){beside}."
    )


def wrong(row: Figure) -> str:
    """How many of the names to expect wrong."""
    fdr, count = row.fdr or FDR, row.count or 0
    expected = count * fdr if row.expected_false is None else row.expected_false
    return expect_wrong(count, expected, fdr)


def failures(facts: Facts) -> str:
    """How many rows are missing from every figure."""
    if not facts.failed:
        return ""
    every = facts.n("trained") + facts.failed
    return f"{facts.failed:,} of {every:,} rows of trained images failed and are not counted."


def few(facts: Facts) -> str:
    """A warning where there are few rows."""
    count = facts.n("trained")
    return "" if count >= FEW else f"With only {count} rows the intervals are wide."


def _control_count(row: Figure) -> str:
    return f"{counted(row)}, {_share(row)}; chance is {percent(row.chance or 0.0)}, {_p_words(row)}"


def _control_names(facts: Facts) -> str:
    listed, together = facts.find("held_out", "named"), facts.find("held_out", "permutation_z")
    parts = []
    if listed is not None:
        parts.append(f"{counted(listed)} named")
    if together is not None and together.value is not None:
        parts.append(f"permutation z {plain(together.value, 1)}, {_p_words(together)}")
    return "; ".join(parts)


def _luck(row: Figure) -> str:
    """What to say when chance lies outside an interval that holds it 19 times in 20."""
    if row.interval is None or row.chance is None:
        return ""
    low, high = row.interval
    if low <= row.chance <= high:
        return ""
    return " Chance lies just outside the interval, which luck alone does about once in 20 runs."


def _share(row: Figure) -> str:
    value = percent(row.value or 0.0)
    return value if row.interval is None else f"{value}, 95 % interval {percents(*row.interval)}"


def _p_words(row: Figure) -> str:
    return "no p-value" if row.p_value is None else p_value(row.p_value)
