"""A comparison that is killed, shared or cut otherwise ends in the same tables."""

import json
import os
import shutil
import signal
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import forking
import killed_nearest
import pyarrow.parquet as pq
import pytest
from breaking import held
from compared import TABLES, compare, digits, draw, files, noisy, row, table
from killed_nearest import PLACES, comparison

from solidmark.embed import PerceptualHash
from solidmark.errors import NotFound, RunConflict
from solidmark.measures.nearest import gathering, nearest, score_nearest
from solidmark.neighbours import matrix

MOMENTS = [
    ("fsync", 1),  # within the manifest
    ("shard", 1),
    ("shard", 2),  # pixels are there, their facts are not
    ("replace", 6),
    ("shard", 9),
    ("cache", 1),
    ("cache", 3),
    ("products", 1),
    ("products", 7),
    ("answer", 3),
    ("replace", 40),
    ("table", 1),
    ("table", 4),
    ("replace", 60),
    ("fsync", 63),
    ("picture", 1),
    ("picture", 9),
    ("score", 1),
    ("finish", 1),
    ("clear", 1),
]


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty-two images a side; one of each is broken, a third of the generations are copies."""
    here = tmp_path_factory.mktemp("here")
    images = digits(0, 66)
    draw(here / "train", images[:22])
    draw(here / "other", images[22:44])
    draw(here / "drawn", [noisy(image, n) for n, image in enumerate(images[:8])] + images[44:58])
    for name in ("train", "other", "drawn"):
        (here / name / "011.png").write_bytes(b"\x89PNG\r\n\x1a\n and nothing more")
    return here


def start(place: str, count: int, here: Path, out: Path) -> Any:
    return forking.start(killed_nearest.compare_until, place, count, here, out)


def kill_at(place: str, count: int, here: Path, out: Path) -> None:
    child = start(place, count, here, out)
    child.join(120)
    assert child.exitcode == -signal.SIGKILL, (place, count)


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matrix, "SHARD_BYTES", 9 * 8 * 8 * 3)


@pytest.fixture(scope="module")
def whole(here: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    out = tmp_path_factory.mktemp("whole") / "out"
    child = start("", 0, here, out)
    child.join(120)
    assert child.exitcode == 0
    found = files(out)
    assert {f"{name}.parquet" for name in TABLES} | {"results.json"} <= set(found)
    assert not [name for name in found if name.startswith("work") or name.endswith(".tmp")]
    return found


@pytest.mark.slow
@pytest.mark.parametrize(("place", "count"), MOMENTS, ids=str)
def test_a_comparison_killed_once_ends_in_the_same_bytes(
    place: str, count: int, here: Path, whole: dict[str, bytes], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    kill_at(place, count, here, out)
    assert nearest(comparison(here, out)).finished
    assert files(out) == whole


def test_every_place_is_struck() -> None:
    assert {place for place, _ in MOMENTS} == set(PLACES)


@pytest.mark.slow
def test_a_comparison_killed_again_and_again_ends_in_the_same_bytes(
    here: Path, whole: dict[str, bytes], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    for place, count in [("fsync", 1), ("shard", 3), ("shard", 3), ("cache", 2), ("products", 5)]:
        kill_at(place, count, here, out)
    for place, count in [("answer", 2), ("products", 3), ("table", 2), ("picture", 4)]:
        kill_at(place, count, here, out)
    for place, count in [("score", 1), ("finish", 1)]:
        kill_at(place, count, here, out)
    nearest(comparison(here, out))
    assert files(out) == whole


@pytest.mark.slow
def test_a_comparison_killed_at_any_time_ends_in_the_same_bytes(
    here: Path, whole: dict[str, bytes], tmp_path: Path
) -> None:
    killed = 0
    for number in range(6):
        out = tmp_path / str(number)
        child = start("", 0, here, out)
        deadline = time.monotonic() + 60
        while not out.exists() and time.monotonic() < deadline:
            time.sleep(0.001)
        time.sleep(0.1 * number)
        with suppress(ProcessLookupError):  # It was faster.
            os.kill(child.pid, signal.SIGKILL)
        child.join()
        killed += child.exitcode == -signal.SIGKILL
        nearest(comparison(here, out))
        assert files(out) == whole
    assert killed >= 2


@pytest.mark.slow
def test_what_a_kill_left_when_the_work_was_cleared_is_swept(
    here: Path, whole: dict[str, bytes], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    kill_at("clear", 1, here, out)
    assert (out / "work").is_dir()
    for path in sorted((out / "work").rglob("*.parquet")):
        path.unlink()  # Half of it is gone.
    assert nearest(comparison(here, out)).finished
    assert not (out / "work").exists()
    assert files(out) == whole


def test_a_finished_comparison_is_left_alone(here: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    nearest(comparison(here, out))
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*")}
    nearest(comparison(here, out))
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*")} == before


@pytest.mark.slow
def test_two_processes_find_what_one_finds(
    here: Path, whole: dict[str, bytes], tmp_path: Path
) -> None:
    forking.run_together(2, killed_nearest.compare_twice, here, tmp_path / "out")
    assert files(tmp_path / "out") == whole


# What must not matter


@pytest.mark.parametrize(
    ("shard_bytes", "memory", "batch"),
    [(1, 2**30, 32), (2**26, 21 * 2**20, 1), (5 * 8 * 8 * 3, 20 * 2**20, 5), (2**26, 2**30, 7)],
)
def test_shards_batches_and_memory_change_no_table(
    shard_bytes: int,
    memory: int,
    batch: int,
    here: Path,
    whole: dict[str, bytes],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One image a shard, or all in one."""
    monkeypatch.setattr(matrix, "SHARD_BYTES", shard_bytes)
    monkeypatch.setattr(gathering, "BATCH", batch)
    out = tmp_path / "out"
    nearest(replace(comparison(here, out), memory=memory))
    assert files(out) == whole


