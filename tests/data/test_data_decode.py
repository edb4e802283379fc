"""Every kind of picture file becomes 8-bit pixels, or one clear line."""

import io
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from solidmark.data import decode
from solidmark.errors import BrokenImage


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(7).integers(0, 256, shape).astype(np.uint8)


def saved(image: Image.Image, format: str = "PNG", **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, format, **options)
    return file.getvalue()


COLOUR = Image.fromarray(noise(6, 8, 3))
GREY = Image.fromarray(noise(6, 8))


@pytest.mark.parametrize("format", ["PNG", "BMP", "TIFF", "PPM", "TGA", "GIF", "WEBP"])
def test_lossless_files_keep_grey_pixels(format: str) -> None:
    data = saved(GREY, format, **({"lossless": True} if format == "WEBP" else {}))
    assert np.array_equal(np.asarray(decode(data).convert("L")), np.asarray(GREY))


def test_colour_and_grey_keep_their_modes() -> None:
    assert (decode(saved(COLOUR)).mode, decode(saved(GREY)).mode) == ("RGB", "L")
    assert decode(saved(COLOUR)).tobytes() == COLOUR.tobytes()


def test_jpeg_is_what_pillow_decodes() -> None:
    data = saved(COLOUR, "JPEG", quality=90)
    with Image.open(io.BytesIO(data)) as reference:
        assert decode(data).tobytes() == reference.tobytes()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_is_turned_upright(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    a = np.asarray(COLOUR)
    upright = {
        1: a, 2: a[:, ::-1], 3: a[::-1, ::-1], 4: a[::-1], 5: a.transpose(1, 0, 2),
        6: np.rot90(a, -1), 7: np.rot90(a, 2).transpose(1, 0, 2), 8: np.rot90(a),
    }[orientation]  # fmt: skip
    assert np.array_equal(np.asarray(decode(saved(COLOUR, exif=exif))), upright)
    sixteen = Image.fromarray(np.asarray(GREY).astype(np.uint16) * 257)
    turned = ImageOps.exif_transpose(decode(saved(sixteen, exif=exif)))
    assert turned.size == (upright.shape[1], upright.shape[0])


def test_transparency_lies_on_white() -> None:
    pixels = np.zeros((1, 3, 4), np.uint8)
    pixels[0, :, 0], pixels[0, :, 3] = 200, (0, 128, 255)
    shown = np.asarray(decode(saved(Image.fromarray(pixels)))).astype(int)
    expected = [[255, 255, 255], [227, 127, 127], [200, 0, 0]]
    assert np.abs(shown[0] - expected).max() <= 1


def test_grey_with_alpha_stays_grey() -> None:
    image = decode(saved(Image.new("LA", (3, 3), (10, 0))))
    assert (image.mode, image.getpixel((1, 1))) == ("L", 255)


@pytest.mark.parametrize("transparency", [0, b"\x00\xff"])
def test_a_transparent_palette_entry_is_white(transparency: object) -> None:
    image = Image.new("P", (2, 1))
    image.putpalette([9, 9, 9, 0, 0, 255] + [0] * 762)
    image.putpixel((1, 0), 1)
    shown = decode(saved(image, transparency=transparency))
    assert [shown.getpixel((x, 0)) for x in (0, 1)] == [(255, 255, 255), (0, 0, 255)]


def test_cmyk_becomes_colour() -> None:
    image = Image.new("CMYK", (4, 4), (0, 255, 255, 0))
    assert decode(saved(image, "TIFF")).getpixel((0, 0)) == (255, 0, 0)
    assert decode(saved(image, "JPEG")).mode == "RGB"


def test_one_bit_becomes_black_and_white() -> None:
    assert set(decode(saved(GREY.convert("1"))).tobytes()) <= {0, 255}


@pytest.mark.parametrize("format", ["PNG", "TIFF"])
def test_sixteen_bits_are_scaled_not_cut(format: str) -> None:
    values = np.array([[0, 257, 128 * 257, 65535, 300]], np.uint16)
    data = saved(Image.fromarray(values), format)
    assert np.asarray(decode(data)).tolist() == [[0, 1, 128, 255, 1]]


def test_integers_and_floats_are_scaled() -> None:
    wide = Image.fromarray(np.array([[0, 65535]], np.int32))
    assert np.asarray(decode(wide)).tolist() == [[0, 255]]
    unit = Image.fromarray(np.array([[0, 0.5, 1]], np.float32))
    assert np.asarray(decode(saved(unit, "TIFF"))).tolist() == [[0, 128, 255]]
    bytes_ = Image.fromarray(np.array([[0, 99.6, 255]], np.float32))
    assert np.asarray(decode(bytes_)).tolist() == [[0, 100, 255]]


@pytest.mark.parametrize("value", [np.nan, np.inf, -1.0, 300.0])
def test_values_without_a_meaning_are_broken(value: float) -> None:
    with pytest.raises(BrokenImage, match="Convert it"):
        decode(Image.fromarray(np.array([[0, value]], np.float32)))


def test_the_first_frame_counts() -> None:
    frames = [Image.new("L", (5, 5), level) for level in (30, 200)]
    data = saved(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert decode(data).convert("L").getpixel((2, 2)) == 30
    moved = Image.open(io.BytesIO(data))
    moved.seek(1)
    assert decode(moved).convert("L").getpixel((2, 2)) == 30


TALL = saved(Image.fromarray(noise(64, 64, 3)), "JPEG")


@pytest.mark.parametrize(
    "data",
    [b"", b"hello", TALL[: len(TALL) // 2], saved(COLOUR)[:60], b"%!PS-Adobe-3.0 EPSF-3.0\n"],
    ids=["empty", "text", "half a JPEG", "half a PNG", "PostScript"],
)
def test_what_is_no_image_is_broken_in_one_line(data: bytes) -> None:
    with pytest.raises(BrokenImage) as caught:
        decode(data)
    message = str(caught.value)
    assert message.endswith(".")
    assert "\n" not in message
    assert "0x" not in message


def test_postscript_is_never_run() -> None:
    with pytest.raises(BrokenImage, match="EPS files are not read"):
        decode(saved(COLOUR, "EPS"))


def test_an_image_without_pixels_is_broken() -> None:
    with pytest.raises(BrokenImage, match="0 x 3 pixels"):
        decode(Image.new("L", (0, 3)))


@pytest.mark.parametrize("limit", [30, 20])
def test_a_bomb_is_broken(monkeypatch: pytest.MonkeyPatch, limit: int) -> None:
    """Pillow warns above the limit and refuses above twice the limit."""
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
    with pytest.raises(BrokenImage, match=f"more than {limit} pixels"):
        decode(saved(COLOUR))


def test_unreadable_exif_does_not_cost_the_image() -> None:
    data = saved(COLOUR, "JPEG", exif=b"Exif\0\0II*\0\x08\0\0\0\x05\0\x12\x01")
    assert decode(data).size == COLOUR.size


def test_the_warning_filters_are_left_alone() -> None:
    before = list(warnings.filters)
    decode(saved(COLOUR))
    assert warnings.filters == before


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(["PNG", "JPEG", "GIF", "TIFF", "WEBP", "BMP"]), st.data())
def test_damaged_files_decode_or_are_broken(format: str, data: st.DataObject) -> None:
    whole = bytearray(saved(COLOUR, format))
    for _ in range(data.draw(st.integers(1, 6))):
        place = data.draw(st.integers(0, len(whole) - 1))
        whole[place] = data.draw(st.integers(0, 255))
    outcome = decoded_or_reason(bytes(whole))
    assert outcome in ("L", "RGB") or outcome.endswith(".")
    assert "\n" not in outcome


def decoded_or_reason(data: bytes) -> str:
    try:
        return decode(data).mode
    except BrokenImage as error:
        return str(error)
