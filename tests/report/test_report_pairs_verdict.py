"""The verdict on a `nearest` run: the controls, the bound, what is no copy."""

import doctest
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from scipy import stats
from solidmark.report.pairs.bound import smallest_copied_share

from solidmark.report import Closeness, closeness_verdict
from solidmark.report.pairs import bound, words
from solidmark.report.pairs.run import NearestRun, open_nearest_run
from solidmark.scores import closeness

Make = Callable[..., Path]


def judged(folder: Path) -> Closeness:
    return closeness_verdict(open_nearest_run(folder))


def test_a_model_that_copies_is_caught_by_every_measure(make_nearest: Make) -> None:
    found = judged(make_nearest(monochrome=0))
    assert found.state == "close"
    assert [one.state for one in found.measures] == ["close"] * 4
    # The measure that is fooled least speaks.
    assert found.headline.startswith("SSCD: 9")
    assert "Plain l2, Modified l2 and Patched l2 say the same." in found.details
    assert any("24 of 64 training images are named" in detail for detail in found.details)


def test_a_model_that_copies_nothing_is_at_chance_by_every_measure(make_nearest: Make) -> None:
    found = judged(make_nearest(copied=0, monochrome=0))
    assert [one.state for one in found.measures] == ["nothing"] * 4
    assert "Copies would have been seen, four times in five" in found.headline


def test_plain_pictures_are_called_plain_and_not_copies(make_nearest: Make) -> None:
    found = judged(make_nearest(copied=0, monochrome=100, plain_training=4))
    states = {one.measure: one.state for one in found.measures}
    assert states == {
        "l2": "plain",
        "modified-l2": "plain",
        "patched-l2": "plain",
        "sscd": "nothing",
    }
    assert "nearly of one colour" in found.headline
    assert any(detail.startswith("Careful: 42 %") for detail in found.details)


def test_more_than_by_chance_is_said_where_nobody_can_be_named(make_nearest: Make) -> None:
    found = judged(make_nearest(measures=("l2",), held_out=20, fprs=(0.01,), monochrome=0))
    assert found.state == "close"
    assert "none can be named" in found.headline
    # The null is too small for the rate that was asked for: the sharpest count stands in.
    assert any("closer than every one of the 20 held-out images" in d for d in found.details)
    assert any("that takes at least 226 of 237" in detail for detail in found.details)


def test_a_twin_in_the_null_is_said(make_nearest: Make) -> None:
    import pyarrow.parquet as parquet

    folder = make_nearest(measures=("l2",), copied=0)
    table = parquet.read_table(folder / "null.parquet")
    rows = table.to_pylist()
    rows[5]["distance"] = 0.0
    parquet.write_table(pa.Table.from_pylist(rows, schema=table.schema), folder / "null.parquet")
    assert any("1 held-out image has a twin" in detail for detail in judged(folder).details)


def test_nothing_scored_says_why(make_nearest: Make) -> None:
    found = judged(make_nearest(measures=("sscd",), n=8, copied=0, monochrome=0, failed=8))
    assert found.state == "failed"
    assert 'The most common reason: "cut <off>' in found.headline


def a_run(own: np.ndarray, null: np.ndarray) -> NearestRun:
    """A run of one measure, from distances alone."""
    rows = closeness(own, null, measure="l2", direction="low", thresholds=[0.5])

    def table(values: np.ndarray) -> Any:
        values = np.sort(values)
        state = {"status": ["ok"] * len(values), "note": [""] * len(values)}
        return pa.table({"distance": values, "contrast": np.full(len(values), 0.3), **state})

    results = {"rows": rows, "measures": {"l2": {"direction": "low"}}}
    tables = {("l2", "generated"): table(own), ("l2", "null"): table(null)}
    return NearestRun(Path(), results, {}, tables, {})


def test_a_run_without_copies_is_seldom_called_one_with_copies() -> None:
    rng = np.random.default_rng(5)
    runs = 120
    states = [closeness_verdict(a_run(rng.random(200), rng.random(150))).state for _ in range(runs)]
    # At most once in 100 on average; more than 5 of 120 would come once in 500 series.
    assert states.count("close") <= 5
    assert states.count("nothing") > runs / 2


def test_the_bound_is_what_a_simulation_finds() -> None:
    n, m, rank, alpha = 200, 120, 1, 0.005
    share = smallest_copied_share(n, m, rank, alpha)
    assert share is not None
    rng = np.random.default_rng(0)

    def seen(copies: int, runs: int = 4000) -> float:
        null = np.sort(rng.random((runs, m)), axis=1)[:, rank - 1]
        counts = copies + (rng.random((runs, n - copies)) < null[:, None]).sum(axis=1)
        p = stats.hypergeom.cdf(rank - 1, n + m, m, counts + rank - 1)
        return float((p < alpha).mean())

    copies = round(share * n)
    assert seen(copies) > 0.8 - 0.025
    assert seen(copies - 2) < 0.8


def test_the_bound_on_a_real_verdict_holds() -> None:
    """Just so many copies as the verdict says would be seen are seen, four times in five."""
    rng = np.random.default_rng(1)
    share = smallest_copied_share(200, 150, 1, 0.01 / 2)
    assert share is not None
    copies = round(share * 200)
    hits = 0
    for _ in range(60):
        own = np.concatenate([np.zeros(copies), rng.random(200 - copies)])
        hits += closeness_verdict(a_run(own, rng.random(150))).state == "close"
    assert hits >= 40


@pytest.mark.parametrize(("n", "m"), [(3, 3), (10, 2)])
def test_too_few_images_have_no_bound(n: int, m: int) -> None:
    assert smallest_copied_share(n, m, 1, 0.01) is None


@pytest.mark.parametrize("module", [bound, words])
def test_the_examples_in_the_docstrings_hold(module: Any) -> None:
    done = doctest.testmod(module)
    assert done.attempted > 0
    assert done.failed == 0
