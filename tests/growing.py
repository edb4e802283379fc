"""How much memory a piece of work takes for each further row: counted, at two sizes."""

import gc
import os
import traceback
import tracemalloc
import warnings
from collections.abc import Callable

import pyarrow as pa


def peak_bytes(work: Callable[[], object]) -> int:
    """The most that Python, NumPy and Arrow hold at a time while work is done.

    It is done in a process of its own, which ends without tidying up. Counting can't be stopped
    where threads of Arrow are alive: one that is about to count writes into tables that are gone
    (Python before 3.12.9), and one that frees late writes into a pool that is gone. The process
    dies of either, then or at some later test.
    """
    reading, writing = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # A fork beside threads, from 3.12 on.
        child = os.fork()
    if child == 0:
        code = 1
        try:
            pool = pa.proxy_memory_pool(pa.default_memory_pool())
            pa.set_memory_pool(pool)
            gc.collect()
            tracemalloc.start()
            work()
            peak = tracemalloc.get_traced_memory()[1] + pool.max_memory()
            os.write(writing, f"{peak}".encode())
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    os.close(writing)
    with open(reading, "rb") as answer:
        said = answer.read()
    assert os.waitpid(child, 0)[1] == 0, "The counted work failed, as printed above."
    return int(said)


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
