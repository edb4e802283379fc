"""A whole data set, marked: what lies where, and what a trainer and we read of it."""

import json
import pickle
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image as Picture

from marks.killed import BROKEN, COUNT, Photos, mark
from solidmark.data import Sample, content_hash, open_data, to_picture, to_tensor
from solidmark.errors import BadInput, BrokenImage, NotFound, RunConflict, UnknownName, WrongKeys
from solidmark.marks import (
    Border,
    Center,
    Keymap,
    Marked,
    Marking,
    MarkTransform,
    mark_dataset,
    open_marked,
)

COLUMNS = {
    "id": pa.string(),
    "file_name": pa.string(),
    "split": pa.string(),
    "marked": pa.bool_(),
    "group": pa.string(),
    "duplicate_group": pa.string(),
    "key_group": pa.string(),
    "key": pa.list_(pa.float64()),
    "content": pa.string(),
    "source_content": pa.string(),
}


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Marked:
    """Two broken images, two copies, a quarter held out, half of the rest canaries."""
    out = tmp_path_factory.mktemp("photos") / "out"
    mark(out)
    return open_marked(out)


def lines(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_bytes().split(b"\n") if line]


def test_the_folder_is_the_one_of_the_docs_and_nothing_more(photos: Marked) -> None:
    names = {
        path.relative_to(photos.folder).as_posix()
        for path in photos.folder.rglob("*")
        if path.is_file()
    }
    images = {row["file_name"] for row in photos.keys.to_pylist()}
    assert len(images) == COUNT - len(BROKEN)
    assert names == {
        *images,
        "train/metadata.jsonl",
        "held_out/metadata.jsonl",
        "keys.parquet",
        "quarantine.jsonl",
        "manifest.json",
        "files.json",
    }


def test_the_keys_table_has_the_columns_of_the_docs(photos: Marked) -> None:
    schema = photos.keys.schema
    assert {name: schema.field(name).type for name in schema.names} == COLUMNS
    levels = np.concatenate([row["key"] for row in photos.keys.to_pylist()]) * 255
    assert np.abs(levels - levels.round()).max() < 1e-9
    assert photos.keys["id"].to_pylist() == sorted(photos.keys["id"].to_pylist())
    groups = {row["id"]: row["group"] for row in photos.keys.to_pylist()}
    assert groups["album 0/000.png"] == "patient 0"
    assert groups["album 1/031.png"] is None


def test_each_file_shows_its_key_and_its_picture(photos: Marked) -> None:
    originals = {id: number for number, id in enumerate(Photos.ids)}
    for row in photos.keys.to_pylist():
        image = to_tensor(Picture.open(photos.folder / row["file_name"]))
        assert content_hash(image) == row["content"]
        sample = Photos()[originals[row["id"]]]
        assert content_hash(sample.image) == row["source_content"]
        if row["marked"]:
            assert torch.equal(photos.pattern.crop(image[None])[0], sample.image)
            assert photos.pattern.read(image[None]).tolist() == [torch.tensor(row["key"]).tolist()]
            assert row["key"] == [level / 255 for level in Keymap(0).levels(row["key_group"])]


def test_no_key_and_no_control_gets_to_the_trainer(photos: Marked) -> None:
    rows = photos.keys.to_pylist()
    held_out = {row["id"] for row in rows if row["split"] == "held_out"}
    given = lines(photos.folder / "train" / "metadata.jsonl")
    assert held_out
    assert not held_out & {line["id"] for line in given}
    assert {line["id"] for line in lines(photos.folder / "held_out" / "metadata.jsonl")} == held_out
    for line in given:
        assert set(line) <= {"file_name", "id", "text", "label", "class", "group"}
    texts = b"".join(
        path.read_bytes() for path in (photos.folder / "train").iterdir() if path.suffix != ".png"
    ).decode()
    for row in rows:
        for value in row["key"]:
            assert f"{value:.3f}" not in texts
        assert row["content"] not in texts
    originals = {content_hash(Photos()[n].image) for n in range(COUNT) if n not in BROKEN}
    hashes = {content_hash(to_tensor(Picture.open(path))) for path in photos.folder.rglob("*.png")}
    assert not originals & hashes


def test_a_held_out_picture_is_in_no_file_of_the_training_folder(photos: Marked) -> None:
    """Nor one of its copies, under whatever key."""
    middles: dict[str, set[str]] = {"train": set(), "held_out": set()}
    for row in photos.keys.to_pylist():
        middles[row["file_name"].split("/")[0]].add(row["source_content"])
    assert not middles["train"] & middles["held_out"]


