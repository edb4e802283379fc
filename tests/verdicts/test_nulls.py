"""Verdicts on distances: seldom wrong where there is nothing, and as sharp as they say."""

import numpy as np
import pytest

from solidmark.measures.inpaint import verdict as inpainted
from solidmark.measures.nearest import verdict
from solidmark.measures.signals import verdict as signals
from solidmark.scores.bound import smallest_copied_share
from solidmark.verdicts import Family, Nouns

from .comparing import verdict_by_distance

COMMANDS = {
    "nearest": (verdict.FAMILY, verdict.OF_GENERATIONS),
    "inpaint": (inpainted.FAMILY, inpainted.WORDS),
    "signals": (signals.FAMILY, signals.OF_IMAGES),
}


@pytest.mark.parametrize(("family", "words"), COMMANDS.values(), ids=COMMANDS)
def test_a_run_without_memory_is_seldom_called_one_with_memory(
    family: Family, words: Nouns
) -> None:
    rng = np.random.default_rng(5)
    found = [
        verdict_by_distance(family, words, rng.random(80), rng.random(60)).finding
        for _ in range(120)
    ]
    # At most once in 100 on average; more than 5 of 120 would come once in 500 series.
    assert found.count("close") <= 5
    assert found.count("nothing") > 60


def test_the_bound_on_a_real_verdict_holds() -> None:
    """Just so many copies as the verdict says would be seen are seen, four times in five."""
    rng = np.random.default_rng(1)
    family, words = COMMANDS["inpaint"]
    tests = 3  # The count, the list of names and the area.
    share = smallest_copied_share(200, 150, 1, 0.01 / tests)
    assert share is not None
    copies = round(share * 200)
    hits = 0
    for _ in range(60):
        own = np.concatenate([np.zeros(copies), rng.random(200 - copies)])
        hits += verdict_by_distance(family, words, own, rng.random(150)).finding == "close"
    assert hits >= 40
    found = verdict_by_distance(family, words, rng.random(200), rng.random(150))
    assert found.finding == "nothing"
    assert f"at least {100 * share:.0f} %" in found.headline or f"{100 * share:.1f} %" in (
        found.headline
    )


def test_memory_too_weak_to_name_anybody_is_seen_in_the_area() -> None:
    rng = np.random.default_rng(4)
    own, null = rng.random(300) ** 1.6, 0.02 + rng.random(200)
    found = verdict_by_distance(*COMMANDS["inpaint"], own, null)
    assert found.finding == "close"
    assert "beyond luck, but no single one can be named" in found.headline


@pytest.mark.parametrize(("null", "finding"), [(0.1, "plain"), (0.9, "close")])
def test_plain_pictures_are_no_memory_unless_those_held_out_are_plain_too(
    null: float, finding: str
) -> None:
    rng = np.random.default_rng(5)
    own = np.concatenate([0.01 * rng.random(40), 0.1 + rng.random(60)])
    found = verdict_by_distance(*COMMANDS["inpaint"], own, 0.1 + rng.random(100), (0.5, null))
    assert found.finding == finding
    if finding == "plain":
        assert found.state == "hint"
        assert "a hidden half nearly of one colour: such a half is easy to draw" in found.headline
        assert any(detail.startswith("Careful:") for detail in found.details)
