"""The sentences behind a verdict: one a fact, each with chance, interval, n and p-value.

Keys of one grey are spoken of by how many are read within delta. Keys of several greys hardly ever
are, on average, by chance or otherwise: they are spoken of by the images that can be named.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from solidmark.report import words
from solidmark.report.numbers import at_least, at_most, p_value, percent, percents, plain
from solidmark.scores.level import ALPHA, TESTS, level_of

Row = Mapping[str, Any]

DELTA = 0.05
"""The threshold that the sentences quote; the tables have them all."""

FDR = 0.05
"""The false-discovery rate of a list that does not say its own."""

FEW = 50
"""Below so many rows the sentences warn of wide intervals."""


@dataclass(frozen=True)
class Facts:
    """What the aggregates say of one reader.

    Arguments:
        reader: Its name.
        rows: The rows of `results.json` that are its own.
        readers: How many readers share the level of the run.
    """

    reader: str
    rows: Sequence[Row] = field(repr=False)
    readers: int = 1

    @property
    def title(self) -> str:
        return words.reader(self.reader).title

    @property
    def several_keys(self) -> bool:
        """Whether an image has more than one key."""
        return any((row.get("keys") or 1) > 1 for row in self.rows)

    def find(self, split: str, statistic: str, by: str | None = None) -> Row | None:
        """A row; of those that differ in delta only, the one nearest to `DELTA`."""
        some = [
            row
            for row in self.rows
            if (row["split"], row["statistic"]) == (split, statistic)
            and (by is None or row.get("by", "count") == by)
        ]
        return min(some, key=lambda row: abs((row.get("delta") or DELTA) - DELTA), default=None)

    def p(self, split: str) -> float:
        """The smallest p-value of the tests of a split; 1 where there is none."""
        return min(_p(self.find(split, statistic)) for statistic in TESTS)

    def n(self, split: str) -> int:
        """The rows of a split that were scored."""
        row = self.find(split, "eidetic")
        return int((row or {}).get("n") or 0)

    @property
    def is_off(self) -> bool:
        """Whether the control reads more keys than luck explains, at the level of the run."""
        return self.n("held_out") > 0 and self.p("held_out") < level_of(self.readers)

    @property
    def named(self) -> Row | None:
        """The list of names; None where it is empty."""
        row = self.find("trained", "named")
        return row if row and row.get("count") else None

    @property
    def least_share(self) -> float:
        """The least share of memorized images that the intervals vouch for."""
        return float((self.find("trained", "share") or {}).get("ci_low") or 0.0)

    @property
    def smallest(self) -> float | None:
        """The smallest share that this run could have seen, by the better of its tests."""
        rows = [self.find("trained", "smallest_share", by=by) for by in ("permutation", "best")]
        values = [row["value"] for row in rows if row and row.get("value") is not None]
        return min(values, default=None)

    @property
    def knows_averages(self) -> bool:
        """Whether the model knows what groups of images have in common, at the run's level."""
        row = self.find("trained", "averages")
        return bool(row and row.get("count")) and _p(row) < level_of(self.readers)


def read(facts: Facts) -> str:
    """How many keys are read, or how many images are named."""
    row = facts.find("trained", "eidetic")
    if facts.several_keys or row is None:
        return names(facts)
    return (
        f"{facts.title} reads {row['count']} of {row['n']} keys of trained images within "
        f"{row.get('delta', DELTA):g} ({_share(row)}) where chance is {percent(row['chance'])} "
        f"({_p_words(row)})."
    )


def exchange(facts: Facts) -> str:
    """The permutation test over all trained images."""
    row = facts.find("trained", "permutation_z")
    if row is None or row.get("value") is None:
        return ""
    side = "nearer to" if row["value"] >= 0 else "further from"
    return (
        f"All trained images tested together: the readings lie {plain(abs(row['value']), 1)} "
        f"standard deviations {side} the own keys than exchanged keys would ({_p_words(row)})."
    )


def share(facts: Facts) -> str:
    """How large a share of the images is memorized, at least."""
    row = facts.find("trained", "share")
    if not facts.several_keys or row is None or not row.get("ci_low"):
        return ""
    return (
        f"At least {at_least(row['ci_low'])} of the trained images are memorized (95 % "
        f"confidence; estimate {percent(row['value'])}, which leans low)."
    )


def averages(facts: Facts, headlined: bool) -> str:
    """What groups of images are known by together, where no image is seen to be memorized.

    Arguments:
        facts: What the aggregates say of a reader.
        headlined: Whether the headline has said of how many groups.
    """
    if not facts.knows_averages or facts.p("trained") < level_of(facts.readers):
        return ""
    row = facts.find("trained", "averages") or {}
    known = "That" if headlined else f"The model knows {averages_known(facts)}. That"
    return (
        f"{known} is knowledge of groups ({_p_words(row)}) and points at none of their images; in "
        "a group of few it comes close."
    )


