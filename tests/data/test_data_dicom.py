"""DICOM files: the greys that a viewer shows, by hand and against pydicom's own windowing."""

import builtins
import io
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.pixels.processing import apply_modality_lut, apply_windowing
from pydicom.uid import ExplicitVRLittleEndian, JPEG2000Lossless, RLELossless

from solidmark.data import open_data
from solidmark.data.decode import decode, is_grey, look
from solidmark.errors import BrokenImage

VALUES = np.arange(4096, dtype=np.uint16).reshape(64, 64)


def scan(
    values: NDArray[Any] = VALUES,
    *,
    kind: str = "MONOCHROME2",
    bits: int = 12,
    syntax: str = ExplicitVRLittleEndian,
    **told: Any,
) -> bytes:
    one = Dataset()
    one.file_meta = FileMetaDataset()
    one.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    one.SOPClassUID, one.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.7", "1.2.3"
    one.set_pixel_data(values, kind, bits)
    for name, value in told.items():
        setattr(one, name, value)
    if syntax != ExplicitVRLittleEndian:
        one.compress(syntax)
    file = io.BytesIO()
    one.save_as(file, enforce_file_format=True)
    return file.getvalue()


def report() -> bytes:
    one = Dataset()
    one.file_meta = FileMetaDataset()
    one.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    one.SOPClassUID, one.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.88.11", "1.2.3"
    one.PatientName = "Nobody"
    file = io.BytesIO()
    one.save_as(file, enforce_file_format=True)
    return file.getvalue()


def greys(data: bytes, window: str = "full") -> NDArray[np.float64]:
    return np.asarray(decode(data, window), dtype=np.float64)


def test_a_patient_is_a_group_without_a_name(tmp_path: Path) -> None:
    folder = tmp_path / "scans"
    folder.mkdir()
    for number, patient in enumerate(("Doe 7", "Doe 7", "Roe 8", "", None)):
        told = {} if patient is None else {"PatientID": patient}
        (folder / f"{number}.dcm").write_bytes(scan(VALUES[number:], **told))
    plain = open_data(folder)
    hashed = open_data(folder, hash_ids=tmp_path / "secret")
    again = open_data(folder, hash_ids=tmp_path / "secret")
    for data in (plain, hashed):
        groups = [data[number].group for number in range(5)]
        assert [data.group(number) for number in range(5)] == groups  # None is decoded.
        named = [group for group in groups if group is not None]
        assert sorted(named.count(group) for group in set(named)) == [1, 2]
        assert not any("oe" in group for group in named)
    assert [hashed[n].group for n in range(5)] == [again[n].group for n in range(5)]
    assert {hashed[n].group for n in range(5)} & {plain[n].group for n in range(5)} == {None}


def line(values: NDArray[Any], black: float, white: float) -> NDArray[np.float64]:
    return np.asarray(np.clip((values.astype(float) - black) / (white - black), 0, 1) * 255)


# Half a level is what rounding to whole levels takes.
LEVEL = 0.5 + 1e-6


def test_without_a_window_it_is_the_range_of_its_bits() -> None:
    assert np.abs(greys(scan()) - line(VALUES, 0, 4095)).max() <= LEVEL
    signed = (VALUES.astype(np.int32) - 2048).astype(np.int16)
    assert np.abs(greys(scan(signed)) - line(signed, -2048, 2047)).max() <= LEVEL


def test_its_own_window_is_that_of_the_standard() -> None:
    data = scan(WindowCenter=1000, WindowWidth=400)
    # PS3.3 C.11.2.1.2.1: black at c - .5 - (w - 1) / 2, white at c - .5 + (w - 1) / 2.
    assert np.abs(greys(data) - line(VALUES, 800, 1199)).max() <= LEVEL


