"""Pictures of DICOM files, through pydicom: in the window that the file names.

pydicom is an extra (`pip install "solidmark[medical]"`), and is imported when the first such file
is met.
"""

import io
import logging
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from solidmark.data.bombs import refuse_bomb, refuse_deflated_bomb
from solidmark.data.levels import Window
from solidmark.errors import BrokenImage

HEAD = 132
"""So many bytes tell whether a file is one."""
_GREYS = ("MONOCHROME1", "MONOCHROME2")
_DEFLATED = b"1.2.840.10008.1.2.1.99"
_COLOURS = ("RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT", "PALETTE COLOR")


def is_dicom(data: bytes) -> bool:
    """Whether bytes are those of a DICOM file: four letters after the preamble."""
    return data[128:HEAD] == b"DICM"


def head_of_dicom(data: bytes) -> tuple[int, int, str]:
    """The width, the height, and "L" or "RGB" of the pixels of a DICOM file; none is read.

    Raises:
        BrokenImage: When it is too large, or pydicom is not installed.
    """
    file = _opened(data, pixels=False)
    mode = "L" if str(file.get("PhotometricInterpretation")) in _GREYS else "RGB"
    return int(file.get("Columns") or 0), int(file.get("Rows") or 0), mode


def patient_of(data: bytes) -> str | None:
    """The patient whose picture a DICOM file is, by its PatientID; None where it names none."""
    try:
        found = str(_opened(data, pixels=False).get("PatientID") or "").strip()
    except BrokenImage:
        return None
    except Exception:  # Hostile bytes make a parser raise anything; the decoder says what is wrong.
        return None
    return found or None


def decode_dicom(data: bytes, window: Window) -> Image.Image:
    """The picture of a DICOM file, in mode "L" or "RGB".

    Values go through the file's modality table or slope (so that `window` is in Hounsfield units
    for CT), then through the window that is asked for, else through the file's own (the first,
    where it names several), else through the range of its bits. MONOCHROME1, whose low values are
    white, is inverted.

    Raises:
        BrokenImage: When it holds no picture, or several, or cannot be read, or pydicom is not
            installed.
    """
    try:
        file = _opened(data)
        frames = int(file.get("NumberOfFrames") or 1)
        if "PhotometricInterpretation" not in file:
            raise BrokenImage("It is a DICOM file without a picture.")
        if frames == 1:
            return _picture(file, window)
    except BrokenImage:
        raise
    except Exception as error:  # Hostile bytes make a decoder raise anything.
        text = " ".join(str(error).split()) or type(error).__name__
        raise BrokenImage(f"It cannot be decoded ({text[:200]}).") from error
    raise BrokenImage(f"It holds {frames} frames. Write each into a file of its own.")


def _opened(data: bytes, pixels: bool = True) -> Any:
    """A DICOM file, of a size that can be decoded."""
    try:
        from pydicom import dcmread
    except ImportError as error:
        raise BrokenImage(
            'It is a DICOM file, and pydicom is not installed: pip install "solidmark[medical]".'
        ) from error

    for name in ("pydicom", "pylibjpeg", "openjpeg"):
        logging.getLogger(name).setLevel(logging.CRITICAL)  # The reason is in the error.
    _refuse_deflated(data)
    file = dcmread(io.BytesIO(data), stop_before_pixels=not pixels)
    refuse_bomb(int(file.get("Columns") or 0), int(file.get("Rows") or 0))
    return file


def _refuse_deflated(data: bytes) -> None:
    """pydicom unpacks a deflated file whole, whatever it holds."""
    if _DEFLATED in data[HEAD : HEAD + 1024] and data[HEAD : HEAD + 4] == b"\2\0\0\0":
        begins = HEAD + 12 + int.from_bytes(data[HEAD + 8 : HEAD + 12], "little")
        refuse_deflated_bomb(data[begins:])


def _picture(file: Any, window: Window) -> Image.Image:
    from pydicom.pixels.processing import apply_modality_lut

    kind = str(file.PhotometricInterpretation)
    stored = file.pixel_array
    if kind in _COLOURS:
        return _coloured(file, stored, kind)
    if kind not in _GREYS:
        raise BrokenImage(f"Its pixels are {kind}, which is not read. Convert it to PNG.")
    values = np.asarray(apply_modality_lut(stored, file), dtype=np.float64)
    if window.bounds is None and not window.used:
        picture = _own_window(file, values)
    else:
        picture = window.levels(values, (0, 1))
    return picture if kind == "MONOCHROME2" else picture.point(lambda level: 255 - level)


def _own_window(file: Any, values: NDArray[np.float64]) -> Image.Image:
    """The values as the file wants them shown (DICOM PS3.3, C.11.2.1)."""
    from pydicom.pixels.processing import apply_voi

    if file.get("VOILUTSequence"):  # It goes before a window.
        shown = apply_voi(np.rint(values).astype(np.int64), file)
        bits = int(file.VOILUTSequence[0].LUTDescriptor[2])
        return Window().levels(shown.astype(np.float64), (0, 2**bits - 1))
    if file.get("WindowWidth") is None or file.get("WindowCenter") is None:
        return Window().levels(values, _range(file))
    centre, width = _first(file.WindowCenter), _first(file.WindowWidth)
    kind = str(file.get("VOILUTFunction") or "LINEAR").upper()
    if kind == "SIGMOID":
        return Window().levels(1 / (1 + np.exp(-4 * (values - centre) / width)), (0, 1))
    if kind == "LINEAR":
        centre, width = centre - 0.5, width - 1
    elif kind != "LINEAR_EXACT":
        raise BrokenImage(f"Its window is {kind}, which is not known. Give --window LOW:HIGH.")
    return Window((centre - width / 2, centre + width / 2)).levels(values, (0, 1))


def _first(value: Any) -> float:
    """A number, or the first of several."""
    return float(value[0] if isinstance(value, Sequence) else value)


def _coloured(file: Any, stored: Any, kind: str) -> Image.Image:
    from pydicom.pixels.processing import apply_color_lut

    if kind == "PALETTE COLOR":
        stored = apply_color_lut(stored, file)
    if stored.dtype == np.uint16:
        stored = stored >> 8
    return Image.fromarray(np.asarray(stored, dtype=np.uint8)).convert("RGB")


def _range(file: Any) -> tuple[float, float]:
    """The values that the bits can hold, after the modality table or slope."""
    from pydicom.pixels.processing import apply_modality_lut

    if "ModalityLUTSequence" in file:
        return 0, 2 ** int(file.ModalityLUTSequence[0].LUTDescriptor[2]) - 1
    low, high = apply_modality_lut(np.array(_stored(file), dtype=np.float64), file)
    return float(min(low, high)), float(max(low, high))


def _stored(file: Any) -> tuple[int, int]:
    bits = int(file.BitsStored)
    signed = int(file.PixelRepresentation) == 1
    return (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
