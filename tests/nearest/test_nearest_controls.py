"""A model that gives back everything is caught, and one that gives back nothing is not."""

import json
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from compared import compare, digits, draw, framed, noisy, row, table, trained
from scipy import stats

from solidmark.marks import Marked

ALL = ("l2", "modified-l2", "patched-l2", "phash", "pixels")
PIXELS = ALL[:3]


def copies(marked: Marked, folder: Path) -> Path:
    """A generation for every training image: with noise, in a frame of another grey."""
    images = list(trained(marked).values())
    made = (framed(noisy(image, n), marked, n % 7 / 7) for n, image in enumerate(images))
    return draw(folder, made)


@pytest.mark.parametrize("measure", ALL)
def test_the_memorizer_is_caught(
    measure: str, make_marked: Callable[..., Marked], tmp_path: Path
) -> None:
    marked = make_marked(80, side=8, digits=True)
    drawn = copies(marked, tmp_path / "drawn")
    found = compare(drawn, marked.folder, tmp_path / "out", distances=(measure,), fprs=(0.05,))
    ids = list(trained(marked))
    scores = table(tmp_path / "out", "scores")
    hits = [score["nearest"] == id for score, id in zip(scores, ids, strict=True)]
    splits = (("generated", "generated_vs_null"), ("trained", "trained_vs_held_out"))
    for split, both in splits:
        named, auc = row(found, "named", split=split), row(found, "auc", split=both)
        assert named["n"] == 40
        if measure == "phash":  # A hash of 8 x 8 pixels under noise.
            assert auc["value"] > 0.95
        else:
            assert (named["count"], auc["value"]) == (40, 1)
    if measure != "phash":
        assert all(hits)
        images = table(tmp_path / "out", "images", split="trained")
        assert {image["id"] for image in images if image["q_value"] <= 0.05} == set(ids)
    assert not table(tmp_path / "out", "images", split="held_out", status="failed")


@pytest.mark.parametrize("measure", ALL)
def test_a_model_of_nothing_is_at_chance(
    measure: str, make_marked: Callable[..., Marked], tmp_path: Path
) -> None:
    """Generations are fresh images of the same kind; the split into halves is the marking's."""
    marked = make_marked(160, side=8, digits=True)
    drawn = draw(tmp_path / "drawn", digits(1000, 120))
    out = tmp_path / "out"
    found = compare(drawn, marked.folder, out, distances=(measure,))
    for split in ("generated", "trained"):
        assert row(found, "named", split=split)["count"] == 0
    for split in ("generated_vs_null", "trained_vs_held_out"):
        auc = row(found, "auc", split=split)
        assert auc["ci_low"] < 0.5 < auc["ci_high"]
        assert auc["p_value"] > 0.01
    for name, which in (("scores", {}), ("images", {"split": "trained"})):
        p = [one["p_value"] for one in table(out, name, **which)]
        # Ties count against a row, so hashes have larger ones; none may have smaller ones.
        assert stats.kstest(p, "uniform", alternative="greater").pvalue > 0.01
        if measure != "phash":
            assert 0.3 < np.mean(p) < 0.7


def test_the_p_values_are_uniform_over_splits(tmp_path: Path) -> None:
    """Training, held-out and generated images drawn from one pool, again and again."""
    pool = digits(0, 240, side=8)
    found = []
    for seed in range(12):
        order = np.random.default_rng(seed).permutation(240)
        here = tmp_path / str(seed)
        folders = [
            draw(here / name, [pool[n] for n in order[first : first + 20]])
            for name, first in (("drawn", 0), ("train", 20), ("other", 40))
        ]
        compare(
            *folders[:2],
            here / "out",
            held_out=str(folders[2]),
            distances=("l2", "modified-l2"),
            per_image=False,
        )
        found += [one["p_value"] for one in table(here / "out", "scores")]
    # Discrete, in steps of 1/21: below each step no more than that share, but for luck.
    for step in range(1, 21):
        share = np.mean(np.array(found) <= step / 21 + 1e-9)
        assert share <= step / 21 + 4 * math.sqrt(0.25 / 240)


def test_frames_of_any_grey_are_cut_off(make_marked: Callable[..., Marked], tmp_path: Path) -> None:
    marked = make_marked(24, side=8, digits=True)
    images = trained(marked)
    drawn = [framed(image, marked, n / 11) for n, image in enumerate(images.values())]
    compare(draw(tmp_path / "drawn", drawn), marked.folder, tmp_path / "out", distances=("l2",))
    scores = table(tmp_path / "out", "scores")
    assert [score["nearest"] for score in scores] == list(images)
    assert {score["distance"] for score in scores} == {0}
    # A generation without a frame is compared as it is.
    other = draw(tmp_path / "bare", images.values())
    compare(other, marked.folder, tmp_path / "again", distances=("l2",))
    assert table(tmp_path / "again", "scores") == scores


def test_a_model_of_some_is_named_for_those(
    make_marked: Callable[..., Marked], tmp_path: Path
) -> None:
    """A third of the training images come back; the rest of the generations are fresh."""
    marked = make_marked(120, side=8, digits=True)
    images = trained(marked)
    known = list(images)[::3]
    drawn = [noisy(images[id], n) for n, id in enumerate(known)] + digits(1000, 30)
    compare(draw(tmp_path / "drawn", drawn), marked.folder, tmp_path / "out", distances=("l2",))
    rows = table(tmp_path / "out", "images", split="trained")
    named = {one["id"] for one in rows if one["q_value"] <= 0.05}
    assert set(known) <= named
    assert len(named - set(known)) <= 3
    scores = table(tmp_path / "out", "scores")
    assert all(score["q_value"] <= 0.05 for score in scores[: len(known)])


