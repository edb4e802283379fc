"""The judge of comparisons: from what the measures of a run hand in to its verdict.

The rule, fixed before looking. A measure sees something when one of its tests is significant at
1 % (Bonferroni over all tests of the run). Its outcome, in this order: nothing scored; nothing to
compare with; a control of another kind; beyond luck (but if most of the closest are nearly of one
colour, and the null is not, that they are close says little); a hint, at 5 %; and nothing seen,
but only where something could have been seen.
"""

from collections.abc import Sequence
from dataclasses import replace

from solidmark.runs import Finding, Verdict
from solidmark.scores.control import Control
from solidmark.scores.level import ALPHA, HINT
from solidmark.verdicts import sentences
from solidmark.verdicts.compared import Compared
from solidmark.verdicts.control import HEADLINE, beside, warning, why
from solidmark.verdicts.nouns import OUTCOMES, Family, Outcome
from solidmark.verdicts.words import listed, lower

REACH = 0.5
"""A run that would have missed every second image, had they been memorized, has seen nothing."""

PRESSING: tuple[Outcome, ...] = (*OUTCOMES,)

SHOWN = 3
"""So many sentences of the measure that decides stand in the verdict beside those of all."""


def judge(
    family: Family,
    measures: Sequence[Compared],
    control: Control | None,
    *about: str,
    among: int = 1,
) -> Verdict:
    """Weighs the measures of a run against each other.

    Arguments:
        family: The command.
        measures: What each measure hands in, one or more.
        control: Whether what is compared is of one kind; None where that is not known.
        about: What must be said of the run as a whole, in sentences.
        among: How many runs share the level: those of one audit without marks.

    Returns:
        The verdict. The most pressing outcome among the measures decides.
    """
    tests = sum(len(one.p_values) for one in measures)
    needed = ALPHA / max(1, tests * among)
    outcomes = {one.name: outcome(one, control, needed) for one in measures}
    findings = {
        one.name: _finding(family, one, outcomes[one.name], control, needed) for one in measures
    }
    first = min(measures, key=lambda one: (PRESSING.index(outcomes[one.name]), one.place))
    decided, said = outcomes[first.name], findings[first.name]
    several, whole = len(measures) > 1, decided == "other_kind"  # That holds for the whole run.
    details, headline = said.details, said.headline
    if several:
        # What holds for every measure is said once.
        common = set.intersection(*(set(one.details) for one in findings.values()))
        shared = [detail for detail in details if detail in common]
        own = [detail for detail in details if detail not in common]
        others = () if whole else _others(family, measures, outcomes, first)
        details = (*others, *shared, *own) if whole else (*others, *own[:SHOWN], *shared)
        findings = {
            name: replace(one, details=tuple(d for d in one.details if d not in common))
            for name, one in findings.items()
        }
        headline = headline if whole else f"{first.title}: {lower(headline)}"
    seen = {"close", "plain", "unclear"} & set(outcomes.values())
    details = (warning(control), *details, *about, family.proof if seen else "")
    return Verdict(
        state=family.state(decided),
        headline=headline,
        label=family.label(decided),
        details=tuple(detail for detail in details if detail),
        finding=family.name(decided),
        rule=_rule(family, needed, among) if tests and not whole else "",
        findings=tuple(findings.values()),
    )


def outcome(measure: Compared, control: Control | None, needed: float) -> Outcome:
    """What a measure comes to.

    A control of another kind can hide memory as well as feign it. So a user who trusts it gets the
    names, but no green badge.

    Arguments:
        measure: The measure.
        control: Whether what is compared is of one kind.
        needed: Below this a p-value is beyond luck.
    """
    main, best = measure.main, min(measure.p_values, default=1.0)
    if not main.n:
        return "failed"
    if not main.m:
        return "no_null"
    if control is not None and control.is_shut:
        return "other_kind"
    if best < needed:
        return "plain" if main.is_plain else "close"
    if best < needed * HINT / ALPHA or main.named_count:
        return "unclear"
    if control is not None and control.is_other:
        return "other_kind"
    seen = main.smallest_seen(needed)
    return "too_few" if seen is None or seen > REACH else "nothing"


def _finding(
    family: Family, measure: Compared, found: Outcome, control: Control | None, needed: float
) -> Finding:
    main = measure.main
    headline = sentences.headline(measure, found, needed) or HEADLINE
    details = [
        sentences.unseen(main, needed) if found == "nothing" else "",
        why(control) if found == "other_kind" and control is not None else "",
        *measure.details,
    ]
    silent = ("nothing", "other_kind")
    for one in sorted(measure.questions, key=lambda one: one.smallest_p):
        # The headline names them.
        told = found == "close" and one is sentences.telling(measure, needed) and one.named_count
        details += [
            sentences.as_a_whole(one),
            beside(one.area),
            sentences.turned_round(one),
            sentences.within(one) if found != "other_kind" else "",
            sentences.named(one) if found not in silent and not told else "",
        ]
    details += [
        sentences.by_subject(main),
        sentences.twins(main),
        sentences.plain_ones(main),
        sentences.unlike(main),
        sentences.few(main),
        sentences.failures(main),
    ]
    return Finding(
        name=measure.name,
        title=measure.title,
        asks=measure.asks,
        state=family.state(found),
        label=family.label(found),
        headline=headline,
        details=tuple(dict.fromkeys(d for d in details if d)),
        outcome=family.name(found),
    )


def _others(
    family: Family, measures: Sequence[Compared], outcomes: dict[str, Outcome], first: Compared
) -> tuple[str, ...]:
    """What the other measures say, in a sentence an outcome."""
    said = []
    for outcome in PRESSING:
        names = [m.title for m in measures if outcomes[m.name] == outcome and m is not first]
        if names and outcome == outcomes[first.name]:
            said.append(f"{listed(names)} {'says' if len(names) == 1 else 'say'} the same.")
        elif names:
            said.append(f"{listed(names)}: {lower(family.label(outcome))}.")
    return tuple(said)


def _rule(family: Family, needed: float, among: int) -> str:
    run = "a run" if among == 1 else f"an audit of {among} such measures"
    return (
        f"{family.measure} sees {family.sees} when {family.tests} has p below {needed:.2g}, so "
        f"that {run} {family.innocent} is said to show {family.sees} at most once in "
        f"{round(1 / ALPHA)}."
    )
