"""Every kind of source gives the same samples, and every mistake one clear line."""

import json
import os
import pickle
from pathlib import Path

import pytest
import torch
from PIL import Image

from solidmark.data import open_data
from solidmark.errors import BadInput, BrokenImage, NotFound, UnknownName

from .sources import WORDS, picture, png, tar_of


def test_all_sources_agree(source: Path, plain: Path) -> None:
    data, reference = open_data(source, resolution=8), open_data(plain, resolution=8)
    assert data.ids == ["a", "b", "c", "d"]
    for index, name in enumerate(data.ids):
        sample = data[index]
        assert torch.equal(sample.image, reference[index].image)
        assert sample.content == reference[index].content
        caption, label = WORDS[name]
        assert (sample.id, sample.caption or "", sample.label) == (name, caption, label)


def test_records_can_go_to_another_process(source: Path) -> None:
    data = open_data(source)
    assert pickle.loads(pickle.dumps(data))[2].content == data[2].content


def test_opening_decodes_nothing(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "open", lambda *_: pytest.fail("decoded"))
    assert len(open_data(source).ids) == 4


def test_limit_keeps_the_first_ids(source: Path) -> None:
    assert open_data(source, limit=2).ids == ["a", "b"]
    with pytest.raises(BadInput, match=r'limit of "0"'):
        open_data(source, limit=0)


def test_a_named_column_must_be_there(source: Path) -> None:
    with pytest.raises(BadInput, match=r'no column "prompt".* columns: .*"id"'):
        open_data(source, caption_column="prompt")


def test_columns_can_be_chosen(source: Path) -> None:
    data = open_data(source, caption_column="id", group_column="id")
    assert [(data[i].caption, data[i].group) for i in range(4)] == [(n, n) for n in "abcd"]


def test_an_id_column_that_repeats_is_refused(tmp_path: Path) -> None:
    rows = [{"file_name": f"{n}.png", "n": 1} for n in "ab"]
    (tmp_path / "metadata.jsonl").write_text("\n".join(map(json.dumps, rows)))
    with pytest.raises(BadInput, match=r'id "1" \(Line 1 .*; Line 2 '):
        open_data(tmp_path, id_column="n")


# Folders


def test_folders_take_every_extension_in_any_case(tmp_path: Path) -> None:
    names = ["a.PNG", "B/c.JpEg", "B/d/e.webp", "f.Tif", "g.bmp", "h.gif"]
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        kind = {"jpeg": "JPEG", "tif": "TIFF"}.get(name.split(".")[1].lower(), name[-3:].upper())
        kind = "WEBP" if name.endswith("webp") else kind
        (tmp_path / name).write_bytes(png(picture(1), kind))
    for other in (".hidden.png", "note.md", "x.npy"):
        (tmp_path / other).write_bytes(b"")
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "z.png").write_bytes(b"")
    data = open_data(tmp_path)
    assert data.ids == sorted(names)
    assert [data[i].image.shape[0] for i in range(len(data))] == [3] * 6