@pytest.mark.parametrize("function", ["LINEAR", "LINEAR_EXACT", "SIGMOID"])
def test_windows_agree_with_pydicom(function: str) -> None:
    told = {"RescaleSlope": 2, "RescaleIntercept": -1024, "VOILUTFunction": function}
    data = scan(WindowCenter=[300, 5], WindowWidth=[900, 5], **told)
    one = pydicom.dcmread(io.BytesIO(data))
    shown = apply_windowing(apply_modality_lut(one.pixel_array, one), one)
    low, high = -1024, 2 * 4095 - 1024  # pydicom shows windows in the range of the bits.
    assert np.abs(greys(data) - line(shown, low, high)).max() <= LEVEL


def test_a_window_that_is_asked_for_is_in_the_units_of_the_slope() -> None:
    data = scan(RescaleSlope=1, RescaleIntercept=-1024, WindowCenter=5, WindowWidth=5)
    hounsfield = VALUES.astype(float) - 1024
    assert np.abs(greys(data, "-160:240") - line(hounsfield, -160, 240)).max() <= LEVEL
    assert np.abs(greys(data, "used") - line(VALUES, 0, 4095)).max() <= LEVEL


def test_low_values_of_monochrome1_are_white() -> None:
    assert np.array_equal(greys(scan(kind="MONOCHROME1")), 255 - greys(scan()))


def test_colours_are_kept() -> None:
    colours = np.random.default_rng(0).integers(0, 256, (6, 5, 3), dtype=np.uint8)
    found = decode(scan(colours, kind="RGB", bits=8))
    assert found.mode == "RGB"
    assert np.array_equal(np.asarray(found), colours)


@pytest.mark.parametrize("syntax", [RLELossless, JPEG2000Lossless])
def test_compressed_files_are_the_same_picture(syntax: str) -> None:
    assert np.array_equal(greys(scan(syntax=syntax)), greys(scan()))


def test_a_window_that_leaves_little_is_noted() -> None:
    assert look(scan(VALUES // 40)).narrow
    assert not look(scan(VALUES // 40), "used").narrow


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (scan(np.stack([VALUES, VALUES])), "2 frames"),
        (scan()[:400], "without a picture"),
        (scan()[:-100], "cannot be decoded"),
        (scan(VOILUTFunction="CURVED", WindowCenter=5, WindowWidth=5), "CURVED"),
        (bytes(128) + b"DICM" + bytes(50), "without a picture"),
        (report(), "without a picture"),
    ],
)
def test_what_is_no_picture_is_one_line(data: bytes, words: str) -> None:
    with pytest.raises(BrokenImage, match=words) as caught:
        decode(data)
    assert "\n" not in str(caught.value)


def test_folders_of_scans_are_grey_images_whatever_the_files_are_called(tmp_path: Path) -> None:
    names = ("a.dcm", "IM0001", "1.2.840.113619.2.1", "b.IMA")
    for name in names:
        (tmp_path / name).write_bytes(scan())
    (tmp_path / "DICOMDIR").write_bytes(scan())
    (tmp_path / "LICENSE").write_text("text")
    data = open_data(tmp_path)
    assert data.ids == sorted(names)
    assert data[0].image.shape == (1, 64, 64)
    assert data.inventory is not None
    (left,) = data.inventory.left_out
    assert (left.reason, left.names) == ("files without an extension", ("DICOMDIR", "LICENSE"))


def test_without_pydicom_each_file_is_named_with_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = scan()
    (tmp_path / "a.dcm").write_bytes(content)
    data = open_data(tmp_path)
    real = builtins.__import__

    def missing(name: str, *rest: Any) -> Any:
        if name.split(".")[0] == "pydicom":
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(BrokenImage, match=r'"a.dcm".*pip install "solidmark\[medical\]"'):
        data[0]
    assert not is_grey(content)


def test_what_is_called_so_and_is_none_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.dcm").write_bytes(b"no scan")
    (tmp_path / "b.dcm").write_bytes(scan())
    data = open_data(tmp_path)
    with pytest.raises(BrokenImage, match=r'"a.dcm".*known format'):
        data[0]
    assert data[1].image.shape[1:] == (64, 64)
