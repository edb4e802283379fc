"""Two audits side by side: against scipy and counting by hand, and under the null."""

from itertools import product

import numpy as np
import pytest
from scipy import stats

from scores.tables import evidence_rows, fail, key_rows, table
from solidmark.errors import BadInput, EmptyTable, WrongKeys
from solidmark.runs import Figure
from solidmark.scores import paired, score_table
from solidmark.scores.differences import difference_of_means, difference_of_shares


def find(rows: list[Figure], statistic: str, split: str = "trained", **which: float) -> Figure:
    (row,) = [
        row
        for row in rows
        if (row.statistic, row.split) == (statistic, split)
        and all(getattr(row, name) == value for name, value in which.items())
    ]
    return row


def audit(keys: list, memory: float, seed: int = 1, **options: object):
    return score_table(table(evidence_rows(keys, memory=memory, seed=seed, **options)), table(keys))


KEYS = key_rows(120, held_out=60)


def test_an_audit_does_not_differ_from_itself() -> None:
    one = audit(KEYS, 0.5)
    for row in paired(one, one):
        assert row.n == (120 if row.split == "trained" else 60)
        assert (row.failed, row.facts["unpaired"]) == (0, 0)
        assert row.number("first") == row.number("second")
        assert row.value == 0
        if row.statistic != "permutation_z":
            assert row.p_value == 1
            assert row.ci_low is not None
            assert row.ci_low <= 0 <= row.ci_high


def test_a_mitigation_that_works_is_seen_where_it_works() -> None:
    rows = paired(audit(KEYS, 0.9, seed=1), audit(KEYS, 0.3, seed=2))
    for statistic, sign in (("eidetic", -1), ("distance", 1), ("p_value", 1)):
        which = {"delta": 0.05} if statistic == "eidetic" else {}
        row = find(rows, statistic, **which)
        assert sign * row.value > 0.1
        assert min(sign * row.ci_low, sign * row.ci_high) > 0
        assert row.p_value < 1e-6
        control = find(rows, statistic, "held_out", **which)
        assert control.p_value > 0.01
        assert control.ci_low < 0 < control.ci_high
    z = find(rows, "permutation_z")
    assert z.number("first") > z.number("second") > 3
    assert z.value == pytest.approx(z.number("second") - z.number("first"))
    assert abs(find(rows, "permutation_z", "held_out").number("first")) < 4


def test_the_numbers_are_those_of_scipy() -> None:
    first, second = audit(KEYS, 0.7, seed=1), audit(KEYS, 0.4, seed=2)
    rows = paired(first, second)
    a, b = (
        np.array([r["distance"] for r in t.to_pylist() if r["split"] == "trained"])
        for t in (first, second)
    )
    row = find(rows, "distance")
    assert row.number("first") == pytest.approx(a.mean())
    assert row.number("second") == pytest.approx(b.mean())
    assert row.p_value == pytest.approx(stats.wilcoxon(b - a).pvalue)
    low, high = stats.ttest_rel(b, a).confidence_interval()
    assert (row.ci_low, row.ci_high) == (pytest.approx(low), pytest.approx(high))
    hit_a, hit_b = a <= 0.05, b <= 0.05
    row = find(rows, "eidetic", delta=0.05)
    lost, gained = int((hit_a & ~hit_b).sum()), int((hit_b & ~hit_a).sum())
    assert row.value == pytest.approx((gained - lost) / 120)
    assert row.p_value == pytest.approx(stats.binomtest(gained, lost + gained).pvalue)


@pytest.mark.parametrize(("lost", "gained"), [(0.02, 0.02), (0.1, 0.02), (0.3, 0.1), (0.0, 0.05)])
def test_the_interval_of_a_difference_covers_it(lost: float, gained: float) -> None:
    """Over all outcomes of 40 pairs, each with its probability."""
    n, covered = 40, 0.0
    for b, c in product(range(n + 1), range(n + 1)):
        weight = stats.multinomial.pmf([b, c, n - b - c], n, [lost, gained, 1 - lost - gained])
        if b + c <= n and weight > 1e-7:
            first = np.arange(n) < b
            second = (np.arange(n) >= b) & (np.arange(n) < b + c)
            row = difference_of_shares(first, second, np.arange(n))
            covered += weight * (row.ci_low <= gained - lost <= row.ci_high)
    assert 0.94 < covered <= 1


