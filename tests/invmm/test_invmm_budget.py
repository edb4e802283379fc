"""Budgets as they are typed, and when they are spent."""

import pytest

from solidmark.errors import BadInput
from solidmark.measures.invmm import Budget


@pytest.mark.parametrize(
    ("text", "calls", "seconds"),
    [
        ("20000", 20_000, None),
        (" 1 ", 1, None),
        ("30m", None, 1800),
        ("2h", None, 7200),
        ("1.5H", None, 5400),
        ("45s", None, 45),
    ],
)
def test_a_budget_is_calls_or_a_time(text: str, calls: float | None, seconds: float | None) -> None:
    assert Budget.parse(text) == Budget(calls, seconds)


@pytest.mark.parametrize("text", ["", "0", "-5", "h", "2d", "1e4", "nan", "2 h m", "9" * 20])
def test_anything_else_is_refused_with_what_to_write(text: str) -> None:
    with pytest.raises(BadInput, match="--budget takes network calls, like 20000, or a time"):
        Budget.parse(text)


def test_calls_are_divided_among_processes_and_time_is_not() -> None:
    assert Budget(calls=900).share(3) == Budget(calls=300)
    assert Budget(seconds=60).share(3) == Budget(seconds=60)


def test_a_budget_is_spent_when_either_is() -> None:
    assert Budget().used(1e12, 1e12) == 0
    assert Budget(calls=10).used(9, 1e9) == 0.9
    assert Budget(calls=10).used(10, 0) == 1
    assert Budget(seconds=10).used(0, 15) == 1.5
    assert [str(b) for b in (Budget(), Budget(20_000), Budget(seconds=5400))] == [
        "no limit",
        "20,000 network calls",
        "90 minutes",
    ]
