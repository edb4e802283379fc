"""Several measures judged together: the order of what they say, and the level of all."""

import itertools

import numpy as np
import pytest
from scipy import stats

from solidmark.measures.inpaint.verdict import FAMILY as INPAINT
from solidmark.measures.inpaint.verdict import WORDS
from solidmark.measures.invmm.verdict import FAMILY as INVMM
from solidmark.measures.nearest.verdict import FAMILY as NEAREST
from solidmark.measures.signals.verdict import FAMILY as SIGNALS
from solidmark.runs import Figure, Verdict
from solidmark.verdicts import Compared, Question, judge
from solidmark.verdicts.together import ASK_OTHERWISE, SCOPE, STATES, TRACE, Told, judge_together

FAMILIES = {"signals": SIGNALS, "nearest": NEAREST, "inpaint": INPAINT, "invmm": INVMM}

SAID = {
    "do-not-trust": "Do not trust",
    "memorized": "Memorized",
    "hint": "Unclear",
    "not-seen": "Nothing beyond chance",
    "cannot-be-judged": "Cannot be judged",
    "failed": "Nothing scored",
}


def told(name: str, state: str, finding: str = "", is_memory: bool = True) -> Told:
    verdict = Verdict(state, f"{name} says so.", SAID[state], (f"{name} backs it.",), finding)
    return Told(name, name.capitalize(), "What?", verdict, is_memory)


@pytest.mark.parametrize("states", [*itertools.product(STATES[1:], repeat=3)])
def test_the_most_pressing_decides_and_every_other_is_said(states: tuple[str, ...]) -> None:
    measures = [told(name, state) for name, state in zip("abc", states, strict=True)]
    found = judge_together(measures)
    assert found.state == min(states, key=STATES.index)
    assert found.tone == ("not_seen" if found.state == "not-seen" else found.tone)
    assert [one.name for one in found.findings] == ["a", "b", "c"]
    assert SCOPE in found.details
    said = " ".join((found.headline, *found.details))
    for name, state in zip("ABC", states, strict=True):
        assert name in said or name.lower() in said, state


def test_green_is_given_only_by_a_measure_that_could_have_seen() -> None:
    nothing, unknown = told("near", "not-seen"), told("half", "cannot-be-judged")
    found = judge_together([unknown, nothing])
    assert found.tone == "not_seen"
    assert found.headline == "Nothing beyond chance was seen by near."
    assert "Half: cannot be judged." in found.details
    for blind in ("cannot-be-judged", "failed"):
        assert judge_together([unknown, told("c", blind)]).tone == "untrusted"


def test_a_control_of_another_kind_speaks_for_all() -> None:
    other = told("near", "cannot-be-judged", "other_kind")
    found = judge_together([told("half", "memorized"), other])
    assert found.state == "cannot-be-judged"
    assert found.finding == "other_kind"
    assert "another kind" in found.headline
    assert found.naming == ()


def test_a_trace_alone_is_no_memory_and_disagreement_is_said() -> None:
    trace = told("signals", "hint", is_memory=False)
    found = judge_together([trace, told("near", "not-seen")])
    assert found.state == "hint"
    assert TRACE in found.details
    found = judge_together([trace, told("near", "not-seen"), told("half", "memorized")])
    assert found.state == "memorized"
    assert found.naming == ("half",)
    assert ASK_OTHERWISE in found.details
    alike = judge_together([told("near", "not-seen"), told("half", "not-seen")])
    assert not {TRACE, ASK_OTHERWISE} & set(alike.details)


def test_where_nothing_was_memorized_memory_is_said_once_in_a_hundred() -> None:
    """500 audits of four measures of one to three tests each, all of uniform p-values."""
    rng = np.random.default_rng(0)
    memory = seen = 0
    runs = 500
    for _ in range(runs):
        measures = []
        for n, (name, family) in enumerate(FAMILIES.items()):
            compared = [
                Compared(f"{name}-{m}", name, "What?", (_question(rng.uniform(size=1 + n % 3)),), m)
                for m in range(1 + n % 2)
            ]
            verdict = judge(family, compared, None, among=len(FAMILIES))
            measures.append(Told(name, name, "What?", verdict, name != "signals"))
        state = judge_together(measures).state
        memory += state == "memorized"
        seen += state in ("memorized", "hint")
        assert state in ("memorized", "hint", "not-seen")
    # Beyond these counts luck comes once in ten thousand, were the levels 1 % and 5 %.
    assert memory <= stats.binom.ppf(1 - 1e-4, runs, 0.01)
    assert seen <= stats.binom.ppf(1 - 1e-4, runs, 0.05)
    assert seen > 0


def test_one_strong_measure_is_seen_among_four() -> None:
    strong = [Compared("a", "a", "What?", (_question(np.array([1e-4])),))]
    family = next(iter(FAMILIES.values()))
    assert judge(family, strong, None, among=4).finding == "close"
    weak = [Compared("a", "a", "What?", (_question(np.array([4e-3])),))]
    assert judge(family, weak, None).finding == "close"
    assert judge(family, weak, None, among=4).finding == "unclear"
    assert "an audit of 4 such measures" in judge(family, weak, None, among=4).rule


def _question(p_values: np.ndarray) -> Question:
    figures = [
        Figure(measure="m", split="trained", statistic="test", value=0.0, p_value=float(p))
        for p in p_values
    ]
    return Question(WORDS, "low", 200, 200, None, tests=tuple(figures))
