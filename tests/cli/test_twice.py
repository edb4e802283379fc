"""The same command line in two folders of the same name: the same files, pages too."""

import json
import shutil
from pathlib import Path

import pytest

from cli.conftest import Run
from cli.test_cli_invmm import SHORT
from solidmark.runs.sealed import CHECKSUM

LINES = {
    "signals": ["--times", "2", "--draws", "2", "--device", "cpu", "--limit", "4"],
    "invmm": [*SHORT, "--limit", "4", "--triage", "loss"],
}
MEASURED = {"memory", "seconds", "files", CHECKSUM}
"""What the manifest and the results say of their own process, and the hashes of what says it."""


def whole(folder: Path) -> dict[str, object]:
    """All files of a run, its page among them, but for ledgers."""
    found: dict[str, object] = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.name in ("manifest.json", "results.json"):
            told = json.loads(path.read_bytes())
            found[name] = {one: value for one, value in told.items() if one not in MEASURED}
        elif path.is_file() and path.parent.name != "ledger":
            found[name] = path.read_bytes()
    return found


@pytest.mark.parametrize("command", LINES)
def test_two_runs_make_the_same_files_and_the_same_page(
    command: str, world: Path, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = []
    for name in ("first", "second"):
        here = tmp_path / name
        shutil.copytree(world / "marked", here / "marked")
        monkeypatch.chdir(here)
        answer = run(command, "memorizer", "marked", "out", *LINES[command])
        assert answer.code == 0, answer.err
        found.append((answer.out, whole(here / "out")))
    (said, one), (again, other) = found
    assert "report.html" in one
    assert one.keys() == other.keys()
    assert [name for name in one if one[name] != other[name]] == []
    assert said == again
