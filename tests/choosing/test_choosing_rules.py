"""The table of rules: every line decides something, and case by case the right thing."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import product

import pytest

from solidmark.choosing import (
    MEASURES,
    QUESTIONS,
    RULES,
    Case,
    Choice,
    DataFacts,
    ModelFacts,
    Named,
)
from solidmark.choosing.choice import chosen
from solidmark.choosing.facts import CONDITIONS
from solidmark.choosing.rules import DISTANCES
from solidmark.measures.invmm import Budget
from solidmark.models.foreseen import Foreseen

PHOTOS = DataFacts(10_000, 500, looked=2000, flat=0.1, sides=(256, 256), embedders=("phash",))
"""Photographs without words."""


def advice(data: DataFacts, budget: str | None = None, **case: object) -> Choice:
    asked = Case(data, **case)  # type: ignore[arg-type]
    told = Foreseen(captioned=asked.model.captioned, classes=asked.model.classes)
    spent = None if budget is None else Budget.parse(budget)
    return chosen(asked, told, spent, Named("photos", "model", "control"))  # type: ignore[arg-type]


def distances(choice: Choice) -> list[str]:
    step = choice.step("nearest")
    assert step is not None
    words = [*step.options]
    return [words[n + 1] for n, word in enumerate(words) if word == "--distance"]


def reason(choice: Choice) -> str:
    step = choice.step("nearest")
    assert step is not None
    return step.reason


def cases() -> Iterator[Case]:
    """Of every fact that a rule asks, with and without."""
    sides = ((32, 32), (256, 256))
    copies = ((0, 0, 1), (0, 3, 2), (3, 0, 2), (60, 0, 61))
    flags = (False, True)
    for q, side, (exact, near, largest), grey, drawn, plain in product(
        QUESTIONS, sides, copies, flags, flags, flags
    ):
        for words, control, marked, every, told in product(flags, repeat=5):
            yield Case(
                DataFacts(
                    1000,
                    20 if control else 0,
                    looked=1000 if every else 50,
                    copies=exact,
                    near=near,
                    largest=largest,
                    plain=900 if plain else 0,
                    flat=0.9 if drawn else 0.1,
                    grey=grey,
                    sides=side,
                    captions=1000 if words else 0,
                    marked=marked,
                    embedders=("phash", "pdq", "sscd-onnx") if told else ("phash",),
                ),
                ModelFacts("model", captioned=told),
                q,
            )
    yield Case(replace(PHOTOS, marked=True, bucketed=True))


def test_every_rule_decides_a_case_and_every_case_is_decided() -> None:
    used = set()
    for case in cases():
        for of in {one.of for one in (*RULES, *DISTANCES)}:
            held = [one for one in (*RULES, *DISTANCES) if one.of == of]
            first = next((one for one in held if all(map(case.holds, one.when))), None)
            assert first is not None or of not in {one.name for one in MEASURES}
            used.add(first)
    assert {*RULES, *DISTANCES} <= used


def test_conditions_and_measures_are_spelled_as_they_are_known() -> None:
    asked = {word.removeprefix("no ") for one in (*RULES, *DISTANCES) for word in one.when}
    assert asked <= set(CONDITIONS)
    assert {one.of for one in RULES} == {one.name for one in MEASURES}


@pytest.mark.parametrize(
    ("data", "case", "asked"),
    [
        # Appendix K: pixels of marked images are asked by their keys.
        (replace(PHOTOS, marked=True), {"question": "pixel"}, "audit"),
        # Of buckets nothing else can ask.
        (replace(PHOTOS, marked=True, bucketed=True, captions=500), {}, "audit"),
        # Held-out images make signals, the attack and InvMM mean something.
        (PHOTOS, {}, "signals nearest inpaint invmm"),
        (replace(PHOTOS, held_out=0), {}, "nearest"),
        # Prompts bring back what pictures show.
        (
            replace(PHOTOS, captions=10_000),
            {"question": "reconstructive", "model": ModelFacts("m", captioned=True)},
            "intent",
        ),
        (
            replace(PHOTOS, captions=10_000, held_out=0),
            {"question": "reconstructive", "model": ModelFacts("m", captioned=True)},
            "cliques",
        ),
        (replace(PHOTOS, copies=3), {}, "duplicates"),
    ],
)
def test_a_case_asks_for(data: DataFacts, case: dict[str, object], asked: str) -> None:
    assert set(asked.split()) <= set(advice(data, **case).names)


@pytest.mark.parametrize(
    ("data", "case", "left_out"),
    [
        (PHOTOS, {}, "audit"),
        (replace(PHOTOS, marked=True), {"question": "reconstructive"}, "audit"),
        (replace(PHOTOS, held_out=0), {}, "signals inpaint invmm"),
        (PHOTOS, {"question": "pixel"}, "intent cliques"),
        (replace(PHOTOS, captions=9), {"model": ModelFacts("m")}, "intent cliques"),
        (replace(PHOTOS, images=2000), {}, "duplicates"),
    ],
)
def test_a_case_does_not_ask_for(data: DataFacts, case: dict[str, object], left_out: str) -> None:
    found = advice(data, **case)
    reasons = {measure.name: reason for measure, reason in found.left_out}
    assert all(reasons[name] for name in left_out.split())
    assert {*found.names, *reasons} == {one.name for one in MEASURES}


def test_sscd_is_for_photographs_that_are_large_enough() -> None:
    """Appendix K, and benchmarks/embedders.md."""
    here = replace(PHOTOS, embedders=("sscd-onnx", "pdq", "phash"))
    assert distances(advice(here, question="reconstructive")) == ["sscd-onnx", "pdq", "phash"]
    for niche in (replace(here, grey=True), replace(here, sides=(32, 32))):
        found = advice(niche, question="reconstructive")
        assert "sscd-onnx" not in distances(found)
        assert "solidmark fit" in reason(found)
        assert "solidmark fit" not in reason(advice(replace(niche, images=99)))
    assert "solidmark fit" not in reason(advice(here))


def test_plain_l2_stands_beside_keys_where_there_are_exact_copies_alone() -> None:
    """Appendix K; benchmarks/monochrome.md."""
    plain = replace(PHOTOS, plain=1900)
    assert "l2" not in distances(advice(plain, question="pixel"))
    assert "l2" in distances(advice(replace(plain, copies=5), question="pixel"))
    assert distances(advice(replace(PHOTOS, copies=60, largest=61), question="pixel")) == ["l2"]


def test_a_budget_is_never_passed_and_what_it_leaves_out_is_said() -> None:
    for budget in (10, 10_000, 100_000, 1_000_000, 10**8, 10**11):
        found = advice(PHOTOS, str(budget))
        assert sum(one.cost.calls for one in found.steps) <= budget
        assert {*found.names, *(one.name for one, _ in found.left_out)} == {
            one.name for one in MEASURES
        }
    assert found.names == ("duplicates", "signals", "nearest", "inpaint", "invmm")
    assert not any(one.limited for one in found.steps)
    assert advice(PHOTOS, "10").names == ("duplicates",)


def test_a_time_is_for_the_one_measure_that_takes_it() -> None:
    found = advice(PHOTOS, "30m")
    step = found.step("invmm")
    assert step is not None
    assert step.options[-2:] == ("--budget", "1800s")
