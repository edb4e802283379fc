"""A folder marked in buckets: each image in the frame of its own size."""

import shutil
from pathlib import Path

import pytest
import torch
from PIL import Image
from shapes import SIZES, mark_shapes, write_photos

from solidmark.data import AspectBuckets, open_data
from solidmark.errors import BadInput, WrongKeys
from solidmark.marks import (
    Border,
    Center,
    Fitted,
    Marked,
    Marking,
    Segments,
    in_buckets,
    mark_dataset,
    open_marked,
)


@pytest.fixture(scope="module")
def marked(tmp_path_factory: pytest.TempPathFactory) -> Marked:
    return mark_shapes(tmp_path_factory.mktemp("buckets"), canaries=0.8)


def test_every_image_has_the_size_of_its_bucket_and_a_whole_frame(marked: Marked) -> None:
    rows = marked.keys.to_pylist()
    assert len(rows) == 24
    counts: dict[str, int] = {}
    for row in rows:
        size = (*SIZES, SIZES[0])[int(row["id"][:3]) % 4]
        assert row["bucket"] == f"{size[0]}x{size[1]}"
        counts[row["bucket"]] = counts.get(row["bucket"], 0) + 1
        with Image.open(marked.folder / row["file_name"]) as picture:
            assert (picture.height, picture.width) == size
        sample = marked.sample(row["id"])
        assert sample.image.shape == (3, *size)
        assert len(row["key"]) == (4 if row["marked"] else 0)
        if row["marked"]:
            shown = marked.pattern.read(sample.image[None])[0]
            assert torch.allclose(shown, torch.tensor(row["key"], dtype=torch.float32))
    assert marked.manifest["buckets"] == counts
    assert marked.manifest["sizes"] == [[3, 28, 28], [3, 28, 44], [3, 44, 28]]
    assert "size" not in marked.manifest
    assert marked.marked_sizes == [(32, 32), (32, 48), (48, 32)]


def test_ids_are_divided_by_bucket_in_their_order(marked: Marked) -> None:
    ids = marked.ids("trained", marked=None)
    found = marked.by_bucket(ids)
    assert sorted(id for several in found.values() for id in several) == ids
    assert all(several == sorted(several) for several in found.values())
    assert marked.largest(ids) == max(found.values(), key=len)
    assert marked.largest([]) == []


def test_a_key_is_that_of_the_image_whatever_its_bucket(marked: Marked, tmp_path: Path) -> None:
    shutil.copytree(marked.folder.parent / "photos", tmp_path / "photos")
    other = mark_shapes(tmp_path, sizes=((40, 40),), canaries=0.8)
    for name in ("id", "split", "marked", "key"):
        assert other.keys[name].to_pylist() == marked.keys[name].to_pylist()
    assert other.marked_size == (40, 40)  # One bucket is one size.
    other.require_one_size("train")


def test_the_frame_of_another_image_is_seen(marked: Marked, tmp_path: Path) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(marked.folder, folder)
    same = [r for r in marked.keys.to_pylist() if r["marked"] and r["bucket"] == "48x32"]
    shutil.copy(folder / same[0]["file_name"], folder / same[1]["file_name"])
    with pytest.raises(WrongKeys, match="is not the image"):
        open_marked(folder).sample(same[1]["id"])


def test_the_frame_of_all_buckets_is_one_pattern() -> None:
    pattern, shapes = in_buckets(Fitted(), AspectBuckets(((512, 512), (256, 1024))))
    assert (pattern, shapes.frame) == (Segments(32, 16), (64, 64))
    assert in_buckets(Center(8), AspectBuckets(SIZES))[1].frame == (0, 0)
    assert in_buckets(Border(2), AspectBuckets(SIZES))[1].frame == (4, 4)
    for bad in (Border(16), Center(32)):
        with pytest.raises(BadInput, match=r"leaves no (picture|image) in"):
            in_buckets(bad, AspectBuckets(SIZES))


def test_images_that_differ_are_told_of_buckets(tmp_path: Path) -> None:
    data = open_data(write_photos(tmp_path / "photos", 4))
    with pytest.raises(BadInput, match=r"Give --resolution, or --buckets"):
        mark_dataset(data, tmp_path / "marked", Marking(Border(2), seed=1), {})
