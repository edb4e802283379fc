"""The share of memorized images: by hand, and how often its interval holds it."""

import numpy as np
import pytest
from scipy import stats

from solidmark.errors import EmptyTable
from solidmark.scores import memorized_share, p_values
from solidmark.scores.share import chance_above

RUNS = 1000


def mixed(generator: np.random.Generator, share: float, kind: str) -> np.ndarray:
    """The p-values of 300 images of which a share is memorized, strongly or hardly."""
    p = generator.random(300)
    count = round(share * 300)
    p[:count] = {
        "strong": generator.random(count) * 1e-6,
        "middling": generator.random(count) * 0.05,
        "weak": generator.random(count) ** 2,  # a quarter of them lies above 1/2
    }[kind]
    return p


@pytest.mark.parametrize(
    ("share", "kind"),
    [(0.0, "strong"), (0.05, "strong"), (0.3, "middling"), (0.05, "weak"), (0.6, "weak"),
     (1.0, "weak"), (1.0, "strong")],
)  # fmt: skip
def test_how_often_the_interval_holds_the_share(share: float, kind: str) -> None:
    generator = np.random.default_rng([round(share * 100), len(kind)])
    found = [memorized_share(mixed(generator, share, kind)) for _ in range(RUNS)]
    noise = 3 * np.sqrt(0.025 * 0.975 / RUNS)
    missed_below = np.mean([estimate.ci_low > share + 1e-12 for estimate in found])
    assert missed_below <= 0.025 + noise
    if kind == "weak" and share > 0:  # the upper end makes an assumption that does not hold here
        assert np.mean([estimate.value for estimate in found]) < share
        return
    missed_above = np.mean([estimate.ci_high < share - 1e-12 for estimate in found])
    assert missed_above <= 0.025 + noise


def test_an_interval_without_the_count_would_not_hold_it() -> None:
    """The check above can fail: half of the width holds the share far less often."""
    generator = np.random.default_rng(5)
    missed = 0
    for _ in range(200):
        found = memorized_share(mixed(generator, 0.0, "strong"))
        missed += found.value - (found.value - found.ci_low) / 2 > 0.0
    assert missed / 200 > 0.1


def test_the_lower_end_by_hand() -> None:
    """All of 40 below 0.001: 41 - 40 more would be too rare at 0.1, 0.01 and 0.001 as well."""
    p = np.concatenate([np.full(40, 1e-5), np.linspace(0.6, 1.0, 60)])
    found = memorized_share(p)
    most = {}
    for t in (0.5, 0.1, 0.01, 0.001):
        allowed = [m for m in range(60, 101) if stats.binom.cdf(60, m, 1 - t) >= 0.025 / 4]
        most[t] = max(allowed)
    assert found.ci_low == 1 - min(most.values()) / 100
    assert found.value == found.ci_low  # Storey's estimate is below 0 here: 1 - 60 / 50
    assert found.p_value == pytest.approx(4 * stats.binom.cdf(60, 100, 0.999))


def test_few_and_strong_are_seen_where_the_middle_says_nothing() -> None:
    p = np.concatenate([np.full(20, 1e-8), (np.arange(380) + 0.5) / 380])
    found = memorized_share(p)
    assert found.ci_low > 0.04
    middle = stats.beta.ppf(0.975, 191, 210)
    assert 1 - 2 * middle < 0.01  # what the count above 1/2 alone would allow


def test_one_key_has_steps_and_they_are_known() -> None:
    """P(p > 1/2) is 129/256 for an estimate in the middle, where p has 128 values."""
    generator = np.random.default_rng(6)
    key_read = np.full((20_000, 1), 0.5)
    p = p_values(np.abs(generator.integers(256, size=(20_000, 1)) / 255 - key_read)[:, 0], key_read)
    above = chance_above(key_read[:10], np.ones((1, 256)))
    found = memorized_share(p, chance_above=above)
    as_if_uniform = 1 - (p > 0.5).mean() / 0.5
    exact = (p_values(np.abs(np.arange(256) / 255 - 0.5), np.full((256, 1), 0.5)) > 0.5).mean()
    assert above == pytest.approx(exact)
    assert found.value == pytest.approx(max(found.ci_low, 1 - (p > 0.5).mean() / exact))
    assert found.ci_low <= 0.0 <= found.ci_high
    assert as_if_uniform <= found.value


def test_rows_of_one_key_are_not_more_images() -> None:
    p = np.concatenate([np.full(30, 1e-5), np.linspace(0.01, 1.0, 70)])
    once = memorized_share(p)
    names = [str(i) for i in range(100) for _ in range(5)]
    assert memorized_share(np.repeat(p, 5), names) == once
    assert memorized_share(np.repeat(p, 5)).ci_low > once.ci_low


def test_one_large_group_of_copies_does_not_raise_the_lower_end() -> None:
    """40 copies of one image whose p falls low by luck, among 60 others: nothing is memorized."""
    groups = ["copies"] * 40 + [str(i) for i in range(60)]
    missed = 0
    for run in range(RUNS):
        generator = np.random.default_rng(run)
        p = generator.random(61)
        missed += memorized_share(p[np.r_[np.zeros(40, int), 1:61]], groups).ci_low > 0
    assert missed / RUNS <= 0.025 + 3 * np.sqrt(0.025 * 0.975 / RUNS)


def test_certainty_in_both_directions_and_nothing_at_all() -> None:
    nothing = memorized_share(np.ones(50))
    assert (nothing.ci_low, nothing.value, nothing.ci_high) == (0.0, 0.0, 0.0)
    assert nothing.p_value == 1.0
    everything = memorized_share(np.full(50, 1e-9))
    assert everything.value == everything.ci_high == 1.0
    assert everything.ci_low > 0.9
    assert "Biased low" in str(everything.note)
    with pytest.raises(EmptyTable):
        memorized_share(np.empty(0))
