"""Cheap checks: the decision of a full check, from fewer samples."""

import math
from collections.abc import Mapping
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from inversions import begin, digits, finish, inverter, samples

from solidmark.diffusion import Metered
from solidmark.measures.invmm.inversion import Inversion
from solidmark.measures.invmm.inversion.checking import (
    Answer,
    Check,
    Request,
    Verdict,
    cheap_check,
    full_check,
)
from solidmark.measures.invmm.inversion.examining import calls_of
from solidmark.models import Memorizer

GUIDANCES = (1.0, 3.0, 5.0)
CHECK = Inversion(threshold=0.5, margin=0.1, guidances=GUIDANCES, sampling_steps=50, screen_steps=5)

Table = Mapping[tuple[float, int], list[float]]
"""The similarity of each sample, by guidance and number of steps."""


def judge(check: Check, table: Table) -> tuple[Verdict, list[Request]]:
    """Runs a check on similarities that are known beforehand."""
    asked = [next(check)]
    while True:
        request = asked[-1]
        found = [table[request.guidance, request.steps][sample] for sample in request.samples]
        pictures = torch.tensor(request.samples).float().reshape(-1, 1, 1, 1)
        try:
            asked.append(check.send(Answer(found, pictures)))
        except StopIteration as stop:
            return stop.value, asked


def table(full: list[list[float]], error: list[list[float]]) -> Table:
    """Similarities under each guidance, and what the few-step sampler gets wrong of them."""
    return {
        (guidance, steps): [one + off * (steps == 5) for one, off in zip(row, offs, strict=True)]
        for guidance, row, offs in zip(GUIDANCES, full, error, strict=True)
        for steps in (5, 50)
    }


def eights(low: float, high: float) -> st.SearchStrategy[list[list[float]]]:
    row = st.lists(st.floats(low, high), min_size=8, max_size=8)
    return st.lists(row, min_size=3, max_size=3)


closeness = st.dictionaries(st.sampled_from(GUIDANCES), st.floats(0, 1))


@settings(max_examples=200, deadline=None)
@given(eights(0.4, 0.7), eights(-0.099, 0.099), closeness, st.booleans())
def test_a_screen_that_errs_less_than_the_margin_changes_no_decision(
    full: list[list[float]],
    error: list[list[float]],
    before: dict[float, float],
    last: bool,
) -> None:
    """Whatever is asked first, and wherever it stops."""
    known = table(full, error)
    expected, _ = judge(full_check(CHECK), known)
    found, asked = judge(cheap_check(CHECK, before, last), known)
    assert found.reproduced == expected.reproduced
    assert found.reproduced == any(min(row) >= 0.5 for row in full)
    for request in asked:
        assert len(set(request.samples)) == len(request.samples)
    if found.reproduced:
        row = full[GUIDANCES.index(found.guidance)]
        assert found.similarity == min(row) >= 0.5
        assert found.complete
        assert found.pictures is not None
        assert found.pictures.flatten().tolist() == list(range(8))
    elif last:
        assert found.complete
        assert found.similarity == min(full[GUIDANCES.index(found.guidance)])
    else:
        assert not found.complete
        assert found.pictures is None
        assert found.similarity < 0.5


@settings(max_examples=100, deadline=None)
@given(eights(0.3, 0.8), eights(-0.5, 0.5), closeness, st.booleans())
def test_whatever_the_screen_says_nothing_is_accepted_that_is_not_there(
    full: list[list[float]],
    error: list[list[float]],
    before: dict[float, float],
    last: bool,
) -> None:
    known = table(full, error)
    found, _ = judge(cheap_check(CHECK, before, last), known)
    expected, _ = judge(full_check(CHECK), known)
    assert expected.reproduced or not found.reproduced


