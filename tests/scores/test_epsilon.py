"""The lower bound of epsilon: known values, mechanisms of a known loss, and its coverage."""

import numpy as np
import pytest
from scipy import stats

from solidmark.errors import BadInput
from solidmark.runs import find
from solidmark.scores import aggregate, score_table
from solidmark.scores.epsilon import ERROR, lost_privacy, lower_epsilon, p_of_claim
from solidmark.scores.null import p_values
from solidmark.verdicts.keys import judge_keys

from .tables import evidence_rows, key_rows, table

RUNS = 600
"""At an error of 5 %, 99.9 % of such runs have 47 or fewer bounds above the truth."""


@pytest.mark.parametrize(
    ("right", "guesses", "prior", "expected"),
    [
        (60, 100, 1 / 2, 0.052),
        (90, 100, 1 / 2, 1.631),
        (100, 100, 1 / 2, 3.493),
        (10, 100, 1 / 256, 2.702),
        (100, 100, 1 / 256, 9.034),
        (10, 100, 1 / 10, 0.0),
        (30, 100, 1 / 10, 0.960),
        (0, 100, 1 / 2, 0.0),
    ],
)
def test_the_bound_has_its_known_values(
    right: int, guesses: int, prior: float, expected: float
) -> None:
    assert lower_epsilon(right, guesses, prior) == pytest.approx(expected, abs=5e-4)


def test_the_bound_is_where_the_binomial_says_so() -> None:
    """By the law itself: at the bound so many right guesses have just the chance of the error."""
    for right, guesses, prior in ((30, 100, 0.1), (7, 20, 0.01), (400, 500, 0.5)):
        epsilon = lower_epsilon(right, guesses, prior)
        q = prior * np.exp(epsilon) / (prior * np.exp(epsilon) + 1 - prior)
        assert stats.binom.sf(right - 1, guesses, q) == pytest.approx(ERROR, rel=1e-6)


def responses(epsilon: float, images: int, random: np.random.Generator) -> np.ndarray:
    """P-values of randomised response, which loses epsilon and no less: the key comes out with the
    largest chance that it allows, else any other key."""
    key = random.integers(256, size=images)
    kept = random.random(images) < 1 / (1 + 255 * np.exp(-epsilon))
    other = (key + 1 + random.integers(255, size=images)) % 256
    read = np.where(kept, key, other) / 255
    return p_values(np.abs(key / 255 - read), read[:, None])


@pytest.mark.parametrize("epsilon", [0.0, 1.0, 4.0, 8.0])
def test_the_bound_is_above_a_known_loss_in_one_of_twenty_runs_at_most(epsilon: float) -> None:
    random = np.random.default_rng(int(epsilon))
    above = sum(
        lost_privacy(responses(epsilon, 100, random)).epsilon > epsilon for _ in range(RUNS)
    )
    assert above <= stats.binom.ppf(0.999, RUNS, ERROR)


@pytest.mark.parametrize("claimed", [0.5, 1.0, 4.0, 8.0])
def test_a_true_claim_is_refuted_in_one_of_twenty_runs_at_most(claimed: float) -> None:
    random = np.random.default_rng(int(10 * claimed))
    found = np.array(
        [p_of_claim(responses(claimed, 100, random), None, claimed) for _ in range(RUNS)]
    )
    for level in (0.05, 0.01):
        assert (found <= level).sum() <= stats.binom.ppf(0.999, RUNS, level)
    lost = [p_of_claim(responses(claimed + 4, 500, random), None, claimed) for _ in range(20)]
    assert max(lost) < 0.01


def test_the_chance_of_a_claim_is_that_of_the_binomial() -> None:
    p = np.repeat([0.3, 1e-3, 1.0], [10, 7, 83])
    most = 1 / (1 + np.exp(-2.0) * 999)
    expected = 6 * stats.binom.sf(6, 100, most)
    assert p_of_claim(p, None, 2.0) == pytest.approx(expected, rel=1e-9)
    assert p_of_claim(p, None, 20.0) == 1
    assert p_of_claim(np.repeat(p, 2), [f"{n // 2}" for n in range(200)], 2.0) == pytest.approx(
        expected, rel=1e-9
    )
    with pytest.raises(BadInput):
        p_of_claim(np.empty(0), None, 1.0)


def test_the_bound_comes_near_a_known_loss_with_many_images() -> None:
    random = np.random.default_rng(0)
    found = lost_privacy(responses(6.0, 20_000, random))
    assert 5.0 < found.epsilon <= 6.0
    assert (found.prior, found.guesses) == (0.01, 20_000)


def test_whoever_knows_all_keys_shows_what_so_many_guesses_can_show() -> None:
    random = np.random.default_rng(0)
    key = random.integers(256, size=(100, 16)) / 255
    found = lost_privacy(p_values(np.zeros(100), key))
    assert found.epsilon == lower_epsilon(100, 100, 1e-6, ERROR / 6)
    assert (found.right, found.guesses) == (100, 100)


def test_copies_with_one_key_are_one_guess() -> None:
    p = np.full(64, 1e-9)
    alone = lost_privacy(p, [f"key-{number // 16}" for number in range(64)])
    assert alone.guesses == 4
    assert alone.epsilon < lost_privacy(p).epsilon


def test_counts_that_are_none_are_refused() -> None:
    for bad in ((5, 4, 0.5), (1, 0, 0.5), (1, 2, 0.0), (1, 2, 1.0)):
        with pytest.raises(BadInput):
            lower_epsilon(*bad)
    with pytest.raises(BadInput):
        lost_privacy(np.empty(0))


def test_an_audit_has_a_bound_for_the_trained_and_none_for_the_held_out() -> None:
    rows = key_rows(200, 4, 200)
    evidence = evidence_rows(rows[:200], memory=0.9)
    evidence += evidence_rows(rows[200:], memory=0.0, split="held_out")
    found = aggregate(score_table(table(evidence), table(rows)), calls={})
    trained, held_out = (find(found, "epsilon", split)[0] for split in ("trained", "held_out"))
    assert (trained.value or 0) > 3
    assert (held_out.value, held_out.facts["guesses"]) == (0.0, 200)


def test_what_is_claimed_stands_beside_the_bound() -> None:
    rows = key_rows(200, 4, 200)
    evidence = evidence_rows(rows[:200], memory=0.9)
    evidence += evidence_rows(rows[200:], memory=0.0, split="held_out")
    scores = score_table(table(evidence), table(rows))
    for claimed, words in ((1.0, "of 1 (delta 0) is refuted"), (60.0, "of 60 (delta 0) is not")):
        figures = aggregate(scores, calls={}, claimed_epsilon=claimed)
        (row,) = find(figures, "claimed_epsilon")
        assert (row.split, row.value) == ("trained", claimed)
        assert row.p_value is not None
        assert row.p_value < 1e-6 if claimed == 1 else row.p_value == 1
        assert any(words in line for line in judge_keys(figures).details)
    assert not find(aggregate(scores, calls={}), "claimed_epsilon")
