"""A marking that is killed or interrupted ends in the bytes of one that was not."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from breaking import held
from forking import start
from PIL import Image as Picture

from marks.killed import BATCH, BROKEN, COUNT, Photos, mark, mark_until
from solidmark.cli import main
from solidmark.data import Sample
from solidmark.errors import RunConflict
from solidmark.marks import Border, Marking, mark_dataset, marking, open_marked
from solidmark.runs import fingerprint, is_whole, write_json

FILES = COUNT - len(BROKEN)
MOMENTS = [
    ("sync", 1),  # within the manifest
    ("commit", 1),  # the first batch of the survey
    ("commit", 3),  # the last one
    ("commit", 4),  # the first batch of files: written, not committed
    ("image", 1),
    ("sync", 2 + BATCH + 3),  # within an image of the second batch
    ("replace", 2 + BATCH + 3),
    ("commit", 6),  # all files are there, the last batch is not committed
    ("table", 1),
    ("sync", 1 + FILES + 1),  # within the metadata that go to the trainer
    ("replace", 1 + FILES + 3),
    ("table", 4),  # keys.parquet is missing
    ("sync", 1 + FILES + 4),
    ("clear", 1),
    ("sweep", 1),  # the ledger is gone, the manifest not finished
    ("finish", 1),
    ("manifest", 2),
    ("replace", 1 + FILES + 5),  # the finished manifest is written, not named
]


def tree(folder: Path) -> dict[str, bytes]:
    """Every file, hidden ones too."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def kill_at(place: str, count: int, out: Path) -> None:
    child = start(mark_until, place, count, out)
    child.join(120)
    assert child.exitcode == -signal.SIGKILL, (place, count)


@pytest.fixture(autouse=True)
def _batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(marking, "BATCH", BATCH)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    out = tmp_path_factory.mktemp("whole") / "out"
    child = start(mark_until, "", 0, out)
    child.join(120)
    assert child.exitcode == 0
    return tree(out)


