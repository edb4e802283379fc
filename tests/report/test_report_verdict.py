"""The verdict is honest in every case: the sentences, and which case is which."""

from typing import Any

import pytest
from scipy import stats

from solidmark.report import verdict

Rows = list[dict[str, Any]]


def eidetic(split: str, count: int, n: int, reader: str = "energy", failed: int = 0) -> Any:
    chance = 0.0975
    span = stats.binomtest(count, n).proportion_ci(method="wilson")
    return {
        "measure": "solidmark",
        "reader": reader,
        "split": split,
        "statistic": "eidetic",
        "delta": 0.05,
        "n": n,
        "failed": failed,
        "count": count,
        "value": count / n,
        "chance": chance,
        "ci_low": float(span.low),
        "ci_high": float(span.high),
        "p_value": float(stats.binomtest(count, n, chance, alternative="greater").pvalue),
    }


def other(statistic: str, value: Any, split: str = "trained", **more: Any) -> Any:
    row = {"measure": "solidmark", "reader": "energy", "split": split, "statistic": statistic}
    return row | {"value": value, "n": 64, "failed": 0, "p_value": None} | more


def run(trained: int, n: int = 64, held_out: int = 6, ceiling: int = 64, share: Any = 0.12) -> Rows:
    return [
        eidetic("trained", trained, n),
        eidetic("held_out", held_out, 64),
        eidetic("ceiling", ceiling, 64),
        other("smallest_share", share, delta=0.05),
    ]


def test_memorized_says_at_least_how_much_with_interval_chance_and_p() -> None:
    found = verdict(run(45))
    assert found.state == "memorized"
    # (0.582 - 0.0975) / (1 - 0.0975) = 0.537, and a bound is rounded down.
    assert found.headline == "The model has memorized at least 53 % of its training images."
    text = " ".join(found.details)
    assert "Energy reads 45 of 64 keys of trained images within 0.05" in text
    assert "(70 %, 95 % interval 58 to 80 %) where chance is 9.8 % (p = 4e-31)" in text
    assert "The held-out images are at chance (6 of 64, 9.4 %" in text
    assert "reads 64 of 64 (100 %)" in text


def test_the_quoted_delta_is_the_one_nearest_to_five_hundredths() -> None:
    rows = [*run(45), eidetic("trained", 64, 64) | {"delta": 0.1}]
    assert "45 of 64" in verdict(rows[::-1]).details[0]


def test_the_rank_test_alone_can_show_memory_that_no_count_shows() -> None:
    rows = [*run(7), other("rank_z", 10.4, p_value=1e-25)]
    found = verdict(rows)
    assert found.state == "memorized"
    assert found.headline == "The model has memorized some of its training images."
    assert any("10.4 standard deviations" in sentence for sentence in found.details)


def test_a_list_that_names_more_than_the_counts_show_is_the_headline() -> None:
    """Keys of many segments are never within 0.05 on average, and yet name every image."""
    rows = [*run(0), other("rank_z", 13.9, p_value=1e-40), other("named", 64, count=64)]
    assert verdict(rows).headline.startswith("The model has memorized training images: 64 of 64")
    twice = [*run(0), other("rank_z", 13.9, p_value=1e-40), other("named", 64, count=64, images=32)]
    assert verdict(twice).headline == "The model has memorized some of its training images."
    few = [*run(45), other("named", 3, count=3)]
    assert verdict(few).headline == "The model has memorized at least 53 % of its training images."


def test_named_images_are_counted_or_denied() -> None:
    some = verdict([*run(45), other("named", 4, count=4)])
    none = verdict([*run(45), other("named", 0, count=0)])
    assert any(s.startswith("4 images can be named one by one (q at") for s in some.details)
    assert any("No single image can be named" in s for s in none.details)
    assert any("segments" in s for s in none.details)


def segments(named: int, held_out: int = 0, **more: Any) -> Rows:
    """A run with 16 keys an image: no key vector is near on average, and yet it has names."""
    p_value = 1e-9 if named else 0.4
    rows = [
        *run(0, held_out=0, ceiling=0),
        other("named", named, count=named, fdr=0.05, expected_false=named * 0.05, p_value=p_value),
        other("named", held_out, "held_out", count=held_out, p_value=1e-9 if held_out else 0.4),
        other("named", 57, "ceiling", count=57, p_value=1e-9),
        other("rank_z", 0.1, "held_out", p_value=0.46),
        other("smallest_share", 0.03, by="rank"),
    ]
    return [row | {"keys": 16} | more for row in rows]


def test_several_keys_speak_by_names() -> None:
    found = verdict(segments(60))
    assert found.headline == (
        "The model has memorized training images: 60 of 64 can be named one by one; "
        "expect at most about 3 of these 60 to be wrong."
    )
    assert any("at chance (0 of 64 named; rank z 0.1, p = 0.46)" in s for s in found.details)
    assert any(
        "Gradient names 57 of 64" in s for s in verdict(segments(60, reader="gradient")).details
    )
    assert not any("within 0.05" in s for s in found.details)


def test_several_keys_that_are_remembered_without_names() -> None:
    rows = [
        row | {"keys": 16}
        for row in (other("rank_z", 9.0, p_value=1e-19), other("share", 0.3, ci_low=0.2))
    ]
    quiet = [
        row for row in segments(0) if row["statistic"] != "rank_z" or row["split"] != "trained"
    ]
    found = verdict([*quiet, *rows])
    assert found.headline == (
        "The model has memorized at least 20 % of its training images, "
        "none of them strongly enough to be named."
    )
    assert any("At least 20 % of the trained images are memorized" in s for s in found.details)


