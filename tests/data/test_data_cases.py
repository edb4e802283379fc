"""What other people's tools stumbled over: the right value for each, built here."""

import base64
import io
import os
import tarfile
import unicodedata
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from solidmark.data import Records, group_duplicates, open_data, sign
from solidmark.errors import BadInput, BrokenImage

from .sources import picture, png, tar_of

PNGS = [png(picture(seed)) for seed in range(8)]


def told(data: Records) -> list[tuple[str, str | None]]:
    return [(record.id, record.caption) for record in data.records]


def left_out(data: Records) -> dict[str, int]:
    assert data.inventory is not None
    return {one.reason: one.count for one in data.inventory.left_out}


def copies(data: Records) -> int:
    groups = group_duplicates(data.ids, [sign(data[n]) for n in range(len(data))])
    return len(data) - len(set(groups.values()))


def parquet(path: Path, columns: dict[str, object], features: str | None = None) -> Path:
    table = pa.table(columns)
    if features is not None:
        table = table.replace_schema_metadata({"huggingface": features})
    pq.write_table(table, path)
    return path


# Tars


@pytest.mark.parametrize("name", ["img_{}.5", "img_0.{}", "photo{}.v2", "x.y/{}.a.b"])
def test_dots_in_names_lose_no_image_and_no_caption(tmp_path: Path, name: str) -> None:
    members: dict[str, bytes] = {}
    for number in range(6):
        members[name.format(number) + ".png"] = PNGS[number]
        members[name.format(number) + ".txt"] = b"caption %d" % number
    data = open_data(tar_of(tmp_path / "a.tar", members))
    assert [caption for _, caption in told(data)] == [f"caption {n}" for n in range(6)]
    assert left_out(data) == {}


def test_numbers_in_names_are_no_kinds_of_picture(tmp_path: Path) -> None:
    members = {f"img_0.{number}.png": PNGS[number] for number in range(6)}
    assert len(open_data(tar_of(tmp_path / "a.tar", members))) == 6


def test_a_depth_map_is_never_taken_for_the_image(tmp_path: Path) -> None:
    members: dict[str, bytes] = {}
    for number in range(3):
        members[f"{number}.depth.png"] = PNGS[number]
        if number != 2:  # Its image is missing, which makes no image of its depth map.
            members[f"{number}.jpg"] = png(picture(number), "JPEG")
        members[f"{number}.json"] = b'{"caption": "real %d"}' % number
    path = tar_of(tmp_path / "a.tar", members)
    data = open_data(path)
    assert told(data) == [("a.tar/0.jpg", "real 0"), ("a.tar/1.jpg", "real 1")]
    assert left_out(data) == {"further pictures of a sample": 3, ".json files without an image": 1}
    other = open_data(path, image_column="depth.png")
    assert told(other)[2] == ("a.tar/2.depth.png", "real 2")
    with pytest.raises(BadInput, match=r'has no picture "normal.png"'):
        open_data(path, image_column="normal.png")


def test_two_kinds_without_a_plain_one_are_a_question(tmp_path: Path) -> None:
    members = {"0.rgb.png": PNGS[0], "0.depth.png": PNGS[1], "0.txt": b"x"}
    path = tar_of(tmp_path / "a.tar", members)
    with pytest.raises(BadInput, match=r'2 pictures of sample "0" .* --image-column'):
        open_data(path)
    assert told(open_data(path, image_column="rgb.png")) == [("a.tar/0.rgb.png", "x")]


def test_links_in_a_tar_are_images(tmp_path: Path) -> None:
    source = tmp_path / "src"
    source.mkdir()
    for number in range(4):
        (source / f"{number}.png").write_bytes(PNGS[number])
        os.link(source / f"{number}.png", source / f"{number + 4}.png")
    with tarfile.open(tmp_path / "a.tar", "w") as tar:
        for path in sorted(source.iterdir()):
            tar.add(path, path.name)
        for name, target in (("up.png", "../none.png"), ("soft.png", "0.png")):
            link = tarfile.TarInfo(name)
            link.type, link.linkname = tarfile.SYMTYPE, target
            tar.addfile(link)
    data = open_data(tmp_path / "a.tar")
    assert len(data) == 9
    assert copies(data) == 5
    assert copies(open_data(source)) == 4
    assert left_out(data) == {"links whose target is not in the tar": 1}


