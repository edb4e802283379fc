"""The verdict on what prompts bring back: every state, and what is said of it."""

from dataclasses import replace
from typing import Any

import pytest

from solidmark.runs import VERDICTS, Figure
from solidmark.scores.control import Control
from solidmark.verdicts.intent import OUTCOMES, TYPES, Brought, judge_intent

OTHER = Control("other_kind", 20, 20, 20, 20, 0.9, 0.8, 0.97, 0.001, "layout")
NONE = Brought(
    figures=tuple(
        Figure(
            measure="intent",
            statistic=type,
            split="all",
            count=0,
            n=0,
            facts={"kind": "all", "prompts": 0, "prompts_n": 12},
        )
        for type in TYPES
    ),
    against=0,
    asked_for=0,
    copies=0,
    drawn=96,
    frequent=0.25,
    reach=0.5,
    unrelated=8,
)


@pytest.mark.parametrize(
    ("own", "about", "said"),
    [
        ("failed", {"figures": ()}, "No prompt has a generation that could be used."),
        ("unintended", {"against": 3, "asked_for": 2}, "3 of 12 prompts bring back what nobody"),
        ("unintended", {"against": 1}, "1 of 12 prompts brings back what nobody"),
        ("intended", {"asked_for": 2}, "What 2 of 12 prompts bring back is what the prompt asks"),
        ("other_kind", {"control": OTHER}, "Cannot be judged: the training pictures under"),
        ("any", {"copies": 24}, "24 of 96 generations are copies of training pictures"),
        ("too_few", {"reach": None}, "Cannot be judged: with so few generations"),
        ("nothing", {}, "None of 12 prompts brings back a training picture"),
    ],
)
def test_the_most_pressing_state_is_said(own: str, about: dict[str, Any], said: str) -> None:
    found = judge_intent(replace(NONE, **about))
    assert (found.finding, found.state, found.label) == (own, *OUTCOMES[own])
    assert found.headline.startswith(said)
    assert (found.tone == "not_seen") == (own == "nothing")
    assert found.rule.startswith("Memorized is what comes in at least 25 % of the generations")


def test_green_is_one_state_only() -> None:
    assert {state for state, _ in OUTCOMES.values()} <= set(VERDICTS)
    assert [own for own, (state, _) in OUTCOMES.items() if state == "not-seen"] == ["nothing"]


def test_what_green_cannot_see_comes_first_and_copies_must_be_frequent() -> None:
    found = judge_intent(replace(NONE, copies=23))
    assert found.finding == "nothing"
    assert found.details[0].startswith("What this cannot see: what comes in fewer than 50 %")


def test_a_control_of_another_kind_shuts_green_only() -> None:
    assert judge_intent(replace(NONE, against=1, control=OTHER)).finding == "unintended"
    shut = judge_intent(replace(NONE, control=OTHER, withheld=3))
    assert any(said.startswith("Withheld: 3 findings.") for said in shut.details)
    trusted = judge_intent(replace(NONE, control=replace(OTHER, trusted=True)))
    assert trusted.finding == "other_kind"
    assert trusted.details[0].startswith("Warning: the unrelated images are of another kind")


def test_the_types_and_the_word_of_the_user_are_counted() -> None:
    implicit = replace(NONE.figures[1], count=3, facts={**NONE.figures[1].facts, "prompts": 2})
    about = {"expected": 2, "unexpected": 1, "overruled": 1, "failed": 1, "broken": 2}
    figures = (NONE.figures[0], implicit, *NONE.figures[2:])
    found = judge_intent(replace(NONE, figures=figures, asked_for=2, unrelated=0, **about))
    assert found.details == (
        "By type: implicit intended in 2 prompts (3 findings).",
        "The user's file expects 2 of these findings and does not expect 1; it overrules the type "
        "of 1.",
        "No unrelated prompts were asked about, so nothing says what comes anyhow: classes and "
        "phrases cannot be judged. Give more captions, or --unrelated-prompts.",
        "1 generation could not be used and 2 training images could not be read, and count "
        "nowhere.",
    )
