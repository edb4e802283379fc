"""The sizes of trainers, and which of them a picture gets, against implementations of our own."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from solidmark.data import AspectBuckets, Preparation, parse_buckets
from solidmark.data.aspect import DIFFUSERS, kohya_sizes
from solidmark.errors import BadInput

KOHYA_512 = """
    256x832 256x896 256x960 256x1024 320x704 320x768 384x640 448x576 512x512
    576x448 640x384 704x320 768x320 832x256 896x256 960x256 1024x256
"""
"""WIDTHxHEIGHT, in the order in which kohya's scripts list them for --resolution 512."""

SIDES = st.integers(8, 4000)


def kohya_by_hand(width: int, height: int, least: int, most: int, step: int) -> set:
    """Every pair of multiples: one side is as long as the area and the limits let it be."""
    area = width * height
    multiples = [side for side in range(least, most + 1) if (side - least) % step == 0]
    found = set()
    for one in multiples:
        fitting = [o for o in range(step, most + 1, step) if one * o <= area]
        other = max([*fitting, 0])
        if area // one >= most:  # The limit need not be a multiple.
            other = most
        if other >= least:
            found |= {(one, other), (other, one)}
    squares = [s for s in range(step, 4096, step) if s * s <= area]
    return found | {(max(squares), max(squares))}


def nearest_ratio(sizes: list, height: int, width: int) -> tuple:
    """kohya: width and height first, then the ratio, of equal ones the first by width."""
    sizes = sorted((w, h) for h, w in sizes)
    if (width, height) in sizes:
        return height, width
    place = int(np.abs(np.array([w / h for w, h in sizes]) - width / height).argmin())
    return sizes[place][1], sizes[place][0]


def nearest_product(sizes: list, height: int, width: int) -> tuple:
    """diffusers: the difference of two products, of equal ones the last."""
    best, found = None, None
    for h, w in sizes:
        metric = abs(height * w - width * h)
        if best is None or metric <= best:
            best, found = metric, (h, w)
    return found


def test_the_default_buckets_of_kohya() -> None:
    table = [tuple(map(int, pair)) for pair in re.findall(r"(\d+)x(\d+)", KOHYA_512)]
    assert [(width, height) for height, width in kohya_sizes(512)] == table


@pytest.mark.parametrize(
    ("size", "limits"),
    [
        ((512, 512), (256, 1024, 64)),
        ((1024, 1024), (256, 1024, 64)),
        ((1024, 1024), (256, 2048, 64)),
        ((768, 512), (256, 1024, 64)),
        ((640, 640), (320, 960, 32)),
        ((768, 768), (384, 1536, 8)),
    ],
)
def test_the_sizes_are_those_of_kohya(size: tuple, limits: tuple) -> None:
    width, height = size
    found = kohya_sizes(f"{height}x{width}", *limits)
    assert {(w, h) for h, w in found} == kohya_by_hand(width, height, *limits)
    assert len(set(found)) == len(found)


def test_limits_that_are_no_multiples_are_moved_as_the_scripts_move_them() -> None:
    assert kohya_sizes(512, 300, 1000, 64) == kohya_sizes(512, 256, 1024, 64)


@given(SIDES, SIDES)
def test_a_picture_gets_the_bucket_that_its_trainer_would_give_it(height: int, width: int) -> None:
    kohya = AspectBuckets(kohya_sizes(512), "kohya")
    assert kohya.of(height, width) == nearest_ratio(list(kohya.sizes), height, width)
    assert AspectBuckets(DIFFUSERS).of(height, width) == nearest_product(
        list(DIFFUSERS), height, width
    )


@pytest.mark.parametrize("text", ["kohya", "kohya:256:2048:64", "diffusers", "512,768;768,512"])
def test_a_marked_image_keeps_its_size_in_the_hands_of_the_trainer(text: str) -> None:
    buckets = parse_buckets(text, 1024 if "kohya" in text else None)
    for size in buckets.sizes:
        assert buckets.of(*size) == size
        if "kohya" in text:  # Without upscaling: within the area, and of whole steps.
            assert size[0] * size[1] <= 1024**2
            assert size[0] % 64 == size[1] % 64 == 0


def test_diffusers_own_string_is_read() -> None:
    text = ";".join(f"{height},{width}" for height, width in DIFFUSERS)
    assert parse_buckets(text) == parse_buckets("diffusers") == AspectBuckets(DIFFUSERS)
    assert parse_buckets(" 512 , 768 ;768,512").sizes == ((512, 768), (768, 512))


def test_a_picture_is_cut_and_scaled_to_what_the_frame_leaves() -> None:
    buckets = AspectBuckets(((48, 72), (72, 48)), frame=(8, 8))
    how = Preparation(buckets=buckets)
    wide, high = Image.new("RGB", (300, 200)), Image.new("RGB", (200, 310))
    assert how.prepared(wide).image.shape == (3, 40, 64)
    assert how.prepared(high).image.shape == (3, 64, 40)
    assert how.prepared(Image.new("RGB", (300, 100))).notes == ("cropped",)


@pytest.mark.parametrize(
    ("text", "resolution", "said"),
    [
        ("kohya", None, "Add the same here: --resolution 512"),
        ("kohya", 2048, "have no room for a resolution of 2048 x 2048"),
        ("kohya:1:2:3:4", 512, "is not kohya:LEAST:MOST:STEP"),
        ("kohya:64:512:0", 512, "have no room"),
        ("diffusers", 512, "Leave --resolution out"),
        ("512,512;512x768", None, "Name those of your trainer"),
        ("512,512;1024,1024", None, "have one shape"),
        ("0,512", None, "Name those of your trainer"),
    ],
)
def test_what_is_no_bucket_is_one_line(text: str, resolution: int | None, said: str) -> None:
    with pytest.raises(BadInput, match=re.escape(said)):
        parse_buckets(text, resolution)


def test_a_frame_that_leaves_no_picture_is_refused() -> None:
    with pytest.raises(BadInput, match="leaves no picture in a bucket of 32 x 64 pixels"):
        AspectBuckets(((32, 64),), frame=(32, 32))
