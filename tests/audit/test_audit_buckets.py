"""An audit of a folder in buckets: asked and exchanged bucket by bucket, with the same rows."""

import json
import shutil
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import tiny
from breaking import held
from PIL import Image
from shapes import mark_shapes

from solidmark.marks import Marked, Segments, open_marked
from solidmark.measures.audit import Question, observe, score
from solidmark.readers import Blend, Recall
from solidmark.reporting import write_report
from solidmark.runs import open_results

SIZES = ((24, 32), (32, 24), (24, 24))


@pytest.fixture(scope="module")
def marked(tmp_path_factory: pytest.TempPathFactory) -> Marked:
    place = tmp_path_factory.mktemp("buckets")
    return mark_shapes(place, 72, SIZES, held_out=0.5, pattern=Segments(2, 8), seed=11)


def audit(marked: Marked, model: str, out: Path, **how: object) -> Path:
    observe(Question(model, marked.folder, out, (Blend(),), **how))  # type: ignore[arg-type]
    score(out)
    return out


@pytest.mark.parametrize(
    ("model", "findings"),
    [
        ("memorizer", {"memorized"}),
        ("gaussian", {"not_seen"}),
        # It knows averages of the pictures only, and whether that is enough is asked beforehand.
        ("average", {"averages", "not_seen", "unknown"}),
    ],
)
def test_the_controls_are_judged_as_ever(
    model: str, findings: set[str], marked: Marked, tmp_path: Path
) -> None:
    found = open_results(audit(marked, model, tmp_path / "out"))
    assert found.verdict is not None
    assert found.verdict.finding in findings
    assert bool(found.verdict.naming) == (model == "memorizer")
    rows = pq.read_table(tmp_path / "out" / "scores.parquet").to_pylist()
    assert {row["status"] for row in rows} == {"ok"}
    assert len(rows) == 3 * 36  # trained, held out, and the ceiling
    bucket = dict(zip(*(marked.keys[name].to_pylist() for name in ("id", "bucket")), strict=True))
    groups = {(row["split"], row["peers"]): bucket[row["id"]] for row in rows}
    assert all(groups[row["split"], row["peers"]] == bucket[row["id"]] for row in rows)


def test_rows_do_not_depend_on_the_batch(marked: Marked, tmp_path: Path) -> None:
    tables = []
    for size in (64, 5, 1):
        out = audit(marked, "average", tmp_path / f"{size}", batch_size=size, limit=9)
        tables.append(pq.read_table(out / "scores.parquet").to_pylist())
    for one, other, third in zip(*tables, strict=True):
        for name in ("reader", "split", "id", "repeat", "peers", "key", "status"):
            assert one[name] == other[name] == third[name]
        assert np.allclose(one["key_read"], other["key_read"], atol=1e-5)
        assert np.allclose(one["key_read"], third["key_read"], atol=1e-5)


def test_each_bucket_is_calibrated_by_itself(marked: Marked, tmp_path: Path) -> None:
    out = audit(marked, "gaussian", tmp_path / "out", ceiling=False, limit=12)
    found = held(out / "calibration.json")
    assert set(found) == {"version", *(f"blend model {h}x{w}" for h, w in SIZES)}
    assert len({tuple(found[name]["linear"]["gradient"]["mean"]) for name in found if " " in name})


def test_a_bucket_of_damaged_images_alone_fails_and_the_others_go_on(
    marked: Marked, tmp_path: Path
) -> None:
    shutil.copytree(marked.folder, tmp_path / "marked")
    damaged = [row for row in marked.keys.to_pylist() if row["bucket"] == "32x24"]
    for row in damaged:
        (tmp_path / "marked" / row["file_name"]).write_bytes(b"nothing")
    out = audit(open_marked(tmp_path / "marked"), "gaussian", tmp_path / "out", ceiling=False)
    rows = pq.read_table(out / "scores.parquet").to_pylist()
    failed = {row["id"] for row in rows if row["status"] == "failed"}
    assert failed == {row["id"] for row in damaged}
    assert held(out / "calibration.json")["blend model 32x24"] == {}


@pytest.mark.parametrize("family", ["stable_diffusion", "stable_diffusion_xl"])
def test_a_latent_model_is_asked_bucket_by_bucket(family: str, tmp_path: Path) -> None:
    model = getattr(tiny, family)(tmp_path / "model")
    marked = mark_shapes(tmp_path, 12, ((32, 48), (48, 32)), held_out=0.5, pattern=Segments(4, 4))
    readers = (Blend(steps=1), Recall(draws=1))
    tables = []
    for size in (8, 1):
        out = tmp_path / f"{size}"
        asked = Question(str(model), marked.folder, out, readers, batch_size=size, caption="a view")
        observe(asked)
        results = score(out)
        assert results["failed"] == 0
        tables.append(pq.read_table(out / "scores.parquet").to_pylist())
        assert json.loads((out / "round_trip.json").read_text())["bucket"] == "32x48"
        for row in pq.read_table(out / "evidence.parquet").to_pylist():
            if row["picture"] is not None:
                with Image.open(out / row["picture"]) as picture:
                    size = f"{picture.height}x{picture.width}"
                assert marked.by_bucket([row["id"]]) == {size: [row["id"]]}
    for one, other in zip(*tables, strict=True):
        assert np.allclose(one["key_read"], other["key_read"], atol=1e-3)
    write_report(tmp_path / "8")
    assert "of the bucket 32x48" in (tmp_path / "8" / "report.html").read_text()


def test_small_buckets_are_named_at_once_and_in_the_results(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    marked = mark_shapes(tmp_path, 24, SIZES, pattern=Segments(2, 4))
    out = audit(marked, "gaussian", tmp_path / "out", limit=3, splits=("trained",), ceiling=False)
    (note,) = json.loads((out / "results.json").read_text())["notes"]
    assert note.startswith("Buckets of fewer than 8 trained images: ")
    assert note in capsys.readouterr().err
