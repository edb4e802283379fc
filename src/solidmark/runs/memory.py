"""How much memory a process needs, and fewer images at a time where it is not enough."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from solidmark.errors import BadInput

T = TypeVar("T")

MEMORY = "memory"
"""What the names of the rows on the memory of each process begin with."""


@dataclass
class Room:
    """How many images are asked about at a time: halved whenever the memory is not enough.

    Arguments:
        size: How many at first; what was found stays.
        device: Whose memory it is, for the message.
    """

    size: int
    device: str

    def fit(self, ask: Callable[[int], T]) -> T:
        """Calls with ever smaller sizes, until it fits.

        Arguments:
            ask: Takes at most how many images to ask about at a time. It is called again from the
                beginning when the memory was not enough, so it must draw anew whatever it draws.

        Raises:
            BadInput: When not even one image fits.
        """
        while True:
            try:
                return ask(self.size)
            except RuntimeError as error:
                reason = _shortage(error)
                if reason is None:
                    raise
            # Out of the handler, since the error holds on to what took the memory.
            self._halve(reason)

    def _halve(self, reason: str) -> None:
        from accelerate.utils.memory import clear_device_cache

        if self.size == 1:
            raise BadInput(
                f'One image alone does not fit into the memory of "{self.device}" ({reason}). '
                "Use --precision bf16, smaller images, for latent models --offload and "
                "--attention-slicing, or another --device."
            )
        self.size //= 2
        clear_device_cache(garbage_collection=True)


def _shortage(error: RuntimeError) -> str | None:
    """What an error says of too little memory, or None for any other error."""
    from accelerate.utils.memory import should_reduce_batch_size

    if not should_reduce_batch_size(error):
        return None
    return str(error).splitlines()[0].rstrip(".")[:200]


def forget_peak(device: str) -> None:
    """Begins to measure the peak of a GPU anew; that of a process on the CPU cannot be reset.

    Arguments:
        device: A name of torch.
    """
    import torch

    if torch.device(device).type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)


def peak_memory_bytes(device: str) -> int:
    """The most memory that was in use at a time.

    Arguments:
        device: A name of torch.

    Returns:
        Bytes: on a GPU of NVIDIA or AMD those of torch's tensors there, elsewhere those of the
        whole process since it began, libraries included.
    """
    import resource
    import sys

    import torch

    if torch.device(device).type == "cuda":
        return int(torch.cuda.max_memory_allocated(device))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak


def memory_name(who: str) -> str:
    """The name of the row on the memory of one process, which no other has.

    Arguments:
        who: Which process.
    """
    return f"{MEMORY} {who} {time.time_ns()}"


def memory_row(room: Room) -> dict[str, Any]:
    """What this process has needed so far."""
    peak = peak_memory_bytes(room.device)
    return {"device": room.device, "peak_memory_bytes": peak, "batch_size": room.size}
