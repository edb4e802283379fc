"""The verdict is honest in every case: the sentences, and which case is which."""

from typing import Any

import pytest

from solidmark.runs import VERDICTS, Verdict, figure_from
from solidmark.verdicts.keys import OUTCOMES, judge_keys
from solidmark.verdicts.known import Unknown

Rows = list[dict[str, Any]]


def verdict(rows: Rows, reasons: dict[str, str] | None = None, **about: Any) -> Verdict:
    return judge_keys([figure_from(row) for row in rows], reasons, **about)


def row(statistic: str, value: Any, split: str = "trained", **more: Any) -> dict[str, Any]:
    about = {"measure": "solidmark", "reader": "blend", "split": split, "statistic": statistic}
    return about | {"value": value, "n": 64, "failed": 0, "keys": 16, "p_value": None} | more


def part(split: str, named: int, z: float, p: float, n: int = 64) -> Rows:
    """What is said of a split: so many named, and a permutation test."""
    names = {"count": named, "fdr": 0.05, "expected_false": named * 0.05, "n": n}
    return [
        row("eidetic", 0.0, split, delta=0.05, count=0, chance=1e-6, n=n),
        row("permutation_z", z, split, p_value=p, n=n),
        row("named", named, split, p_value=1e-9 if named else 0.4, **names),
    ]


def run(
    named: int = 0,
    *,
    p: float = 0.4,
    held_out: int = 0,
    control: float = 0.46,
    reference: float | None = 1e-4,
    smallest: tuple[float | None, float | None] = (0.12, 0.03),
    least: float = 0.0,
    n: int = 64,
) -> Rows:
    rows = part("trained", named, 3.0 if p < 0.01 else 0.3, p, n)
    rows += part("held_out", held_out, 0.1, control)
    if reference is not None:
        rows += part("ceiling", 57 if reference < 0.01 else 0, 9.0, reference)
    rows.append(row("share", least + 0.05, ci_low=least, ci_high=1.0))
    for by, value in zip(("permutation", "best"), smallest, strict=True):
        rows.append(row("smallest_share", value, by=by))
    return rows


def renamed(rows: Rows, reader: str) -> Rows:
    return [one | {"reader": reader} for one in rows]


def test_large_numbers_are_written_as_everywhere_else() -> None:
    found = verdict(run(1106, p=1e-4, n=900_000))
    assert "1,106 of 900,000 can be named" in found.headline
    assert not [one for one in found.details if "900000" in one]


def test_memorized_names_images_and_says_how_many_may_be_wrong() -> None:
    found = verdict(run(60, p=1e-4, least=0.9))
    assert found.finding == "memorized"
    assert found.headline == (
        "The model has memorized training images: 60 of 64 can be named one by one; "
        "expect at most about 3 of these 60 to be wrong."
    )
    text = " ".join(found.details)
    assert "3.0 standard deviations nearer to the own keys than exchanged keys would" in text
    assert "at chance (0 of 64 named; permutation z 0.1, p = 0.46)" in text
    assert "At least 90 % of the trained images are memorized" in text
    assert "For reference: of an ideal model that has memorized every image" in text
    assert "Blend names 57 of 64" in text
    assert found.naming == ("blend",)


def test_memorized_without_names_says_at_least_how_many() -> None:
    found = verdict(run(0, p=1e-4, least=0.2))
    assert found.finding == "memorized"
    assert found.headline == (
        "The model has memorized at least 20 % of its training images, "
        "none of them strongly enough to be named."
    )
    faint = verdict(run(0, p=1e-4))
    assert faint.headline.startswith("The model has memorized some of its training images, none")


def test_one_key_speaks_of_counts_too() -> None:
    rows = [one | {"keys": 1} for one in run(3, p=1e-4)]
    rows[0] |= {"count": 45, "value": 45 / 64, "ci_low": 0.58, "ci_high": 0.8, "chance": 0.0975}
    text = " ".join(verdict(rows).details)
    assert "Blend reads 45 of 64 keys of trained images within 0.05" in text
    assert "(70 %, 95 % interval 58 to 80 %) where chance is 9.8 %" in text