FIELDS = (
    *("measure", "split", "statistic", "n", "value", "ci_low", "ci_high"),
    *("chance", "p_value", "note", "unit", "direction", "failed"),
)


def test_results_say_all_that_the_contract_asks(
    make_marked: Callable[..., Marked], tmp_path: Path
) -> None:
    marked = make_marked(60, side=8, digits=True)
    drawn = copies(marked, tmp_path / "drawn")
    out = tmp_path / "out"
    features = ("authpct", "ct", "mifid")
    found = compare(drawn, marked.folder, out, distances=ALL, features=features)

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    json.loads((out / "results.json").read_text(), parse_constant=refuse)
    top = "version command config seed versions fingerprints failed quarantined measures rows"
    assert set(top.split()) <= set(found)
    assert set(found["fingerprints"]) == {"generated", "training", "held_out"}
    for measure, card in found["measures"].items():
        assert {"name", "unit", "direction", "paper"} <= set(card)
        assert card["name"] == measure
        assert card["direction"] == ("low" if measure in PIXELS else "high")
        if measure not in PIXELS:
            assert {"model", "weights", "input_size", "dimensions"} <= set(card)
    for one in found["rows"]:
        assert set(FIELDS) <= set(one), one
        assert one["measure"] in ALL
        low, high = one["ci_low"], one["ci_high"]
        if low is not None and high is not None and one["value"] is not None:
            assert low <= one["value"] <= high, one
        for name in ("p_value", "chance"):
            if name == "p_value" and one[name] is not None:
                assert 0 <= one[name] <= 1
    wanted = {
        "generated": {"eidetic", "percentile", "closest", "mean", "named", "low_content"},
        "null": {"eidetic", "percentile", "closest", "mean", "threshold"},
        "generated_vs_null": {"auc", "tpr_at_fpr"},
        "trained": {"eidetic", "percentile", "closest", "mean", "named"},
        "held_out": {"eidetic", "percentile", "closest", "mean", "threshold"},
        "trained_vs_held_out": {"auc", "tpr_at_fpr"},
    }
    for measure in ALL:
        for split, names in wanted.items():
            own = [r for r in found["rows"] if (r["measure"], r["split"]) == (measure, split)]
            assert names <= {one["statistic"] for one in own}
            if "percentile" in names:
                asked = [one["percentile"] for one in own if one["statistic"] == "percentile"]
                assert asked == [5, 25, 50, 75, 90, 95]
    assert {one["statistic"] for one in found["rows"]} >= {"augmented", *features}


def test_the_tables_have_a_row_for_everything(
    make_marked: Callable[..., Marked], tmp_path: Path
) -> None:
    marked = make_marked(40, side=8, digits=True)
    out = tmp_path / "out"
    found = compare(
        copies(marked, tmp_path / "drawn"), marked.folder, out, distances=ALL, neighbours=3
    )
    assert found["failed"] == found["quarantined"] == found["excluded"] == 0
    for measure in ALL:
        assert len(table(out, "scores", measure=measure)) == 20
        assert len(table(out, "null", measure=measure)) == 20
        assert len(table(out, "images", measure=measure, split="trained")) == 20
        assert len(table(out, "images", measure=measure, split="held_out")) == 20
        near = table(out, "neighbours", measure=measure)
        assert [one["rank"] for one in near] == [1, 2, 3] * 20
        for one, first in zip(table(out, "scores", measure=measure), near[::3], strict=True):
            assert (one["id"], one["nearest"]) == (first["id"], first["neighbour"])
            plain = one["raw"] if one["raw"] is not None else one["distance"]
            assert plain == first["distance"]
        far = np.array([one["distance"] for one in near]).reshape(20, 3)
        assert (np.diff(far, axis=1) >= 0).all()
    embedded = [measure not in PIXELS for measure in ALL for _ in range(20)]
    for one, is_embedder in zip(table(out, "scores"), embedded, strict=True):
        assert (one["similarity"] is not None) == is_embedder
        assert (one["raw"] is not None) == (one["measure"] in ("modified-l2", "patched-l2"))
        if is_embedder:
            assert one["similarity"] == 1 - one["distance"]
            assert -1e-6 <= one["distance"] <= 2 + 1e-6
    for name in ("scores", "null", "images"):
        assert not pq.read_table(out / f"{name}.parquet")["contrast"].null_count


def test_a_picture_that_is_there_again_and_again_counts_once(tmp_path: Path) -> None:
    """One lucky image, sixteen times in the training set, is no discovery of sixteen."""
    images = digits(0, 60)
    train = draw(tmp_path / "train", [*images[:20], *images[:1] * 15])
    other = draw(tmp_path / "other", [*images[20:40], *images[20:21] * 30])
    drawn = draw(tmp_path / "drawn", [*images[40:], images[0]])
    out = tmp_path / "out"
    found = compare(drawn, train, out, held_out=str(other), distances=("l2",))
    assert row(found, "named", split="trained")["n"] == 20
    assert row(found, "closest", split="null")["n"] == 20
    assert row(found, "closest", split="held_out")["n"] == 20
    rows = table(out, "images", split="trained")
    copies = [one for one in rows if one["copy_of"]]
    assert [one["id"] for one in copies] == [f"{n:03d}.png" for n in range(20, 35)]
    assert {one["copy_of"] for one in copies} == {"000.png"}
    assert {(one["p_value"], one["q_value"]) for one in [rows[0], *copies]} == {
        (1 / 21, rows[0]["q_value"])
    }
    assert rows[0]["q_value"] > 0.3  # Sixteen of 35 would make it 0.104.
    # Generations are draws: each of them counts.
    assert row(found, "named", split="generated")["n"] == 21