def test_compressed_tars_and_members_are_counted(tmp_path: Path) -> None:
    tar_of(tmp_path / "a.tar", {"0.png": PNGS[0], "1.jpg.gz": b"x", "2.nii": b"x", "3.npy": b"x"})
    with tarfile.open(tmp_path / "b.tar.gz", "w:gz") as tar:
        info = tarfile.TarInfo("0.png")
        info.size = len(PNGS[0])
        tar.addfile(info, io.BytesIO(PNGS[0]))
    data = open_data(tmp_path)
    assert data.ids == ["a.tar/0.png"]
    assert left_out(data) == {"compressed files": 2, ".nii files": 1, ".npy files": 1}
    assert data.inventory is not None
    assert '2 compressed files ("a.tar/1.jpg.gz", "b.tar.gz")' in data.inventory.line
    (tmp_path / "a.tar").unlink()
    with pytest.raises(BadInput, match=r'holds no images. It has 1 compressed file \("b.tar.gz"\)'):
        open_data(tmp_path)


@pytest.mark.parametrize("end", [700, 1024, 1200, 1536, 2048, 2900])
def test_a_tar_that_is_cut_off_is_refused_as_such(tmp_path: Path, end: int) -> None:
    # A header takes 512 bytes and each picture here one block: cut inside and between them.
    path = tar_of(tmp_path / "a.tar", {f"{n}.png": PNGS[n] for n in range(3)})
    assert len(open_data(path)) == 3
    os.truncate(path, end)
    with pytest.raises(BadInput, match=r"is cut off"):
        open_data(path)


def test_what_follows_damage_or_the_end_is_not_dropped_unsaid(tmp_path: Path) -> None:
    path = tar_of(tmp_path / "a.tar", {f"{n}.png": PNGS[n] for n in range(3)})
    whole = path.read_bytes()
    path.write_bytes(whole[:1030] + b"\xff" * 100 + whole[1130:])
    with pytest.raises(BadInput, match=r"is damaged at byte 1,024"):
        open_data(path)
    path.write_bytes(whole + whole)
    with pytest.raises(BadInput, match=r"two tars in one file"):
        open_data(path)


def test_shards_that_are_not_there_are_counted(tmp_path: Path) -> None:
    for number in (0, 2):
        tar_of(tmp_path / f"{number:02d}.tar", {"x.png": PNGS[number]})
    data = open_data(f"{tmp_path}/{{00..03}}.tar")
    assert left_out(data) == {"files of the pattern that are not there": 2}


# Captions and metadata


@pytest.mark.parametrize("tar", [False, True])
def test_captions_beside_images(tmp_path: Path, tar: bool) -> None:
    files = {f"{n}.png": PNGS[n] for n in range(5)} | {
        "0.png.txt": b"whole name",
        "0.txt": b"stem",
        "1.json": b'{"caption": "from JSON", "class": "owl"}',
        "2.txt": b"caf\xe9",
        "3.JSON": b"{}",
        "9.txt": b"nobody's",
    }
    if tar:
        tar_of(tmp_path / "a.tar", files)
    for name, data in () if tar else files.items():
        (tmp_path / name).write_bytes(data)
    data = open_data(tmp_path)
    where = "a.tar/" if tar else ""
    assert told(data)[:2] == [
        (f"{where}0.png", "whole name"),
        (f"{where}1.png", "from JSON"),
    ]
    with pytest.raises(BrokenImage, match=r'"2.txt" .* is not UTF-8'):
        data[2]
    assert left_out(data) == {
        "files beside a stronger one": 1,
        ".txt files without an image": 1,
        "quarantined rows": 1,
    }
    assert data.records[1].label == "owl"


def test_json_beside_images_is_read(tmp_path: Path) -> None:
    for number in range(2):
        (tmp_path / f"{number}.png").write_bytes(PNGS[number])
        (tmp_path / f"{number}.json").write_text(f'{{"caption": "c{number}", "id": 7}}')
    assert told(open_data(tmp_path)) == [("0.png", "c0"), ("1.png", "c1")]


def test_images_without_a_metadata_line_are_counted(tmp_path: Path) -> None:
    for number in range(6):
        (tmp_path / f"{number}.png").write_bytes(PNGS[number])
    lines = [f'{{"file_name": "{n}.png", "text": "c{n}", "prompt": "p"}}' for n in range(3)]
    (tmp_path / "metadata.jsonl").write_text("\n".join(lines))
    (tmp_path / "0.txt").write_text("unread")
    data = open_data(tmp_path)
    assert len(data) == 3
    expected = {"images without a metadata line": 3, "columns": 1, ".txt files without an image": 1}
    assert left_out(data) == expected
    assert left_out(open_data(tmp_path / "metadata.jsonl")) == expected


