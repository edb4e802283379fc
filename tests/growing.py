"""How much memory a piece of work takes for each further row: counted, at two sizes."""

import gc
import tracemalloc
from collections.abc import Callable

import pyarrow as pa


def peak_bytes(work: Callable[[], object]) -> int:
    """The most that Python, NumPy and Arrow hold at a time while work is done."""
    usual = pa.default_memory_pool()
    counted = pa.proxy_memory_pool(usual)
    pa.set_memory_pool(counted)
    gc.collect()
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1] + counted.max_memory()
    finally:
        tracemalloc.stop()
        pa.set_memory_pool(usual)


def bytes_a_row(work: Callable[[int], Callable[[], object]], few: int, many: int) -> float:
    """What each row costs between two sizes.

    Arguments:
        work: Makes the work of so many rows ready, and gives what is counted.
        few: The smaller size; what it takes beside its rows falls out.
        many: The larger size.
    """
    once = work(few)
    once()  # What is imported and kept the first time is no row's.
    sizes = {count: peak_bytes(work(count)) for count in (few, many)}
    return (sizes[many] - sizes[few]) / (many - few)