@pytest.mark.parametrize("name", ["ü ñ 猫.png", "two\nlines.png", "a \"b\" 'c'.png", "-x;$(y).png"])
def test_hostile_names_are_only_names(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(png(picture(1)))
    (tmp_path / "~broken.png").write_bytes(b"")
    data = open_data(tmp_path)
    place = data.ids.index(name)
    assert data[place].image.shape == (3, 9, 12)
    os.rename(tmp_path / name, tmp_path / "gone")
    with pytest.raises(BrokenImage) as caught:
        data[place]
    assert "\n" not in str(caught.value)


def test_a_name_that_is_not_unicode_gets_an_id_that_is(tmp_path: Path) -> None:
    path = os.fsencode(tmp_path) + b"/\xff.png"
    with open(path, "wb") as file:
        file.write(png(picture(1)))
    data = open_data(tmp_path)
    assert data.ids == ["\\xff.png"]
    assert data[0].image.shape == (3, 9, 12)


def test_links_are_followed_once_and_loops_end(tmp_path: Path, pngs: dict[str, bytes]) -> None:
    folder, outside = tmp_path / "data", tmp_path / "outside"
    for place in (folder / "sub", outside):
        place.mkdir(parents=True)
        (place / "x.png").write_bytes(pngs["a"])
    (folder / "loop").symlink_to(folder)
    (folder / "up").symlink_to(tmp_path)
    (folder / "again").symlink_to(folder / "sub")
    (folder / "elsewhere").symlink_to(outside)
    (outside / "back").symlink_to(folder)
    (folder / "file.png").symlink_to(outside / "x.png")
    (folder / "dead.png").symlink_to(outside / "none.png")
    data = open_data(folder)
    assert data.ids == ["dead.png", "elsewhere/x.png", "file.png", "sub/x.png"]
    with pytest.raises(BrokenImage, match=r"no file"):
        data[0]


def test_a_pipe_does_not_block(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "x.png")
    with pytest.raises(BrokenImage):
        open_data(tmp_path)[0]


def test_folders_are_classes_only_when_asked(tmp_path: Path, pngs: dict[str, bytes]) -> None:
    for name in ("cat/a.png", "dog/deep/b.png", "c.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(pngs["a"])
    assert {open_data(tmp_path)[i].label for i in range(3)} == {None}
    data = open_data(tmp_path, class_folders=True)
    assert [data[i].label for i in range(3)] == [None, "cat", "dog"]


def test_text_files_beside_images_are_captions(plain: Path) -> None:
    (plain / "a.txt").write_text("\ufeffa fox\n", encoding="utf-8")
    (plain / "b.caption").write_text("an owl")
    (plain / "C.txt").write_text("another stem")
    data = open_data(plain)
    assert [data[i].caption for i in range(3)] == ["a fox", "an owl", None]
    (plain / "d.txt").write_bytes(b"\xff\xfe")
    data = open_data(plain)
    assert [data[i].caption for i in range(3)] == ["a fox", "an owl", None]
    with pytest.raises(BrokenImage, match=r'"d.png" cannot be used. "d.txt" .* Save it as UTF-8'):
        data[3]


def test_a_folder_has_no_columns(plain: Path) -> None:
    with pytest.raises(BadInput, match=r"no columns at all"):
        open_data(plain, caption_column="text")


def test_order_of_creation_does_not_matter(tmp_path: Path, pngs: dict[str, bytes]) -> None:
    opened = []
    for order in ("abcd", "dcba"):
        folder = tmp_path / order
        folder.mkdir()
        for name in order:
            (folder / f"{name}.png").write_bytes(pngs[name])
        data = open_data(folder)
        opened.append([(data[i].id, data[i].content) for i in range(4)])
    assert opened[0] == opened[1]


# Metadata


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"text": "x"}', 'Line 2 .* has no "file_name"'),
        ('{"file_name": "../a.png"}', "Line 2 .* no path of a file below"),
        ('{"file_name": "/etc/passwd"}', "Line 2 .* no path of a file below"),
        ('{"file_name": "x/../../a.png"}', "Line 2 .* no path of a file below"),
        ('{"file_name": 3}', 'Line 2 .* has no "file_name"'),
        ("{oops", "Line 2 .* is not JSON"),
        ('{"file_name": "\xff"', "Line 2 .* is not JSON"),
        ("[1]", "Line 2 .* is not an object"),
        ('{"file_name": "b.png", "text": {"en": "x"}}', 'Line 2 .*"text" holds dict'),
    ],
)
def test_a_bad_line_is_one_quarantined_row(plain: Path, line: str, message: str) -> None:
    text = '{"file_name": "a.png", "text": "x"}\n' + line + '\n{"file_name": "d.png"}\n'
    (plain / "metadata.jsonl").write_text(text, encoding="latin-1")
    data = open_data(plain)
    assert len(data) == 3
    broken = [number for number, record in enumerate(data.records) if record.flaw is not None]
    assert len(broken) == 1
    with pytest.raises(BrokenImage, match=message) as caught:
        data[broken[0]]
    assert "\n" not in str(caught.value)
    good = [data[number].id for number in range(3) if number not in broken]
    assert good == ["a.png", "d.png"]
    assert data.inventory is not None
    assert data.inventory.images == 2
    (plain / "metadata.jsonl").write_text(line + "\n", encoding="latin-1")
    with pytest.raises(BadInput, match=r"None of the 1 rows|no column"):
        open_data(plain)


@pytest.mark.parametrize("name", ["a.png", "./x/../a.png"])
def test_an_image_that_two_lines_name_is_refused(plain: Path, name: str) -> None:
    lines = [json.dumps({"file_name": "a.png"}), json.dumps({"file_name": name})]
    (plain / "metadata.jsonl").write_text("\n".join(lines))
    with pytest.raises(BadInput, match=r'id "a.png" \(Line 1 .*; Line 2 '):
        open_data(plain)


