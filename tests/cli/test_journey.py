"""The whole line through the commands only, as a user walks it, and once more."""

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from breaking import held
from PIL import Image

from cli.conftest import TINY, Run, write_digits


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_from_a_folder_of_pictures_to_the_page_and_again(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_digits(tmp_path / "photos", 20)
    (tmp_path / "photos" / "damaged.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    options = ["--reader", "energy", "--energy-candidates", 3]
    options += ["--reader", "outpaint", "--outpaint-steps", 3]
    options += ["--device", "cpu", "--batch_size", 7]
    steps = {
        "mark": ["photos", "marked", "--mode", "L", "--thickness", 2, "--held-out", 0.25],
        "train": ["marked", "model", *TINY],
        "observe": ["model", "marked", "audit", *options],
        "score": ["audit", "--delta", 0.1, "--delta", 0.05],
        "report": ["audit", "--no-images"],
        "audit": ["model", "marked", "all-in-one", *options, "--no-images"],
    }
    said = {}
    for command, words in steps.items():
        answer = run(command, *words)
        assert answer.code == 0, (command, answer.err)
        assert answer.err == "", command
        said[command] = answer.out
    assert "15 images to train on in marked/train, 5 held out; 8 x 8 pixels" in said["mark"]
    assert "Could not be read: 1 image, see marked/quarantine.jsonl" in said["mark"]
    assert said["train"].startswith("The model: model/model\n")
    assert said["observe"].startswith("audit/evidence.parquet\n")
    headline, *files = said["score"].splitlines()
    assert headline in said["audit"]
    assert files == ["audit/scores.parquet", "audit/results.json"]
    assert said["report"] == "The page: audit/report.html\n"
    assert said["audit"].endswith("The page: all-in-one/report.html\n")
    assert len(said["audit"].splitlines()) == 2

    marked = list((tmp_path / "marked" / "train").glob("*.png"))
    assert len(marked) == 15
    with Image.open(marked[0]) as picture:
        assert picture.size == (12, 12)
    for folder in ("audit", "all-in-one"):
        results = json.loads((tmp_path / folder / "results.json").read_text())
        assert {row["reader"] for row in results["rows"]} == {"energy", "outpaint"}
        assert results["quarantined"] == 1
        assert results["failed"] == 0
        scores = pq.read_table(tmp_path / folder / "scores.parquet").to_pylist()
        assert len(scores) == 2 * (20 + 15)  # Both splits, and the ceiling.
        page = (tmp_path / folder / "report.html").read_text()
        assert "<img" not in page
    assert pq.read_table("audit/evidence.parquet") == pq.read_table("all-in-one/evidence.parquet")

    for folder, maker in (("marked", "mark"), ("model", "train"), ("audit", "audit")):
        shown = run("inspect", folder)
        assert shown.code == 0
        assert shown.out.startswith(f'{folder}: made by "solidmark {maker}", finished\n')

    before = contents(tmp_path)
    for command, words in steps.items():
        answer = run(command, *words)
        page = "The page: audit/report.html\n" if command == "score" else ""
        assert (answer.code, answer.out, answer.err) == (0, said[command] + page, "")
    assert contents(tmp_path) == before


def test_an_audit_in_which_every_row_failed(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, world: Path
) -> None:
    """A network whose answers are no numbers answers nothing that counts: said, not hidden."""
    import shutil

    import torch
    from safetensors.torch import load_file, save_file

    monkeypatch.chdir(tmp_path)
    shutil.copytree(world / "model", "huge")
    path = "huge/unet/diffusion_pytorch_model.safetensors"
    weights = {
        name: torch.randn(value.shape, generator=torch.Generator().manual_seed(0)).sign() * 6e4
        for name, value in load_file(path).items()
    }
    save_file(weights, path)
    line = ["audit", "huge", world / "marked", "audit", "--no-ceiling", "--device", "cpu"]
    line += ["--reader", "outpaint", "--outpaint-steps", "2"]
    for _ in range(2):
        answer = run(*line)
        assert answer.code == 0, answer.err
        assert answer.err == ""
        assert "nothing" in answer.out
        results = held(tmp_path / "audit" / "results.json")
        assert results["rows"] == []
        assert results["failed"] == 16
        page = (tmp_path / "audit" / "report.html").read_text()
        assert "not finite" in page
    assert run(*line, "--json").json == results
