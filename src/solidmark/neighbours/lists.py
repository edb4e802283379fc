"""How vectors are laid out so that a question looks at few of them: in lists round centres.

.. math:: x \\in L_c \\iff c = \\arg\\min_j |x - c_j|

A question is asked in the lists of the nearest centres only, where a vector stands as a byte an
axis; the best by these bytes are compared exactly. What lies in another list is not found, so
whoever searches in lists measures how much they miss (`recall`).
"""

import hashlib
import importlib.util
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from solidmark.cards.asked import Way
from solidmark.errors import BadInput
from solidmark.neighbours.matrix import Matrix

MANY = 1_000_000
"""Vectors from which on `auto` searches in lists."""

PER_LIST = 40
"""Vectors that each centre is learned from."""

_LOOKED_AT = 1024
"""Rows that tell one matrix from another."""


@dataclass(frozen=True)
class Lists:
    """How vectors are laid out, and how they are searched.

    Arguments:
        count: How many lists.
        probes: How many of them a question looks into.
        keep: So many of what is found there are compared exactly, at least.
        code: How a vector stands in its list, as faiss calls it: SQ8 = a byte an axis.
        seed: Of what the centres are learned from.

    References:
        Jégou et al., "Product quantization for nearest neighbor search", 2011, section IV;
        Douze et al., "The Faiss library", 2024.
    """

    count: int
    probes: int = 64
    keep: int = 100
    code: str = "SQ8"
    seed: int = 0

    def __post_init__(self) -> None:
        if min(self.count, self.probes, self.keep) < 1:
            raise BadInput(
                "A search in lists takes 1 or more lists, probes and candidates, not "
                f"{self.count}, {self.probes}, {self.keep}."
            )

    @classmethod
    def of(cls, rows: int) -> "Lists":
        """Those for n vectors: a power of two near 2 sqrt(n), fewer where n is small."""
        count = 2 ** round(np.log2(2 * max(1, rows) ** 0.5))
        return cls(max(1, min(count, rows // PER_LIST)))

    def plan(self, matrix: Matrix) -> dict[str, Any]:
        """What the lists of a matrix are made from: another plan needs other lists."""
        return {**asdict(self), "vectors": vectors_of(matrix)}


def vectors_of(matrix: Matrix) -> dict[str, Any]:
    """What tells a matrix from others: its size, and a hash of rows spread over it."""
    some = np.unique(np.linspace(0, len(matrix) - 1, _LOOKED_AT).astype(np.int64))
    seen = hashlib.blake2b(np.ascontiguousarray(matrix.stored(some)).data, digest_size=16)
    return {"rows": len(matrix), "width": matrix.width, "hash": seen.hexdigest()}


def has_library() -> bool:
    """Whether the library is here that searches in lists."""
    return importlib.util.find_spec("faiss") is not None


def require_library() -> None:
    """Checks that lists can be made.

    Raises:
        BadInput: When the library is missing.
    """
    if not has_library():
        raise BadInput(
            'An approximate search needs faiss: pip install "solidmark[large]". Or use --search '
            "exact."
        )


def in_lists(matrix: Matrix, way: Way) -> bool:
    """Whether the rows of a matrix are searched in lists; pixels never are."""
    if matrix.is_bytes or matrix.parts > 1 or way == "exact":
        return False
    return way == "approximate" or (len(matrix) >= MANY and has_library())
