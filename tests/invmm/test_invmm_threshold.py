"""The calibrated threshold against numpy, and what is too little to calibrate one on."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from solidmark.errors import BadInput
from solidmark.marks import Marked
from solidmark.measures.invmm import Threshold
from solidmark.measures.invmm.threshold import calibrate
from solidmark.subjects import Subjects, open_likeness, open_subjects


@pytest.fixture
def subjects(make_marked: Callable[..., Marked]) -> Subjects:
    """Twenty trained digits, in frames."""
    return open_subjects(str(make_marked(40, digits=True).folder))


def pairs(subjects: Subjects) -> np.ndarray:
    """The similarity of each pair, without the frames."""
    images = np.stack(
        [
            subjects.crop(subjects.sample("trained", id).image[None])[0].numpy()
            for id in subjects.ids("trained")
        ]
    ).astype(np.float64)
    first, second = np.triu_indices(len(images), 1)
    return 1 - np.sqrt(((images[first] - images[second]) ** 2).mean(axis=(1, 2, 3)))


@pytest.mark.parametrize("fpr", [0.3, 0.05, 0.01])
def test_so_many_unrelated_pairs_pass_and_no_more(fpr: float, subjects: Subjects) -> None:
    found = calibrate(open_likeness("l2"), subjects, "trained", fpr, seed=0)
    similar = np.sort(pairs(subjects))[::-1]
    count = len(similar)
    rank = int(fpr * (count + 1))
    assert found.pairs == count == 190
    assert found.value == pytest.approx(similar[rank - 1], abs=1e-6)
    assert (similar > found.value + 1e-6).sum() == rank - 1
    assert found.rate == pytest.approx(rank / (count + 1))
    assert found.rate <= fpr
    law = stats.beta(rank, count + 1 - rank)
    assert (found.rate_low, found.rate_high) == pytest.approx(tuple(law.ppf([0.025, 0.975])))


def test_a_rate_that_so_few_pairs_cannot_show_is_said(subjects: Subjects) -> None:
    found = calibrate(open_likeness("l2"), subjects, "trained", 0.001, seed=0)
    assert found.value == pytest.approx(pairs(subjects).max(), abs=1e-6)
    assert found.value > pairs(subjects).max() - 1e-6
    assert (found.fpr, found.rate) == (0.001, pytest.approx(1 / 191))
    assert "190 pairs cannot show a rate of 0.001" in found.note


def test_a_limit_makes_it_no_worse(make_marked: Callable[..., Marked], subjects: Subjects) -> None:
    few = open_subjects(str(make_marked(40, digits=True).folder), limit=2)
    assert len(few.ids("trained")) == 2
    likeness = open_likeness("l2")
    assert calibrate(likeness, few, "trained", 0.05, 0) == calibrate(
        likeness, subjects, "trained", 0.05, 0
    )


def test_one_image_has_no_pairs(make_marked: Callable[..., Marked]) -> None:
    alone = open_subjects(str(make_marked(2, digits=True).folder))
    with pytest.raises(BadInput, match="Name a threshold"):
        calibrate(open_likeness("l2"), alone, "trained", 0.1, seed=0)


def test_a_threshold_that_was_given_says_so(tmp_path: Path) -> None:
    given = Threshold(0.5)
    assert Threshold(**given.to_json()) == given
    assert "not calibrated" in given.note
