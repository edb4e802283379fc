"""Processes that start in a moment, to be killed or to share a run.

A fresh interpreter imports for seconds before it does anything. These are forked from one server
for all tests, which has imported what is slow already.
"""

import multiprocessing
import os
import socket
import time
from collections.abc import Callable, Mapping
from typing import Any

import torch

from solidmark.cli import main
from solidmark.runs import Processes

PRELOADED = [
    "accelerate",
    "diffusers.models.unets.unet_2d",
    "diffusers.optimization",
    "diffusers.pipelines.ddpm.pipeline_ddpm",
    "diffusers.pipelines.stable_diffusion.pipeline_stable_diffusion",
    "diffusers.schedulers.scheduling_ddpm",
    "diffusers.training_utils",
    "imagehash",
    "matplotlib.backends.backend_svg",
    "peft",
    "pyarrow.parquet",
    "rich.progress",
    "scipy.fftpack",
    "scipy.interpolate",
    "scipy.optimize",
    "scipy.sparse.csgraph",
    "scipy.stats",
    "solidmark.measures.audit",
    "solidmark.generating",
    "solidmark.measures.intent",
    "solidmark.measures.invmm",
    "solidmark.marks",
    "solidmark.measures.nearest",
    "solidmark.measures.signals",
    "solidmark.training",
    "solidmark.training.autoencoder",
    "solidmark.training.captions",
    "torch",
    "transformers.models.clip.modeling_clip",
]
"""One list for all tests: the server takes the first that it is given."""


def start(
    target: Callable[..., None], *arguments: Any, environment: Mapping[str, str] | None = None
) -> Any:
    """Starts a process on one thread.

    Arguments:
        target: What it does: a function of a module.
        arguments: Of the function.
        environment: More for the environment.
    """
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload(PRELOADED)
    child = processes.Process(target=_work, args=(target, arguments, dict(environment or {})))
    child.start()
    return child


def start_command(*words: object, environment: Mapping[str, str] | None = None) -> Any:
    """Starts a command line of solidmark, which must succeed."""
    return start(_command, [str(word) for word in words], environment=environment)


def run_command(*words: object) -> None:
    """Runs a command line of solidmark to its end."""
    child = start_command(*words)
    child.join()
    assert child.exitcode == 0


def start_together(count: int, target: Callable[..., None], *arguments: Any) -> list[Any]:
    """Starts processes that know of one another, as those of `torchrun` do."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    shared = {"WORLD_SIZE": f"{count}", "LOCAL_WORLD_SIZE": f"{count}", "ACCELERATE_USE_CPU": "1"}
    shared |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": f"{port}"}
    return [
        start(target, *arguments, environment={**shared, "RANK": f"{n}", "LOCAL_RANK": f"{n}"})
        for n in range(count)
    ]


def run_together(count: int, target: Callable[..., None], *arguments: Any) -> None:
    """Runs processes that know of one another to their end."""
    children = start_together(count, target, *arguments)
    deadline = time.monotonic() + 240
    for child in children:
        child.join(max(deadline - time.monotonic(), 0))
    codes = [child.exitcode for child in children]
    for child in children:
        child.kill()
    assert codes == [0] * count


def run_command_together(count: int, *words: object) -> None:
    """Runs one command line in processes that know of one another."""
    run_together(count, _command, [str(word) for word in words])


def _command(words: list[str]) -> None:
    assert main(words) == 0


def _work(
    target: Callable[..., None], arguments: tuple[Any, ...], environment: dict[str, str]
) -> None:
    os.environ.update(environment)
    torch.set_num_threads(1)
    target(*arguments)
    Processes.here().leave()
