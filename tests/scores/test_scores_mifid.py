"""MiFID: FID against scipy's matrix root and the closed form, the fine by hand, both controls."""

import numpy as np
import pytest
from scipy import linalg

from solidmark.errors import BadInput, EmptyTable
from solidmark.scores import frechet_distance, memorization_distance, mifid


@pytest.mark.parametrize(("n", "m", "d"), [(200, 150, 6), (40, 60, 12), (12, 300, 30)])
def test_the_frechet_distance_is_that_of_the_matrix_root(n: int, m: int, d: int) -> None:
    generator = np.random.default_rng(n)
    mixing = generator.standard_normal((d, d))
    first, second = generator.standard_normal((n, d)) @ mixing, generator.standard_normal((m, d))
    covariances = np.cov(first.T), np.cov(second.T)
    root = linalg.sqrtm(covariances[0] @ covariances[1])
    apart = ((first.mean(0) - second.mean(0)) ** 2).sum()
    by_hand = apart + np.trace(covariances[0] + covariances[1] - 2 * root).real
    # The matrix root of a singular product is good to the root of rounding only.
    assert frechet_distance(first, second) == pytest.approx(by_hand, rel=1e-10 if n > d else 1e-4)
    assert frechet_distance(second, first) == pytest.approx(frechet_distance(first, second))


def test_the_closed_form_of_gaussians() -> None:
    """Diagonal covariances: the sum of squares of the differences of means and deviations."""
    generator = np.random.default_rng(0)
    means, deviations = np.array([0.0, 1.0, -2.0]), np.array([1.0, 3.0, 0.5])
    first = generator.standard_normal((200_000, 3))
    second = means + deviations * generator.standard_normal((200_000, 3))
    expected = (means**2).sum() + ((deviations - 1) ** 2).sum()
    assert frechet_distance(first, second) == pytest.approx(expected, rel=0.01)
    whitened = np.linalg.qr(first - first.mean(0))[0] * np.sqrt(len(first) - 1)
    exact = frechet_distance(whitened, means + deviations * whitened)
    assert exact == pytest.approx(expected, rel=1e-12)


def test_the_memorization_distance_is_that_of_a_loop() -> None:
    generator = np.random.default_rng(1)
    own, real = generator.standard_normal((30, 5)), generator.standard_normal((40, 5))
    own[3], own[4] = -2 * real[7], 0.0
    naive = [
        min(
            1 - abs(g @ x) / (np.linalg.norm(g) * np.linalg.norm(x)) if g.any() else 1 for x in real
        )
        for g in own
    ]
    np.testing.assert_allclose(memorization_distance(own, real), naive, atol=1e-12)


def test_the_fine_by_hand() -> None:
    generator = np.random.default_rng(2)
    training = generator.standard_normal((80, 6))
    near = training[:50] + 0.05 * generator.standard_normal((50, 6))
    s, fid = memorization_distance(near, training).mean(), frechet_distance(near, training)
    row = mifid(near, training, measure="dinov2", tau=0.1)
    assert 0 < s < 0.1
    assert row.value == pytest.approx(fid / s)
    assert (row.facts["fid"], row.facts["memorization_distance"], row.facts["tau"]) == (fid, s, 0.1)
    assert mifid(near, training, measure="dinov2", tau=s / 2).value == fid
    assert (row.ci_low, row.p_value, row.chance) == (None, None, None)
    assert "biased upwards" in row.note


def test_copies_are_fined_and_fresh_draws_are_not() -> None:
    generator = np.random.default_rng(3)
    training, fresh, drawn = generator.standard_normal((3, 300, 20))
    honest = mifid(drawn, training, fresh, measure="clip")
    assert honest.value == honest.facts["fid"] == pytest.approx(honest.chance, rel=0.25)
    known = honest.facts["chance_memorization_distance"]
    assert honest.facts["memorization_distance"] == pytest.approx(known, rel=0.05)
    copies = training[generator.integers(300, size=300)]
    caught = mifid(copies, training, fresh, measure="clip")
    assert caught.facts["memorization_distance"] < 1e-12
    assert caught.value > 1e9 * caught.chance


def test_the_training_set_itself_has_no_mifid() -> None:
    training = np.random.default_rng(4).standard_normal((60, 5))
    row = mifid(training[::-1], training, training[:20] + 0.1, measure="clip")
    assert row.value is None
    assert "the training set itself" in row.note
    assert "Chance is of 20" in row.note


def test_fid_is_biased_upwards_when_images_are_few() -> None:
    """The warning in the note: two samples of one law."""
    generator = np.random.default_rng(5)
    few, many = (frechet_distance(*generator.standard_normal((2, n, 20))) for n in (60, 6000))
    assert few > 20 * many > 0


def test_what_cannot_be_asked() -> None:
    rows = np.random.default_rng(6).standard_normal((10, 4))
    gaps = rows[:5] + 0.1
    gaps[1, 2] = np.nan
    row = mifid(gaps, rows, measure="clip")
    assert (row.n, row.failed) == (4, 1)
    assert row.value == mifid(np.delete(gaps, 1, axis=0), rows, measure="clip").value
    with pytest.raises(EmptyTable, match="two generated images"):
        mifid(rows[:1], rows, measure="clip")
    with pytest.raises(BadInput, match="held-out features have 3 numbers"):
        mifid(rows, rows, rows[:, :3], measure="clip")
