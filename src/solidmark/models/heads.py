"""Files of weights, by their heads alone: nothing is loaded."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from solidmark.errors import BadInput

LARGEST = 100 * 2**20
"""A longer head is none; safetensors itself takes no more."""

LORA = ("lora_down", "lora_A", "lora.down", "lora_linear_layer.down", "_lora.down")
"""What stands in the name of the first matrix of a layer of a LoRA."""

_LIES = (
    *(OSError, ValueError, LookupError, TypeError),
    *(AttributeError, ArithmeticError, RecursionError),
)
"""What a head raises that is not what it should be."""


@dataclass(frozen=True)
class Head:
    """The head of a safetensors file.

    Arguments:
        tensors: The shape of each, by its name.
        dtypes: What the numbers are kept as.
        about: What whoever wrote it says of it.
    """

    tensors: Mapping[str, tuple[int, ...]]
    dtypes: tuple[str, ...]
    about: Mapping[str, Any] = field(default_factory=dict)

    @property
    def numbers(self) -> int:
        return sum(math.prod(shape) for shape in self.tensors.values())

    def has(self, *beginnings: str) -> bool:
        """Whether the name of any tensor begins with one of these."""
        return any(name.startswith(beginnings) for name in self.tensors)

    @property
    def lora_ranks(self) -> list[int]:
        """The rank of each layer of a LoRA; none where it is no LoRA."""
        return [
            shape[0]
            for name, shape in self.tensors.items()
            if shape and any(part in name for part in LORA)
        ]


def read_head(path: Path) -> Head:
    """Reads the head of a safetensors file.

    Raises:
        BadInput: When it has none, or the file is shorter than it says.
    """
    try:
        if not path.is_file():  # A pipe of this name would be waited for.
            raise _damaged(path, "it is no file")
        with open(path, "rb") as file:
            size = int.from_bytes(file.read(8), "little")
            if not 2 <= size <= min(LARGEST, path.stat().st_size - 8):
                raise _damaged(path, "it has no head, or is cut off")
            head = json.loads(file.read(size))
        about = head.pop("__metadata__", {})
        tensors = {name: tuple(map(int, entry["shape"])) for name, entry in head.items()}
        ends = [entry["data_offsets"][1] for entry in head.values()]
        if max(ends, default=0) > path.stat().st_size - 8 - size:
            raise _damaged(path, "it is cut off")
        dtypes = tuple(sorted({str(entry["dtype"]) for entry in head.values()}))
    except _LIES as error:
        raise _damaged(path, type(error).__name__) from error
    return Head(tensors, dtypes, about if isinstance(about, dict) else {})


def _damaged(path: Path, reason: str) -> BadInput:
    return BadInput(f'"{path}" is not readable as safetensors ({reason}). Copy it again.')