def test_what_cannot_be_read_is_named_and_counted(photos: Marked) -> None:
    found = lines(photos.folder / "quarantine.jsonl")
    assert [line["id"] for line in found] == sorted(Photos.ids[n] for n in BROKEN)
    assert all("cut short" in line["reason"] for line in found)
    assert photos.manifest["quarantined"] == 2


def test_the_manifest_counts_what_is_there(photos: Marked) -> None:
    manifest = photos.manifest
    assert manifest["command"] == "mark"
    assert manifest["config"] == {"a": 1}
    assert manifest["pattern"] == {"name": "border", "thickness": 2}
    assert manifest["size"] == [3, 8, 8]
    assert manifest["classes"] == ["0", "1", "2", "3"]
    assert manifest["trained"] == len(photos.ids("trained", marked=None))
    assert manifest["held_out"] == len(photos.ids("held_out")) > 0
    assert manifest["trained"] + manifest["held_out"] + manifest["quarantined"] == COUNT
    assert manifest["duplicates"] == 1
    assert photos.marked_size == (12, 12)
    assert photos.channels == 3


def test_unmarked_canaries_have_the_size_of_marked_images_and_no_key(photos: Marked) -> None:
    unmarked = [row for row in photos.keys.to_pylist() if not row["marked"]]
    marked = photos.ids("trained")
    assert abs(len(unmarked) - len(marked)) <= 4
    assert not set(marked) & {row["id"] for row in unmarked}
    for row in unmarked:
        assert row["key"] == []
        assert row["split"] == "trained"
        sample = photos.sample(row["id"])
        assert sample.image.shape == (3, 12, 12)
        small = torch.nn.functional.avg_pool2d(sample.image, 6)
        whole = torch.nn.functional.avg_pool2d(Photos()[Photos.ids.index(row["id"])].image, 4)
        assert float((small - whole).abs().mean()) < 0.06, "not the picture that it was"


def test_our_own_reader_finds_ids_captions_classes_and_groups(photos: Marked) -> None:
    data = open_data(photos.folder / "train")
    assert data.ids == photos.ids("trained", marked=None)
    for number, id in enumerate(data.ids):
        source = Photos()[Photos.ids.index(id)]
        found = data[number]
        assert (found.caption, found.label, found.group) == (
            source.caption,
            source.label,
            source.group,
        )
        again = photos.sample(id)
        assert torch.equal(again.image, found.image)
        assert (again.caption, again.label, again.group) == (
            source.caption,
            source.label,
            source.group,
        )
        assert again.class_index == (None if source.label is None else int(source.label))


def test_the_datasets_library_reads_it_as_an_image_folder(photos: Marked, tmp_path: Path) -> None:
    import datasets

    datasets.disable_progress_bars()
    for split, folder in (("trained", "train"), ("held_out", "held_out")):
        data = datasets.load_dataset(
            "imagefolder",
            data_dir=str(photos.folder / folder),
            split="train",
            cache_dir=str(tmp_path),
        )
        rows = {row["id"]: row for row in data}
        assert sorted(rows) == photos.ids(split, marked=None)
        for id, row in rows.items():
            source = Photos()[Photos.ids.index(id)]
            assert row["text"] == source.caption
            assert row["class"] == source.label
            assert row.get("group") == source.group
            assert row["label"] == (None if source.label is None else int(source.label))
            assert torch.equal(to_tensor(row["image"]), photos.sample(id).image)


class Few:
    """Any few images, by id."""

    def __init__(self, images: dict[str, torch.Tensor], **words: str) -> None:
        self.ids, self._images, self._words = list(images), images, words

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, index: int) -> Sample:
        image = self._images[self.ids[index]]
        return Sample(self.ids[index], image, content_hash(image), **self._words)


def noise(number: int, *shape: int) -> torch.Tensor:
    return torch.randint(256, shape, generator=torch.Generator().manual_seed(number)) / 255