def test_a_missing_image_is_broken_when_asked_for(plain: Path) -> None:
    (plain / "metadata.jsonl").write_text('{"file_name": "gone.png"}\n\n{"file_name": "a.png"}')
    data = open_data(plain)
    assert data.ids == ["a.png", "gone.png"]
    assert data[0].image.shape[0] == 3
    with pytest.raises(BrokenImage, match=r'"gone.png" is broken. There is no file'):
        data[1]


def test_only_named_images_belong(plain: Path) -> None:
    (plain / "metadata.csv").write_text("path,words\nb.png,hello\n")
    data = open_data(plain, image_column="path", caption_column="words")
    assert [(data[0].id, data[0].caption)] == [("b.png", "hello")]
    with pytest.raises(BadInput, match=r'no column "file_name"'):
        open_data(plain)


def test_csv_mistakes_are_named(plain: Path) -> None:
    text = b"file_name,text\na.png,one, two\nb.png,\xff\nc.png,fine\n"
    (plain / "metadata.csv").write_bytes(text)
    data = open_data(plain)
    flaws = {record.id: record.flaw for record in data.records}
    assert "too many cells" in str(flaws["line 2"])
    assert "is not UTF-8" in str(flaws["b.png"])
    assert data[data.ids.index("c.png")].caption == "fine"
    (plain / "metadata.csv").write_text('file_name,text\na.png,"x"y\n')
    with pytest.raises(BadInput, match=r"Line 2 .* is not CSV"):
        open_data(plain)


def test_metadata_in_subfolders_name_their_own_images(tmp_path: Path, plain: Path) -> None:
    (plain / "metadata.jsonl").write_text('{"file_name": "a.png", "class": "fox", "label": 3}')
    data = open_data(tmp_path)
    assert (data.ids, data[0].label) == (["plain/a.png"], "fox")


def test_a_missing_id_is_one_quarantined_row(plain: Path) -> None:
    (plain / "metadata.jsonl").write_text('{"file_name": "a.png", "id": 1}\n{"file_name":"b.png"}')
    data = open_data(plain)
    assert data.ids == ["1", "b.png"]
    assert data[0].image.shape == (3, 9, 12)
    with pytest.raises(BrokenImage, match=r'Line 2 .* has no "id"'):
        data[1]


# Parquet and tars


def test_parquet_ids_count_rows(tmp_path: Path, pngs: dict[str, bytes]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    (tmp_path / "x").mkdir()
    table = pa.table({"jpg": list(pngs.values()), "n": [3, 2, 1, 0]})
    for name in ("x/one.parquet", "two.parquet"):
        pq.write_table(table, tmp_path / name, row_group_size=1)
    data = open_data(tmp_path)
    assert data.ids[0] == "two.parquet/00000000"
    assert data.ids[7] == "x/one.parquet/00000003"
    assert data[0].content == data[4].content
    by_number = open_data(tmp_path / "two.parquet", id_column="n")
    assert by_number[3].content == data[0].content


def test_a_parquet_path_cannot_leave_its_folder(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"image": ["../x.png", None]}), tmp_path / "a.parquet")
    data = open_data(tmp_path)
    for index in range(2):
        with pytest.raises(BrokenImage, match=r"is no path of a file below|holds no image"):
            data[index]


def test_a_file_that_is_not_parquet_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_bytes(b"PAR?")
    with pytest.raises(BadInput, match=r"is not a Parquet file"):
        open_data(tmp_path)


def test_tars_by_pattern(tmp_path: Path, pngs: dict[str, bytes]) -> None:
    for number, name in enumerate(pngs):
        tar_of(tmp_path / f"{number:02d}.tar", {f"./{name}.SEG.PNG": pngs[name]})
    assert open_data(f"{tmp_path}/0[12].tar").ids == ["01.tar/b.SEG.PNG", "02.tar/c.SEG.PNG"]
    assert open_data(f"{tmp_path}/{{00..02}}.tar").ids[2] == "02.tar/c.SEG.PNG"
    one = open_data(tmp_path / "03.tar")
    assert one.ids == ["03.tar/d.SEG.PNG"]
    assert one[0].content == open_data(tmp_path)[3].content


