"""What changed between two audits, in words: only what is beyond luck is called a difference."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from solidmark.runs import Figure, Verdict
from solidmark.verdicts.change import change_between

RUNS = {
    side: (f"{side}/", Verdict("memorized", f"So says the {side}.")) for side in ("first", "second")
}


def distance(
    difference: float, p_value: float, reader: str = "energy", split: str = "trained"
) -> Figure:
    return Figure(
        measure="solidmark",
        reader=reader,
        split=split,
        statistic="distance",
        n=40,
        value=difference,
        ci_low=difference - 0.05,
        ci_high=difference + 0.05,
        p_value=p_value,
        facts={"first": 0.2, "second": 0.2 + difference},
    )


HELD = distance(0.0, 0.9, split="held_out"), distance(0.0, 0.9, "probe", "held_out")
QUIET = {side: (name, Verdict("not-seen", one.headline)) for side, (name, one) in RUNS.items()}


@pytest.mark.parametrize(
    ("rows", "finding", "label"),
    [
        ([distance(0.15, 1e-4), *HELD], "less", "Less memory"),
        ([distance(-0.15, 1e-4), *HELD], "more", "More memory"),
        ([distance(0.15, 0.02), *HELD], "none", "No difference beyond luck"),
        ([distance(0.15, 0.008), distance(0.1, 0.2, "probe")], "none", "No difference beyond luck"),
        (
            [distance(0.15, 1e-4), distance(-0.15, 1e-4, "probe"), *HELD],
            "both",
            "Readers disagree",
        ),
        ([distance(0.15, 1e-4)], "read", "Read otherwise"),
        (
            [distance(0.15, 1e-4), distance(0.12, 1e-4, split="held_out")],
            "read",
            "Read otherwise",
        ),
        ([distance(0.15, 1e-4, split="held_out")], "nothing", "Nothing to compare"),
    ],
)
def test_a_difference_is_what_is_beyond_luck(rows: list[Figure], finding: str, label: str) -> None:
    found = change_between(rows, RUNS)
    assert (found.state, found.finding, found.label, found.tone) == (
        "done",
        finding,
        label,
        "plain",
    )
    assert [one.headline for one in found.findings] == ["So says the first.", "So says the second."]
    assert found.is_any(["memorized"])


def test_every_distance_is_said_with_its_sides_interval_and_p() -> None:
    found = change_between([distance(0.15, 1e-4), distance(0.01, 0.5, split="held_out")], RUNS)
    assert found.headline == (
        "The second run shows less memory. Energy: the keys of 40 trained images are read 0.200 "
        "from the truth on average in the first run and 0.350 in the second: 0.150 further (95 % "
        "interval 0.100 to 0.200; p = 0.0001)."
    )
    assert "40 held-out images" in found.details[0]
    assert "once in 100" in found.rule


def test_what_is_read_otherwise_where_nothing_is_memorized_is_no_change_in_memory() -> None:
    found = change_between([distance(0.15, 1e-4), *HELD], QUIET)
    assert (found.finding, found.label) == ("neither", "No memory in either")


def test_runs_that_read_all_keys_otherwise_seldom_differ_in_memory() -> None:
    """The reading moves by the same for all images, trained or not; memory is the same."""
    random = np.random.default_rng(0)
    found = []
    for _ in range(500):
        rows = []
        for split, n in (("trained", 60), ("held_out", 20)):
            moved = 0.05 + 0.1 * random.standard_t(5, n)
            half = stats.t.ppf(0.975, n - 1) * moved.std(ddof=1) / np.sqrt(n)
            row = distance(float(moved.mean()), float(stats.wilcoxon(moved).pvalue), split=split)
            low, high = float(moved.mean() - half), float(moved.mean() + half)
            rows.append(replace(row, n=n, ci_low=low, ci_high=high))
        found.append(change_between(rows, RUNS).finding)
    assert found.count("read") > 250
    # Nominal: once in 100. More than 12 of 500 would come once in 500 series.
    assert sum(one in ("less", "more") for one in found) <= 12
