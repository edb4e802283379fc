"""Several processes over one run folder: who does what, and when all are done."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Processes:
    """This process among those that `torchrun` or `accelerate launch` started.

    Arguments:
        rank: The number of this process, from 0.
        count: How many there are.
    """

    rank: int = 0
    count: int = 1

    @classmethod
    def here(cls) -> "Processes":
        """Reads the launcher's environment; one process without a launcher."""
        return cls(int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1)))

    @property
    def is_main(self) -> bool:
        return self.rank == 0

    def share(self, items: Sequence[T]) -> Sequence[T]:
        """Every `count`-th of the items, starting at this process's number."""
        return items[self.rank :: self.count]

    def wait(self) -> None:
        """Blocks until all processes are here."""
        if self.count > 1:
            import torch.distributed

            # Nothing but the barrier goes through it, so the CPU backend serves on any device.
            if not torch.distributed.is_initialized():
                torch.distributed.init_process_group("gloo")
            torch.distributed.barrier()

    def leave(self) -> None:
        """Ends what the processes talk through, for the last line of a program.

        Python's own end can abort on the threads of it.
        """
        if self.count > 1:
            import torch.distributed

            if torch.distributed.is_initialized():
                torch.distributed.destroy_process_group()
