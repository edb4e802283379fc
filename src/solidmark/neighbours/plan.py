"""How many rows are held at a time, so that a search stays within its memory."""

from dataclasses import dataclass

from solidmark.errors import BadInput

TILE = 1024
"""Rows of either side whose products are computed at once: the result stays in the caches."""

_PER_CANDIDATE = 64
"""Bytes that the search holds for a candidate, when its state is written included."""

_PER_NEW_CANDIDATE = 128
"""And more for those of one tile while they are sorted in."""

_COPIES = 4
"""So many rows of float32 are held for a row of the base: before, during and after it is read."""

_PER_PAIR = 6
"""And for the two rows of a pair whose direct difference is taken, in float64."""

_SLACK = 8
"""One part in so many of the memory is left alone: allocators hold more than they are asked for."""

_FEWEST = 4
"""Rows of the base below which nothing would go on."""


@dataclass(frozen=True)
class Plan:
    """The rows of either side that are held at once.

    Arguments:
        queries: Rows of the queries; the base is read once for each so many.
        pairs: Pairs of rows whose direct differences are taken at once.
    """

    queries: int
    base: int
    pairs: int


def plan_search(width: int, parts: int, keep: int, queries: int, memory: int) -> Plan:
    """Divides the memory: most for the queries, since they decide how often the base is read.

    Arguments:
        width: Values of a row.
        parts: Parts of a row.
        keep: Candidates that are kept for each query.
        queries: How many queries there are.
        memory: Bytes.

    Raises:
        BadInput: When not even a few rows fit.
    """
    row = 4 * (width + 2 * parts)
    products = 4 * 4 * TILE**2
    free = memory - memory // _SLACK - products
    # With few queries a row is read, copied and left: a smaller piece stays in the caches.
    rows = TILE if queries >= TILE // 4 else TILE // 4
    base = min(rows, free // 4 // (_COPIES * row))
    at_once = min(queries, _queries(free // 2, row, keep))
    if base < _FEWEST or at_once < 1:
        least = products + max(4 * _FEWEST * _COPIES * row, 2 * _per_query(row, keep))
        least += -(-least // (_SLACK - 1))
        raise BadInput(
            f"A search among rows of {width} values needs --memory of {-(-least // 2**20)} MB or "
            f"more, not {memory // 2**20}."
        )
    return Plan(at_once, base, max(1, min(8192, free // 4 // (_PER_PAIR * row))))


def _per_query(row: int, keep: int) -> int:
    return row + (_PER_CANDIDATE + _PER_NEW_CANDIDATE) * keep


def _queries(free: int, row: int, keep: int) -> int:
    """How many queries fit: those of one tile need more than the others."""
    tile = free // _per_query(row, keep)
    if tile < TILE:
        return tile
    return (free - TILE * _PER_NEW_CANDIDATE * keep) // (row + _PER_CANDIDATE * keep)