@pytest.mark.parametrize(("disk", "said"), [("NFD", "NFC"), ("NFC", "NFD")])
def test_accents_are_found_however_they_are_written(tmp_path: Path, disk: str, said: str) -> None:
    there, here = (unicodedata.normalize(form, "café") for form in (disk, said))
    (tmp_path / there).mkdir()
    (tmp_path / there / f"{there}.png").write_bytes(PNGS[0])
    (tmp_path / there / f"{here}.txt").write_text("beside")
    assert told(open_data(tmp_path))[0][1] == "beside"
    line = f'{{"file_name": "{here}/{here}.png", "text": "in a line"}}'
    (tmp_path / "metadata.jsonl").write_text(line, encoding="utf-8")
    data = open_data(tmp_path)
    assert data[0].image.shape == (3, 9, 12)
    assert data[0].caption == "in a line"
    assert "images without a metadata line" not in left_out(data)


def test_metadata_in_parquet(tmp_path: Path) -> None:
    for number in range(3):
        (tmp_path / f"{number}.png").write_bytes(PNGS[number])
    names = [f"{n}.png" for n in range(2)]
    parquet(tmp_path / "metadata.parquet", {"file_name": names, "text": ["c0", "c1"]})
    for where in (tmp_path, tmp_path / "metadata.parquet"):
        data = open_data(where)
        assert told(data) == [("0.png", "c0"), ("1.png", "c1")]
        assert data[1].image.shape == (3, 9, 12)
        assert left_out(data) == {"images without a metadata line": 1}


def test_a_name_that_is_too_long_breaks_one_image(tmp_path: Path) -> None:
    (tmp_path / "0.png").write_bytes(PNGS[0])
    lines = [f'{{"file_name": "{name}.png"}}' for name in ("x" * 400, "0")]
    (tmp_path / "metadata.jsonl").write_text("\n".join(lines))
    data = open_data(tmp_path)
    assert data[0].image.shape == (3, 9, 12)
    with pytest.raises(BrokenImage, match=r"too long") as caught:
        data[1]
    assert len(str(caught.value)) < 1000


# Cells


@pytest.mark.parametrize("head", ["", "data:image/png;base64,"])
def test_pictures_in_base64_are_read(tmp_path: Path, head: str) -> None:
    cells: list[object] = [head + base64.b64encode(data).decode() for data in PNGS[:3]]
    cells += [head + "A" * 5000, head[:5] + "x" * 500 + ".png"]
    data = open_data(parquet(tmp_path / "a.parquet", {"image": cells, "text": list("abcde")}))
    for number in range(3):
        assert data[number].image.equal(
            open_data(tar_of(tmp_path / "b.tar", {"x.png": PNGS[number]}))[0].image
        )
    for number in (3, 4):
        with pytest.raises(BrokenImage) as caught:
            data[number]
        assert len(str(caught.value)) < 1000


def test_a_caption_that_is_not_utf8_breaks_one_row(tmp_path: Path) -> None:
    texts = pa.array([b"a", b"caf\xe9", b"c"], pa.binary()).view(pa.utf8())
    data = open_data(parquet(tmp_path / "a.parquet", {"image": PNGS[:3], "text": texts}))
    assert data[0].caption == "a"
    assert data[2].caption == "c"
    with pytest.raises(BrokenImage, match=r'"text" is not UTF-8'):
        data[1]


def test_the_first_of_several_captions_and_none_of_none(tmp_path: Path) -> None:
    import datasets

    datasets.disable_progress_bars()
    features = datasets.Features(image=datasets.Image(), text=[datasets.Value("string")])
    columns = {
        "image": [{"bytes": data, "path": None} for data in PNGS[:4]],
        "text": [["c0", "c1"], ["d0"], [], ["e"]],
    }
    datasets.Dataset.from_dict(columns, features=features).save_to_disk(str(tmp_path / "saved"))
    data = open_data(tmp_path / "saved")
    assert [data[n].caption for n in range(4)] == ["c0", "d0", None, "e"]
    assert data.inventory is not None
    assert (data.inventory.images, data.inventory.captions) == (4, 3)
