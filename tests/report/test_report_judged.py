"""The rule that all pages of comparisons share: green only where something could have been seen."""

import pytest
from solidmark.report.judged import REACH, outcome, too_few, unseen

from solidmark.scores.control import Control

OTHER = Control("other_kind", 9, 9, 9, 9, 0.9, 0.8, 0.95, 0.001)
ALIKE = Control("alike", 9, 9, 9, 9, 0.5, 0.4, 0.6, 0.5)
NEEDED = 0.001


@pytest.mark.parametrize("control", [None, ALIKE])
@pytest.mark.parametrize(
    ("n", "m", "best", "named", "seen", "said"),
    [
        (0, 9, 1.0, 0, 0.1, "failed"),
        (9, 0, 1.0, 0, 0.1, "no_null"),
        (9, 9, 0.0009, 0, 0.1, "beyond"),
        (9, 9, 0.004, 0, 0.1, "unclear"),
        (9, 9, 0.04, 0, 0.1, "nothing"),  # Of 10 tests one is below .05 in 40 % of null runs.
        (9, 9, 0.9, 1, 0.1, "unclear"),
        (9, 9, 0.9, 0, REACH, "nothing"),
        (9, 9, 0.9, 0, REACH + 0.01, "too_few"),
        (9, 9, 0.9, 0, None, "too_few"),
    ],
)
def test_the_rule(
    control: Control | None, n: int, m: int, best: float, named: int, seen: float | None, said: str
) -> None:
    assert outcome(n, m, control, best, NEEDED, named, seen) == said


def test_a_control_of_another_kind_is_never_green() -> None:
    for best, named in ((1e-9, 5), (0.004, 0), (0.9, 0)):
        assert outcome(9, 9, OTHER, best, NEEDED, named, 0.1) == "other_kind"
    trusted = OTHER.trusting(True)
    assert outcome(9, 9, trusted, 1e-9, NEEDED, 5, 0.1) == "beyond"
    assert outcome(9, 9, trusted, 0.9, NEEDED, 0, 0.1) == "other_kind"


def test_what_is_not_seen_is_one_sentence() -> None:
    said = unseen(0.1, "copies that are fewer than", "crops")
    assert said == "What this cannot see: copies that are fewer than 10 % of them, and crops."
    assert said.count(". ") == 0
    assert "any number of copies" in too_few(None, "copies", "3 generations and 3 images")
    assert "60 % or more" in too_few(0.6, "copies", "3 generations and 3 images")
