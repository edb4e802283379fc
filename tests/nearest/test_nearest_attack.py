"""The inpainting attack, from models that know everything and nothing to results."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from sklearn.metrics import roc_auc_score

from solidmark.errors import BadInput, EmptyTable, NotFound, RunConflict
from solidmark.generating import Generation, Inpainting, generate, inpaint
from solidmark.marks import Center, Marked, Segments
from solidmark.nearest.attack import MEASURES, score_inpainting


def scores(out: Path, measure: str, split: str) -> list[dict]:
    table = pq.read_table(out / "scores.parquet").to_pylist()
    return [row for row in table if row["measure"] == measure and row["split"] == split]


def statistic(results: dict, measure: str, name: str, **which: object) -> dict:
    wanted = {"measure": measure, "statistic": name, **which}
    (row,) = [row for row in results["rows"] if wanted.items() <= row.items()]
    return row


@pytest.mark.parametrize("pattern", [Segments(2, 4), Center(4)])
def test_the_memorizer_is_caught(
    pattern: Segments | Center, make_marked: Callable[..., Marked], tmp_path: Path
) -> None:
    marked = make_marked(48, side=12, digits=True, pattern=pattern)
    out = tmp_path / "out"
    inpaint(Inpainting("memorizer", marked.folder, out, draws=30, steps=20))
    results = score_inpainting(out, lowest=2)
    # A draw may end in another image that fits: of the mean of all, not every image is among the
    # closest ones.
    assert statistic(results, "inpainting", "auc")["value"] == 1
    assert statistic(results, "inpainting-lowest", "auc")["value"] == 1
    assert statistic(results, "inpainting-mean", "auc")["ci_low"] > 0.8
    named = statistic(results, "inpainting", "named")
    assert named["count"] == 24
    near = [row["distance"] for row in scores(out, "inpainting", "trained")]
    assert max(near) < 0.02
    assert results == json.loads((out / "results.json").read_text())


def test_the_gaussian_is_at_chance(make_marked: Callable[..., Marked], tmp_path: Path) -> None:
    """It knows the moments of the training images under other keys; of 32 of 64, much of each."""
    marked = make_marked(200, side=4, digits=True)
    out = tmp_path / "out"
    inpaint(Inpainting("gaussian", marked.folder, out, draws=3, steps=10))
    results = score_inpainting(out)
    for measure in MEASURES:
        row = statistic(results, measure, "auc")
        assert 0.4 < row["value"] < 0.62
        assert row["ci_low"] < 0.55
        assert row["p_value"] > 0.001
        assert statistic(results, measure, "named")["count"] == 0


def test_the_numbers_are_those_of_numpy_and_of_sklearn(
    make_marked: Callable[..., Marked], tmp_path: Path
) -> None:
    marked = make_marked(30, side=6, digits=True)
    out = tmp_path / "out"
    inpaint(Inpainting("memorizer", marked.folder, out, draws=5, steps=2))
    results = score_inpainting(out, lowest=3, fprs=(0.2,))
    evidence = pq.read_table(out / "evidence.parquet").to_pylist()
    ways: dict[str, Callable[[list[float]], float]] = {
        "inpainting": min,
        "inpainting-lowest": lambda found: float(np.mean(sorted(found)[:3])),
        "inpainting-mean": lambda found: float(np.mean(found)),
    }
    for measure, way in ways.items():
        by_hand = {
            split: {row["id"]: way(row["distances"]) for row in evidence if row["split"] == split}
            for split in ("trained", "held_out")
        }
        for split, expected in by_hand.items():
            found = {row["id"]: row["distance"] for row in scores(out, measure, split)}
            assert found == pytest.approx(expected)
        near, null = (np.array(list(by_hand[split].values())) for split in by_hand)
        truth = [1] * len(near) + [0] * len(null)
        area = roc_auc_score(truth, -np.concatenate([near, null]))
        assert statistic(results, measure, "auc")["value"] == pytest.approx(area)
        rows = scores(out, measure, "trained")
        p_values = [(1 + (null <= row["distance"]).sum()) / (len(null) + 1) for row in rows]
        assert [row["p_value"] for row in rows] == pytest.approx(p_values)
        assert statistic(results, measure, "mean", split="trained")["value"] == pytest.approx(
            near.mean()
        )
    assert set(results["measures"]) == set(MEASURES)
    assert all(row["p_value"] is None for row in scores(out, "inpainting", "held_out"))


def test_without_held_out_images_there_is_no_p_value(
    make_marked: Callable[..., Marked], tmp_path: Path
) -> None:
    marked = make_marked(8)
    out = tmp_path / "out"
    inpaint(Inpainting("memorizer", marked.folder, out, draws=1, steps=2, splits=("trained",)))
    results = score_inpainting(out)
    assert {row["split"] for row in results["rows"]} == {"trained"}
    assert all(row["p_value"] is None for row in scores(out, "inpainting", "trained"))


def test_what_cannot_be_scored_is_refused(
    make_marked: Callable[..., Marked], save_unet: Callable[..., Path], tmp_path: Path
) -> None:
    marked = make_marked(8)
    out = tmp_path / "out"
    question = Inpainting("memorizer", marked.folder, out, draws=1, steps=2, splits=("held_out",))
    inpaint(question)
    with pytest.raises(EmptyTable, match="No trained image"):
        score_inpainting(out)
    for options in ({"lowest": 0}, {"fprs": (0.0,)}, {"fdr": 1.0}):
        with pytest.raises(BadInput):
            score_inpainting(out, **options)  # type: ignore[arg-type]
    (out / "evidence.parquet").write_bytes(b"PAR1")
    with pytest.raises(BadInput, match="not a parquet file"):
        score_inpainting(out)
    (out / "evidence.parquet").unlink()
    with pytest.raises(NotFound, match="evidence"):
        score_inpainting(out)
    generate(Generation(str(save_unet(12)), tmp_path / "drawn", number=1, steps=1))
    with pytest.raises(RunConflict, match="solidmark generate"):
        score_inpainting(tmp_path / "drawn")