def test_the_quoted_delta_is_the_one_nearest_to_five_hundredths() -> None:
    rows = [one | {"keys": 1} for one in run(0, p=0.2, reference=None)]
    rows[0] |= {"count": 45}
    rows.append(rows[0] | {"delta": 0.1, "count": 64})
    assert any("45 of 64" in sentence for sentence in verdict(rows[::-1]).details)


@pytest.mark.parametrize(
    ("p", "state"), [(0.004, "memorized"), (0.006, "unclear"), (0.03, "not_seen")]
)
def test_one_look_has_one_price(p: float, state: str) -> None:
    """Two tests share 1 % for memorized and 5 % for a hint."""
    assert verdict(run(p=p)).finding == state


def test_more_readers_share_the_same_price() -> None:
    """What one reader proves in one look is a hint among three; so it is with the control."""
    three = [*run(p=0.003), *renamed(run(), "outpaint"), *renamed(run(), "probe")]
    assert verdict(run(p=0.003)).finding == "memorized"
    assert verdict(three).finding == "unclear"
    off = [*run(control=0.003), *renamed(run(), "outpaint"), *renamed(run(), "probe")]
    assert verdict(run(control=0.003)).finding == "untrusted"
    assert verdict(off).finding == "not_seen"


def test_only_a_verdict_of_memorization_names_anybody() -> None:
    for rows in (run(), run(p=0.006), run(60, p=1e-4, held_out=5)):
        assert verdict(rows).naming == ()
    both = verdict([*run(60, p=1e-4), *renamed(run(), "outpaint")])
    assert both.naming == ("blend",)


def test_untrusted_and_unseen() -> None:
    assert verdict(run(60, p=1e-4, held_out=5)).finding == "untrusted"
    off = verdict(run(60, p=1e-4, control=1e-4))
    assert off.finding == "untrusted"
    assert off.headline.startswith("Do not trust this run")
    assert "not at chance (0 of 64 named; permutation z 0.1" in off.details[0]


def test_not_seen_says_one_smallest_share_and_what_it_cannot_see() -> None:
    found = verdict(run())
    assert found.finding == "not_seen"
    assert found.headline.startswith("No memorization seen.")
    assert "had at least 3 % of the images been memorized" in found.headline  # the better test's
    assert "as well as Blend reads an ideal model" in found.headline
    (blind,) = [s for s in found.details if s.startswith("It cannot see")]
    assert "flipped, cropped or resized" in blind
    assert "less than 3 % of the images" in blind
    assert "12 %" not in " ".join([found.headline, *found.details])


def test_without_a_reference_nothing_is_green_and_no_ideal_model_is_spoken_of() -> None:
    found = verdict(run(reference=None))
    assert found.finding == "unmeasured"
    text = " ".join([found.headline, *found.details])
    assert found.headline.startswith("Cannot be judged")
    assert "--no-ceiling" in found.headline
    assert "ideal model" not in text
    assert verdict(run(60, p=1e-4, reference=None)).finding == "memorized"


def test_a_reader_that_cannot_read_the_reference_says_nothing() -> None:
    found = verdict(run(reference=0.5))
    assert found.finding == "weak"
    assert "too weak" in found.headline
    assert "No memorization seen" not in " ".join([found.headline, *found.details])


@pytest.mark.parametrize("smallest", [(None, None), (0.7, None), (None, 0.5)])
def test_a_run_that_could_see_nothing_is_too_small(smallest: Any) -> None:
    found = verdict(run(n=6, smallest=smallest))
    assert found.finding == "too_few"
    assert "too small to answer" in found.headline
    assert "With only 6 rows the intervals are wide." in found.details


def test_a_model_that_does_not_know_such_pictures_gives_no_green() -> None:
    headline = "Cannot be judged: the model does not know these pictures."
    unknown = Unknown(headline, ("Untrained?",))
    found = verdict(run(), unknown=unknown)
    assert (found.finding, found.label) == ("unknown", "Cannot be judged")
    assert found.headline == unknown.headline
    assert found.details[0] == "Untrained?"
    assert verdict(run(60, p=1e-4), unknown=unknown).finding == "memorized"
    assert verdict(run(60, p=1e-4, held_out=5), unknown=unknown).finding == "untrusted"