def test_tar_mistakes_are_named(tmp_path: Path, pngs: dict[str, bytes]) -> None:
    path = tar_of(tmp_path / "a.tar", {"x.png": pngs["a"], "x.PNG": pngs["b"]})
    with pytest.raises(BadInput, match=r'2 pictures of sample "x" \("x.png", "x.PNG"\)'):
        open_data(path)
    tar_of(path, {"x.png": pngs["a"], "x.json": b"[1]", "y.png": pngs["b"], "y.json": b"{"})
    data = open_data(path)
    assert data[0].caption is None
    assert data.inventory is not None
    assert '1 JSON file without an object ("a.tar/x.json")' in data.inventory.line
    with pytest.raises(BrokenImage, match=r'"y.json" in .* cannot be read'):
        data[1]
    path.write_bytes(b"\x1f\x8b no tar")
    with pytest.raises(BadInput, match=r"is compressed. Unpack it first"):
        open_data(path)
    path.write_bytes(b"neither")
    with pytest.raises(BadInput, match=r"is not a plain tar"):
        open_data(path)


def test_a_tar_that_ends_early_breaks_one_image(tmp_path: Path, pngs: dict[str, bytes]) -> None:
    path = tar_of(tmp_path / "a.tar", {"x.png": pngs["a"], "y.png": pngs["b"]})
    data = open_data(path)
    os.truncate(path, 1536 + 100)  # Each picture takes a header and a block, 512 bytes each.
    assert data[0].image.shape == (3, 9, 12)
    with pytest.raises(BrokenImage, match=r"ends inside it"):
        data[1]


# The datasets library


def test_a_split_can_be_named(tmp_path: Path, pngs: dict[str, bytes]) -> None:
    import datasets

    datasets.disable_progress_bars()
    cells = [{"bytes": b, "path": None} for b in pngs.values()]
    features = datasets.Features(img=datasets.Image())
    whole = datasets.Dataset.from_dict({"img": cells}, features=features)
    splits = {"test": whole.select([3, 1]), "dev": whole}
    datasets.DatasetDict(splits).save_to_disk(str(tmp_path / "saved"))
    with pytest.raises(BadInput, match=r'splits "test", "dev". Name one of them'):
        open_data(tmp_path / "saved")
    data = open_data(f"datasets:{tmp_path}/saved:test")
    assert data.ids == ["test/00000000", "test/00000001"]
    assert data[0].content == open_data(f"datasets:{tmp_path}/saved:dev")[3].content


def test_no_network_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub

    def fail(*_: object, **__: object) -> None:
        raise OSError("Name or service\nnot known")

    monkeypatch.setattr(huggingface_hub.HfApi, "dataset_info", fail)
    with pytest.raises(NotFound, match=r"the network") as caught:
        open_data("nobody/no-such-data")
    assert "\n" not in str(caught.value)


# The door


@pytest.mark.parametrize("where", ["./none", "none/of/this", "/no/where", "none.tar", ""])
def test_a_missing_path_is_not_found(where: str, tmp_path: Path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BadInput):
        open_data(where)


def test_an_empty_source_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"holds no images"):
        open_data(tmp_path)
    (tmp_path / "metadata.jsonl").write_text("\n")
    with pytest.raises(BadInput, match=r"holds no images"):
        open_data(tmp_path)


def test_a_mixture_is_refused(plain: Path, pngs: dict[str, bytes]) -> None:
    tar_of(plain / "a.tar", {"x.png": pngs["a"]})
    with pytest.raises(BadInput, match=r'holds images and "a.tar"'):
        open_data(plain)


@pytest.mark.parametrize(("name", "message"), [("a.tar.gz", "Unpack"), ("a.png", "no data set")])
def test_other_files_are_refused(tmp_path: Path, name: str, message: str) -> None:
    (tmp_path / name).write_bytes(b"x")
    with pytest.raises(BadInput, match=message):
        open_data(tmp_path / name)


def test_class_folders_need_folders(tmp_path: Path, pngs: dict[str, bytes]) -> None:
    path = tar_of(tmp_path / "a.tar", {"x.png": pngs["a"]})
    for where in (path, tmp_path, "digits"):
        with pytest.raises(BadInput, match=r"no class folders"):
            open_data(where, class_folders=True)


def test_an_unknown_example_names_the_others() -> None:
    with pytest.raises(UnknownName, match=r'Did you mean "digits"'):
        open_data("example:digit")
