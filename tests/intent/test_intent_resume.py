"""A run that is killed and goes on ends in the same tables."""

import shutil
import signal
from pathlib import Path

import pytest
from forking import start
from killed_intent import ask_until
from planted import asking, planted

from solidmark.measures.intent import intent
from solidmark.runs import read_json

TABLES = ("prompts", "known", "calibration", "evidence", "generations", "features", "findings")
MOMENTS = [
    ("picture", 5),
    ("picture", 40),
    ("replace", 60),
    ("table", 2),
    ("score", 2),
    ("finish", 1),
]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same run, left alone."""
    here = tmp_path_factory.mktemp("whole")
    intent(asking(here, "out", per_prompt=2, batch_size=16), planted())
    return here


def test_a_killed_run_goes_on(whole: Path, tmp_path: Path) -> None:
    """One run, killed at one moment after the other."""
    for name in ("training", "features.jsonl", "prompts.txt", "unrelated.txt"):
        copy = shutil.copytree if (whole / name).is_dir() else shutil.copy
        copy(whole / name, tmp_path / name)
    for place, count in MOMENTS:
        child = start(ask_until, place, count, tmp_path)
        child.join(120)
        assert child.exitcode == -signal.SIGKILL, (place, count)
        assert not read_json(tmp_path / "out" / "manifest.json")["finished"]
    intent(asking(tmp_path, "out", per_prompt=2, batch_size=16), planted())
    for name in TABLES:
        there, here = (root / "out" / f"{name}.parquet" for root in (whole, tmp_path))
        assert there.read_bytes() == here.read_bytes(), name
    pictures = sorted(path.relative_to(whole) for path in (whole / "out").rglob("*.png"))
    assert pictures == sorted(p.relative_to(tmp_path) for p in (tmp_path / "out").rglob("*.png"))
    for picture in pictures:
        assert (whole / picture).read_bytes() == (tmp_path / picture).read_bytes()
    assert not list((tmp_path / "out").rglob("*.tmp"))
