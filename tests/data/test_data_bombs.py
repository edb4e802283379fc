"""Pictures that are too large are refused by their heads, whatever holds them."""

import io
import zlib
from pathlib import Path

import numpy as np
import pytest
from growing import peak_bytes
from PIL import Image

from solidmark.data.bombs import LONGEST_SIDE, refuse_deflated_bomb
from solidmark.data.decode import decode, glance
from solidmark.data.dicom import decode_dicom
from solidmark.data.levels import AT_ONCE, Window
from solidmark.errors import BrokenImage
from solidmark.inspecting import describe
from solidmark.page.pictures import open_picture
from tests.hostile.pictures import claimed, dicom_of, png_of

KINDS = ("BMP", "GIF", "JPEG", "PPM", "TGA", "TIFF")


@pytest.mark.parametrize("kind", KINDS)
def test_a_head_that_claims_too_much_is_enough(kind: str) -> None:
    for read in (decode, glance):
        with pytest.raises(BrokenImage, match="more than 89478485 pixels"):
            read(claimed(kind))


def test_dicom_files_have_the_same_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """pydicom has none of its own, and unpacks a deflated file whole."""
    pytest.importorskip("pydicom")
    assert decode(dicom_of(64)).size == (64, 64)
    assert glance(dicom_of(64)).mode == "L"
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 64 * 64 - 1)
    for read in (decode, glance, lambda data: decode_dicom(data, Window())):
        with pytest.raises(BrokenImage, match="more than 4095 pixels"):
            read(dicom_of(64))
    with pytest.raises(BrokenImage, match="more than 4095 pixels"):
        refuse_deflated_bomb(zlib.compress(bytes(10**6), wbits=-15))


def test_a_program_that_lifts_the_limit_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", None)
    assert decode(png_of(LONGEST_SIDE + 1, 1)).width == LONGEST_SIDE + 1


def test_a_picture_that_a_program_holds_has_the_limit_too(monkeypatch: pytest.MonkeyPatch) -> None:
    picture = Image.new("L", (9, 9))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 80)
    with pytest.raises(BrokenImage, match="more than 80 pixels"):
        decode(picture)


def test_a_strip_of_a_million_rows_is_refused() -> None:
    with pytest.raises(BrokenImage, match="Cut it into pieces"):
        decode(png_of(1, LONGEST_SIDE + 1))


def test_deep_pictures_take_little_more_than_their_own_memory() -> None:
    values = np.zeros((4000, 3000), np.uint16)
    values[-1] = 65535
    peak = peak_bytes(lambda: Window().levels(values, (0, 65535)))
    picture = Window().levels(values, (0, 65535))
    assert peak < 3 * values.size + 4 * 8 * AT_ONCE  # As float64 at once: 16 times.
    assert picture.getpixel((7, 3998)) == 0
    assert picture.getpixel((7, 3999)) == 255


def test_blocks_give_the_levels_of_the_whole() -> None:
    values = np.random.default_rng(0).integers(0, 65536, (1500, 1000)).astype(np.uint16)
    expected = np.rint(np.clip(values.astype(np.float64) / 65535, 0, 1) * 255).astype(np.uint8)
    assert np.array_equal(np.asarray(Window().levels(values, (0, 65535))), expected)


def test_inspect_and_pages_go_on_without_a_bomb(tmp_path: Path) -> None:
    (tmp_path / "bomb.png").write_bytes(png_of(30_000, 30_000, rows=1))
    assert open_picture(tmp_path, "bomb.png") is None
    data = io.BytesIO()
    Image.new("L", (9, 9)).save(data, "PNG")
    (tmp_path / "good.png").write_bytes(data.getvalue())
    assert describe(str(tmp_path)).facts["looked at"] == "2 of 2, of which 1 cannot be read"
