"""Deep pictures, transparent ones and shapes: which grey each value becomes, and what is said."""

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from solidmark.data import Preparation, Records, lost_lines, open_data, sides_of
from solidmark.data.decode import decode, is_grey, look
from solidmark.data.levels import Window, window_of
from solidmark.errors import BadInput, BrokenImage

from .sources import picture

SCAN = np.linspace(115, 3224, 64).round().astype(np.uint16).reshape(8, 8)
"""A scan of 12 bits in 16: values from 115 to 3,224."""


def stored(values: NDArray[np.generic] | Image.Image, kind: str = "PNG") -> bytes:
    file = io.BytesIO()
    one = values if isinstance(values, Image.Image) else Image.fromarray(values)
    one.save(file, kind)
    return file.getvalue()


def png_of(bits: int, colours: int, rows: bytes, width: int, key: bytes) -> bytes:
    """A PNG of one row, written by hand: Pillow writes neither 2 bits nor colours of 16."""

    def chunk(name: bytes, data: bytes) -> bytes:
        check = zlib.crc32(name + data)
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", check)

    head = struct.pack(">IIBBBBB", width, 1, bits, colours, 0, 0, 0)
    body = chunk(b"IHDR", head) + chunk(b"tRNS", key) + chunk(b"IDAT", zlib.compress(b"\0" + rows))
    return b"\x89PNG\r\n\x1a\n" + body + chunk(b"IEND", b"")


def greys(data: bytes, window: str = "full") -> list[int]:
    return list(np.asarray(decode(data, window)).reshape(-1).tolist())


# Which value becomes which grey


@pytest.mark.parametrize(
    ("window", "black", "white"),
    [("full", 0, 65535), ("used", 115, 3224), ("0:4095", 0, 4095), ("200:3000", 200, 3000)],
)
def test_a_window_is_a_straight_line_cut_off_at_its_ends(
    window: str, black: int, white: int
) -> None:
    expected = np.clip((SCAN.astype(float) - black) / (white - black), 0, 1) * 255
    found = np.asarray(decode(stored(SCAN), window), dtype=float)
    # Half a level is what rounding to whole levels takes.
    assert np.abs(found - expected).max() <= 0.5


