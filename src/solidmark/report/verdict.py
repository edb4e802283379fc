"""The verdict: from the aggregates to sentences that can be defended.

The rule, fixed before looking: a reader sees memorization when its count within delta or its rank
test over the trained images is significant at 1 % (Bonferroni over both tests and all readers).
The same two tests on the held-out images, each at 1 %, and their 95 % interval decide whether the
run can be trusted at all.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from solidmark.report import words
from solidmark.report.numbers import at_least, p_value, percent, percents, plain

State = Literal["untrusted", "memorized", "unclear", "not_seen", "too_few", "weak", "failed"]
Row = Mapping[str, Any]

LABELS: dict[State, str] = {
    "untrusted": "Do not trust this run",
    "memorized": "Memorized",
    "unclear": "Unclear",
    "not_seen": "No memorization seen",
    "too_few": "Too few images",
    "weak": "Reader too weak",
    "failed": "Nothing scored",
}
"""The state of a verdict and its short name, the most pressing first."""

ALPHA = 0.01
"""How often a run in which nothing is memorized may be called memorized."""

DELTA = 0.05
"""The threshold that the sentences quote; the tables have them all."""

FEW = 50
"""Below so many rows the sentences warn of wide intervals."""


@dataclass(frozen=True)
class ReaderVerdict:
    """What one reader saw.

    Arguments:
        reader: Its name.
        state: The outcome.
        headline: The outcome as a sentence.
        details: The sentences that back it, with chance, interval and p-value.
    """

    reader: str
    state: State
    headline: str
    details: tuple[str, ...]

    @property
    def title(self) -> str:
        return words.reader(self.reader).title

    @property
    def label(self) -> str:
        return LABELS[self.state]


@dataclass(frozen=True)
class Verdict:
    """What the run as a whole says.

    Arguments:
        state: The outcome of the reader that decides.
        headline: The verdict in a sentence.
        details: What backs the headline, and what it means that readers disagree.
        readers: Every reader beside the others.
        rule: How the verdict was reached.
    """

    state: State
    headline: str
    details: tuple[str, ...]
    readers: tuple[ReaderVerdict, ...]
    rule: str

    @property
    def label(self) -> str:
        return LABELS[self.state]


def verdict(rows: Sequence[Row], reasons: Mapping[str, str] | None = None) -> Verdict:
    """Puts the aggregates of a run into sentences.

    Arguments:
        rows: The rows of `results.json`.
        reasons: The most common reason of failure of each reader, where one is known.

    Returns:
        The verdict. The most pressing state among the readers decides; within a state, the
        default reader.
    """
    rows = [row for row in rows if row.get("measure", "solidmark") == "solidmark"]
    names = {str(row["reader"]) for row in rows if row.get("reader")} | set(reasons or {})
    order = sorted(names, key=lambda r: (words.ORDER.index(r) if r in words.ORDER else 99, r))
    if not order:
        return Verdict("failed", "This run has no results.", (), (), "")
    needed = ALPHA / (2 * len(order))
    found = tuple(_judge(rows, name, needed, (reasons or {}).get(name, "")) for name in order)
    states = list(LABELS)
    first = min(found, key=lambda v: (states.index(v.state), order.index(v.reader)))
    # With several readers, each has its own details; the page shows them beside each other.
    details = first.details if len(found) == 1 else first.details[:2] + _disagreement(found)
    rule = (
        f"A reader sees memorization when its count within {DELTA:g} or its rank test over the "
        f"trained images has p below {needed:.2g}, so that a run in which nothing is memorized is "
        f"called memorized at most once in {round(1 / ALPHA)}."
    )
    return Verdict(first.state, first.headline, details, found, rule)


def _judge(rows: Sequence[Row], reader: str, needed: float, reason: str) -> ReaderVerdict:
    def find(split: str, statistic: str) -> Row | None:
        some = [
            row
            for row in rows
            if (row["reader"], row["split"], row["statistic"]) == (reader, split, statistic)
        ]
        return min(some, key=lambda row: abs((row.get("delta") or DELTA) - DELTA), default=None)

    title = words.reader(reader).title
    trained, rank = find("trained", "eidetic"), find("trained", "rank_z")
    if trained is None or not trained.get("n"):
        failed = (trained or {}).get("failed") or 0
        detail = f"{failed} rows of trained images failed." if failed else "No row could be scored."
        because = f'The most common reason: "{reason}".' if reason else ""
        lost = f"{title} could score nothing: this run says nothing about memorization."
        return ReaderVerdict(reader, "failed", lost, tuple(filter(None, (detail, because))))

    control, control_rank = find("held_out", "eidetic"), find("held_out", "rank_z")
    ceiling, ceiling_rank = find("ceiling", "eidetic"), find("ceiling", "rank_z")
    smallest, named = find("trained", "smallest_share"), find("trained", "named")
    best = min(_p(trained), _p(rank))
    if _is_off(control, control_rank):
        state: State = "untrusted"
    elif best < needed:
        state = "memorized"
    elif ceiling and ceiling.get("n") and min(_p(ceiling), _p(ceiling_rank)) >= ALPHA:
        state = "weak"
    elif best < 5 * ALPHA:
        state = "unclear"
    elif smallest is None or smallest.get("value") is None or smallest["value"] >= 0.5:
        state = "too_few"
    else:
        state = "not_seen"
    seen, checked = _count(title, trained), _held_out(control, control_rank)
    # Keys of many segments are hardly ever near on average: there the names and the rank speak.
    by_name = state == "memorized" and _names_more(trained, named)
    first = [_rank(rank), checked, seen] if by_name else [seen, checked, _rank(rank)]
    details = [
        *([checked, seen, _rank(rank)] if state == "untrusted" else first),
        _ceiling(title, ceiling, ceiling_rank),
        _named(named) if state == "memorized" else "",
        _failures(trained),
        _few(trained),
    ]
    headline = _headline(state, title, trained, named, smallest, ceiling)
    return ReaderVerdict(reader, state, headline, tuple(filter(None, details)))


def _headline(
    state: State,
    title: str,
    trained: Row,
    named: Row | None,
    smallest: Row | None,
    ceiling: Row | None,
) -> str:
    if state == "untrusted":
        return (
            f"Do not trust this run: images that the model never saw are not at chance ({title}). "
            "Look for held-out images, or copies of them, in the training data, and audit again "
            "with another seed."
        )
    if state == "memorized":
        if _names_more(trained, named) and named is not None:
            return (
                f"The model has memorized training images: {named['count']} of {trained['n']} can "
                "be named one by one, at most about 1 in 20 of them wrongly."
            )
        least = _beyond_chance(trained)
        share = f"at least {at_least(least)}" if least >= 0.001 else "some"
        return f"The model has memorized {share} of its training images."
    if state == "weak":
        return (
            f"{title} is too weak for these images: it cannot read the keys even from a model "
            "that has memorized all of them. That it sees nothing here means nothing."
        )
    if state == "unclear":
        return (
            f"A hint of memorization, but no proof: {title} is above chance, yet luck alone does "
            "this too often. More images or more repeats would decide it."
        )
    if state == "too_few" or smallest is None:
        return (
            "This run is too small to answer: no memorization was seen, but it would hardly have "
            "been seen if it were there. Mark and audit more images."
        )
    return _not_seen(smallest, ceiling)


def _names_more(trained: Row, named: Row | None) -> bool:
    """Whether the list of named images is longer than the counts can vouch for.

    With repeats the list has rows and not images, so it is not spoken of as images.
    """
    if not named or named.get("images", trained["n"]) != trained["n"]:
        return False
    return (named.get("count") or 0) / trained["n"] > _beyond_chance(trained)


def _not_seen(smallest: Row, ceiling: Row | None) -> str:
    share, delta = smallest["value"], smallest.get("delta") or DELTA
    text = (
        "No memorization seen. This run would have seen it, four times in five, had at least "
        f"{percent(share)} of the images been memorized well enough to be read within {delta:g}"
    )
    reads = (ceiling or {}).get("value")
    if reads and reads < 0.9:
        text += (
            f". That is a bound with a dull reader, which reads only {percent(reads)} of the "
            "images even from a model that has memorized all of them"
        )
    return text + "."


def _count(title: str, row: Row) -> str:
    return (
        f"{title} reads {row['count']} of {row['n']} keys of trained images within "
        f"{row.get('delta', DELTA):g} ({_share(row)}) where chance is {percent(row['chance'])} "
        f"({_p_words(row)})."
    )


def _rank(row: Row | None) -> str:
    if row is None or row.get("value") is None:
        return ""
    return (
        f"All trained images tested together lie {plain(row['value'], 1)} standard deviations "
        f"from chance towards memorization ({_p_words(row)})."
    )


def _held_out(row: Row | None, rank: Row | None) -> str:
    if row is None or not row.get("n"):
        return (
            "There is no held-out control that was scored, so a faulty run would not show. "
            "Quote these numbers with that in mind."
        )
    facts = (
        f"{row['count']} of {row['n']}, {_share(row)}; chance is {percent(row['chance'])}, "
        f"{_p_words(row)}"
    )
    if not _is_off(row, rank):
        small = " They are few: a weak control." if row["n"] < 10 else ""
        return f"The held-out images are at chance ({facts}).{_luck(row)}{small}"
    text = f"The held-out images are not at chance ({facts})."
    if _p(rank) < ALPHA and rank is not None:
        text += f" All of them tested together: rank z {plain(rank['value'], 1)}, {_p_words(rank)}."
    return text


def _luck(row: Row) -> str:
    """What to say when chance lies outside an interval that holds it 19 times in 20."""
    low, high, chance = row.get("ci_low"), row.get("ci_high"), row.get("chance")
    if low is None or high is None or chance is None or low <= chance <= high:
        return ""
    return " Chance lies just outside the interval, which luck alone does about once in 20 runs."


def _ceiling(title: str, row: Row | None, rank: Row | None) -> str:
    if row is None or not row.get("n"):
        return "The ceiling was not measured: how much this reader can read at best is not known."
    text = (
        f"The ceiling: of an ideal model that has memorized every image, {title} reads "
        f"{row['count']} of {row['n']} ({percent(row['value'])})"
    )
    if min(_p(row), _p(rank)) >= ALPHA:
        return f"{text}, which is no more than chance: it cannot read these keys."
    return f"{text}."


def _named(row: Row | None) -> str:
    if row is None or row.get("count") is None:
        return ""
    count = row["count"]
    if not count:
        return (
            "Some are memorized, but no single image can be named with confidence: no q is at "
            "most 0.05. Marks of several keys (segments) can name images."
        )
    which = "1 image" if count == 1 else f"{count} images"
    return (
        f"{which} can be named one by one (q at most 0.05: at most about 1 in 20 of them wrongly)."
    )


def _failures(row: Row) -> str:
    failed = row.get("failed") or 0
    if not failed:
        return ""
    return f"{failed} of {row['n'] + failed} rows of trained images failed and are not counted."


def _few(row: Row) -> str:
    if row["n"] >= FEW:
        return ""
    return f"With only {row['n']} rows the intervals are wide."


def _disagreement(found: Sequence[ReaderVerdict]) -> tuple[str, ...]:
    """What it means that two readers, which ask two questions, give two answers."""
    states = {verdict.reader: verdict.state for verdict in found}
    pair = (states.get("energy"), states.get("outpaint"))
    quiet = ("not_seen", "weak", "too_few", "unclear")
    if pair[0] == "memorized" and pair[1] in quiet:
        return (
            "Outpaint does not see it: the model knows these pictures in their frames, but was "
            "not seen to draw the frame when shown the picture. The two ask different questions.",
        )
    if pair[1] == "memorized" and pair[0] in quiet:
        return (
            "Energy does not see it: the model draws the frame when shown the picture, although "
            "it does not tell the picture in its frame from others. The two ask different "
            "questions.",
        )
    return ()


def _is_off(row: Row | None, rank: Row | None) -> bool:
    """Whether the control reads more keys than luck explains: p below 1 %."""
    if row is None or not row.get("n"):
        return False
    return min(_p(row), _p(rank)) < ALPHA


def _beyond_chance(row: Row) -> float:
    """The lower end of the share that chance does not explain: (low - chance) / (1 - chance)."""
    low, chance = row.get("ci_low") or 0.0, row["chance"]
    return max(0.0, (low - chance) / (1 - chance)) if chance < 1 else 0.0


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
