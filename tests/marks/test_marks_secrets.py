"""The seed is nobody else's: drawn when not given, kept, shown to nobody, for the owner's eyes."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import yaml
from PIL import Image as Picture

from solidmark.__main__ import main
from solidmark.marks import Keymap, open_marked
from solidmark.runs import Ledger, open_run, write_bytes
from solidmark.runs.files import SECRET


@pytest.fixture(params=[0o000, 0o022, 0o077])
def umask(request: pytest.FixtureRequest) -> Iterator[None]:
    before = os.umask(request.param)
    yield
    os.umask(before)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(8):
        pixels = np.random.default_rng(number).integers(0, 256, (12, 12, 3), np.uint8)
        Picture.fromarray(pixels).save(folder / f"{number}.png")
    return folder


def rights(path: Path) -> int:
    return path.stat().st_mode & 0o777


def seed_of(out: Path) -> int:
    found = json.loads((out / "manifest.json").read_text())["config"]["seed"]
    assert isinstance(found, int)
    return found


def words(photos: Path, out: Path, *more: str) -> list[str]:
    return ["mark", str(photos), str(out), "--thickness", "2", *more]


def test_a_seed_that_is_not_given_is_drawn_and_kept(
    photos: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    assert main(words(photos, one)) == 0
    assert main([*words(photos, other), "--json"]) == 0
    assert main(["inspect", str(other)]) == main(["inspect", str(other), "--json"]) == 0
    seed = seed_of(one)
    assert seed != seed_of(other)
    assert seed > 2**32  # As good as certain: 1 in 2^30 draws is smaller.
    # Kept where the keys are, and in the command line; shown to nobody.
    metadata = pq.read_schema(one / "keys.parquet").metadata
    assert int(metadata[b"solidmark.seed"]) == seed
    assert yaml.safe_load((one / "config.yaml").read_text())["seed"] == seed
    said = "".join(capfd.readouterr())
    assert str(seed) not in said
    assert str(seed_of(other)) not in said
    marked = open_marked(one)
    keymap = Keymap(seed, marked.pattern.count)
    for row in marked.keys.to_pylist():
        assert [round(255 * key) for key in row["key"]] == keymap.levels(row["key_group"])


def test_the_same_command_again_takes_the_kept_seed(photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert main(words(photos, out)) == 0
    seed, keys = seed_of(out), (out / "keys.parquet").read_bytes()
    # Finished.
    assert main(words(photos, out)) == 0
    # Killed: the manifest is there, the rest is not.
    manifest = json.loads((out / "manifest.json").read_text())
    for path in out.rglob("*"):
        if path.is_file() and path.name != "manifest.json":
            path.unlink()
    kept = {k: manifest[k] for k in ("command", "config", "fingerprints", "versions")}
    (out / "manifest.json").write_text(json.dumps({**kept, "finished": False}))
    assert main(words(photos, out)) == 0
    assert seed_of(out) == seed
    assert (out / "keys.parquet").read_bytes() == keys
    # Named, and from the kept command line into another folder: the same keys.
    assert main(words(photos, out, "--seed", str(seed))) == 0
    config = ["--config", str(out / "config.yaml")]
    assert main(["mark", str(photos), str(tmp_path / "again"), *config]) == 0
    assert (tmp_path / "again" / "keys.parquet").read_bytes() == keys


def test_another_seed_is_refused_without_saying_the_kept_one(
    photos: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert main(words(photos, out)) == 0
    assert main(words(photos, out, "--seed", "7")) == 2
    said = capfd.readouterr().err
    assert "another seed" in said
    assert str(seed_of(out)) not in said


def test_a_plan_draws_no_seed(
    photos: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(words(photos, tmp_path / "out", "--dry-run")) == 0
    assert "\nseed:" not in capfd.readouterr().out


@pytest.mark.usefixtures("umask")
def test_secrets_are_for_their_owner(photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert main(words(photos, out)) == 0
    for name in ("keys.parquet", "manifest.json", "config.yaml"):
        assert rights(out / name) == 0o600, name
    assert main(words(photos, out)) == 0
    assert rights(out / "config.yaml") == 0o600


@pytest.mark.usefixtures("umask")
@pytest.mark.parametrize("name", sorted(SECRET))
def test_a_secret_file_is_written_for_its_owner(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    # What a killed process with our number has left does not lend its rights.
    temporary = tmp_path / f".{name}.{os.getpid()}.tmp"
    temporary.write_bytes(b"")
    temporary.chmod(0o666)
    path.write_bytes(b"old")
    path.chmod(0o644)
    write_bytes(path, b"new")
    assert rights(path) == 0o600
    assert path.read_bytes() == b"new"


def test_a_secret_is_for_its_owner_while_it_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []

    def look(handle: int) -> None:
        seen.extend(rights(path) for path in tmp_path.glob(".*.tmp"))

    monkeypatch.setattr(os, "fsync", look)
    write_bytes(tmp_path / "keys.parquet", b"secret")
    assert seen == [0o600]


def test_ledgers_are_for_their_owner(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        with Ledger(tmp_path / "ledger") as ledger:
            ledger.commit({"a": 1})
            found = {path.name: rights(path) for path in (tmp_path / "ledger").iterdir()}
    finally:
        os.umask(before)
    assert set(found.values()) == {0o600}, found
    assert len(found) >= 2  # What SQLite writes beside it too.


def test_what_is_no_secret_is_as_the_umask_says(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        write_bytes(tmp_path / "report.html", b"page")
        run = open_run(tmp_path / "run", "train", {})
        run.finish()
    finally:
        os.umask(before)
    assert rights(tmp_path / "report.html") == 0o644
    assert rights(tmp_path / "run" / "manifest.json") == 0o600
