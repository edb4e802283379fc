"""Pictures that lie, bombs, and files that only look like pictures."""

import gzip
import io
import os
import struct
import zlib
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from .case import GUARD, INSPECT, MARK, REFUSED, SET_APART, TAKEN, Case, Make

SIDE = 30_000
BAD, GOOD = (SET_APART, REFUSED), (TAKEN,)
RIGHTS = (REFUSED, SET_APART, TAKEN)


def saved(picture: Image.Image, kind: str, **options: Any) -> bytes:
    """A picture as the bytes of a file."""
    data = io.BytesIO()
    picture.save(data, kind, **options)
    return data.getvalue()


def noise(mode: str = "RGB", side: int = 16) -> Image.Image:
    """A picture that compresses badly."""
    channels = len(Image.new(mode, (1, 1)).getbands())
    shape = (side, side, channels) if channels > 1 else (side, side)
    pixels = np.random.default_rng(5).integers(0, 256, shape, np.uint8)
    return Image.fromarray(pixels, mode if channels > 1 else "L").convert(mode)


def chunk(kind: bytes, data: bytes) -> bytes:
    """A part of a PNG file."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


@cache
def png_of(width: int, height: int, bits: int = 8, rows: int | None = None) -> bytes:
    """A black PNG of any size, made without holding it."""
    packer = zlib.compressobj(9)
    row = b"\0" * (1 + -(-width * bits // 8))
    body = b"".join(packer.compress(row) for _ in range(height if rows is None else rows))
    head = struct.pack(">IIBBBBB", width, height, bits, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", body + packer.flush())
        + chunk(b"IEND", b"")
    )


def claimed(kind: str, width: int = SIDE, height: int = SIDE) -> bytes:
    """A small file whose head claims a size."""
    data = bytearray(saved(Image.new("L", (64, 64)), kind))
    if kind == "GIF":
        data[6:10] = struct.pack("<HH", width, height)
        at = data.index(b"\x2c", 13 + 3 * 2 ** ((data[10] & 7) + 1))
        data[at + 5 : at + 9] = struct.pack("<HH", width, height)
    elif kind == "BMP":
        data[18:26] = struct.pack("<ii", width, height)
    elif kind == "JPEG":
        at = data.index(b"\xff\xc0") + 5
        data[at : at + 4] = struct.pack(">HH", height, width)
    elif kind == "PPM":
        data[: data.index(b"64 64") + 5] = f"P5\n{width} {height}".encode()
    elif kind == "TGA":
        data[12:16] = struct.pack("<HH", width, height)
    elif kind == "TIFF":
        with Image.open(io.BytesIO(bytes(data))) as image:
            tags: Any = image
            offset = tags.tag_v2._offset
        for entry in range(struct.unpack_from("<H", data, offset)[0]):
            at = offset + 2 + 12 * entry
            tag = struct.unpack_from("<H", data, at)[0]
            if tag in (256, 257):
                struct.pack_into("<HHII", data, at, tag, 4, 1, width if tag == 256 else height)
    return bytes(data)


def apng(frames: int) -> bytes:
    """An animation of many frames."""
    pictures = [Image.new("L", (4, 4), n % 256) for n in range(frames)]
    return saved(pictures[0], "PNG", save_all=True, append_images=pictures[1:])


def scans(count: int, side: int) -> bytes:
    """A progressive JPEG whose last scan comes again and again."""
    data = saved(Image.new("L", (side, side), 90), "JPEG", progressive=True)
    last = data.rindex(b"\xff\xda")
    return data[:last] + data[last:-2] * count + b"\xff\xd9"


def dicom_of(side: int) -> bytes:
    """A DICOM file, deflated, whose pixels are zeros of this size."""

    def element(group: int, number: int, kind: bytes, value: bytes) -> bytes:
        value += b"\0" * (len(value) % 2)
        head = struct.pack("<HH", group, number) + kind
        if kind in (b"OW", b"OB"):
            return head + b"\0\0" + struct.pack("<I", len(value)) + value
        return head + struct.pack("<H", len(value)) + value

    short = struct.Struct("<H").pack
    meta = element(2, 0x10, b"UI", b"1.2.840.10008.1.2.1.99")
    head = b"".join(
        [
            element(0x28, 2, b"US", short(1)),
            element(0x28, 4, b"CS", b"MONOCHROME2"),
            element(0x28, 0x10, b"US", short(side)),
            element(0x28, 0x11, b"US", short(side)),
            element(0x28, 0x100, b"US", short(8)),
            element(0x28, 0x101, b"US", short(8)),
            element(0x28, 0x102, b"US", short(7)),
            element(0x28, 0x103, b"US", short(0)),
            struct.pack("<HH", 0x7FE0, 0x10) + b"OB\0\0" + struct.pack("<I", side * side),
        ]
    )
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    body = packer.compress(head)
    body += b"".join(packer.compress(b"\0" * side) for _ in range(side)) + packer.flush()
    length = element(2, 0, b"UL", struct.pack("<I", len(meta)))
    return b"\0" * 128 + b"DICM" + length + meta + body


def text_png(size: int) -> bytes:
    """A PNG with a compressed text that is far longer than the file."""
    whole = png_of(16, 16)
    body = b"note\0\0" + zlib.compress(b"\0" * size, 9)
    return whole[:33] + chunk(b"zTXt", body) + whole[33:]


def palette() -> bytes:
    """A palette in which many entries are transparent."""
    return saved(noise("P"), "PNG", transparency=bytes(range(256)))


EXTERNAL = b"""<?xml version="1.0"?>
<!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/passwd">]>
<svg xmlns="http://www.w3.org/2000/svg"><image href="http://127.0.0.1:9/x.png"/>&x;</svg>
"""
PNG, JPEG = saved(noise(), "PNG"), saved(noise(), "JPEG", quality=95)
ROTATED = Image.Exif()
ROTATED[0x0112] = 6
LYING = Image.Exif()
LYING[0x0112] = 77

CLAIMING = {
    "GIF": "gif",
    "BMP": "bmp",
    "JPEG": "jpg",
    "PPM": "ppm",
    "TGA": "tga",
    "TIFF": "tif",
}
"""Kinds of files whose heads can claim any size, and their endings."""

FILES: dict[str, tuple[str, Callable[[], bytes], tuple[str, ...]]] = {
    **{
        f"PNG cut off at {n} of {len(PNG)}": ("x.png", lambda n=n: PNG[:n], BAD)  # type: ignore[misc]
        for n in (1, 8, 20, 33, 45, len(PNG) // 2)
    },
    "PNG without its last chunk": ("x.png", lambda: PNG[:-13], GOOD),
    **{
        f"JPEG cut off at {n} of {len(JPEG)}": ("x.jpg", lambda n=n: JPEG[:n], BAD)  # type: ignore[misc]
        for n in (2, 4, 30, 200, len(JPEG) // 2, len(JPEG) - 20)
    },
    "no bytes": ("x.png", lambda: b"", BAD),
    "a text": ("x.png", lambda: b"hello", BAD),
    "a JPEG called PNG": ("x.png", lambda: JPEG, GOOD),
    "a PNG called JPEG": ("x.jpg", lambda: PNG, GOOD),
    "a PNG with a million bytes behind it": ("x.png", lambda: PNG + b"\0" * 2**20, GOOD),
    "a PDF called PNG": ("x.png", lambda: b"%PDF-1.7\n" + bytes(100), BAD),
    "PostScript called PNG": (
        "x.png",
        lambda: b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(canary) (w) file\n",
        BAD,
    ),
    "SVG with external entities called PNG": ("x.png", lambda: EXTERNAL, BAD),
    "a zip called PNG": ("x.png", lambda: b"PK\x03\x04" + bytes(99), BAD),
    "a gzip bomb called PNG": ("x.png", lambda: gzip.compress(bytes(10**8)), BAD),
    "PNG of 30,000 x 30,000": ("x.png", lambda: png_of(SIDE, SIDE), BAD),
    "PNG of 30,000 x 30,000 in 1 bit": ("x.png", lambda: png_of(SIDE, SIDE, 1), BAD),
    "PNG of 30,000 x 30,000 in 16 bits": ("x.png", lambda: png_of(SIDE, SIDE, 16, 9), BAD),
    "PNG of 2^31 - 1 x 2^31 - 1": ("x.png", lambda: png_of(2**31 - 1, 2**31 - 1, 8, 0), BAD),
    "PNG of 0 x 0": ("x.png", lambda: png_of(0, 0), BAD),
    "PNG of 9,400 x 9,400, just below the limit": ("x.png", lambda: png_of(9400, 9400), RIGHTS),
    "PNG of 9,400 x 9,400 in 16 bits": ("x.png", lambda: png_of(9400, 9400, 16), RIGHTS),
    "PNG of 1 x 80,000,000": ("x.png", lambda: png_of(1, 80_000_000, 8, 10**6), RIGHTS),
    **{
        f"{kind} that claims 30,000 x 30,000": (f"x.{end}", lambda k=kind: claimed(k), BAD)  # type: ignore[misc]
        for kind, end in CLAIMING.items()
    },
    **{
        f"{kind} that claims 9,000 x 9,000": (
            f"x.{end}",
            lambda k=kind: claimed(k, 9000, 9000),
            RIGHTS,
        )  # type: ignore[misc]
        for kind, end in CLAIMING.items()
    },
    "DICOM of 30,000 x 30,000, deflated": ("x.dcm", lambda: dicom_of(SIDE), BAD),
    "DICOM of 64 x 64, deflated": ("x.dcm", lambda: dicom_of(64), RIGHTS),
    "JPEG of 3,000 scans": ("x.jpg", lambda: scans(3000, 2000), RIGHTS),
    "animated PNG of 2,000 frames": ("x.png", lambda: apng(2000), GOOD),
    "GIF of two frames": (
        "x.gif",
        lambda: saved(noise("P"), "GIF", save_all=True, append_images=[noise("P", 16).rotate(90)]),
        GOOD,
    ),
    "PNG text of 200 MB": ("x.png", lambda: text_png(2 * 10**8), RIGHTS),
    "CMYK JPEG": ("x.jpg", lambda: saved(noise("CMYK"), "JPEG"), GOOD),
    "16-bit PNG": (
        "x.png",
        lambda: saved(
            Image.fromarray(np.arange(256, dtype=np.uint16).reshape(16, 16) * 257), "PNG"
        ),
        GOOD,
    ),
    "TIFF of NaN": (
        "x.tif",
        lambda: saved(Image.fromarray(np.full((16, 16), np.nan, np.float32)), "TIFF"),
        BAD,
    ),
    "TIFF of infinity": (
        "x.tif",
        lambda: saved(Image.fromarray(np.full((16, 16), np.inf, np.float32)), "TIFF"),
        BAD,
    ),
    "palette with transparency": ("x.png", palette, GOOD),
    "EXIF says turned": ("x.jpg", lambda: saved(noise(), "JPEG", exif=ROTATED), GOOD),
    "EXIF says orientation 77": ("x.jpg", lambda: saved(noise(), "JPEG", exif=LYING), GOOD),
    "EXIF is garbage": (
        "x.jpg",
        lambda: saved(noise(), "JPEG", exif=b"Exif\0\0" + bytes(range(256))),
        GOOD,
    ),
    "colour profile is garbage": (
        "x.png",
        lambda: saved(noise(), "PNG", icc_profile=bytes(range(200))),
        GOOD,
    ),
}


def _link(folder: Path, name: str, target: str) -> None:
    os.symlink(target, folder / name)


PLACES: dict[str, tuple[Make, tuple[str, ...]]] = {
    "a folder called x.png": (lambda f: (f / "x.png").mkdir(), RIGHTS),
    "a pipe called x.png": (lambda f: os.mkfifo(f / "x.png"), BAD),
    "a link to itself": (lambda f: _link(f, "x.png", "x.png"), BAD),
    "a link to nothing": (lambda f: _link(f, "x.png", "nowhere.png"), BAD),
    "a link to /dev/zero": (lambda f: _link(f, "x.png", "/dev/zero"), BAD),
    "a link to its own folder": (lambda f: _link(f, "loop", "."), GOOD),
    "a link to the folder above": (lambda f: _link(f, "loop", ".."), GOOD),
    "two links in a circle": (
        lambda f: (_link(f, "a", "b"), _link(f, "b", "a")),
        RIGHTS,
    ),
    "300 folders deep": (lambda f: _deep(f, 300), RIGHTS),
    "a pipe called x.txt beside a picture": (
        lambda f: ((f / "x.png").write_bytes(PNG), os.mkfifo(f / "x.txt")),
        RIGHTS,
    ),
    "a pipe called metadata.jsonl": (lambda f: os.mkfifo(f / "metadata.jsonl"), RIGHTS),
    "a pipe called manifest.json": (lambda f: os.mkfifo(f / "manifest.json"), RIGHTS),
    "a pipe without an extension": (lambda f: os.mkfifo(f / "IM0001"), RIGHTS),
    "a pipe called shard.tar": (lambda f: os.mkfifo(f / "shard.tar"), RIGHTS),
    "a pipe called shard.parquet": (lambda f: os.mkfifo(f / "shard.parquet"), RIGHTS),
}


def _deep(folder: Path, count: int) -> None:
    here = folder / "/".join(["d"] * count)
    here.mkdir(parents=True)
    (here / "x.png").write_bytes(PNG)


def _file(name: str, content: Callable[[], bytes]) -> Make:
    return lambda here: (here / "data" / name).write_bytes(content())


def cases() -> Iterator[Case]:
    """Every picture is marked, and asked a guard about; those that need a look are inspected."""
    for name, (file, content, ends) in FILES.items():
        make = _file(file, content)
        yield Case("pictures", name, make, MARK, ends)
        yield Case("pictures", name, make, GUARD, ends)
        if "," in name:
            yield Case("pictures", name, make, INSPECT)
            alone = ("guard", "index", f"data/{file}", *GUARD[3:])
            yield Case("pictures", f"{name}, alone", make, alone)
    for name, (place, ends) in PLACES.items():

        def make_place(here: Path, place: Make = place) -> None:
            place(here / "data")

        yield Case("places", name, make_place, MARK, ends)
        yield Case("places", name, make_place, GUARD)
        yield Case("places", name, make_place, INSPECT)
