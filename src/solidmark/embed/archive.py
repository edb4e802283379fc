"""What a TorchScript file holds, read without running anything, and packed anew for torch.

torch runs parts of a file while it loads it: what the program says under `__setstate__`, and the
same in C++ for its own classes. And it believes what the file says of sizes and strides. So a file
is read here first: which types its objects have, and whether every tensor lies within its bytes.
torch then gets these parts and no others, so that no two readers can see two files in one.
"""

import io
import pickle
import pickletools
import re
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from solidmark.errors import UnsafeCheckpoint

_STEPS = """
    APPEND APPENDS BINFLOAT BINGET BININT BININT1 BININT2 BINPERSID BINPUT BINUNICODE BUILD
    EMPTY_DICT EMPTY_LIST EMPTY_TUPLE GLOBAL LONG1 LONG_BINGET LONG_BINPUT MARK NEWFALSE NEWOBJ
    NEWTRUE NONE PROTO REDUCE SETITEM SETITEMS STOP TUPLE TUPLE1 TUPLE2 TUPLE3
"""
WRITTEN = frozenset(_STEPS.split())
"""The steps that torch writes into the objects of a program."""

LISTS = ("build_boollist", "build_doublelist", "build_intlist", "build_tensorlist")

STORAGES = {
    "BFloat16Storage": 2,
    "BoolStorage": 1,
    "ByteStorage": 1,
    "CharStorage": 1,
    "DoubleStorage": 8,
    "FloatStorage": 4,
    "HalfStorage": 2,
    "IntStorage": 4,
    "LongStorage": 8,
    "ShortStorage": 2,
}
"""The bytes of an item, by what torch calls a row of them."""

_WORDS = """
    __annotations__ __buffers__ __constants__ __parameters__ __torch__
    __and__ __contains__ __derive_index __getitem__ __interpolate __is__ __isnot__ __len__
    __lshift__ __not__ __or__ __range_length __round_to_zero_floordiv __rshift__ __xor__
"""
DUNDER = frozenset(_WORDS.split())
"""The names of the language itself; torch calls others, such as `__setstate__`, by itself."""

_NAME = re.compile(rb"[A-Za-z0-9_]+")
_OWN = re.compile(rb"__(?!_torch_mangle_\d+$)")
_KEPT = re.compile(
    r"(?:\.data/)?version|byteorder|data\.pkl|constants\.pkl|(?:data|constants)/[\w.-]+|code/[\w./-]+\.py"
)
_TEXT_BYTES = 64 * 2**20
"""What the parts may take beyond the file: its program is compressed, its weights are not."""


def read_archive(path: Path) -> bytes:
    """The parts of a TorchScript file that a network needs, as a file of their own.

    Raises:
        UnsafeCheckpoint: When it is no TorchScript, something in it would run while it is loaded,
            or a tensor reaches beyond its bytes.
    """
    parts = _parts(path)
    if not any(name.startswith("code/") for name in parts) or "data.pkl" not in parts:
        raise UnsafeCheckpoint(
            f'"{path}" is no TorchScript: it would have to be unpickled, which could run any code. '
            "Use the file whose name ends in .torchscript.pt."
        )
    for name, part in parts.items():
        if name.startswith("code/"):
            _check_names(path, part)
    for name in ("data", "constants"):
        if f"{name}.pkl" in parts:
            _check_objects(path, parts[f"{name}.pkl"], name, parts)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, part in parts.items():
            archive.writestr(f"script/{name}", part)
    return packed.getvalue()


def unsafe(path: Path, what: str) -> UnsafeCheckpoint:
    """The refusal of a file, with what it holds and what to use instead."""
    return UnsafeCheckpoint(
        f'"{path}" is TorchScript that {what}. Use a file of the authors, or the network as ONNX '
        "(onnx:FILE), which holds no program."
    )


def _parts(path: Path) -> dict[str, bytes]:
    """The parts by their names below the archive's own; those that no network needs are left."""
    try:
        with zipfile.ZipFile(path) as archive:
            infos = archive.infolist()
            names = [info.filename.lower() for info in infos]
            if len(set(names)) < len(names):  # torch looks a part up in any case of its letters.
                raise unsafe(path, "holds two parts of one name")
            if sum(info.file_size for info in infos) > path.stat().st_size + _TEXT_BYTES:
                raise unsafe(path, "unpacks to far more than it is")
            found = {}
            for info in infos:
                name = info.filename.partition("/")[2]
                if _KEPT.fullmatch(name):
                    found[name] = archive.read(info)
            return found
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError, EOFError, ValueError):
        return {}


def _check_names(path: Path, program: bytes) -> None:
    """Refuses a program with a name that Python or torch would call by itself."""
    for word in _NAME.findall(program):
        if _OWN.match(word) and word.decode() not in DUNDER:
            raise unsafe(path, f'names "{word.decode()[:80]}", which could run while it is loaded')


def _check_objects(path: Path, data: bytes, kind: str, parts: Mapping[str, bytes]) -> None:
    """Reads objects with stand-ins for their types; refuses all types but those of a network."""
    try:
        for step, _, _ in pickletools.genops(data):
            if step.name not in WRITTEN:
                raise unsafe(path, f'holds the step "{step.name}" among its objects')
        _Objects(path, data, kind, parts).load()
    except UnsafeCheckpoint:
        raise
    except Exception as error:  # Whatever does not fit together; nothing of it has run.
        raise unsafe(path, f"holds objects that torch does not write ({error})") from error


class _Thing:
    """Stands in for an object of the program. It has no method that reading it would call."""

    def __setstate__(self, state: object) -> None:
        """Its fields are of no interest here."""


class _Objects(pickle.Unpickler):
    """A reader of objects that knows no type but its own stand-ins, so that nothing can run."""

    def __init__(self, path: Path, data: bytes, kind: str, parts: Mapping[str, bytes]) -> None:
        super().__init__(io.BytesIO(data))
        self._path, self._kind, self._parts = path, kind, parts

    def find_class(self, module: str, name: str) -> Any:
        if (module == "__torch__" or module.startswith("__torch__.")) and "torch.classes" not in (
            f"{module}.{name}"
        ):
            return _Thing
        known: dict[tuple[str, str], Callable[..., Any]] = {
            ("collections", "OrderedDict"): dict,
            ("torch", "device"): str,
            ("torch._utils", "_rebuild_tensor_v2"): self._tensor,
            ("torch.jit._pickle", "restore_type_tag"): lambda value, _: value,
        }
        if module == "torch.jit._pickle" and name in LISTS:
            return list
        if module == "torch" and name in STORAGES:
            return STORAGES[name]
        if (module, name) not in known:
            raise unsafe(self._path, f'names the type "{module}.{name}", which no network needs')
        return known[module, name]

    def persistent_load(self, told: Any) -> tuple[int, int]:
        """The bytes of an item, and how many items lie in the file."""
        kind, item, key, _, count = told
        held = self._parts[f"{self._kind}/{key}"]
        if kind != "storage" or not 0 <= count * item <= len(held):
            raise unsafe(self._path, f"says that {count} numbers lie in {len(held)} bytes")
        return item, count

    def _tensor(
        self, storage: Any, offset: int, size: Any, stride: Any, *_: Any
    ) -> tuple[object, ...]:
        """Refuses a tensor that torch would read beyond what lies in the file."""
        _, count = storage
        reach = offset + sum((s - 1) * t for s, t in zip(size, stride, strict=True)) + 1
        if min((offset, *size, *stride), default=0) < 0 or (0 not in size and reach > count):
            raise unsafe(self._path, "holds a tensor that reaches beyond its bytes")
        return ()
