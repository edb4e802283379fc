"""The rule that all comparisons share: green only where something could have been seen."""

import doctest
import re
from types import ModuleType
from typing import get_args

import numpy as np
import pytest

from solidmark.measures.inpaint import verdict as inpainted
from solidmark.measures.invmm import verdict as invmm
from solidmark.measures.nearest import verdict as nearest
from solidmark.measures.signals import verdict as signals
from solidmark.runs import TONES, VERDICTS, Verdict, verdict_from
from solidmark.scores.control import Control
from solidmark.verdicts import Family, Nouns, Question, judge, words
from solidmark.verdicts.judge import PRESSING, REACH, outcome
from solidmark.verdicts.nouns import OUTCOMES, Outcome
from solidmark.verdicts.sentences import as_a_whole, too_few, unseen

from .comparing import ALIKE, OTHER, asked, by, verdict_by_distance

NEEDED = 0.001
WORDS = inpainted.WORDS
FAMILIES = {
    "signals": (signals.FAMILY, signals.OF_IMAGES),
    "signals of prompts": (signals.FAMILY, signals.OF_PROMPTS),
    "nearest": (nearest.FAMILY, nearest.OF_GENERATIONS),
    "nearest among training": (nearest.FAMILY, nearest.AMONG_TRAINING),
    "inpaint": (inpainted.FAMILY, inpainted.WORDS),
    "invmm": (invmm.FAMILY, invmm.WORDS),
}


@pytest.mark.parametrize("control", [None, ALIKE])
@pytest.mark.parametrize(
    ("n", "m", "best", "named", "seen", "said"),
    [
        (0, 9, 1.0, 0, 0.1, "failed"),
        (9, 0, 1.0, 0, 0.1, "no_null"),
        (9, 9, 0.0009, 0, 0.1, "close"),
        (9, 9, 0.004, 0, 0.1, "unclear"),
        (9, 9, 0.04, 0, 0.1, "nothing"),  # Of 10 tests one is below .05 in 40 % of null runs.
        (9, 9, 0.9, 1, 0.1, "unclear"),
        (9, 9, 0.9, 0, REACH, "nothing"),
        (9, 9, 0.9, 0, REACH + 0.01, "too_few"),
        (9, 9, 0.9, 0, None, "too_few"),
    ],
)
def test_the_rule(
    control: Control | None,
    n: int,
    m: int,
    best: float,
    named: int,
    seen: float | None,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Question, "smallest_seen", lambda self, needed: seen)
    assert outcome(by("l2", asked(WORDS, n, m, best, named)), control, NEEDED) == said


def test_a_control_of_another_kind_is_never_green() -> None:
    trusted = OTHER.trusting(True)
    for best, named, found in ((1e-9, 5, "close"), (0.004, 0, "unclear"), (0.9, 0, "other_kind")):
        one = by("l2", asked(WORDS, 99, 99, best, named))
        assert outcome(one, OTHER, NEEDED) == "other_kind"
        assert outcome(one, trusted, NEEDED) == found
        verdict = judge(inpainted.FAMILY, [one], trusted)
        assert verdict.details[0].startswith("Warning: the held-out images are of another kind")


def question_of(words: Nouns, found: Outcome) -> tuple[Question, Control | None]:
    """A comparison that comes to this, and what is known of its control."""
    p = {"close": 1e-6, "plain": 1e-6, "unclear": 0.03}.get(found, 0.9)
    n, m = {"failed": (0, 99), "no_null": (99, 0), "too_few": (4, 4)}.get(found, (199, 199))
    many = 40 if found in ("close", "plain") else 0
    plain = np.where(np.arange(n) < 50, 0.01 if found == "plain" else 0.3, 0.3)
    known = {"contrast": plain, "null_contrast": np.full(m, 0.3)}
    control = OTHER if found == "other_kind" else ALIKE
    return asked(words, n, m, p, many, reason="It is torn.", **known), control


@pytest.mark.parametrize("found", OUTCOMES)
@pytest.mark.parametrize("name", FAMILIES)
def test_every_command_comes_to_every_state_in_good_sentences(name: str, found: Outcome) -> None:
    if (name, found) == ("invmm", "plain"):
        return  # It hands in no contrasts.
    family, words = FAMILIES[name]
    one, control = question_of(words, found)
    verdict = judge(family, [by("l2", one)], control)
    assert verdict.finding == verdict.findings[0].outcome == family.name(found)
    assert verdict.state == verdict.findings[0].state == family.state(found)
    assert verdict.label == family.label(found)
    assert verdict.state in VERDICTS
    assert (verdict.tone == "not_seen") == (found == "nothing")
    assert bool(verdict.rule) == (found not in ("other_kind", "no_null", "failed"))
    for said in (verdict.headline, *verdict.details):
        assert said[0].isupper() or said[0].isdigit()
        assert said.endswith(".")
        assert not re.search(r"[{}]|  |\.\.|\bNone\b|\bnan\b", said)
    assert verdict_from(verdict.to_json()) == verdict


