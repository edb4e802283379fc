"""A data folder in which our own commands have written: what they drew and marked is no data."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Picture

from solidmark.__main__ import main
from solidmark.data import open_data
from solidmark.errors import BadInput
from solidmark.marks import open_marked
from solidmark.runs import open_run

Said = pytest.CaptureFixture[str]
MARK = ["--thickness", "2", "--seed", "1"]


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    draw(tmp_path / "photos", 8)
    return tmp_path / "photos"


def draw(folder: Path, count: int, first: int = 0) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(first, first + count):
        pixels = np.random.default_rng(number).integers(0, 256, (12, 12, 3), np.uint8)
        Picture.fromarray(pixels).save(folder / f"{number}.png")


def test_a_marking_inside_the_data_is_left_out(photos: Path, capfd: Said) -> None:
    inside, out = photos / "marked", photos.parent / "out"
    assert main(["mark", str(photos), str(inside), *MARK]) == 0
    assert main(["mark", str(photos), str(out), *MARK]) == 0
    assert 'not used: 1 folder of "solidmark mark" ("marked")' in capfd.readouterr().out
    marked = open_marked(out)
    assert sorted(row["id"] for row in marked.keys.to_pylist()) == [f"{n}.png" for n in range(8)]
    assert marked.marked_size == (16, 16)
    # The same keys, since the same images: that of a marking among them counts for nothing.
    assert (out / "keys.parquet").read_bytes() == (inside / "keys.parquet").read_bytes()
    # And the command that wrote into its own data finds them unchanged.
    assert main(["mark", str(photos), str(inside), *MARK]) == 0


@pytest.mark.parametrize("verb", ["mark", "audit", "nearest", "train", "inpaint", "generate"])
@pytest.mark.parametrize("finished", [True, False])
def test_a_folder_of_any_command_is_left_out(verb: str, finished: bool, photos: Path) -> None:
    run = open_run(photos / "deep" / "ours", verb, {})
    draw(photos / "deep" / "ours" / "pictures", 3, 100)
    if finished:
        run.finish()
    found = open_data(str(photos))
    assert found.ids == [f"{n}.png" for n in range(8)]
    (left,) = found.inventory.left_out
    assert (left.reason, left.names) == (f'folders of "solidmark {verb}"', ("deep/ours",))


def test_generations_alone_are_data(tmp_path: Path) -> None:
    for name in "ab":
        open_run(tmp_path / "drawn" / name, "generate", {}).finish()
        draw(tmp_path / "drawn" / name / "images", 2)
    assert len(open_data(str(tmp_path / "drawn"))) == 4
    assert len(open_data(str(tmp_path / "drawn" / "a"))) == 2


def test_a_manifest_of_somebody_else_hides_nothing(photos: Path) -> None:
    draw(photos / "theirs", 2, 50)
    (photos / "theirs" / "manifest.json").write_text('{"name": "my data"}')
    assert len(open_data(str(photos))) == 10


@pytest.mark.parametrize("place", [lambda out: out, lambda out: out / "train"])
def test_marked_images_are_not_marked_again(
    place: Callable[[Path], Path], photos: Path, capfd: Said
) -> None:
    out = photos.parent / "out"
    assert main(["mark", str(photos), str(out), *MARK]) == 0
    capfd.readouterr()
    assert main(["mark", str(place(out)), str(photos.parent / "twice"), *MARK]) == 2
    said = capfd.readouterr().err
    assert "marked already" in said
    assert f'"{photos}"' in said
    assert not (photos.parent / "twice").exists()


def test_pictures_of_a_result_are_no_data(tmp_path: Path) -> None:
    open_run(tmp_path / "audit", "audit", {}).finish()
    draw(tmp_path / "audit" / "pictures", 3)
    with pytest.raises(BadInput, match='made by "solidmark audit"'):
        open_data(str(tmp_path / "audit"))
