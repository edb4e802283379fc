"""The verdict on an `invmm` run: honest about chance, about what was not tried, about no null."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from inversions_folder import Inverted, build_inversions
from scipy import stats

from solidmark.measures.invmm.judging import judge
from solidmark.measures.invmm.rows import result_rows
from solidmark.measures.invmm.verdict import spread, verdict_on
from solidmark.reporting import write_report
from solidmark.runs import Figure, Verdict, open_results
from solidmark.scores.bound import smallest_copied_share


def scored(folder: Path, **how: Any) -> Verdict:
    return open_results(build_inversions(Inverted(folder, **how))).judged


def figures_of(own: np.ndarray, null: np.ndarray) -> tuple[Any, list[Figure]]:
    """A run from best similarities alone; those of 0.6 or more are reproduced, at 1 - theirs."""
    evidence: list[dict[str, Any]] = []
    for split, values in (("trained", own), ("held_out", null)):
        for number, value in enumerate(values):
            found = value >= 0.6
            row = dict.fromkeys(("note", "copy_of", "triage_value"))
            row |= {"split": split, "id": f"{number:04d}", "repeat": 0, "network_calls": 10.0}
            row |= {"status": "reproduced" if found else "spent", "best_similarity": float(value)}
            evidence.append(row | {"kl": float(1 - value) if found else np.inf})
    judged = judge(evidence)
    return judged, result_rows(judged, 1, "none", (0.1,), 0.05, 0)


def a_run(own: np.ndarray, null: np.ndarray) -> Verdict:
    """The verdict on such a run."""
    judged, figures = figures_of(own, null)
    return verdict_on(judged, {}, figures, None)


def test_a_model_whose_images_come_back_is_said_to_have_memorized_them(tmp_path: Path) -> None:
    found = scored(tmp_path / "run")
    assert found.finding == "memorized"
    assert found.headline == (
        "12 of 40 trained images were reproduced, against 1 of 40 held-out ones. Trained images "
        "score lower than images that the model never saw, beyond luck, but no single one can be "
        "named."
    )
    said = " ".join(found.details)
    p = stats.fisher_exact([[12, 28], [1, 39]], alternative="greater").pvalue
    assert (
        f"12 or more of the 13 that were reproduced would be trained ones with p = {p:.2g}" in said
    )
    assert "30 trained images were not tried: the budget was spent before" in said
    assert "2 trained images could not be scored, and count nowhere." in said
    assert "1 trained image has the same pixels as another one" in said
    assert "p below 0.0033" in found.rule


def test_a_run_without_memory_is_seldom_called_one_with_memory() -> None:
    rng = np.random.default_rng(5)
    runs = [a_run(rng.random(40) * 0.8, rng.random(30) * 0.8) for _ in range(120)]
    states = [run.finding for run in runs]
    # At most once in 100 on average; more than 5 of 120 would come once in 500 series.
    assert states.count("memorized") <= 5
    assert states.count("nothing") > 60


def test_nothing_reproduced_says_what_would_have_been_seen(tmp_path: Path) -> None:
    found = scored(tmp_path / "run", known=0, lucky=0, not_tried=0, failed=0)
    assert found.finding == "nothing"
    share = smallest_copied_share(40, 40, 1, 0.01 / 3)
    assert share is not None
    assert "No image was reproduced, trained or held-out." in found.headline
    assert f"at least {100 * share:.0f} % of the trained images" in found.headline
    assert found.details[0].startswith("What this cannot see: images that score lower")
    assert not any("not tried" in detail for detail in found.details)
    few = a_run(np.full(3, 0.1), np.full(3, 0.2))
    assert few.finding == "too_few"
    assert few.tone != "not_seen"
    assert "too few to see any number of images that score lower" in few.headline


def test_without_held_out_images_nothing_is_judged(tmp_path: Path) -> None:
    found = scored(tmp_path / "run", held_out=0, lucky=0)
    assert found.finding == "no_null"
    assert found.headline.startswith("12 of 40 trained images were reproduced. But no held-out")
    assert found.rule == ""
    page = write_report(tmp_path / "run").read_text()
    assert "what chance gives is not known" in page
    assert "For comparison" not in page
    assert not (tmp_path / "run" / "figures" / "roc.svg").exists()


def test_held_out_images_that_come_back_as_well_make_reproduction_worthless(tmp_path: Path) -> None:
    same = a_run(np.linspace(0.61, 0.9, 30), np.linspace(0.612, 0.902, 30))
    found = same
    assert found.finding == "nothing"
    assert "Images that the model never saw are reproduced as well: 30 of 30" in found.headline
    assert any(detail.startswith("Careful: 100 %") for detail in found.details)
    found = scored(tmp_path / "run", known=33, lucky=30)
    assert found.finding == "memorized"
    assert "33 of 40 trained images score lower than images that the model never" in found.headline


def test_memory_too_weak_to_reproduce_is_seen_in_the_area() -> None:
    rng = np.random.default_rng(6)
    found = a_run(0.2 + 0.39 * rng.random(80), 0.1 + 0.39 * rng.random(80))
    assert found.finding == "memorized"
    assert found.headline.startswith("No image was reproduced, trained or held-out. 25 of 80")


def test_a_weak_hint_is_called_unclear() -> None:
    own, null = np.full(20, 0.3), np.full(20, 0.3)
    own[:5] = 0.7
    _, figures = figures_of(own, null)
    tests = [one for one in figures if one.statistic in ("reproduced", "auc", "named")]
    smallest = min(one.p_value for one in tests if one.p_value is not None)
    assert 0.01 / 3 < smallest < 0.05 / 3  # A hint is 5 % over all tests, as proof is 1 %.
    found = a_run(own, null)
    assert found.finding == "unclear"
    assert "5 of 20 trained images were reproduced, against 0 of 20" in found.headline


def test_restarts_that_disagree_are_told(tmp_path: Path) -> None:
    found = scored(tmp_path / "run", restarts=3, known=5, lucky=0)
    assert any(
        "Of the 5 trained images that any restart reproduced, 4 were reproduced by every one."
        in detail
        for detail in found.details
    )


@pytest.mark.parametrize(
    ("kls", "said"), [([0.25], "0.25"), ([0.01, 0.02, 0.4], "0.02 (0.01 to 0.4)")]
)
def test_kls_are_told_from_end_to_end(kls: list[float], said: str) -> None:
    assert spread(kls) == said


def test_an_even_number_of_kls_has_the_mean_of_the_middle_two() -> None:
    kls = [0.1, 0.2, 0.4, 0.9]
    assert spread(kls) == f"{np.median(kls):.1f} (0.1 to 0.9)"