def test_a_scan_of_12_bits_is_said_to_come_out_narrow() -> None:
    assert look(stored(SCAN)).narrow
    assert not look(stored(SCAN), "used").narrow
    assert not look(stored(SCAN), "0:4095").narrow
    full = np.linspace(0, 65535, 64).astype(np.uint16).reshape(8, 8)
    assert not look(stored(full)).narrow
    assert not look(stored((SCAN // 256).astype(np.uint8))).narrow  # 8 bits have no more to show.


def test_floats_are_shares_or_8_bit_levels_and_a_window_is_in_their_own_units() -> None:
    shares = np.array([[0.0, 0.5, 1.0]], dtype=np.float32)
    assert greys(stored(shares, "TIFF")) == [0, 128, 255]
    assert greys(stored(shares * 200, "TIFF")) == [0, 100, 200]
    assert greys(stored(shares * 2000, "TIFF"), "0:2000") == [0, 128, 255]
    with pytest.raises(BrokenImage, match=r"Its values run from 0 to 2000.*--window LOW:HIGH"):
        decode(stored(shares * 2000, "TIFF"))
    with pytest.raises(BrokenImage, match="no numbers"):
        decode(stored(shares * np.nan, "TIFF"), "used")


def test_a_picture_of_one_value_is_black_in_its_own_window_and_not_narrow() -> None:
    flat = np.full((4, 4), 700, dtype=np.uint16)
    assert set(greys(stored(flat), "used")) == {0}
    assert not look(stored(flat)).narrow


@pytest.mark.parametrize("text", ["", "wide", "5", "5:", "9:1", "3:3", "0:nan", "a:b"])
def test_what_is_no_window_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match="LOW:HIGH"):
        window_of(text)
    with pytest.raises(BadInput, match="LOW:HIGH"):
        Preparation(window=text)


def test_a_window_is_read() -> None:
    assert window_of("-1000:400.5") == Window((-1000.0, 400.5))
    assert window_of("used") == Window(used=True)


# Transparency


@pytest.mark.parametrize("level", range(4))
def test_transparent_greys_of_2_bits_are_white(level: int) -> None:
    data = png_of(2, 0, bytes([0b00011011]), 4, struct.pack(">H", level))
    plain = [0, 85, 170, 255]
    assert greys(data) == [255 if n == level else grey for n, grey in enumerate(plain)]


@pytest.mark.parametrize("bits", [1, 4, 8])
def test_transparent_greys_of_other_depths_are_white(bits: int) -> None:
    rows = {1: bytes([0b01000000]), 4: bytes([0x01]), 8: bytes([0, 1])}[bits]
    data = png_of(bits, 0, rows, 2, struct.pack(">H", 1))
    assert greys(data) == [0, 255]


def test_transparent_greys_of_16_bits_are_white_and_their_neighbours_are_not() -> None:
    values = [0, 300, 301, 65535]
    data = png_of(16, 0, struct.pack(">4H", *values), 4, struct.pack(">H", 300))
    assert greys(data) == [0, 255, round(301 / 65535 * 255), 255]


def test_transparent_colours_of_16_bits_are_white() -> None:
    pixels = struct.pack(">6H", 0x1234, 0x5678, 0x9ABC, 0x1000, 0x2000, 0x3000)
    data = png_of(16, 2, pixels, 2, struct.pack(">3H", 0x1234, 0x5678, 0x9ABC))
    assert greys(data) == [255, 255, 255, 0x10, 0x20, 0x30]


# Shapes


@pytest.mark.parametrize(
    ("resolution", "size"), [("4x6", (4, 6)), ("6x4", (6, 4)), (4, (4, 4)), ("5", (5, 5))]
)
def test_a_resolution_may_have_two_sides(resolution: int | str, size: tuple[int, int]) -> None:
    assert sides_of(resolution) == size
    image, _ = Preparation(resolution=resolution)(picture(0, (12, 12)))
    assert tuple(image.shape) == (3, *size)


@pytest.mark.parametrize("resolution", [0, -4, "0x5", "x", "4x", "4x5x6", "4.5", "4 x 5"])
def test_what_is_no_resolution_is_refused(resolution: int | str) -> None:
    with pytest.raises(BadInput, match="HEIGHTxWIDTH"):
        Preparation(resolution=resolution)


def test_the_centre_that_is_cut_out_has_the_shape_asked_for() -> None:
    wide = Image.fromarray(np.tile(np.arange(40, dtype=np.uint8), (10, 1)))  # 10 x 40.
    for resolution, first, last in (("10x20", 10, 29), ("10x40", 0, 39), (10, 15, 24)):
        found = np.asarray(Preparation(resolution, "L").picture(wide))[0]
        assert (found[0], found[-1]) == (first, last)


@pytest.mark.parametrize(("width", "dropped"), [(10, False), (12, False), (13, True), (40, True)])
def test_a_crop_that_drops_more_than_a_fifth_is_noted(width: int, dropped: bool) -> None:
    # A square of 10 out of 10 x 12 drops a sixth, out of 10 x 13 three thirteenths.
    prepared = Preparation(8).prepared(Image.new("L", (width, 10)))
    assert prepared.notes == (("cropped",) if dropped else ())


def test_several_frames_are_noted() -> None:
    file = io.BytesIO()
    frames = [picture(n) for n in range(3)]
    frames[0].save(file, "GIF", save_all=True, append_images=frames[1:])
    assert Preparation().prepared(file.getvalue()).notes == ("frames",)


def test_what_was_lost_is_one_sentence_each_with_its_count() -> None:
    narrow, cropped = lost_lines({"cropped": 1234, "narrow": 1, "frames": 0})
    assert narrow.startswith("1 image of more than 8 bits came out in fewer than 32 of 256 grey")
    assert "more than a fifth of 1,234 images" in cropped


# Grey stays grey


def folder(path: Path, *pictures: Image.Image) -> Records:
    for number, one in enumerate(pictures):
        one.save(path / f"{number:02}.png")
    return open_data(path)


def test_grey_pictures_stay_grey_by_themselves(tmp_path: Path) -> None:
    data = folder(tmp_path, *(picture(n).convert("L") for n in range(5)))
    assert {tuple(data[n].image.shape[:1]) for n in range(5)} == {(1,)}
    assert open_data(tmp_path, mode="RGB")[0].image.shape[0] == 3
    assert open_data(tmp_path, keep_grey=False)[0].image.shape[0] == 3


def test_one_in_colour_makes_all_colour_where_it_is_seen(tmp_path: Path) -> None:
    data = folder(tmp_path, *(picture(n).convert("L") for n in range(4)), picture(9))
    assert {data[n].image.shape[0] for n in range(5)} == {3}


def test_one_in_colour_that_was_not_looked_at_is_named_and_not_made_grey(tmp_path: Path) -> None:
    pictures = [picture(n % 8).convert("L") for n in range(40)]
    pictures[1] = picture(3)
    data = folder(tmp_path, *pictures)
    assert data[0].image.shape[0] == 1
    with pytest.raises(BrokenImage, match=r'"01.png".*in colour.*--mode RGB'):
        data[1]


def test_pictures_stored_in_colour_that_have_none_are_no_reason_to_refuse(tmp_path: Path) -> None:
    pictures = [picture(n % 8).convert("L") for n in range(40)]
    pictures[1] = pictures[1].convert("RGB")
    assert folder(tmp_path, *pictures)[1].image.shape[0] == 1


def test_whether_a_picture_is_grey_is_read_from_its_head() -> None:
    assert is_grey(stored(SCAN))
    assert is_grey(stored(picture(0).convert("L")))
    assert not is_grey(stored(picture(0)))
    assert not is_grey(b"no picture")
