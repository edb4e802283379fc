"""The verdict on an `inpaint` run: the rule of `pairs.verdict`, about hidden halves.

The tests are those of the trained images: the list of names (Simes), the counts within calibrated
thresholds, the area of trained against held-out images; Bonferroni over all measures.
"""

from dataclasses import replace

from solidmark.report.control import HEADLINE, beside
from solidmark.report.halves import sentences
from solidmark.report.halves.run import HalvesRun
from solidmark.report.halves.words import RULE
from solidmark.report.pairs.facts import MeasureFacts
from solidmark.report.pairs.sentences import few, within
from solidmark.report.pairs.verdict import (
    Closeness,
    MeasureVerdict,
    other_kind,
    state_of,
    warned,
    weigh,
)
from solidmark.report.words import counted_once


def inpainting_verdict(halves: HalvesRun) -> Closeness:
    """Puts the aggregates of an `inpaint` run into sentences.

    Arguments:
        halves: The run.

    Returns:
        The verdict. The most pressing state among the measures decides; within a state, the
        measure that comes first: the best draw, then the mean of the lowest, then that of all.
    """
    facts = [MeasureFacts(halves.run, measure, ("trained",)) for measure in halves.run.measures]
    order = [one.measure.name for one in facts]
    found = weigh(facts, _judge, order.index, RULE)
    about = [counted_once(halves.copies), sentences.shown_frames(halves)]
    found = replace(found, details=(*found.details, *(said for said in about if said)))
    return warned(found, halves.run)


def _judge(facts: MeasureFacts, needed: float) -> MeasureVerdict:
    state = state_of(facts, needed)
    told = {
        "close": sentences.close,
        "plain": sentences.plain,
        "unclear": sentences.unclear,
        "nothing": lambda one: sentences.nothing(one, needed),
        "other_kind": lambda _: HEADLINE,
        "too_few": lambda one: sentences.too_few(one, needed),
        "no_null": sentences.no_null,
        "failed": sentences.failed,
    }[state](facts)
    details = [
        sentences.unseen(facts, needed) if state == "nothing" else "",
        other_kind(facts) if state == "other_kind" else "",
        sentences.as_a_whole(facts),
        beside(facts.area),
        within(facts) if state != "other_kind" else "",
        sentences.named(facts) if state not in ("nothing", "other_kind") else "",
        sentences.low_content(facts),
        sentences.unlike(facts),
        few(facts),
        sentences.failures(facts),
    ]
    kept = tuple(detail for detail in details if detail)
    measure = facts.measure
    return MeasureVerdict(measure.name, measure.title, measure.asks, state, told, kept)