def averages(p: float) -> dict[str, Any]:
    known = {"count": 8, "groups": 16, "smallest": 2, "largest": 8}
    return row("averages", 0.5, p_value=p, **known)


def test_averages_that_are_known_are_a_finding_of_their_own() -> None:
    found = verdict([*run(), averages(1e-6)])
    assert found.finding == "averages"
    assert found.headline == (
        "No single image is seen to be memorized, but the model knows what groups of training "
        "images have in common: the average frame of 8 of 16 groups with one caption, class or "
        "size, of 2 to 8 images each."
    )
    assert found.naming == ()
    assert verdict([*run(), averages(0.03)]).finding == "not_seen"
    named = verdict([*run(60, p=1e-4), averages(1e-6)])
    assert named.state == "memorized"
    assert not any("average frame" in sentence for sentence in named.details)


def test_direction_is_said_as_it_is() -> None:
    rows = run()
    rows[1] |= {"value": -1.2}
    assert any("1.2 standard deviations further from" in s for s in verdict(rows).details)
    assert not any("−" in s for s in verdict(rows).details)


def test_only_failures_give_no_verdict_but_the_reason() -> None:
    lost = row("eidetic", None, n=0, failed=64)
    found = verdict([lost], {"blend": "not finite"})
    assert found.finding == "failed"
    assert "says nothing about memorization" in found.headline
    assert found.details == (
        "64 rows of trained images failed.",
        'The most common reason: "not finite".',
    )


def test_some_failures_are_counted_aloud() -> None:
    rows = run(60, p=1e-4)
    rows[0] |= {"failed": 4, "n": 60}
    assert "4 of 64 rows of trained images failed and are not counted." in verdict(rows).details


def test_no_control_is_said() -> None:
    rows = [one for one in run(60, p=1e-4) if one["split"] != "held_out"]
    assert any("no held-out control" in sentence for sentence in verdict(rows).details)


def test_an_empty_run_has_a_verdict_too() -> None:
    assert verdict([]).finding == "failed"


def test_readers_that_disagree_are_explained() -> None:
    found = verdict([*run(60, p=1e-4), *renamed(run(), "outpaint")])
    assert [one.outcome for one in found.findings] == ["memorized", "not_seen"]
    assert found.details[-1].startswith("Outpaint does not see it")
    turned = [*renamed(run(60, p=1e-4), "outpaint"), *run()]
    assert verdict(turned).details[-1].startswith("Blend does not see it")


def test_one_suspect_control_decides_over_all_readers() -> None:
    found = verdict([*run(60, p=1e-4), *renamed(run(held_out=9), "outpaint")])
    assert found.finding == "untrusted"
    assert "(Outpaint)" in found.headline


def test_other_measures_do_not_reach_the_verdict() -> None:
    assert verdict([one | {"measure": "invmm"} for one in run(60)]).finding == "failed"


def test_green_is_one_state_only() -> None:
    assert {state for state, _ in OUTCOMES.values()} == set(VERDICTS)
    assert [own for own, (state, _) in OUTCOMES.items() if state == "not-seen"] == ["not_seen"]
    green = [own for own, (_, label) in OUTCOMES.items() if label == "No memorization seen"]
    assert green == ["not_seen"]


@pytest.mark.parametrize(
    ("rows", "own"),
    [
        (run(60, p=1e-4, control=1e-4), "untrusted"),
        (run(60, p=1e-4), "memorized"),
        (run(p=0.006), "unclear"),
        (run(), "not_seen"),
        (run(reference=None), "unmeasured"),
        (run(reference=0.5), "weak"),
        (run(n=6, smallest=(None, None)), "too_few"),
    ],
)
def test_every_reader_has_a_finding_with_what_it_asks(rows: Rows, own: str) -> None:
    found = verdict(rows)
    (one,) = found.findings
    assert (found.finding, found.state) == (own, OUTCOMES[own][0])
    assert (one.name, one.title, one.outcome) == ("blend", "Blend", own)
    assert one.asks.startswith("Blend asks")
    assert (one.state, one.label, one.headline) == (found.state, found.label, found.headline)
    assert one.details == found.details
    assert (found.tone == "not_seen") == (own == "not_seen")
