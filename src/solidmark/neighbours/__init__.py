"""Nearest neighbours in matrices larger than the memory: exact, or in lists, recall measured."""

from solidmark.neighbours.approximate import Approximate, open_lists
from solidmark.neighbours.arrays import forget_checksums, is_intact, write_array
from solidmark.neighbours.building import build_lists
from solidmark.neighbours.distances import (
    PIXEL_DISTANCES,
    PixelDistance,
    l2,
    modified_l2,
    patched_l2,
)
from solidmark.neighbours.finder import Finder, finder_of
from solidmark.neighbours.lists import MANY, Lists, in_lists, require_library
from solidmark.neighbours.matrix import Matrix, rows_per_shard, tile_order
from solidmark.neighbours.recall import Recalled, recall_of_copies, recall_of_queries, sampled
from solidmark.neighbours.search import Neighbours, Search, search

__all__ = [
    "MANY",
    "PIXEL_DISTANCES",
    "Approximate",
    "Finder",
    "Lists",
    "Matrix",
    "Neighbours",
    "PixelDistance",
    "Recalled",
    "Search",
    "build_lists",
    "finder_of",
    "forget_checksums",
    "in_lists",
    "is_intact",
    "l2",
    "modified_l2",
    "open_lists",
    "patched_l2",
    "recall_of_copies",
    "recall_of_queries",
    "require_library",
    "rows_per_shard",
    "sampled",
    "search",
    "tile_order",
    "write_array",
]
