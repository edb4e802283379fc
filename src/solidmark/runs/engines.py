"""Who does the batches of a run: this process, all of a launch, or the workers of a cluster.

A run is a fixed list of batches. An engine hands them out, and gives back what came of each: in any
order, some twice, some perhaps not at all. `work_through` commits every batch whole, so the rows of
a run do not say which engine it was.
"""

import os
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from solidmark.errors import BadInput, UnknownName
from solidmark.runs.memory import Room
from solidmark.runs.processes import Processes

T = TypeVar("T")

AUTO = "auto"
NAMES = (AUTO, "serial", "torchrun", "processes:NUMBER", "ray", "ray:ADDRESS")
"""What `--engine` takes; `auto` is this process, or those that a launcher started with it."""

Work = Callable[[Sequence[T]], Mapping[str, Any]]
"""Does a batch; gives a row a unit, by its name."""


@dataclass(frozen=True)
class Answer:
    """What came of a batch.

    Arguments:
        rows: By name.
        files: What the rows speak of and is not in the folder of the run yet, by the path there.
    """

    rows: Mapping[str, Any]
    files: Mapping[str, bytes] = field(default_factory=dict)


class Away(Protocol):
    """How another machine does the work: it is told paths, opens the model itself, and asks it.

    It travels as a pickle, so it holds configurations, and no model.
    """

    def open(self, folder: Path, room: Room) -> Work[Any]:
        """Opens all that the work needs.

        Arguments:
            folder: Where files are written, as in the folder of the run.
            room: How much fits at a time.

        Raises:
            SolidmarkError: When something is missing there, or is not the same as here.
        """
        ...


@dataclass(frozen=True)
class Job(Generic[T]):
    """What is done with each batch.

    Arguments:
        here: Does one in this process, files included.
        room: How much fits at a time, and on which device.
        away: How another process does one; None where only this one can.
        threads: Those of a process elsewhere, where the numbers do not depend on them; as many as
            this one has, where they may.
    """

    here: Work[T]
    room: Room
    away: Away | None = None
    threads: int | None = None


class Engine(Protocol):
    """Hands out batches."""

    def joined(self) -> AbstractContextManager[None]:
        """Is ready for work within."""
        ...

    def hand_out(
        self, batches: Mapping[int, Sequence[T]], job: Job[T]
    ) -> Iterator[tuple[int, Answer | None]]:
        """Has batches done, by their numbers.

        Returns:
            The number and the answer of each, as they come; None for an answer where another
            process commits it.
        """
        ...


@dataclass(frozen=True)
class Launched:
    """This process; and where `torchrun` or `accelerate launch` started several, each its share."""

    def joined(self) -> AbstractContextManager[None]:
        return nullcontext()

    def hand_out(
        self, batches: Mapping[int, Sequence[T]], job: Job[T]
    ) -> Iterator[tuple[int, Answer | None]]:
        mine = Processes.here().share(range(max(batches, default=0) + 1))
        for number, batch in batches.items():
            yield number, Answer(job.here(batch)) if number in mine else None


_CURRENT: ContextVar[Engine | None] = ContextVar("engine", default=None)


def current_engine() -> Engine:
    """The engine that does the work now."""
    return _CURRENT.get() or Launched()


def works_here() -> bool:
    """Whether the work is done by this process, and those that were launched with it."""
    return isinstance(current_engine(), Launched)


@contextmanager
def using(engine: str | Engine = AUTO) -> Iterator[None]:
    """Lets an engine do the work of all runs within.

    Arguments:
        engine: One of `NAMES`, or an engine; `auto` leaves the one that does it now.

    Raises:
        UnknownName: When there is no such engine.
        BadInput: When it cannot be had here.
    """
    made = engine_named(engine) if isinstance(engine, str) else engine
    with made.joined():
        before = _CURRENT.set(made)
        try:
            yield
        finally:
            _CURRENT.reset(before)


def engine_named(name: str) -> Engine:
    """The engine of a name; nothing is started yet.

    Raises:
        UnknownName: When there is none of this name.
        BadInput: When it cannot be had here.
    """
    kind, _, address = name.partition(":")
    count = Processes.here().count
    if name == AUTO:
        return current_engine()
    if kind == "ray":
        from solidmark.runs.cluster import Cluster

        if count > 1:
            raise BadInput(
                f"--engine {name} has its own processes, and a launcher has started {count} of "
                "this one. Start the command without it."
            )
        return Cluster(address or os.environ.get("RAY_ADDRESS"))
    if kind == "processes":
        from solidmark.runs.pool import Pool

        if count > 1:
            raise BadInput(
                f"--engine {name} starts its own processes, and a launcher has started {count} of "
                "this one. Start the command without it."
            )
        if not (address.isascii() and address.isdecimal() and int(address) > 0):
            raise BadInput(
                f'--engine {name} does not say how many processes. Write "processes:4" for four.'
            )
        return Pool(int(address))
    if name == "serial":
        if count > 1:
            raise BadInput(
                f"--engine serial is one process, and a launcher has started {count}. "
                "Start the command without it, or leave --engine out."
            )
        return Launched()
    if name == "torchrun":
        if "RANK" not in os.environ:
            raise BadInput(
                "--engine torchrun shares the work among the processes of a launcher, and none "
                'has started this one. Use "torchrun --nproc_per_node 4 -m solidmark ...".'
            )
        return Launched()
    raise UnknownName("engine", name, NAMES)


def require_same(known: Mapping[str, Any], found: Mapping[str, Any]) -> None:
    """Checks on another machine that its files are those of the run.

    Arguments:
        known: The fingerprints of the run.
        found: What is found on this machine.

    Raises:
        BadInput: When one differs.
    """
    for name in sorted({*known, *found}):
        if known.get(name) != found.get(name):
            raise BadInput(
                f'On "{socket.gethostname()}" {name} is not what it is where the command was '
                "given. Put the same files there, under the same path."
            )