def test_the_p_values_of_nothing_are_not_too_small() -> None:
    """Sixty pairs of rows, three to a key, whose differences hang together within a key."""
    random = np.random.default_rng(0)
    codes = np.repeat(np.arange(20), 3)
    found = []
    for _ in range(400):
        first = random.random(60)
        second = first + 0.1 * random.standard_normal(20)[codes]
        of_means = difference_of_means(first, second, codes)
        of_shares = difference_of_shares(first <= 0.5, second <= 0.5, codes)
        found.append(
            (of_means.p_value, of_shares.p_value, of_means.ci_low <= 0 <= of_means.ci_high)
        )
    means, shares, covers = np.array(found).T
    assert (means <= 0.05).mean() < 0.08
    assert (shares <= 0.05).mean() < 0.08
    assert covers.mean() > 0.92


def test_rows_of_one_key_are_one_in_the_tests() -> None:
    first, second = np.zeros(12), np.full(12, 0.1)
    alone = difference_of_means(first, second, np.arange(12))
    shared = difference_of_means(first, second, np.repeat(np.arange(3), 4))
    assert alone.p_value == pytest.approx(2 / 2**12)
    assert shared.p_value == pytest.approx(2 / 2**3)
    hits = difference_of_shares(first > 0, second > 0, np.repeat(np.arange(3), 4))
    assert hits.p_value == pytest.approx(2 / 2**3)
    assert hits.ci_low < difference_of_shares(first > 0, second > 0, np.arange(12)).ci_low
    one = difference_of_means(first, second, np.zeros(12, dtype=int))
    assert one.ci_low is None
    assert "2 key groups" in one.note


def test_failed_and_unpaired_rows_are_counted() -> None:
    rows = evidence_rows(KEYS, memory=0.5)
    broken = [fail(row) if index in (0, 2) else row for index, row in enumerate(rows)]
    first = score_table(table(rows), table(KEYS))
    second = score_table(table(broken[:-5]), table(KEYS))
    found = paired(first, second)
    held_out = find(found, "distance", "held_out")
    assert (held_out.n, held_out.failed, held_out.facts["unpaired"]) == (58, 2, 0)
    trained = find(found, "distance")
    assert (trained.n, trained.failed, trained.facts["unpaired"]) == (115, 0, 5)
    nothing = score_table(table([fail(row) for row in rows[:-1]] + rows[-1:]), table(KEYS))
    row = find(paired(first, nothing), "distance", "held_out")
    assert (row.n, row.value, row.failed) == (0, None, 60)
    assert "No row" in row.note
    single = find(paired(first, nothing), "distance")
    assert (single.n, single.failed, single.p_value, single.ci_low) == (1, 119, 1, None)


def test_other_keys_are_refused() -> None:
    others = key_rows(120, held_out=60, seed=9)
    with pytest.raises(WrongKeys, match="has other keys in one audit"):
        paired(audit(KEYS, 0.5), audit(others, 0.5))
    longer = key_rows(120, keys=4, held_out=60)
    with pytest.raises(WrongKeys, match="has other keys in one audit"):
        paired(audit(KEYS, 0.5), audit(longer, 0.5))


def test_what_has_nothing_in_common_is_refused() -> None:
    with pytest.raises(BadInput, match=r"no reader and split in common .*probe on trained"):
        paired(audit(KEYS, 0.5), audit(KEYS, 0.5, reader="probe"))
    with pytest.raises(EmptyTable, match="no image in common"):
        paired(audit(KEYS[:10], 0.5), audit(KEYS[10:20], 0.5))
    fisher = score_table(table(evidence_rows(KEYS)), table(KEYS), "fisher")
    with pytest.raises(BadInput, match='rank "l1" in one audit and "fisher"'):
        paired(audit(KEYS, 0.5), fisher)
    with pytest.raises(BadInput, match="lack the column distance"):
        paired(audit(KEYS, 0.5).drop_columns(["distance"]), audit(KEYS, 0.5))


def test_several_keys_and_repeats() -> None:
    keys = key_rows(40, keys=16)
    rows = paired(audit(keys, 0.8, repeats=2), audit(keys, 0.1, repeats=2))
    assert find(rows, "named").n == 80
    assert find(rows, "named").value < -0.3
    assert find(rows, "named").p_value < 1e-4
