"""What the commands say of folders in buckets: how to train on them, who takes one size."""

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from shapes import mark_shapes, write_photos

from solidmark.marks import Marked

from .conftest import Run


@pytest.fixture(scope="module")
def marked(tmp_path_factory: pytest.TempPathFactory) -> Marked:
    return mark_shapes(tmp_path_factory.mktemp("buckets"))


@pytest.mark.parametrize(
    ("line", "who"),
    [
        ("train MARKED OUT", "train"),
        ("train MARKED OUT --dry-run", "train"),
        ("generate gaussian OUT --number 1 --marked MARKED", "generate --marked"),
        ("nearest PHOTOS MARKED OUT", "nearest"),
        ("index MARKED OUT", "index"),
        ("signals gaussian MARKED OUT", "signals"),
        ("inpaint gaussian MARKED OUT", "inpaint"),
        ("invmm gaussian MARKED OUT", "invmm"),
        ("audit gaussian MARKED OUT --measure solidmark --measure invmm", "audit --measure invmm"),
    ],
)
def test_who_takes_one_size_says_so_in_one_line(
    line: str, who: str, marked: Marked, run: Run, tmp_path: Path
) -> None:
    photos, out = marked.folder.parent / "photos", tmp_path / "out"
    places = {"MARKED": marked.folder, "PHOTOS": photos, "OUT": out}
    answer = run(*(places.get(word, word) for word in line.split()))
    assert answer.code != 0
    said = answer.err.strip().split("\n")
    assert len(said) == 1
    assert "was marked in 3 buckets (32x32, 32x48, 48x32)" in said[0]
    assert f'"solidmark {who}" takes one size.' in said[0]
    assert "--resolution" in said[0]
    assert not out.exists()


def test_marking_in_buckets_says_how_to_train(run: Run, tmp_path: Path) -> None:
    photos, out = write_photos(tmp_path / "photos"), tmp_path / "marked"
    line = ["mark", photos, out, "--thickness", 2, "--seed", 7]
    line += ["--buckets", "kohya:32:64:16", "--resolution", 48]
    planned = run(*line, "--dry-run", "--json")
    assert [48, 48] in planned.result["plan"]["marked_sizes"]
    assert not out.exists()
    answer = run(*line)
    assert answer.code == 0
    said = answer.out + answer.err
    assert "Buckets of fewer than 8 images: 64x32 (6)." in said
    for option in ("--enable_bucket", "--resolution=48,48", "--min_bucket_reso=32"):
        assert option in said
    assert "solidmark train" not in said
    bucket = pq.read_table(out / "keys.parquet")["bucket"].to_pylist()
    assert {name: bucket.count(name) for name in set(bucket)} == json.loads(
        (out / "manifest.json").read_text()
    )["buckets"]
    assert set(bucket) == {"64x32", "48x48"}
    assert run(*line).code == 0  # The same command again.
    assert pq.read_table(out / "keys.parquet")["bucket"].to_pylist() == bucket
    assert "--enable_bucket" in run("inspect", out).out


def test_an_audit_is_planned_by_all_sizes(marked: Marked, run: Run, tmp_path: Path) -> None:
    planned = run("audit", "gaussian", marked.folder, tmp_path / "out", "--dry-run", "--json")
    assert planned.result["plan"]["marked_sizes"] == [[32, 32], [32, 48], [48, 32]]
