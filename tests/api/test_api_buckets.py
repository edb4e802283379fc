"""Buckets from Python: the same folder as from the command line, and watched while training."""

from pathlib import Path

import pytest
from PIL import Image
from shapes import SIZES, write_photos

import solidmark
from solidmark.errors import BadInput
from solidmark.marks import open_marked

TEXT = ";".join(f"{height},{width}" for height, width in SIZES)


def test_pictures_that_a_program_holds_are_marked_in_buckets(tmp_path: Path) -> None:
    photos = write_photos(tmp_path / "photos")
    how = {"buckets": TEXT, "thickness": 2, "count": 4, "held_out": 0.5, "seed": 3}
    stored = open_marked(Path(solidmark.mark(photos, tmp_path / "stored", **how)))
    held = [Image.open(path) for path in sorted(photos.iterdir())]
    given = open_marked(Path(solidmark.mark(held, tmp_path / "given", **how)))
    assert given.manifest["buckets"] == stored.manifest["buckets"]
    assert stored.manifest["config"]["buckets"] == TEXT
    sizes = {(picture.height, picture.width) for picture in held}
    assert len(sizes) == 4
    with pytest.raises(BadInput, match="Leave --resolution out"):
        solidmark.mark(photos, tmp_path / "none", buckets=TEXT, resolution=32)


def test_a_training_on_buckets_is_watched(tmp_path: Path) -> None:
    photos = write_photos(tmp_path / "photos")
    marked = solidmark.mark(
        photos, tmp_path / "marked", buckets=TEXT, thickness=2, count=4, held_out=0.5, seed=3
    )
    watch = solidmark.Watch(
        marked, tmp_path / "watched", every=1, readers=["linear"], page=False, limit=6
    )
    watch(1, "gaussian")
    watch(2, "memorizer")
    assert len(watch.looks) == 2