def averages_known(facts: Facts) -> str:
    """Of how many groups the average frame is known, and how large they are."""
    row = facts.find("trained", "averages") or {}
    small, large = row.get("smallest"), row.get("largest")
    size = f"{small}" if small == large else f"{small} to {large}"
    return (
        f"the average frame of {row.get('count')} of {row.get('groups')} groups with one caption "
        f"or class, of {size} images each"
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
    if row is None or not row.get("n"):
        return (
            "There is no held-out control that was scored, so a faulty run would not show. "
            "Quote these numbers with that in mind."
        )
    known = _control_names(facts) if facts.several_keys else _control_count(row)
    if not facts.is_off:
        small = " They are few: a weak control." if row["n"] < 10 else ""
        luck = "" if facts.several_keys else _luck(row)
        return f"The held-out images are at chance ({known}).{luck}{small}"
    text = f"The held-out images are not at chance ({known})."
    together = facts.find("held_out", "permutation_z")
    if together is not None and together.get("value") is not None and not facts.several_keys:
        text += f" All of them tested together: permutation z {plain(together['value'], 1)}, "
        text += f"{_p_words(together)}."
    return text


def reference(facts: Facts) -> str:
    """What the reader finds where everything is memorized."""
    row, listed = facts.find("ceiling", "eidetic"), facts.find("ceiling", "named")
    if row is None or not row.get("n"):
        return (
            "No reference was measured: whether this reader can see memory in these images at all "
            "is not known."
        )
    if facts.several_keys and listed is not None:
        done = f"names {listed['count']} of {listed['n']}"
    else:
        done = f"reads {row['count']} of {row['n']} ({percent(row['value'])})"
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
    if row is None or row.get("count") is None:
        return ""
    fdr = f"{row.get('fdr', FDR):g}"
    if not row["count"]:
        advice = "" if facts.several_keys else " Marks of several keys (segments) can name images."
        return f"No single image can be named with confidence: no q is at most {fdr}.{advice}"
    which = "1 image" if row["count"] == 1 else f"{row['count']} images"
    return f"{which} can be named one by one (q at most {fdr}); {wrong(row)}."


def wrong(row: Row) -> str:
    """How many of the names to expect wrong."""
    fdr = row.get("fdr", FDR)
    return words.expect_wrong(row["count"], row.get("expected_false", row["count"] * fdr), fdr)


def failures(facts: Facts) -> str:
    """How many rows are missing from every figure."""
    row = facts.find("trained", "eidetic") or {}
    failed = row.get("failed") or 0
    if not failed:
        return ""
    return f"{failed} of {row['n'] + failed} rows of trained images failed and are not counted."


def few(facts: Facts) -> str:
    """A warning where there are few rows."""
    count = facts.n("trained")
    return "" if count >= FEW else f"With only {count} rows the intervals are wide."


def _control_count(row: Row) -> str:
    return (
        f"{row['count']} of {row['n']}, {_share(row)}; chance is {percent(row['chance'])}, "
        f"{_p_words(row)}"
    )


def _control_names(facts: Facts) -> str:
    listed, together = facts.find("held_out", "named"), facts.find("held_out", "permutation_z")
    parts = []
    if listed is not None:
        parts.append(f"{listed.get('count') or 0} of {listed['n']} named")
    if together is not None and together.get("value") is not None:
        parts.append(f"permutation z {plain(together['value'], 1)}, {_p_words(together)}")
    return "; ".join(parts)


def _luck(row: Row) -> str:
    """What to say when chance lies outside an interval that holds it 19 times in 20."""
    low, high, chance = row.get("ci_low"), row.get("ci_high"), row.get("chance")
    if low is None or high is None or chance is None or low <= chance <= high:
        return ""
    return " Chance lies just outside the interval, which luck alone does about once in 20 runs."


def _share(row: Row) -> str:
    if row.get("ci_low") is None or row.get("ci_high") is None:
        return percent(row["value"])
    return f"{percent(row['value'])}, 95 % interval {percents(row['ci_low'], row['ci_high'])}"


def _p(row: Row | None) -> float:
    """The p-value; 1 where there is none, since no test is no evidence."""
    value = (row or {}).get("p_value")
    return 1.0 if value is None else float(value)


def _p_words(row: Row) -> str:
    return "no p-value" if row.get("p_value") is None else p_value(row["p_value"])
