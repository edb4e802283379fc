"""Processes that start fast, to be killed."""

import multiprocessing
from collections.abc import Callable
from typing import Any

PRELOADED = ["imagehash", "pyarrow.parquet", "rich.progress", "scipy.fftpack", "solidmark.marks"]


def start(target: Callable[..., None], *arguments: Any) -> Any:
    """Starts a process from a server that has imported the slow packages already."""
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload(PRELOADED)
    child = processes.Process(target=target, args=arguments)
    child.start()
    return child
