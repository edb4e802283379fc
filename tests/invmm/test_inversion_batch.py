"""Many images at once: nobody depends on the others, nothing is lost between rounds."""

import math
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from inversions import alike, begin, digits, finish, inverter, samples
from torch import Tensor

from solidmark.data import Sample
from solidmark.diffusion import Metered
from solidmark.errors import BadInput
from solidmark.measures.invmm.inversion import (
    Attempt,
    Inversion,
    Inverter,
    read_attempts,
    write_attempts,
)
from solidmark.models import Memorizer, open_model

BATCH = Inversion(
    steps=40, samples=4, every=10, loss_window=15, threshold=0.95, sampling_steps=10, screen_steps=4
)


def equal(one: Attempt, two: Attempt) -> bool:
    """Whether every bit of two attempts is the same."""
    for field in fields(one):
        mine, theirs = getattr(one, field.name), getattr(two, field.name)
        if field.name == "moments":
            if mine.keys() != theirs.keys():
                return False
            if not all(torch.equal(mine[name], theirs[name]) for name in mine):
                return False
        elif isinstance(mine, Tensor):
            if not (isinstance(theirs, Tensor) and torch.equal(mine, theirs)):
                return False
        elif mine != theirs:
            return False
    return True


@pytest.mark.rounding
def test_a_batch_of_four_is_four_batches_of_one(save_unet: Any) -> None:
    """Twenty steps of Adam on a network whose arithmetic depends a little on the batch."""
    asked = inverter(open_model(str(save_unet(8))), replace(BATCH, steps=20))
    subjects = samples([0, 3, 5, 9])
    together = finish(asked, begin(asked, subjects), subjects)
    for attempt, sample in zip(together, subjects, strict=True):
        (alone,) = finish(asked, begin(asked, [sample]), [sample])
        assert torch.allclose(attempt.mu, alone.mu, atol=1e-3)
        assert torch.allclose(attempt.log_variance, alone.log_variance, atol=1e-3)
        assert (attempt.outcome, attempt.calls) == (alone.outcome, alone.calls)
        for mine, theirs in zip(attempt.path, alone.path, strict=True):
            assert list(mine) == pytest.approx(list(theirs), abs=1e-3)


@pytest.mark.parametrize("batch_size", [3, 64])
@pytest.mark.rounding
def test_how_many_rows_a_call_gets_changes_nothing(batch_size: int) -> None:
    subjects = samples([0, 3, 5])
    whole, parts = (
        finish(asked, begin(asked, subjects), subjects)
        for asked in (
            inverter(Memorizer(digits()), BATCH, batch_size=1000),
            inverter(Memorizer(digits()), BATCH, batch_size=batch_size),
        )
    )
    for one, two in zip(whole, parts, strict=True):
        # Where a pixel is the same in all pictures there is no slope, and Adam makes steps of
        # the rounding errors: mu itself may differ there.
        assert (one.step, one.outcome) == (two.step, two.outcome)
        for mine, theirs in zip(one.path, two.path, strict=True):
            assert list(mine) == pytest.approx(list(theirs), abs=1e-3)


@pytest.mark.parametrize("checks", ["full", "cheap"])
def test_each_attempt_is_charged_its_share_of_the_calls(checks: Any) -> None:
    meter = Metered(Memorizer(digits()))
    inversion = replace(BATCH, checks=checks, guidances=(1.0, 2.0), threshold=0.9)
    asked, subjects = Inverter(meter, inversion, alike), samples([0, 3, 5, 9])
    found = finish(asked, begin(asked, subjects), subjects)
    assert sum(attempt.calls for attempt in found) == pytest.approx(meter.calls)
    if checks == "full":
        # Steps with gradient, and at each check 8 samples of 10 calls, guided ones of 20.
        one = max(found, key=lambda attempt: attempt.step)
        assert one.outcome == "spent"
        assert one.calls == pytest.approx(40 * 4 * 2.3 + 4 * (8 * 10 + 8 * 20))


def test_an_attempt_goes_on_where_its_file_left_it(tmp_path: Path) -> None:
    asked = inverter(Memorizer(digits()), replace(BATCH, steps=90))
    subjects = samples([0, 3, 5])
    whole = finish(asked, begin(asked, subjects), subjects)
    found = begin(asked, subjects)
    while any(attempt.outcome is None for attempt in found):
        write_attempts(tmp_path / "live.safetensors", found)
        read = read_attempts(tmp_path / "live.safetensors")
        assert all(equal(one, two) for one, two in zip(found, read, strict=True))
        found = asked.advance(read, subjects)
    assert {attempt.outcome for attempt in whole} == {"reproduced", "spent"}
    assert all(equal(one, two) for one, two in zip(whole, found, strict=True))
    for attempt in found:
        attempt.to_file(tmp_path / "one.safetensors")
        assert equal(Attempt.from_file(tmp_path / "one.safetensors"), attempt)


