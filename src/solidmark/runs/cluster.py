"""`--engine ray`: the batches of a run on the workers of a Ray cluster.

Ray starts the workers, carries what they are told and answer, and starts them again where one is
lost with its machine; a batch that was lost with it is done again. Here is only that each gets a
new batch when it has answered; what it does is in `worker.py`.

ray is an extra. It is imported when it is asked for, and started only then.
"""

import importlib.util
import os
import secrets
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from solidmark.errors import BadInput
from solidmark.runs.engines import Answer, Job, Launched
from solidmark.runs.worker import Worker, told

INSTALL = '--engine ray needs a package. Install it: pip install "solidmark[ray]"'
LOOK = 60.0
"""How often, in seconds, it is looked whether there is anybody left to wait for."""
PATIENCE = 10
"""So many looks that find nobody end the run, which the same command goes on with."""
STORE = 256 << 20
"""Bytes for what is on its way in a Ray that is started here: rows and small pictures."""


@dataclass(frozen=True)
class Cluster:
    """The workers of a Ray cluster.

    Arguments:
        address: As `ray.init` takes it; None starts a Ray on this machine, for this run.
    """

    address: str | None = None

    def __post_init__(self) -> None:
        if importlib.util.find_spec("ray") is None:
            raise BadInput(INSTALL)

    @contextmanager
    def joined(self) -> Iterator[None]:
        """Joins the cluster, or starts one; one that the program has joined already is used."""
        os.environ["RAY_USAGE_STATS_ENABLED"] = "0"  # It is read when ray is imported.
        if self.address is None:
            # Ray listens on all interfaces, so it asks for a token: one that is in no file.
            os.environ.setdefault("RAY_AUTH_MODE", "token")
            os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))
        import ray

        if ray.is_initialized():
            yield
            return
        quiet = {"logging_level": "ERROR", "log_to_driver": False}
        if self.address is None:
            ray.init("local", include_dashboard=False, object_store_memory=STORE, **quiet)
        else:
            _require_heard(self.address)
            try:
                ray.init(self.address, **quiet)
            except (OSError, RuntimeError, ValueError) as error:
                raise _unreachable(self.address, error) from error
        try:
            yield
        finally:
            ray.shutdown()

    def hand_out(
        self, batches: Mapping[int, Sequence[Any]], job: Job[Any]
    ) -> Iterator[tuple[int, Answer | None]]:
        """Has batches done, by their numbers; as `Engine.hand_out`."""
        if job.away is None:
            yield from Launched().hand_out(batches, job)
            return
        import ray

        _require_first(job.room.device)
        what = told(job)
        place = _place(job.room.device, what.threads)
        actor = ray.remote(Worker).options(
            max_restarts=-1,
            max_task_retries=-1,
            scheduling_strategy="SPREAD",
            num_cpus=place.cpus,
            num_gpus=place.gpus,
        )
        waiting = iter(batches.items())
        at_work: dict[Any, tuple[int, Any]] = {}
        for _ in range(min(place.count, len(batches))):
            worker, (number, batch) = actor.remote(what), next(waiting)
            at_work[worker.do.remote(batch)] = number, worker
        try:
            while at_work:
                for answer in _heard(at_work, place):
                    number, worker = at_work.pop(answer)
                    found: Answer | str = ray.get(answer, timeout=PATIENCE * LOOK)
                    if isinstance(found, str):
                        raise BadInput(found)
                    if (one := next(waiting, None)) is None:
                        ray.kill(worker)  # Its place is for one that has lost its machine.
                    else:
                        at_work[worker.do.remote(one[1])] = one[0], worker
                    yield number, found
        finally:
            for _, worker in at_work.values():
                ray.kill(worker)


@dataclass(frozen=True)
class _Place:
    """What a worker takes of its machine.

    Arguments:
        count: How many workers the cluster has a place for, at least 1: more may join.
    """

    cpus: float
    gpus: float
    count: int

    def is_anywhere(self) -> bool:
        """Whether any machine that is left could have one."""
        import ray

        found = ray.cluster_resources()
        return bool(found.get("CPU", 0) >= self.cpus and found.get("GPU", 0) >= self.gpus)


def _require_first(device: str) -> None:
    """A worker sees one GPU, which is the first there."""
    if device.startswith("cuda:") and device != "cuda:0":
        raise BadInput(
            f"Each worker of Ray has a GPU to itself, so --device {device} is none there. Use "
            "--device cuda, and CUDA_VISIBLE_DEVICES for the GPU of this process."
        )


def _place(device: str, threads: int) -> _Place:
    """A worker has a GPU to itself. On CPUs it takes half of its threads, so that the workers of a
    machine that is lost find a place on another one.
    """
    import ray

    found = ray.cluster_resources()
    if device.startswith("cuda"):
        return _Place(0.0, 1.0, max(int(found.get("GPU", 0)), 1))
    return _Place(threads / 2, 0.0, max(int(found.get("CPU", 0) // threads), 1))


def _heard(at_work: Mapping[Any, Any], place: _Place) -> list[Any]:
    """The answers that have come, once there is one.

    Raises:
        BadInput: When nobody is left to wait for, and nobody comes.
    """
    import ray

    in_vain = 0
    while in_vain < PATIENCE:
        heard, _ = ray.wait(list(at_work), timeout=LOOK)
        if heard:
            return list(heard)
        in_vain = 0 if place.is_anywhere() else in_vain + 1
    raise BadInput(
        f"No machine of the Ray cluster has {place.gpus:g} GPU(s) and {place.cpus:g} CPU(s), which "
        "a worker takes. Run the same command again when one has: what is done is kept."
    )


def _require_heard(address: str) -> None:
    """Knocks, since Ray itself waits long for what is not there."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not (host and port.isdigit()):
        return
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=10).close()
    except OSError as error:
        raise _unreachable(address, error) from error


def _unreachable(address: str, error: Exception) -> BadInput:
    reason = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
    return BadInput(
        f'No Ray cluster answers at "{address}" ({reason}). Start one ("ray start --head"), or '
        "give --engine ray alone, which starts Ray on this machine."
    )
