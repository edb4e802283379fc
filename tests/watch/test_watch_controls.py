"""Controls: what has memorized everything is seen at once, what knows nothing never."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from solidmark import api
from solidmark.errors import BadInput, UnknownName
from solidmark.measures.watch import is_reached

Make = Callable[..., api.Watch]


def test_a_memorizer_is_seen_at_once_and_stops_the_training(make_watch: Make) -> None:
    watch = make_watch(stop_at="memorized")
    assert not watch(1, "memorizer")
    assert watch(2, "memorizer")
    assert watch.should_stop
    (look,) = watch.looks
    assert (look.step, look.state, look.n, look.n_held_out) == (2, "memorized", 24, 24)
    assert look.p_value < look.level == 0.01 / 2 / 2
    assert look.named > 15
    assert watch.result.verdict.state == "memorized"
    assert watch.result.verdict.headline.startswith("First seen at step 2: ")


def test_a_model_that_knows_nothing_is_never_seen(make_watch: Make) -> None:
    watch = make_watch(stop_at="memorized")
    assert not any(watch(step, "gaussian") for step in range(1, 7))
    assert [look.step for look in watch.looks] == [2, 4, 6]
    assert {look.state for look in watch.looks} == {"not-seen"}
    assert {look.named for look in watch.looks} == {0}
    verdict = watch.result.verdict
    assert verdict.state == "not-seen"
    assert verdict.headline.startswith("Up to step 6: No memorization seen.")
    assert "at most once in 100, however many looks are made" in verdict.rule


def test_memory_is_seen_late_by_marks_of_one_key_too(
    make_marked: Callable[..., Any], tmp_path: Any
) -> None:
    """Their p-values stop at 1 in 256, so the test of all images must reach every level."""
    one_grey = make_marked(48, name="one-grey").folder
    watch = api.Watch(one_grey, tmp_path / "w", every=1, device="cpu", page=False, ceiling=False)
    for step in range(1, 9):
        watch(step, "gaussian")
    watch(9, "memorizer")
    last = watch.looks[-1]
    assert last.level == pytest.approx(0.01 / 2 / 90)
    assert last.state == "memorized"


def test_a_share_is_a_threshold(make_watch: Make) -> None:
    watch = make_watch(stop_at=0.3)
    assert watch(2, "memorizer")
    half = replace(watch.looks[0], share=0.5)
    assert is_reached([half], 0.5)
    assert not is_reached([half], 0.51)
    assert not is_reached([replace(half, state="hint")], 0.5)
    assert not is_reached([half], None)


def test_a_step_that_is_there_is_not_asked_twice_and_a_watch_goes_on(make_watch: Make) -> None:
    make_watch()(2, "gaussian")
    again = make_watch(every=4)  # How often is looked may change.
    again.look(2, "memorizer")
    again(4, "memorizer")
    assert [(look.look, look.step, look.state) for look in again.looks] == [
        (1, 2, "not-seen"),
        (2, 4, "memorized"),
    ]


def test_numbers_go_to_a_function_or_an_accelerator(make_watch: Make) -> None:
    class Accelerator:
        def __init__(self) -> None:
            self.kept: dict[int, Any] = {}

        def log(self, values: Any, step: int | None = None, log_kwargs: Any = None) -> None:
            self.kept[step or 0] = values

    tracker, plain = Accelerator(), Accelerator()
    make_watch("a", log=tracker)(2, "gaussian", images=64)
    make_watch("b", log=plain.log)(2, "gaussian", images=64)
    assert tracker.kept == plain.kept
    assert {"solidmark/blend/z", "solidmark/blend/auc", "solidmark/blend/memorized"} <= set(
        tracker.kept[2]
    )
    assert make_watch("a").looks[0].images == 64


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({"every": 0}, BadInput, "every must be 1 step or more"),
        ({"stop_at": "seen"}, BadInput, 'stop_at is "memorized", or the share'),
        ({"stop_at": 2.0}, BadInput, "not 2.0"),
        ({"readers": ["blnd"]}, UnknownName, 'Did you mean "blend"'),
        ({"limt": 3}, UnknownName, "limt"),
    ],
)
def test_what_makes_no_sense_is_said_at_once(
    make_watch: Make, options: Any, error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        make_watch(**options)