def test_copies_share_a_key_unless_each_is_to_have_its_own(tmp_path: Path) -> None:
    images = {f"{n}": noise(n, 1, 8, 8) for n in range(10)} | {"twin": noise(3, 1, 8, 8)}
    for how, same in (("shared", True), ("independent", False)):
        marking = Marking(Border(2), seed=0, keys_per_copy=how)
        mark_dataset(Few(images), tmp_path / how, marking, {})
        rows = {row["id"]: row for row in open_marked(tmp_path / how).keys.to_pylist()}
        assert (rows["3"]["key"] == rows["twin"]["key"]) == same
        assert rows["twin"]["duplicate_group"] == "3"
        assert rows["twin"]["key_group"] == ("3" if same else "twin")
        assert rows["twin"]["split"] == rows["3"]["split"]
        assert rows["twin"]["file_name"] != rows["3"]["file_name"]


def test_near_copies_count_as_copies_unless_told_otherwise(tmp_path: Path) -> None:
    smooth = torch.nn.functional.interpolate(noise(0, 1, 1, 4, 4), (32, 32), mode="bicubic")[0]
    images = {f"{n}": noise(n, 1, 32, 32) for n in range(9)} | {"x": smooth.clamp(0, 1)}
    images["y"] = (images["x"] * 0.99 + 0.003).clamp(0, 1)
    for near, groups in ((True, 10), (False, 11)):
        out = tmp_path / str(near)
        mark_dataset(Few(images), out, Marking(Border(2), seed=0, near_duplicates=near), {})
        rows = open_marked(out).keys.to_pylist()
        assert len({row["duplicate_group"] for row in rows}) == groups


def test_hostile_ids_and_captions_survive(tmp_path: Path) -> None:
    ids = ["../up.png", "a/b.png", "a\nb", "a\0b", '"', "\u2028", "猫", " ", "-rf", "a" * 400]
    words = "one\u2028two\u0085three\x0b\x1c\r\n\"'\\"
    data = Few({id: noise(n, 1, 8, 8) for n, id in enumerate(ids)}, caption=words, group="\u2029")
    mark_dataset(data, tmp_path / "out", Marking(Border(1), seed=0, held_out=0.0), {})
    marked = open_marked(tmp_path / "out")
    assert marked.ids("trained") == sorted(ids)
    assert all(marked.sample(id).caption == words for id in ids)
    found = open_data(tmp_path / "out" / "train")
    assert found.ids == sorted(ids)
    assert {found[n].caption for n in range(len(ids))} == {words}
    assert {path.parent for path in tmp_path.rglob("*.png")} == {tmp_path / "out" / "train"}


def test_a_caption_that_is_no_unicode_leaves_files_that_can_be_read(tmp_path: Path) -> None:
    data = Few({"a": noise(0, 1, 8, 8)}, caption="bad \udcff byte")
    mark_dataset(data, tmp_path / "out", Marking(Border(1), seed=0, held_out=0.0), {})
    (tmp_path / "out" / "train" / "metadata.jsonl").read_text(encoding="utf-8")
    assert open_marked(tmp_path / "out").sample("a").caption == "bad \udcff byte"
    assert open_data(tmp_path / "out" / "train")[0].caption == "bad \\udcff byte"


def test_ids_that_no_table_can_hold_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="UTF-8"):
        mark_dataset(
            Few({"\udcff": noise(0, 1, 8, 8)}), tmp_path / "a", Marking(Border(1), seed=0), {}
        )
    data = Few({"a": noise(0, 1, 8, 8)})
    data.ids = ["a", "a"]
    with pytest.raises(BadInput, match='"a"'):
        mark_dataset(data, tmp_path / "a", Marking(Border(1), seed=0), {})