def test_several_keys_unseen_and_untrusted() -> None:
    quiet = verdict(segments(0))
    assert quiet.state == "not_seen"
    assert "at least 3 % of the images been memorized as well as" in quiet.headline
    assert verdict(segments(60, held_out=5)).state == "untrusted"


def test_not_seen_says_what_would_have_been_seen() -> None:
    found = verdict(run(6))
    assert found.state == "not_seen"
    assert found.headline.startswith("No memorization seen.")
    assert "had at least 12 % of the images been memorized" in found.headline


def test_not_seen_with_a_dull_reader_says_the_larger_share() -> None:
    headline = verdict(run(6, ceiling=32)).headline
    assert "reads only 50 % of the images" in headline
    assert "at least 12 % of the images" in headline


def test_a_reader_that_cannot_read_the_ceiling_says_nothing() -> None:
    found = verdict(run(6, ceiling=7))
    assert found.state == "weak"
    assert "too weak" in found.headline
    assert "No memorization seen" not in " ".join([found.headline, *found.details])


def test_a_control_far_from_chance_forbids_trust_even_when_much_is_read() -> None:
    found = verdict(run(45, held_out=20))
    assert found.state == "untrusted"
    assert found.headline.startswith("Do not trust this run")
    assert "not at chance (20 of 64" in found.details[0]
    assert "once in 20 runs" not in found.details[0]


def test_a_control_just_outside_its_interval_is_noted_but_not_alarming() -> None:
    """One interval in 20 misses its chance by luck; only a p-value below 1 % is suspicious."""
    found = verdict(run(45, held_out=1))
    assert found.state == "memorized"
    assert any("once in 20 runs" in detail for detail in found.details)


def test_a_control_off_by_its_rank_only_is_suspect() -> None:
    rows = [*run(45), other("rank_z", 3.4, split="held_out", p_value=3e-4)]
    found = verdict(rows)
    assert found.state == "untrusted"
    assert "rank z 3.4" in found.details[0]


def test_between_luck_and_proof_it_is_unclear() -> None:
    found = verdict(run(12))
    assert 0.005 < stats.binomtest(12, 64, 0.0975, alternative="greater").pvalue < 0.05
    assert found.state == "unclear"
    assert "no proof" in found.headline


def test_more_readers_need_stronger_proof() -> None:
    rows = run(14)
    assert verdict(rows).state == "memorized"
    more = [row | {"reader": name} for name in ("outpaint", "probe") for row in run(6)]
    assert verdict([*rows, *more]).readers[0].state == "unclear"


@pytest.mark.parametrize("share", [None, 0.7])
def test_a_run_that_could_see_nothing_is_too_small(share: float | None) -> None:
    found = verdict(run(1, n=6, share=share))
    assert found.state == "too_few"
    assert "too small to answer" in found.headline
    assert "With only 6 rows the intervals are wide." in found.details


def test_only_failures_give_no_verdict_but_the_reason() -> None:
    row = eidetic("trained", 0, 1) | {"n": 0, "failed": 64, "value": None, "p_value": None}
    found = verdict([row], {"energy": "not finite"})
    assert found.state == "failed"
    assert "says nothing about memorization" in found.headline
    assert found.details == (
        "64 rows of trained images failed.",
        'The most common reason: "not finite".',
    )


def test_some_failures_are_counted_aloud() -> None:
    rows = [eidetic("trained", 45, 60, failed=4), *run(45)[1:]]
    assert "4 of 64 rows of trained images failed and are not counted." in verdict(rows).details


def test_no_control_and_no_ceiling_are_said() -> None:
    details = verdict([eidetic("trained", 45, 64)]).details
    assert any("no held-out control" in sentence for sentence in details)
    assert any("ceiling was not measured" in sentence for sentence in details)


def test_an_empty_run_has_a_verdict_too() -> None:
    assert verdict([]).state == "failed"


def test_readers_that_disagree_are_explained() -> None:
    quiet = [row | {"reader": "outpaint"} for row in run(6)]
    found = verdict([*run(45), *quiet])
    assert [one.state for one in found.readers] == ["memorized", "not_seen"]
    assert found.details[-1].startswith("Outpaint does not see it")
    turned = [
        row | {"reader": {"energy": "outpaint", "outpaint": "energy"}[row["reader"]]}
        for row in [*run(45), *quiet]
    ]
    assert verdict(turned).details[-1].startswith("Energy does not see it")


def test_one_suspect_control_decides_over_all_readers() -> None:
    bad = [row | {"reader": "outpaint"} for row in run(45, held_out=30)]
    found = verdict([*run(45), *bad])
    assert found.state == "untrusted"
    assert "(Outpaint)" in found.headline


def test_a_p_value_below_any_float_is_not_zero() -> None:
    rows = [run(64)[0] | {"p_value": 0.0}, *run(64)[1:]]
    assert "p < 1e-300" in verdict(rows).details[0]


def test_other_measures_do_not_reach_the_verdict() -> None:
    assert verdict([row | {"measure": "invmm"} for row in run(45)]).state == "failed"
