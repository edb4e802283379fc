"""What a watch gives to the trackers of accelerate stands in their files; those that are here."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import tracked


@pytest.mark.slow
@pytest.mark.parametrize("name", tracked.QUIET)
def test_the_numbers_of_every_look_stand_in_the_files(
    name: str, marked: Path, tmp_path: Path
) -> None:
    if importlib.util.find_spec(name) is None:
        pytest.skip(f"{name} is not installed")
    home = tmp_path / "home"
    home.mkdir()
    done = subprocess.run(
        [sys.executable, str(Path(tracked.__file__)), name, str(marked), str(tmp_path)],
        capture_output=True,
        text=True,
        env={**os.environ, "HOME": str(home)},
    )
    assert done.returncode == 0, done.stderr
    said = json.loads((tmp_path / tracked.SAID).read_text())
    assert {"solidmark/blend/z", "solidmark/blend/memorized"} <= set(said["given"])
    for key, values in said["given"].items():
        assert set(values) == {"2", "4"}
        # In single precision, as some keep them.
        assert said["kept"][key] == pytest.approx(values, rel=1e-6, abs=1e-9)
    assert said["asked"] == []
