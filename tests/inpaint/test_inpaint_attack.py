"""The inpainting attack, from models that know everything and nothing to results."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from breaking import held
from sklearn.metrics import roc_auc_score

from solidmark.data import Dataset, Sample, open_data
from solidmark.errors import BadInput, EmptyTable, NotFound, RunConflict
from solidmark.generating import Generation, generate
from solidmark.marks import Center, Marked, Marking, Pattern, Segments, mark_dataset, open_marked
from solidmark.measures.inpaint import Inpainting, inpaint
from solidmark.measures.inpaint.asking import EVIDENCE
from solidmark.measures.inpaint.scoring import MEASURES, score_inpainting
from solidmark.runs import read_manifest, write_json
from solidmark.runs.contents import record


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
    inpaint(Inpainting("memorizer", str(marked.folder), out, draws=30, steps=20))
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
    assert results == held(out / "results.json")


def test_the_gaussian_is_at_chance(make_marked: Callable[..., Marked], tmp_path: Path) -> None:
    """It knows the moments of the training images under other keys; of 32 of 64, much of each."""
    marked = make_marked(200, side=4, digits=True)
    out = tmp_path / "out"
    inpaint(Inpainting("gaussian", str(marked.folder), out, draws=3, steps=10))
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
    inpaint(Inpainting("memorizer", str(marked.folder), out, draws=5, steps=2))
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
    inpaint(Inpainting("memorizer", str(marked.folder), out, draws=1, steps=2, splits=("trained",)))
    results = score_inpainting(out)
    assert {row["split"] for row in results["rows"]} == {"trained"}
    assert all(row["p_value"] is None for row in scores(out, "inpainting", "trained"))


def test_what_cannot_be_scored_is_refused(
    make_marked: Callable[..., Marked], save_unet: Callable[..., Path], tmp_path: Path
) -> None:
    marked = make_marked(8)
    out = tmp_path / "out"
    question = Inpainting(
        "memorizer", str(marked.folder), out, draws=1, steps=2, splits=("held_out",)
    )
    inpaint(question)
    with pytest.raises(EmptyTable, match="No trained image"):
        score_inpainting(out)
    for options in ({"lowest": 0}, {"fprs": (0.0,)}, {"fdr": 1.0}):
        with pytest.raises(BadInput):
            score_inpainting(out, **options)  # type: ignore[arg-type]
    (out / "evidence.parquet").write_bytes(b"PAR1")
    with pytest.raises(BadInput, match="not a readable table"):
        score_inpainting(out)
    (out / "evidence.parquet").unlink()
    with pytest.raises(NotFound, match="evidence"):
        score_inpainting(out)
    generate(Generation(str(save_unet(12)), tmp_path / "drawn", number=1, steps=1))
    with pytest.raises(RunConflict, match="solidmark generate"):
        score_inpainting(tmp_path / "drawn")


@dataclass(frozen=True)
class Repeated:
    """Digits of which every third is there three times."""

    digits: Dataset

    @property
    def ids(self) -> list[str]:
        every = [(id, 3 if number % 3 == 0 else 1) for number, id in enumerate(self.digits.ids)]
        return [f"{id} {copy}" for id, times in every for copy in range(times)]

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, index: int) -> Sample:
        id = self.ids[index]
        number = self.digits.ids.index(id.rsplit(" ", 1)[0])
        return replace(self.digits[number], id=id)


def mark_copies(folder: Path, pattern: Pattern) -> Marked:
    """Every copy has a key of its own, so that no two marked images are equal."""
    data = Repeated(open_data("digits", resolution=8, limit=24))
    marking = Marking(
        pattern, seed=0, held_out=0.5, keys_per_copy="independent", near_duplicates=False
    )
    mark_dataset(data, folder, marking, {})
    marked = open_marked(folder)
    assert len(set(marked.keys["content"].to_pylist())) == len(marked.keys) == 40
    return marked


def kind_of(id: str) -> str:
    return id.rsplit(" ", 1)[0]


@pytest.mark.parametrize("pattern", [Segments(2, 4), Center(3)])
def test_a_picture_that_is_there_three_times_counts_once(pattern: Pattern, tmp_path: Path) -> None:
    marked = mark_copies(tmp_path / "marked", pattern)
    out = tmp_path / "out"
    inpaint(Inpainting("memorizer", str(marked.folder), out, draws=4, steps=3))
    results = score_inpainting(out, fprs=(0.2,))
    distinct = {
        split: {kind_of(id) for id in marked.ids(split)} for split in ("trained", "held_out")
    }
    for measure in MEASURES:
        near, null = ({row["id"]: row for row in scores(out, measure, split)} for split in distinct)
        for split, rows in (("trained", near), ("held_out", null)):
            assert len(rows) == len(marked.ids(split)) > len(distinct[split])
            # The first by its id stands for its copies, however close those were drawn.
            for id, row in rows.items():
                assert row["copy_of"] == (None if id.endswith(" 0") else f"{kind_of(id)} 0")
            assert statistic(results, measure, "mean", split=split)["n"] == len(distinct[split])
        assert statistic(results, measure, "auc")["n"] == sum(map(len, distinct.values()))
        fresh = np.array([row["distance"] for row in null.values() if row["copy_of"] is None])
        for id, row in near.items():
            first = near[row["copy_of"] or id]
            expected = (1 + (fresh <= first["distance"]).sum()) / (len(fresh) + 1)
            assert row["p_value"] == pytest.approx(expected)
            assert row["q_value"] == first["q_value"]
    # Draws of copies are their own.
    rows = scores(out, "inpainting", "trained")
    assert len({row["distance"] for row in rows}) > len(distinct["trained"])


def test_where_the_first_copy_failed_the_next_one_counts(tmp_path: Path) -> None:
    marked = mark_copies(tmp_path / "marked", Segments(2, 4))
    out = tmp_path / "out"
    inpaint(Inpainting("memorizer", str(marked.folder), out, draws=2, steps=2))
    before = score_inpainting(out, fprs=(0.2,))
    rows = pq.read_table(out / "evidence.parquet").to_pylist()
    one, other = sorted({kind_of(id) for id in marked.ids("trained") if id.endswith(" 2")})[:2]
    lost = {"status": "failed", "distances": None, "note": "gone"}
    broken = {f"{one} 0", *(f"{other} {copy}" for copy in range(3))}
    rows = [row | lost if row["id"] in broken else row for row in rows]
    pq.write_table(pa.Table.from_pylist(rows, schema=EVIDENCE), out / "evidence.parquet")
    written = read_manifest(out) | {"files": record(out, ["evidence.parquet"])}
    write_json(out / "manifest.json", written)
    results = score_inpainting(out)
    assert results["failed"] == 4
    found = {row["id"]: row for row in scores(out, "inpainting", "trained")}
    assert [found[f"{one} {copy}"]["copy_of"] for copy in range(3)] == [
        f"{one} 1",
        None,
        f"{one} 1",
    ]
    assert found[f"{one} 1"]["p_value"] is not None
    assert found[f"{other} 0"]["p_value"] is None
    mean, old = (statistic(r, "inpainting", "mean", split="trained") for r in (results, before))
    assert (mean["n"], mean["failed"]) == (old["n"] - 1, 1)


def test_many_copies_of_a_lucky_picture_are_not_many_discoveries(tmp_path: Path) -> None:
    """Of 40 pictures one is lucky, and there a hundred times: once it cannot be named."""
    rng = np.random.default_rng(0)
    evidence = [
        {"split": split, "id": f"{split} {number:03d}", "content": f"{split} {number}"}
        | {"distances": [float(rng.uniform(0.1, 1))], "status": "ok", "note": "", "contrast": 0.3}
        for split in ("trained", "held_out")
        for number in range(40)
    ]
    lucky = {"distances": [0.01], "content": "lucky"}
    evidence += [evidence[0] | lucky | {"id": f"trained z{number:03d}"} for number in range(100)]
    out = tmp_path / "out"
    out.mkdir()
    manifest = {"command": "inpaint", "config": {"seed": 0}, "fingerprints": {}, "versions": {}}
    (out / "manifest.json").write_text(json.dumps(manifest | {"finished": True}))

    def named(rows: list[dict]) -> int:
        pq.write_table(pa.Table.from_pylist(rows, schema=EVIDENCE), out / "evidence.parquet")
        count = statistic(score_inpainting(out), "inpainting", "named")["count"]
        assert isinstance(count, int)
        return count

    assert named(evidence) == 0
    # Taken for a hundred pictures they would be a hundred names, and raise others with them.
    assert named([row | {"content": row["id"]} for row in evidence]) >= 100