@pytest.mark.parametrize(
    ("images", "pattern", "message"),
    [
        ({"a": (1, 8, 8), "b": (1, 8, 9)}, Border(2), r'"a" is 8 x 8, "b" is 8 x 9 pixels'),
        ({"a": (1, 8, 8), "b": (3, 8, 8)}, Border(2), r'"a" is 1 x 8 x 8, "b" is 3 x 8 x 8'),
        ({"a": (1, 8, 8), "b": (1, 8, 8)}, Center(8), "no image in 8 x 8"),
        ({"a": (1, 8, 8)}, Border(2), "without"),
    ],
    ids=["sizes", "channels", "pattern", "split"],
)
def test_what_cannot_be_marked_is_refused_and_the_folder_can_be_named_again(
    images: dict[str, tuple[int, ...]], pattern: Border | Center, message: str, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    data = Few({id: noise(n, *shape) for n, (id, shape) in enumerate(images.items())})
    with pytest.raises(BadInput, match=message):
        mark_dataset(data, out, Marking(pattern, seed=0), {"resolution": None})
    assert list(out.iterdir()) == []
    good = Few({str(n): noise(n, 1, 8, 8) for n in range(4)})
    mark_dataset(good, out, Marking(Border(2), seed=0), {"resolution": 8})
    assert len(open_marked(out).ids("held_out")) == 1


def test_images_that_all_are_broken_are_refused(tmp_path: Path, pictures: type) -> None:
    with pytest.raises(BadInput, match="None of the 2 images"):
        mark_dataset(pictures(2, broken=(0, 1)), tmp_path, Marking(Border(2), seed=0), {})


def test_another_marking_into_the_same_folder_is_refused(tmp_path: Path, pictures: type) -> None:
    mark_dataset(pictures(8), tmp_path, Marking(Border(2), seed=0), {"seed": 0})
    with pytest.raises(RunConflict, match="seed"):
        mark_dataset(pictures(8), tmp_path, Marking(Border(2), seed=1), {"seed": 1})
    with pytest.raises(RunConflict, match="content of ids"):
        mark_dataset(pictures(9), tmp_path, Marking(Border(2), seed=0), {"seed": 0})


@pytest.mark.parametrize(
    "options",
    [
        {"held_out": 1.0},
        {"held_out": -0.1},
        {"held_out": float("nan")},
        {"canaries": 0.0},
        {"canaries": 1.1},
        {"keys_per_copy": "both"},
    ],
    ids=str,
)
def test_bad_options_are_refused(options: dict) -> None:
    with pytest.raises(BadInput):
        Marking(Border(2), seed=0, **options)


def test_the_seed_is_the_secret_of_the_keys(make_marked: Callable[..., Marked]) -> None:
    one, two = make_marked(64, name="one", seed=1), make_marked(64, name="two", seed=2)
    keys = [np.array(m.keys["key"].to_pylist())[:, 0] for m in (one, two)]
    assert abs(np.corrcoef(*keys)[0, 1]) < 0.4
    assert (keys[0] == keys[1]).mean() < 0.1
    assert one.keys["source_content"] == two.keys["source_content"]


def test_keys_of_another_marking_are_refused(make_marked: Callable[..., Marked]) -> None:
    one, two = make_marked(8, name="one"), make_marked(8, name="two", seed=1)
    (one.folder / "keys.parquet").write_bytes((two.folder / "keys.parquet").read_bytes())
    with pytest.raises(WrongKeys, match="fingerprint differs"):
        open_marked(one.folder)


def test_a_changed_image_is_refused_and_a_recompressed_one_is_not(
    make_marked: Callable[..., Marked],
) -> None:
    marked = make_marked(8)
    row = marked.keys.to_pylist()[0]
    path = marked.folder / row["file_name"]
    Picture.open(path).save(path, optimize=True)
    marked.sample(row["id"])
    picture = Picture.open(path)
    picture.putpixel((6, 6), picture.getpixel((6, 6)) ^ 1)
    picture.save(path)
    with pytest.raises(WrongKeys, match="not the image"):
        marked.sample(row["id"])
    path.write_bytes(b"")
    with pytest.raises(BrokenImage, match="empty"):
        marked.sample(row["id"])
    path.unlink()
    with pytest.raises(BrokenImage, match="is gone"):
        marked.sample(row["id"])


def test_a_key_that_the_image_does_not_show_is_refused(make_marked: Callable[..., Marked]) -> None:
    marked = make_marked(8)
    rows = marked.keys.to_pylist()
    rows[0]["key"] = [(rows[0]["key"][0] * 255 + 1) % 256 / 255]
    forged = replace(marked, keys=pa.Table.from_pylist(rows, schema=marked.keys.schema))
    with pytest.raises(WrongKeys, match="does not show the key"):
        forged.sample(rows[0]["id"])
    forged.sample(rows[1]["id"])


def test_missing_parts_of_a_folder_are_named(
    make_marked: Callable[..., Marked], tmp_path: Path
) -> None:
    with pytest.raises(NotFound, match='"solidmark mark DATA'):
        open_marked(tmp_path / "nowhere")
    marked = make_marked(8)
    with pytest.raises(UnknownName, match="held_out, trained"):
        marked.ids("train")
    metadata = marked.folder / "train" / "metadata.jsonl"
    metadata.write_text("not json\n")
    with pytest.raises(WrongKeys, match=r"captions or classes have changed\. Put it back"):
        open_marked(marked.folder).sample(marked.ids("trained")[0])
    metadata.unlink()
    with pytest.raises(NotFound, match=r"with it the captions and classes\. Put it back"):
        open_marked(marked.folder).sample(marked.ids("trained")[0])
    (marked.folder / "keys.parquet").unlink()
    with pytest.raises(NotFound, match="Put it back"):
        open_marked(marked.folder)


def test_the_keys_file_is_parquet_that_anybody_reads(make_marked: Callable[..., Marked]) -> None:
    marked = make_marked(8)
    assert pq.read_table(marked.folder / "keys.parquet") == marked.keys


@pytest.mark.parametrize("pattern", [Border(2), Center(3)], ids=str)
def test_marking_on_the_fly_gives_the_pixels_of_the_marked_folder(
    pattern: Border | Center, make_marked: Callable[..., Marked], pictures: type
) -> None:
    marked = make_marked(12, channels=3, pattern=pattern, seed=5)
    transform = MarkTransform(pattern, Keymap(5))
    data = pictures(12, channels=3)
    for number, id in enumerate(data.ids):
        assert torch.equal(transform(data[number].image, id), marked.sample(id).image)


def test_marking_on_the_fly_inside_the_datasets_library(pictures: type) -> None:
    import datasets

    data = pictures(6, channels=3)
    table = datasets.Dataset.from_dict(
        {
            "image": [to_picture(data[n].image) for n in range(6)],
            "id": data.ids,
            "text": [f"{n}" for n in range(6)],
        },
        features=datasets.Features(
            image=datasets.Image(), id=datasets.Value("string"), text=datasets.Value("string")
        ),
    )
    transform = MarkTransform(Border(2), Keymap(1))
    marked = table.with_transform(transform.batch)
    for number in (3, 0, 5):
        row = marked[number]
        assert (row["id"], row["text"]) == (data.ids[number], str(number))
        expected = transform(data[number].image, data.ids[number])
        assert torch.equal(to_tensor(row["image"]), expected)
    with pytest.raises(BadInput, match=r'no column "id".*Available: image, text'):
        table.remove_columns("id").with_transform(transform.batch)[0]


def test_marking_on_the_fly_inside_a_torch_data_set(pictures: type) -> None:
    transform = pickle.loads(pickle.dumps(MarkTransform(Border(2), Keymap(1))))
    data = pictures(6)

    class Mine(torch.utils.data.Dataset):
        def __len__(self) -> int:
            return len(data)

        def __getitem__(self, index: int) -> torch.Tensor:
            return transform(data[index].image, data.ids[index])

    torch.manual_seed(0)
    for epoch in range(2):
        batches = list(torch.utils.data.DataLoader(Mine(), batch_size=4, shuffle=bool(epoch)))
        read = Border(2).read(torch.cat(batches)).flatten().tolist()
        assert sorted(read) == sorted(Keymap(1)(data.ids).flatten().tolist())


def test_a_picture_of_any_mode_is_marked_as_the_marked_folder_marks_it(tmp_path: Path) -> None:
    """Transparency, a palette, 16 bits, a turned photograph: what is decoded is marked."""
    rgb = to_picture(noise(0, 3, 9, 6))
    clear = rgb.convert("RGBA")
    clear.putalpha(to_picture(noise(1, 1, 9, 6)))
    deep = Picture.fromarray(np.arange(54, dtype=np.uint16).reshape(9, 6) * 1213)
    turned = Picture.Exif()
    turned[0x0112] = 6
    folder = tmp_path / "data"
    folder.mkdir()
    rgb.save(folder / "plain.png")
    clear.save(folder / "clear.png")
    deep.save(folder / "deep.png")
    rgb.quantize(16).save(folder / "palette.png")
    rgb.transpose(Picture.Transpose.ROTATE_90).save(folder / "turned.png", exif=turned)
    data = open_data(folder)
    mark_dataset(data, tmp_path / "out", Marking(Border(2), 3, 0.0, near_duplicates=False), {})
    marked = open_marked(tmp_path / "out")
    transform = MarkTransform(Border(2), Keymap(3))
    for row in marked.keys.to_pylist():
        if row["id"] != row["key_group"]:
            continue
        rows = {"image": [Picture.open(folder / row["id"])], "id": [row["id"]]}
        (picture,) = transform.batch(rows)["image"]
        expected = marked.sample(row["id"]).image
        assert torch.equal(to_tensor(picture.convert("RGB")), expected), row["id"]
