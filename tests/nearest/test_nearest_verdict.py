"""The verdict on a `nearest` run: both controls, and what is no copy."""

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest
from nearest_folder import Run, build_nearest

from solidmark.measures.nearest import score_nearest
from solidmark.runs import Verdict, open_results

Make = Callable[..., Path]


@pytest.fixture
def make_nearest(tmp_path: Path) -> Make:
    """Makes the folder of a `nearest` run: `make_nearest(held_out=0)`."""
    return lambda **how: build_nearest(Run(tmp_path / "nearest", **how))


def outcomes(found: Verdict) -> list[str]:
    return [one.outcome for one in found.findings]


def test_a_model_that_copies_is_caught_by_every_measure(make_nearest: Make) -> None:
    found = open_results(make_nearest(monochrome=0)).judged
    assert found.finding == "close"
    assert outcomes(found) == ["close"] * 4
    # The measure that is fooled least speaks.
    assert found.headline.startswith("SSCD: 9")
    assert "Plain l2, Modified l2 and Patched l2 say the same." in found.details
    assert any("24 of 64 training images can be named" in detail for detail in found.details)


def test_a_model_that_copies_nothing_is_at_chance_by_every_measure(make_nearest: Make) -> None:
    found = open_results(make_nearest(copied=0, monochrome=0)).judged
    assert outcomes(found) == ["nothing"] * 4
    assert "Copies would have been seen, four times in five" in found.headline


def test_plain_pictures_are_called_plain_and_not_copies(make_nearest: Make) -> None:
    found = open_results(make_nearest(copied=0, monochrome=100, plain_training=4)).judged
    states = {one.name: one.outcome for one in found.findings}
    assert states == {
        "l2": "plain",
        "modified-l2": "plain",
        "patched-l2": "plain",
        "sscd": "nothing",
    }
    assert "nearly of one colour" in found.headline
    assert any(detail.startswith("Careful: 42 %") for detail in found.details)


def test_more_than_by_chance_is_said_where_nobody_can_be_named(make_nearest: Make) -> None:
    found = open_results(
        make_nearest(measures=("l2",), held_out=20, fprs=(0.01,), monochrome=0)
    ).judged
    assert found.finding == "close"
    assert "no single one can be named" in found.headline
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
    score_nearest(folder)
    assert any(
        "1 of the 64 held-out images has a twin" in detail
        for detail in open_results(folder).judged.details
    )


def test_nothing_scored_says_why(make_nearest: Make) -> None:
    found = open_results(
        make_nearest(measures=("sscd",), n=8, copied=0, monochrome=0, failed=8)
    ).judged
    assert found.finding == "failed"
    assert 'The most common reason: "cut <off>' in found.headline
