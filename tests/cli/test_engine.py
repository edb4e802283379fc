"""`--engine`: who does the work is no part of what is asked."""

import importlib.util
from pathlib import Path

import pytest
import yaml

import solidmark
from cli.conftest import Run
from solidmark.errors import UnknownName

WORDS = ("memorizer", "marked", "--device", "cpu", "--limit", "4", "--no-ceiling")


@pytest.fixture
def here(world: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "marked").symlink_to(world / "marked")
    return tmp_path


def observe(run: Run, out: str, *words: str) -> tuple[int, str]:
    answer = run("observe", *WORDS[:2], out, *WORDS[2:], *words)
    return answer.code, answer.err.strip()


def test_one_that_is_not_installed_is_refused_before_anything_is_written(
    run: Run, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *a: None if name == "ray" else found(name, *a)
    )
    for words in (("--engine", "ray"), ("--engine", "ray:10.0.0.1:6379", "--dry-run")):
        code, said = observe(run, "out", *words)
        assert code == 2
        assert said == (
            'Error: --engine ray needs a package. Install it: pip install "solidmark[ray]"'
        )
    assert not (here / "out").exists()


def test_one_that_there_is_not_is_refused(run: Run, here: Path) -> None:
    code, said = observe(run, "out", "--engine", "dask")
    assert (code, "no engine" in said) == (2, True)
    with pytest.raises(UnknownName):
        solidmark.observe("memorizer", "marked", "out", limit=4, engine="dask")
    assert not (here / "out").exists()


def test_what_was_begun_by_one_goes_on_with_another(run: Run, here: Path) -> None:
    assert observe(run, "out", "--engine", "serial")[0] == 0
    kept = yaml.safe_load((here / "out" / "config.yaml").read_text())
    assert "engine" not in kept
    assert observe(run, "out")[0] == 0
    solidmark.observe("memorizer", "marked", "out", limit=4, ceiling=False, engine="serial")
