"""`solidmark nearest` from the command line."""

import shutil
from pathlib import Path

import pytest
from breaking import held

from cli.conftest import Run, write_digits


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Sixty digits in three folders; the generations are the training images."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SOLIDMARK_CACHE", str(tmp_path / "cache"))
    paths = sorted(write_digits(tmp_path / "all", 60).iterdir())
    for number, path in enumerate(paths):
        folder = tmp_path / ("train" if number % 2 else "other")
        folder.mkdir(exist_ok=True)
        shutil.copy(path, folder)
    shutil.copytree(tmp_path / "train", tmp_path / "drawn")
    return tmp_path


def test_it_says_how_many_come_back(here: Path, run: Run) -> None:
    answer = run(
        *("nearest", "drawn", "train", "out", "--held-out", "other", "--device", "cpu"),
        *("--distance", "l2", "--distance", "phash"),
    )
    assert answer.code == 0, answer.err
    lines = answer.out.strip().splitlines()
    assert lines[-1] == (
        'Data: "train": 30 images, 0 captions, 0 classes. "other": 30 images, 0 captions, '
        '0 classes. "drawn": 30 images, 0 captions, 0 classes.'
    )
    assert lines[-2] == "The page: out/report.html"
    assert "30" in lines[0]
    for name in ("report.html", "results.json", "config.yaml", "scores.parquet"):
        assert (here / "out" / name).is_file()
    assert (here / "cache" / "embeddings.sqlite").is_file()


def test_the_same_command_again_says_the_same(here: Path, run: Run) -> None:
    words = ["nearest", "drawn", "train", "out", "--held-out", "other", "--distance", "l2"]
    first = run(*words)
    assert first.code == 0, first.err
    before = (here / "out" / "scores.parquet").stat().st_mtime_ns
    assert run(*words).out == first.out
    assert (here / "out" / "scores.parquet").stat().st_mtime_ns == before
    answer = run(*words, "--seed", "1")
    assert answer.code == 2
    assert "seed: there 0, here 1" in answer.err


def test_json_is_what_is_in_the_results(here: Path, run: Run) -> None:
    answer = run("nearest", "drawn", "train", "out", "--distance", "l2", "--json")
    assert answer.code == 0, answer.err
    assert answer.json == held(here / "out" / "results.json")


def test_a_plan_opens_and_writes_nothing(here: Path, run: Run) -> None:
    answer = run("nearest", "drawn", "train", "out", "--held-out", "other", "--dry-run", "--json")
    assert answer.code == 0, answer.err
    plan = answer.json["plan"]
    assert plan["generated_images"] == plan["training_images"] == plan["held_out_images"] == 30
    assert answer.json["options"]["n"] == 50
    assert not (here / "out").exists()


def test_the_configuration_beside_the_results_repeats_them(here: Path, run: Run) -> None:
    options = ["--held-out", "other", "--distance", "modified-l2", "--n", "7", "--memory", "64MB"]
    assert run("nearest", "drawn", "train", "out", *options).code == 0
    answer = run("nearest", "drawn", "train", "again", "--config", "out/config.yaml")
    assert answer.code == 0, answer.err
    for name in ("scores.parquet", "images.parquet", "results.json"):
        assert (here / "out" / name).read_bytes() == (here / "again" / name).read_bytes()


@pytest.mark.parametrize(
    ("size", "bytes_"), [("64MB", 2**26), ("1gib", 2**30), ("67108864", 2**26)]
)
def test_a_size_of_memory_is_read(size: str, bytes_: int, here: Path, run: Run) -> None:
    answer = run("nearest", "drawn", "train", "out", "--memory", size, "--dry-run", "--json")
    assert answer.code == 0, answer.err
    assert answer.json["options"]["memory"] == bytes_


def test_nothing_can_be_compared_by_one_distance(here: Path, run: Run) -> None:
    """Blank generations: an embedder sees nothing, and says so in a line."""
    from PIL import Image

    (here / "blank").mkdir()
    for number in range(3):
        Image.new("L", (8, 8), 90 * number).save(here / "blank" / f"{number}.png")
    answer = run("nearest", "blank", "train", "out", "--distance", "l2", "--distance", "phash")
    assert answer.code == 2
    assert answer.err.count("\n") == 1
    assert '"phash" sees nothing in any of the generated images' in answer.err
