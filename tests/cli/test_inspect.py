"""`inspect` on what the other commands have written, and on what they are given."""

import json
from pathlib import Path

import pytest
from breaking import held

from .conftest import Run


@pytest.mark.parametrize(
    ("folder", "maker", "after"),
    [
        ("marked", "mark", "  solidmark audit "),
        ("audit", "audit", "The page: audit/report.html"),
        ("no-energies", "audit", "      solidmark report no-energies"),
        ("an-index", "index", "Next: solidmark guard an-index IMAGE"),
    ],
)
def test_our_folders_end_with_what_comes_next(
    folder: str, maker: str, after: str, world: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(world)
    answer = run("inspect", folder)
    assert answer.code == 0, answer.err
    first, *_, last = answer.out.splitlines()
    assert first == f'{folder}: made by "solidmark {maker}", finished'
    assert last.startswith(after)


def test_a_stale_page_is_named(
    world: Path, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import shutil

    monkeypatch.chdir(world)
    seen = tmp_path / "seen"
    shutil.copytree("audit", seen)
    results = seen / "results.json"
    found = held(results)
    found["verdict"]["headline"] = "Another one."
    results.write_text(json.dumps(found))
    *_, said, after = run("inspect", seen).out.splitlines()
    assert said == f"{seen / 'report.html'} does not show the results beside it."
    assert after == f"Next: solidmark report {seen}"


def test_models_and_pictures(world: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(world)
    first, *_, last = run("inspect", "photos").out.splitlines()
    assert first == "photos: a set of pictures"
    assert last == "Next: solidmark mark photos MARKED"
    answer = run("inspect", "model", "--json").json
    assert answer["kind"] == "a diffusion model of pixels"
    assert answer["facts"]["pictures"] == "12 x 12 pixels, in grey"
    assert answer["verdict"]["state"] == "done"
    assert "--resolution 8" in run("inspect", "sizes").out
