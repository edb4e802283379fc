"""No command lets a name or a caption speak to the terminal, a page or a sheet."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Picture

from solidmark.__main__ import main
from solidmark.runs import tame

BAD = "\x1b[31m\x9b2J\u202e\u2066\u200f\u061c\x07\x7f"
NAMES = [f"{BAD}{number}" for number in range(6)] + [
    "=1+1",
    "@SUM(A1)",
    *(f"n{n}" for n in range(8)),
]
MARK = ["--mode", "L", "--thickness", "2", "--held-out", "0.5", "--seed", "1"]
CPU = ["--device", "cpu"]


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Images, captions, ids, files that are none, and folders whose names nobody should print."""
    here = tmp_path_factory.mktemp("hostile") / f"here{BAD}"
    photos = here / "photos"
    photos.mkdir(parents=True)
    for number, name in enumerate(NAMES):
        pixels = np.random.default_rng(number).integers(0, 256, (12, 12), np.uint8)
        Picture.fromarray(pixels).save(photos / f"{name}.png")
        (photos / f"{name}.txt").write_text(f"={BAD} caption {number % 4}", encoding="utf-8")
    (photos / f"broken{BAD}.png").write_bytes(b"none")
    (photos / f"none{BAD}.weird").write_bytes(b"none")
    return here


def is_tame(text: str) -> bool:
    return tame(text) == text


def run(capfd: pytest.CaptureFixture[str], *words: Any, code: int = 0) -> str:
    capfd.readouterr()
    assert main([str(word) for word in words]) == code
    said = "".join(capfd.readouterr())
    assert is_tame(said), ascii(said)
    return said


def test_no_command_obeys_a_name(hostile: Path, capfd: pytest.CaptureFixture[str]) -> None:
    photos, marked, audit = hostile / "photos", hostile / "marked", hostile / "audit"
    assert "\\u001b[31m" in run(capfd, "mark", photos, marked, *MARK)
    run(capfd, "mark", photos, marked, *MARK, "--dry-run")
    run(capfd, "inspect", marked)
    run(capfd, "audit", "memorizer", marked, audit, *CPU, "--reader", "energy")
    run(capfd, "compare", audit, audit)
    run(capfd, "duplicates", photos, hostile / "duplicates", "--mode", "L")
    run(capfd, "nearest", photos, marked, hostile / "nearest", *CPU, "--distance", "l2")
    run(capfd, "index", marked, hostile / "index", *CPU, "--distance", "l2")
    some = next(photos.glob("*.png"))
    run(capfd, "guard", hostile / "index", some, "--threshold", "l2=0.5", code=3)
    read = 0
    for path in hostile.rglob("*"):
        if path.suffix in (".html", ".csv", ".json", ".jsonl", ".yaml", ".svg"):
            text = path.read_text(encoding="utf-8").replace("\r\n", "\n")
            assert is_tame(text), path.name
            read += 1
    assert read > 20
    for name in ("audit", "nearest"):
        cells = (hostile / name / "named.csv").read_bytes().decode().split("\r\n")
        assert len(cells) > (2 if name == "audit" else 1), name
        assert not any(line.startswith(("=", "+", "-", "@")) for line in cells)
    # The script of a page writes what it reads into the page.
    page = (hostile / "audit" / "report.html").read_text(encoding="utf-8")
    start = page.index('type="application/json"')
    data = json.loads(page[page.index(">", start) + 1 : page.index("</script>", start)])
    assert all(is_tame(word) for word in _words(data))
    assert any("\\u202e" in word for word in _words(data))


@pytest.mark.parametrize(
    "words",
    [
        ["mark", f"nowhere{BAD}", "out"],
        ["mark", "digits", "out", "--pattern", f"x{BAD}"],
        ["mark", "digits", "out", "--limit", f"x{BAD}"],
        ["mark", "digits", "out", f"--none{BAD}"],
        ["mark", "digits", "out", f"more{BAD}"],
        ["mark", "digits", "out", "--config", f"x{BAD}"],
        [f"none{BAD}"],
        ["inspect", f"nowhere{BAD}"],
        ["train", f"nowhere{BAD}", "out"],
        ["audit", f"model{BAD}", f"nowhere{BAD}", "out"],
        ["generate", f"model{BAD}", "out", "-n", "1"],
        ["guard", f"nowhere{BAD}", "x.png"],
    ],
    ids=lambda words: tame(" ".join(words), line=True).encode("ascii", "ignore").decode()[:40],
)
def test_no_refusal_obeys_what_was_typed(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    assert "\\u202e" in run(capfd, *words, code=2)


def _words(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [word for one in (*value, *value.values()) for word in _words(one)]
    return [word for one in value for word in _words(one)] if isinstance(value, list) else []
