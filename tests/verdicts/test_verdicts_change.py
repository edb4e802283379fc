"""What changed between two audits, in words: only what is beyond luck is called a difference."""

import pytest

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


@pytest.mark.parametrize(
    ("rows", "finding", "label"),
    [
        ([distance(0.1, 1e-4)], "less", "Keys are read worse"),
        ([distance(-0.1, 1e-4)], "more", "Keys are read better"),
        ([distance(0.1, 0.02)], "none", "No difference beyond luck"),
        ([distance(0.1, 0.008), distance(0.1, 0.2, "probe")], "none", "No difference beyond luck"),
        ([distance(0.1, 1e-4), distance(-0.1, 1e-4, "probe")], "both", "Readers disagree"),
        ([distance(0.1, 1e-4, split="held_out")], "nothing", "Nothing to compare"),
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
    found = change_between([distance(0.1, 1e-4), distance(0.01, 0.5, split="held_out")], RUNS)
    assert found.headline == (
        "The second run shows less memory. Energy: the keys of 40 trained images are read 0.200 "
        "from the truth on average in the first run and 0.300 in the second: 0.100 further (95 % "
        "interval 0.050 to 0.150; p = 0.0001)."
    )
    assert "40 held-out images" in found.details[0]
    assert "once in 100" in found.rule
