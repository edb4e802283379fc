"""Exact nearest neighbours in matrices larger than the memory."""

from solidmark.neighbours.arrays import forget_checksums, is_intact, write_array
from solidmark.neighbours.distances import (
    PIXEL_DISTANCES,
    PixelDistance,
    l2,
    modified_l2,
    patched_l2,
)
from solidmark.neighbours.matrix import Matrix, rows_per_shard, tile_order
from solidmark.neighbours.search import Neighbours, Search, search

__all__ = [
    "PIXEL_DISTANCES",
    "Matrix",
    "Neighbours",
    "PixelDistance",
    "Search",
    "forget_checksums",
    "is_intact",
    "l2",
    "modified_l2",
    "patched_l2",
    "rows_per_shard",
    "search",
    "tile_order",
    "write_array",
]