@pytest.mark.slow
@pytest.mark.parametrize(("place", "count"), MOMENTS, ids=lambda value: str(value))
def test_a_marking_killed_once_ends_in_the_same_bytes(
    place: str, count: int, whole: dict[str, bytes], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    kill_at(place, count, out)
    assert mark(out)["finished"]
    assert tree(out) == whole


@pytest.mark.slow
def test_a_marking_killed_again_and_again_ends_in_the_same_bytes(
    whole: dict[str, bytes], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    for place, count in [*MOMENTS[:2], ("commit", 2), ("image", 5), ("commit", 2), ("sync", 7)]:
        kill_at(place, count, out)
    for place, count in [("table", 3), ("sweep", 3), ("clear", 1)]:
        kill_at(place, count, out)
    mark(out)
    assert tree(out) == whole


@pytest.mark.slow
def test_a_marking_killed_at_any_time_ends_in_the_same_bytes(
    whole: dict[str, bytes], tmp_path: Path
) -> None:
    killed = 0
    for number in range(6):
        out = tmp_path / str(number)
        child = start(mark_until, "", 0, out)
        deadline = time.monotonic() + 60
        while not out.exists() and time.monotonic() < deadline:
            time.sleep(0.001)
        time.sleep(0.03 * number)
        os.kill(child.pid, signal.SIGKILL)
        child.join()
        killed += child.exitcode == -signal.SIGKILL
        mark(out)
        assert tree(out) == whole
    assert killed >= 2


@pytest.mark.parametrize("damage", ["cut off", "another", "gone"])
def test_a_picture_that_was_damaged_after_the_kill_is_written_again(
    damage: str, whole: dict[str, bytes], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    kill_at("commit", 6, out)
    paths = sorted(out.rglob("*.png"))
    content = {"cut off": paths[0].read_bytes()[:90], "another": paths[5].read_bytes()}
    paths[0].unlink()
    if damage in content:
        paths[0].write_bytes(content[damage])
    mark(out)
    assert tree(out) == whole


def test_a_finished_marking_is_left_alone(tmp_path: Path) -> None:
    mark(tmp_path / "out")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*")}
    mark(tmp_path / "out")
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*")} == before


def test_a_bit_that_was_turned_over_in_a_picture_of_a_finished_marking_is_made_good(
    whole: dict[str, bytes], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    mark(out)
    path = sorted(out.rglob("*.png"))[3]
    data = path.read_bytes()
    path.write_bytes(data[:-30] + bytes([data[-30] ^ 4]) + data[-29:])
    mark(out)
    name = path.relative_to(out).as_posix()
    assert f'"{name}" is not what was written. It is made good.' in capsys.readouterr().err
    aside = out / ".set-aside"
    assert tree(aside).keys() == {name}
    shutil.rmtree(aside)
    assert tree(out) == whole


def test_a_marking_of_an_earlier_version_is_whole_by_the_sizes_of_its_pictures(
    tmp_path: Path,
) -> None:
    out = tmp_path / "out"
    mark(out)
    files = json.loads((out / "files.json").read_text())
    sizes = {
        name: told.partition(" ")[0] if name.endswith(".png") else told
        for name, told in files.items()
        if name != "version"
    }
    write_json(out / "files.json", {"version": 1, **sizes})
    manifest = held(out / "manifest.json") | {"files": fingerprint(out / "files.json")}
    (out / "manifest.json").write_text(json.dumps(manifest))
    assert is_whole(out)
    path = next(out.rglob("*.png"))
    path.write_bytes(path.read_bytes()[:-1])
    assert not is_whole(out)


class Changed(Photos):
    """The same ids, another picture."""

    def __getitem__(self, index: int) -> Sample:
        sample = super().__getitem__(0 if index == 30 else index)
        return Sample(self.ids[index], sample.image, sample.content)


def test_data_that_changed_in_between_are_refused(tmp_path: Path) -> None:
    """What was surveyed before a kill must be what is marked after it."""
    out = tmp_path / "out"
    kill_at("commit", 4, out)
    with pytest.raises(RunConflict, match=r"album 0/030.png. has changed"):
        mark_dataset(
            Changed(), out, Marking(Border(2), seed=0, held_out=0.25, canaries=0.5), {"a": 1}
        )
    assert not (out / "keys.parquet").exists()


@pytest.mark.slow
def test_control_c_is_one_line_and_a_folder_that_resumes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, out = tmp_path / "data", tmp_path / "out"
    data.mkdir()
    noise = np.random.default_rng(0)
    for number in range(200):
        pixels = noise.integers(0, 256, (24, 24, 3)).astype(np.uint8)
        Picture.fromarray(pixels).save(data / f"{number}.png")
    words = ["mark", str(data), str(out), "--thickness", "2", "--seed", "5"]
    # A slow disk: on a busy machine the marking would be over before the signal is sent.
    slowly = """if True:
        import signal, sys, time
        # A shell starts what it puts in the background deaf to Ctrl-C.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        from solidmark.__main__ import main
        from solidmark.marks import painting
        write = painting.write_image
        painting.write_image = lambda *what: (time.sleep(0.1), write(*what))
        sys.exit(main(sys.argv[1:]))
    """
    process = subprocess.Popen(
        [sys.executable, "-c", slowly, *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 60
    while not (out / "train").exists() and time.monotonic() < deadline:
        time.sleep(0.002)
    process.send_signal(signal.SIGINT)
    printed, complained = process.communicate(timeout=60)
    assert process.returncode == 130, complained
    assert printed == ""
    lines = [line for line in complained.splitlines() if line.strip()]
    assert lines == ["Interrupted. Run the same command again to go on."]
    assert not (out / "keys.parquet").exists()
    assert main(words) == 0
    assert main(["mark", str(data), str(tmp_path / "other"), *words[3:]]) == 0
    one, other = tree(out), tree(tmp_path / "other")
    for files in (one, other):
        files.pop("config.yaml")  # Names the folder.
    assert one == other
    assert len(open_marked(out).ids("trained")) == 180