def test_a_blank_image_may_be_alone_in_its_shard(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    monkeypatch.setattr(matrix, "SHARD_BYTES", 1)
    images = digits(0, 5)
    images[0] = images[3] = torch.zeros(1, 8, 8)
    folder = draw(tmp_path / "train", images)
    compare(folder, folder, tmp_path / "out", distances=("phash",))
    scores = table(tmp_path / "out", "scores")
    assert [s["status"] for s in scores] == ["failed", "ok", "ok", "failed", "ok"]
    assert [s["nearest"] for s in scores if s["nearest"]] == ["001.png", "002.png", "004.png"]


def test_other_images_of_the_same_side_change_no_distance(here: Path, tmp_path: Path) -> None:
    """A row of scores.parquet is that of its generation alone, but for what is ranked."""
    compare(here / "drawn", here / "train", tmp_path / "all", distances=("l2", "phash"))
    few = tmp_path / "few"
    few.mkdir()
    for number in (3, 9):
        shutil.copy(here / "drawn" / f"{number:03d}.png", few)
    compare(few, here / "train", tmp_path / "some", distances=("l2", "phash"))
    asked = {"003.png", "009.png"}
    every = [one for one in table(tmp_path / "all", "scores") if one["id"] in asked]
    assert table(tmp_path / "some", "scores") == every


# What must be refused


def test_another_configuration_is_refused(here: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    drawn, train = here / "drawn", here / "train"
    compare(drawn, train, out, distances=("l2",))
    for options, words in (
        ({"distances": ("phash",)}, "distances"),
        ({"distances": ("l2",), "seed": 1}, "seed: there 0, here 1"),
        ({"distances": ("l2",), "held_out": str(here / "other")}, "held_out"),
        ({"distances": ("l2",), "n": 6}, "n: there 5, here 6"),
    ):
        with pytest.raises(RunConflict, match=words):
            compare(drawn, train, out, **options)
    # Memory and cache are no part of it.
    compare(drawn, train, out, distances=("l2",), memory=2**26, cache=tmp_path / "elsewhere")


def test_other_images_under_the_same_name_are_refused(here: Path, tmp_path: Path) -> None:
    drawn, out = Path(shutil.copytree(here / "drawn", tmp_path / "drawn")), tmp_path / "out"
    compare(drawn, here / "train", out, distances=("l2",))
    shutil.copy(drawn / "000.png", drawn / "more.png")
    with pytest.raises(RunConflict, match="the content of generated"):
        compare(drawn, here / "train", out, distances=("l2",))


# The cache


def test_a_second_run_embeds_nothing(
    here: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = Path(shutil.copytree(here / "drawn", tmp_path / "drawn"))
    embedded: list[int] = []
    embed = PerceptualHash.embed

    def counted(self: PerceptualHash, images: Any) -> Any:
        embedded.append(len(images))
        return embed(self, images)

    def found(name: str) -> list[int]:
        embedded.clear()
        options = {"distances": ("phash",), "held_out": str(here / "other")}
        compare(drawn, here / "train", tmp_path / name, **options)
        return list(embedded)

    monkeypatch.setattr(PerceptualHash, "embed", counted)
    copies = 21 * 7  # Of each training image, for `augmented`.
    looked = 2 * 21  # The training images and the control, to see whether they are of one kind.
    assert sum(found("first")) == 3 * 21 + copies + looked
    assert sum(found("second")) == copies + looked
    assert files(tmp_path / "first") == files(tmp_path / "second")
    (new,) = digits(900, 1)
    draw(drawn / "more", [new])
    assert sum(found("third")) == copies + looked + 1


# Scoring again


def test_scoring_again_rewrites_the_results_only(here: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    nearest(comparison(here, out))
    before, first = files(out), held(out / "results.json")
    other = score_nearest(out, fprs=(0.1, 0.2), fdr=0.3)
    assert held(out / "results.json") == other
    assert other["config"]["fprs"] == [0.1, 0.2]
    assert other["config"]["fdr"] == 0.3
    fprs = {one["fpr"] for one in other["rows"] if one["statistic"] == "threshold"}
    assert fprs == {0.1, 0.2}
    assert row(other, "named", measure="l2", split="generated")["fdr"] == 0.3
    now = files(out)
    assert {name for name in now if now[name] != before[name]} == {"named.csv", "results.json"}
    assert score_nearest(out) == first
    assert files(out) == before


def test_what_cannot_be_scored_is_said(here: Path, tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        score_nearest(tmp_path)
    out = tmp_path / "out"
    compare(here / "drawn", here / "train", out, distances=("l2",))
    (out / "null.parquet").unlink()
    with pytest.raises(NotFound, match=r"null\.parquet"):
        score_nearest(out)


# Pictures


def test_the_pictures_of_the_page_are_those_of_the_pairs(here: Path, tmp_path: Path) -> None:
    from solidmark.data import open_data

    out = tmp_path / "out"
    nearest(comparison(here, out))
    index = json.loads((out / "pictures" / "index.json").read_text())
    assert set(index) == {"generated", "training", "held_out"}
    folders = {"generated": "drawn", "training": "train", "held_out": "other"}
    for side, paths in index.items():
        data = open_data(str(here / folders[side]))
        shown = open_data(str(out / "pictures" / side))
        images = {f"pictures/{side}/{id}": shown[n].image for n, id in enumerate(shown.ids)}
        assert set(paths.values()) == set(images)
        for id, path in paths.items():
            original = data[data.ids.index(id)].image
            assert (images[path] == original).all()
    for name in ("scores", "null"):
        rows = pq.read_table(out / f"{name}.parquet").to_pylist()
        side = {"scores": "generated", "null": "held_out"}[name]
        closest = min((r for r in rows if r["status"] == "ok"), key=lambda r: r["distance"])
        assert closest["id"] in index[side]
        assert closest["nearest"] in index["training"]