def test_a_signal_alone_calls_nothing_memorized() -> None:
    states = {name: family.state("close") for name, (family, _) in FAMILIES.items()}
    assert {name for name, state in states.items() if state == "hint"} == {
        "signals",
        "signals of prompts",
    }
    assert states["invmm"] == states["nearest"] == "memorized"
    one, _ = question_of(signals.OF_IMAGES, "close")
    found = judge(signals.FAMILY, [by("loss", one)], None)
    assert found.tone == TONES["hint"]
    assert "That is not yet memory" in found.details[-1]


def verdict_of_two(family: Family = inpainted.FAMILY) -> Verdict:
    first, second = asked(WORDS, 99, 50, 1e-6, 7), asked(WORDS, 99, 50, 1e-7, 9)
    silent = asked(WORDS, 99, 50, 0.9)
    return judge(
        family,
        [by("b", silent), by("a", first, place=1), by("c", second, place=2)],
        ALIKE,
        "Of the whole run.",
    )


def test_of_several_measures_the_most_pressing_speaks_and_the_first_of_those() -> None:
    found = verdict_of_two()
    assert found.headline.startswith("A: 7 of 99 trained images are inpainted better")
    assert [one.name for one in found.findings] == ["b", "a", "c"]
    assert found.details[:2] == ("C says the same.", "B: nothing closer than chance.")
    assert "p below 0.0033" in found.rule  # Of three tests.
    assert found.details[-1] == "Of the whole run."


def test_what_holds_for_every_measure_is_said_once() -> None:
    found = verdict_of_two()
    few = "With 50 held-out images, no p-value is below 1 in 51; 99 or more show a rate of 1 %."
    assert found.details.count(few) == 1
    assert not any(few in one.details for one in found.findings)


def test_a_control_of_another_kind_is_said_of_the_run_and_not_of_a_measure() -> None:
    both = [by(name, asked(WORDS, 99, 99, 1e-9, 9)) for name in ("a", "b")]
    found = judge(inpainted.FAMILY, both, OTHER)
    assert found.headline == "Cannot be judged: the held-out images are of another kind."
    assert "Nobody is named." in found.details[0]
    assert not any("say" in detail for detail in found.details)


def test_what_is_not_seen_is_one_sentence() -> None:
    one = asked(nearest.OF_GENERATIONS, 200, 120, 0.9)
    said = unseen(one, 0.005)
    assert said.startswith("What this cannot see: copies where they are fewer than ")
    assert "of the 200 generations, and copies that were changed" in said
    assert said.count(". ") == 0
    few = asked(nearest.OF_GENERATIONS, 3, 3, 0.9)
    assert "any number of copies" in too_few(few, 0.01)
    some = too_few(asked(nearest.OF_GENERATIONS, 12, 16, 0.9), 0.002)
    assert "58 % or more" in some


def test_an_area_below_one_half_does_not_point_to_memory() -> None:
    draws = np.random.default_rng(0)
    low, high = draws.random(90), draws.random(90) ** 2
    for own, null, is_fewer in ((low, high, True), (high, low, False)):
        found = verdict_by_distance(inpainted.FAMILY, WORDS, own, null)
        whole = next(detail for detail in found.details if "of all pairs" in detail)
        assert ("and that is fewer: no sign of memory" in whole) == is_fewer
    assert as_a_whole(asked(WORDS, 9, 9, 0.5)) == ""


def test_the_outcomes_are_told_in_one_order() -> None:
    assert get_args(Outcome) == PRESSING == tuple(OUTCOMES)
    assert PRESSING[0] == "other_kind"
    assert PRESSING.index("close") < PRESSING.index("unclear") < PRESSING.index("nothing")


@pytest.mark.parametrize("module", [words, invmm])
def test_the_examples_in_the_docstrings_hold(module: ModuleType) -> None:
    done = doctest.testmod(module)
    assert done.attempted > 0
    assert done.failed == 0
