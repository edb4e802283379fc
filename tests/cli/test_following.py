"""What a command says to do next can be copied and works."""

import shlex
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from solidmark.cli.following import MULTIPLE
from solidmark.training.presets import PRESETS

from .conftest import MARK, TINY, Run

AUDIT = ["--no-ceiling", "--device", "cpu"]


def commands(said: str) -> list[list[str]]:
    """The command lines in what was said, as a shell would read them."""
    lines = [line.removeprefix("Next:").strip() for line in said.splitlines()]
    return [shlex.split(line)[1:] for line in lines if line.startswith("solidmark ")]


def test_from_marking_to_the_page_by_what_is_said(
    world: Path, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    marked = run("mark", world / "photos", "it's mine", *MARK[:2], "--thickness", "4")
    assert marked.code == 0, marked.err
    last = marked.out[marked.out.index("Next: ") :].splitlines()
    assert last[0].startswith("Next: train on ")
    assert "mine/train" in last[0]
    assert "no flips, no crops" in last[0]
    assert last == marked.out.splitlines()[-3:]
    train, audit = commands(marked.out)
    assert train[:2] == ["train", "it's mine"]
    trained = run(*train, *TINY)
    assert trained.code == 0, trained.err
    (again,) = commands(trained.out)
    assert again[:3] == audit[:3]
    answer = run(*audit, *AUDIT)
    assert answer.code == 0, answer.err
    assert (Path(audit[3]) / "report.html").is_file()


def test_observing_scoring_drawing_and_laying_out(
    world: Path, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(world)
    out = tmp_path / "seen"
    for words in commands(run("observe", "gaussian", "marked", out, *AUDIT).out):
        answer = run(*words)
        assert answer.code == 0, answer.err
    assert (out / "report.html").is_file()
    drawn = run("generate", "gaussian", tmp_path / "drawn", "--marked", "marked", "-n", 4)
    (nearest,) = commands(drawn.out)
    answer = run(*nearest, "--distance", "l2", "--device", "cpu")
    assert answer.code == 0, answer.err
    laid = run("index", "marked", tmp_path / "index", "--distance", "l2", "--device", "cpu")
    (guard,) = commands(laid.out)
    assert guard == ["guard", str(tmp_path / "index"), "IMAGE"]


def test_mirrored_frames_allow_flips_and_odd_sizes_no_training_of_ours(
    world: Path, run: Run, tmp_path: Path
) -> None:
    mirrored = run("mark", world / "photos", tmp_path / "m", *MARK, "--mirrored")
    said = mirrored.out[mirrored.out.index("Next: ") :]
    assert "flips" not in said
    assert "no crops" in said
    assert [words[0] for words in commands(said)] == ["audit"]  # 12 pixels are no multiple of 8.


def test_the_default_recipe_takes_these_multiples() -> None:
    assert 2 ** (len(PRESETS["ddpm-32"].recipe.block_out_channels) - 1) == MULTIPLE


def test_json_says_nothing_more(world: Path, run: Run, tmp_path: Path) -> None:
    answer = run("mark", world / "photos", tmp_path / "m", *MARK, "--json")
    assert answer.json["finished"]


@pytest.mark.parametrize("seed", [[], ["--seed", "7"]])
def test_another_mode_keeps_the_keys(
    world: Path, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: list[str]
) -> None:
    monkeypatch.chdir(world)
    grey = tmp_path / "in grey"
    assert run("mark", "photos", grey, *MARK, *seed).code == 0
    colour = tmp_path / "rgb"
    assert run("mark", "photos", colour, *MARK, "--mode", "RGB", "--seed", 5).code == 0
    trained = run("train", colour, tmp_path / "model", *TINY)
    assert trained.code == 0, trained.err
    refused = run("audit", tmp_path / "model", grey, tmp_path / "audit", *AUDIT)
    assert refused.code == 2
    assert "in colour, the marked images are in grey" in refused.err
    assert "the same seed keeps the keys" in refused.err
    said = refused.err[refused.err.index('("solidmark ') + 2 : refused.err.rindex('")')]
    again = shlex.split(said)[1:]
    assert run(*again).code == 0
    before, after = (pq.read_table(folder / "keys.parquet") for folder in (grey, Path(again[2])))
    for column in ("id", "split", "key"):
        assert before[column].to_pylist() == after[column].to_pylist()
    answer = run("audit", tmp_path / "model", again[2], tmp_path / "audit", *AUDIT)
    assert answer.code == 0, answer.err