def test_the_same_attempts_are_the_same_bytes(tmp_path: Path) -> None:
    asked, subjects = inverter(Memorizer(digits()), BATCH), samples([0, 3])
    found = asked.advance(begin(asked, subjects), subjects)
    for name in ("one", "two"):
        write_attempts(tmp_path / name, found)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_a_file_that_holds_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "broken").write_bytes(b"not at all")
    for name in ("broken", "nothing"):
        with pytest.raises(BadInput, match=rf'{name}" cannot be read \(.*\)\. Invert again\.'):
            read_attempts(tmp_path / name)


def test_attempts_of_different_ages_stand_in_one_batch() -> None:
    """A finished one leaves, and a new one takes its place."""
    asked, subjects = inverter(Memorizer(digits()), BATCH), samples([0, 3])
    apart = [finish(asked, begin(asked, [one]), [one])[0] for one in subjects]
    older = asked.advance(begin(asked, subjects[:1]), subjects[:1])
    together = finish(asked, [*older, *begin(asked, subjects[1:])], subjects)
    for one, two in zip(apart, together, strict=True):
        assert one.path[-1] == pytest.approx(two.path[-1], abs=1e-3)
        assert (one.step, one.outcome) == (two.step, two.outcome)


def test_a_budget_that_is_no_multiple_ends_with_a_check() -> None:
    asked = inverter(Memorizer(digits()), replace(BATCH, steps=13, threshold=2.0))
    (attempt,) = finish(asked, begin(asked, samples([0])), samples([0]))
    assert [look.step for look in attempt.path] == [10, 13]
    assert attempt.outcome == "spent"


def test_what_is_done_is_left_alone() -> None:
    asked, subjects = inverter(Memorizer(digits()), replace(BATCH, steps=10)), samples([0, 3])
    done = asked.advance(begin(asked, subjects), subjects)
    assert all(one is two for one, two in zip(asked.advance(done, subjects), done, strict=True))


@dataclass(frozen=True)
class Spoilt(Memorizer):
    """A memorizer that has no number for what it is shown of one image."""

    spoilt: str = ""

    def condition(self, samples: Any) -> Any:
        from solidmark.models import Conditions

        return Conditions({"bad": torch.tensor([one.id == self.spoilt for one in samples])})

    def denoise(self, z_t: Any, t: Any, condition: Any = None) -> Any:
        expected = super().denoise(z_t, t)
        bad = condition.tensors["bad"].reshape(-1, 1, 1, 1)
        return torch.where(
            bad & (torch.as_tensor(t).reshape(-1, 1, 1, 1) > 0.9), math.nan, expected
        )


def test_an_attempt_that_leaves_the_finite_has_failed_and_the_others_go_on() -> None:
    subjects = samples([0, 3, 5])
    asked = inverter(Spoilt(digits(), spoilt="digit-3"), BATCH)
    found = finish(asked, begin(asked, subjects), subjects)
    plain = inverter(Memorizer(digits()), BATCH)
    expected = finish(plain, begin(plain, subjects), subjects)
    assert found[1].outcome == "failed"
    assert found[1].note.startswith(f"At step {found[1].step + 1} the numbers left the finite")
    assert found[1].kl == math.inf
    assert math.isfinite(found[1].kl_end)
    assert found[1].path == ()
    assert bool(torch.isfinite(found[1].mu).all())
    for number in (0, 2):
        assert found[number].outcome == expected[number].outcome
        assert found[number].path[-1] == pytest.approx(expected[number].path[-1], abs=1e-3)


def test_a_similarity_that_is_no_number_is_a_failure() -> None:
    def none(images: Tensor, others: Tensor) -> Tensor:
        return torch.full((len(images),), math.nan)

    asked = Inverter(Memorizer(digits()), BATCH, none)
    (attempt,) = asked.advance(begin(asked, samples([0])), samples([0]))
    assert attempt.outcome == "failed"
    assert attempt.note == "At step 10 the similarity of a sample to its image was no number."


def test_what_does_not_belong_together_is_refused() -> None:
    asked = inverter(Memorizer(digits()), BATCH)
    subjects = samples([0, 3])
    with pytest.raises(BadInput, match="Every attempt needs the sample that it is about"):
        asked.advance(begin(asked, subjects), subjects[::-1])
    larger = Sample("digit-3", torch.zeros(1, 9, 9), "")
    with pytest.raises(BadInput, match="have one size"):
        asked.advance(begin(asked, subjects), [subjects[0], larger])
