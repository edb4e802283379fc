"""Marked images in tars: the same images, keys and words as in files, whole or not at all."""

import hashlib
import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from growing import bytes_a_row
from PIL import Image

from solidmark.data import Records, open_data
from solidmark.data.members import read_bytes, write_tar
from solidmark.errors import BadInput, BrokenImage
from solidmark.marks import Marked, Marking, Segments, mark_dataset, open_marked
from solidmark.page.pictures import open_picture


def pictures(folder: Path, count: int, side: int = 12, size: int = 10) -> Records:
    """Noise with captions and classes, in tars of ten."""
    rng = np.random.default_rng(0)
    for first in range(0, count, size):
        members = []
        for number in range(first, min(first + size, count)):
            file = io.BytesIO()
            noise = rng.integers(256, size=(side, side, 3), dtype=np.uint8)
            Image.fromarray(noise).save(file, "PNG")
            members += [
                (f"{number:05d}.png", file.getvalue()),
                (f"{number:05d}.txt", f"a picture, {number % 3}".encode()),
                (f"{number:05d}.json", b'{"class": "%d", "group": "g%d"}' % (number % 2, number)),
            ]
        write_tar(folder / f"{first // size:03d}.tar", members)
    return open_data(str(folder), mode="RGB")


def mark(data: Records, out: Path, shards: int | None) -> Marked:
    marking = Marking(Segments(2, 4), seed=7, held_out=0.25, shards=shards)
    mark_dataset(data, out, marking, {"data": "noise", "seed": 7})
    return open_marked(out)


def hashes(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
        if path.name != "manifest.json"
    }


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> tuple[Marked, Marked]:
    """The same images in files and in tars of eight."""
    here = tmp_path_factory.mktemp("shards")
    data = pictures(here / "pictures", 40)
    return mark(data, here / "files", None), mark(data, here / "tars", 8)


def test_tars_hold_what_files_hold(both: tuple[Marked, Marked]) -> None:
    files, tars = both
    tables = [one.keys.drop_columns(["file_name"]).to_pylist() for one in both]
    assert tables[0] == tables[1]
    for split in ("trained", "held_out"):
        assert files.ids(split) == tars.ids(split)
        for id in files.ids(split):
            one, other = files.sample(id), tars.sample(id)
            assert (one.image == other.image).all()
            assert (one.caption, one.label, one.class_index, one.group) == (
                *(other.caption, other.label, other.class_index, other.group),
            )
    assert files.captions == tars.captions == 3
    assert files.told().drop_columns(["file_name"]) == tars.told().drop_columns(["file_name"])
    names = sorted(path.name for path in (tars.folder / "train").iterdir())
    assert names == ["00000.tar", "00001.tar", "00002.tar", "00003.tar"]


def test_a_trainer_streams_them_as_webdataset(both: tuple[Marked, Marked]) -> None:
    """Without the package: members of one sample stand together, and have one stem."""
    import tarfile

    _, tars = both
    seen = []
    for path in sorted((tars.folder / "train").iterdir()):
        with tarfile.open(path, "r|") as tar:
            stems = [member.name.split(".")[0] for member in tar]
        assert len(stems) == 4 * len(set(stems)) <= 32
        assert [stems[i : i + 4] for i in range(0, len(stems), 4)] == [
            [stem] * 4 for stem in dict.fromkeys(stems)
        ]
        seen += list(dict.fromkeys(stems))
    assert len(seen) == 30


def test_they_are_read_as_any_data_set_is(both: tuple[Marked, Marked]) -> None:
    _, tars = both
    data = open_data(str(tars.folder / "train"))
    assert data.ids == tars.ids("trained")
    for number, id in enumerate(data.ids):
        sample, known = data[number], tars.sample(id)
        assert (sample.image == known.image).all()
        assert (sample.caption, sample.label) == (known.caption, known.label)


def test_a_page_shows_pictures_out_of_tars(both: tuple[Marked, Marked]) -> None:
    _, tars = both
    name = tars.files[tars.ids("trained")[0]]
    assert ".tar/" in name
    picture = open_picture(tars.folder, name)
    assert picture is not None
    assert picture.size == (16, 16)
    assert open_picture(tars.folder, name + "x") is None
    assert open_picture(tars.folder, "../" + name) is None


def test_a_marking_that_was_stopped_ends_in_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = pictures(tmp_path / "pictures", 40)
    mark(data, tmp_path / "whole", 8)
    calls = []

    def stopped(path: Path, members: object) -> None:
        calls.append(path.name)
        if len(calls) == 3:
            next(iter(members))  # type: ignore[call-overload]
            raise KeyboardInterrupt
        write_tar(path, members)  # type: ignore[arg-type]

    monkeypatch.setattr("solidmark.marks.painting.write_tar", stopped)
    with pytest.raises(KeyboardInterrupt):
        mark(data, tmp_path / "stopped", 8)
    mark(data, tmp_path / "stopped", 8)
    assert len(calls) == 3 + 4  # Of six tars two were done.
    assert hashes(tmp_path / "stopped") == hashes(tmp_path / "whole")


def test_a_tar_that_is_lost_or_damaged_is_named(tmp_path: Path) -> None:
    marked = mark(pictures(tmp_path / "pictures", 20), tmp_path / "tars", 8)
    id = marked.ids("trained")[0]
    path = marked.folder / marked.files[id]
    assert read_bytes(path).startswith(b"\x89PNG")
    tar = path.parent
    data = tar.read_bytes()
    tar.write_bytes(data[:100])
    with pytest.raises(BrokenImage, match=r"00000.tar"):
        marked.sample(id)
    tar.unlink()
    with pytest.raises(BrokenImage, match="is gone"):
        marked.sample(id)
    with pytest.raises(BadInput, match="one image or more"):
        Marking(Segments(2, 4), seed=1, shards=0)


def test_an_image_more_costs_a_few_kilobytes(tmp_path: Path) -> None:
    outs = (tmp_path / f"out-{number}" for number in range(9))

    def marking(count: int) -> Callable[[], object]:
        data = pictures(tmp_path / f"{count}", count, side=8, size=50)
        out = next(outs)  # A finished one would be left alone.
        return lambda: mark(data, out, 50)

    assert bytes_a_row(marking, 200, 600) < 4000