def test_a_bad_sample_is_refused_by_a_few_steps() -> None:
    known = table([[0.1] * 8] * 3, [[0.0] * 8] * 3)
    found, asked = judge(cheap_check(CHECK, {}, False), known)
    assert [(request.guidance, request.steps, request.samples) for request in asked] == [
        (guidance, 5, (0,)) for guidance in GUIDANCES
    ]
    assert found.closeness == dict.fromkeys(GUIDANCES, 0.1)
    assert sum(map(calls_of, asked)) == 5 + 2 * 10
    whole, all_asked = judge(full_check(CHECK), known)
    assert sum(map(calls_of, all_asked)) == 8 * 50 * (1 + 2 + 2)
    assert not whole.reproduced


def test_the_worst_sample_of_the_screen_is_drawn_first() -> None:
    row = [0.9, 0.8, 0.47, 0.9, 0.9, 0.9, 0.6, 0.9]
    known = table([row, [0.1] * 8, [0.1] * 8], [[0.0] * 8] * 3)
    _, asked = judge(cheap_check(CHECK, {}, False), known)
    first = [request for request in asked if request.guidance == 1]
    assert [request.samples for request in first] == [(0,), (1,), (2, 3), (4, 5, 6, 7), (2,)]
    assert [request.steps for request in first] == [5, 5, 5, 5, 50]


def test_the_guidance_that_came_closest_is_tried_first() -> None:
    known = table([[0.1] * 8, [0.9] * 8, [0.9] * 8], [[0.0] * 8] * 3)
    found, asked = judge(cheap_check(CHECK, {1.0: 0.2, 3.0: 0.3, 5.0: 0.4}, False), known)
    assert {request.guidance for request in asked} == {5.0}
    assert (found.reproduced, found.guidance) == (True, 5.0)
    found, asked = judge(full_check(CHECK), known)
    assert [request.guidance for request in asked] == [1.0, 3.0]
    assert found.closeness == {1.0: 0.1, 3.0: 0.9}


def test_the_last_check_looks_at_every_sample() -> None:
    known = table([[0.1] * 8, [0.2] * 7 + [0.15], [0.1] * 8], [[0.0] * 8] * 3)
    found, asked = judge(cheap_check(CHECK, {3.0: 0.3}, True), known)
    assert asked[0] == Request(3.0, 50, tuple(range(8)))
    assert (found.complete, found.similarity, found.guidance) == (True, 0.15, 3.0)


@pytest.mark.parametrize("threshold", [0.8, 0.95, 2.0])
def test_cheap_and_full_checks_decide_alike_on_the_same_draws(threshold: float) -> None:
    """Whole inversions of a model that memorized, with guidance to choose from."""
    inversion = Inversion(
        steps=120,
        samples=4,
        every=10,
        threshold=threshold,
        sampling_steps=20,
        screen_steps=5,
        guidances=(1.0, 2.0),
    )
    numbers = [0, 3, 5, 7]
    found, calls = {}, {}
    for checks in ("full", "cheap"):
        meter = Metered(Memorizer(digits()))
        asked = inverter(meter, replace(inversion, checks=checks))  # type: ignore[arg-type]
        subjects = samples(numbers)
        found[checks] = finish(asked, begin(asked, subjects), subjects)
        calls[checks] = meter.calls
    for full, cheap in zip(found["full"], found["cheap"], strict=True):
        assert (full.outcome, full.step) == (cheap.outcome, cheap.step)
        assert torch.allclose(full.mu, cheap.mu, atol=1e-3)
        assert full.kl == pytest.approx(cheap.kl, abs=1e-4)
        # What was seen of a check that was cut short is no less than its smallest.
        for whole, part in zip(full.path[:-1], cheap.path[:-1], strict=True):
            assert part.similarity >= whole.similarity - 0.1
        assert cheap.best_similarity <= full.best_similarity + 1e-4
        assert math.isfinite(cheap.best_similarity)
        assert cheap.pictures is not None
        assert cheap.pictures.shape == (8, 1, 8, 8)
    assert calls["cheap"] < calls["full"] / 2
