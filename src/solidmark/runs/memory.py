"""How much memory there is, what is said where it is not enough, and fewer images at a time.

torch, the system and the libraries say a lack of memory in many ways, and libraries often say it as
if a file were broken. `shortage` is the one rule for all of them, and `memory_for` stands round
whatever loads or moves weights, inside of the `try` that takes other errors for a broken file.
"""

import errno
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from solidmark.errors import OutOfMemory

T = TypeVar("T")

MEMORY = "memory"
"""What the names of the rows on the memory of each process begin with."""

CURE = (
    "Use --precision bf16, --text-precision bf16, --offload or --attention-slicing (models of "
    "latents), smaller images, fewer at a time (--batch-size, --call-size, --train-batch-size), or "
    "another --device."
)
"""What needs less memory, wherever there was too little."""

_SIGNS = (
    "out of memory",  # CUDA, HIP, XPU, MPS
    "can't allocate memory",  # DefaultCPUAllocator
    "not enough memory",  # the same on Windows
    "cannot allocate memory",  # ENOMEM in the words of a library
    "failed to allocate memory",  # onnxruntime
    "_status_alloc_failed",  # cuBLAS, cuDNN, hipBLAS
    "cudnn_status_not_supported",
    "pt_devmem allocation failed",
    "std::bad_alloc",
    "os error 12)",
    "os error 1455)",  # The paging file of Windows.
)
_LIBRARIES = ("safetensors", "onnxruntime")
"""Their errors are no `RuntimeError`."""


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
            OutOfMemory: When not even one image fits.
        """
        while True:
            try:
                return ask(self.size)
            except (RuntimeError, MemoryError, OutOfMemory) as error:
                reason = shortage(error)
                if reason is None:
                    raise
            # Out of the handler, since the error holds on to what took the memory.
            self._halve(reason)

    def _halve(self, reason: str) -> None:
        from accelerate.utils.memory import clear_device_cache

        if self.size == 1:
            raise OutOfMemory(
                f'One image alone does not fit into the memory of "{self.device}" ({reason}). '
                f"{CURE}"
            )
        self.size //= 2
        clear_device_cache(garbage_collection=True)


def shortage(error: BaseException) -> str | None:
    """What an error says of too little memory, in one line; None for any other error.

    Arguments:
        error: What was raised. What led to it counts too: libraries say something else of it.
    """
    found: BaseException | None = error
    seen: set[int] = set()
    while found is not None and id(found) not in seen:
        if _is_shortage(found):
            first = (str(found).splitlines() or [""])[0].rstrip(".")
            return first[:200] or "the system gave none"
        seen.add(id(found))
        found = found.__cause__ or found.__context__
    return None


def _is_shortage(error: BaseException) -> bool:
    if isinstance(error, MemoryError):
        return True
    if isinstance(error, OSError) and error.errno is not None:  # Its text has a name of the user's.
        return error.errno == errno.ENOMEM
    if not isinstance(error, RuntimeError) and not type(error).__module__.startswith(_LIBRARIES):
        return False
    said = str(error).lower()
    return any(sign in said for sign in _SIGNS)


@contextmanager
def memory_for(what: str, needed: int | None = None, device: str = "cpu") -> Iterator[None]:
    """Says in one line that the memory is not enough for something, and how much would be.

    Arguments:
        what: What needs it, as it stands behind "for".
        needed: How much, in bytes, where that is known.
        device: Whose memory it is: a name of torch.

    Raises:
        OutOfMemory: When it is not. Every other error goes on as it is.
    """
    free = free_bytes(device)
    try:
        yield
    except OutOfMemory:
        raise
    except Exception as error:
        reason = shortage(error)
        if reason is None:
            raise
        facts = [
            "" if needed is None else f"it needs {in_words(needed)}",
            "" if free is None else f'"{device}" had {in_words(free)} free',
        ]
        said = " and ".join(filter(None, facts))
        raise OutOfMemory(
            f"The memory is not enough for {what}{said and ': '}{said} ({reason}). {CURE}"
        ) from error


def in_words(size: int) -> str:
    """A number of bytes as people read it.

    Example:
        >>> in_words(3 * 2**30), in_words(5 * 2**20)
        ('3.0 GiB', '5 MiB')
    """
    return f"{size / 2**30:.1f} GiB" if size >= 2**30 else f"{size / 2**20:,.0f} MiB"


def free_bytes(device: str) -> int | None:
    """How much memory a device has that nobody uses; None where nobody says it.

    Arguments:
        device: A name of torch.
    """
    kind = device.partition(":")[0]
    if kind == "cpu":
        return _free_of_the_system()
    import torch

    if kind == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        # What torch holds and nothing stands in is ours too.
        idle = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return int(free + idle)
    if kind == "mps":
        most = torch.mps.recommended_max_memory()
        return int(most - torch.mps.driver_allocated_memory())
    return None


def _free_of_the_system() -> int | None:
    """What Linux has left for a process, within the limits of its container and its own."""
    import resource

    said = _entries(Path("/proc/meminfo")).get("MemAvailable:")
    if said is None:
        return None
    free = 1024 * said
    own, _ = resource.getrlimit(resource.RLIMIT_AS)
    if own != resource.RLIM_INFINITY:
        free = min(free, own - 1024 * _entries(Path("/proc/self/status")).get("VmSize:", 0))
    group = Path("/sys/fs/cgroup")
    limit, used = (_number(group / f"memory.{name}") for name in ("max", "current"))
    if limit is None or used is None:
        return max(0, free)
    kept = _entries(group / "memory.stat").get("inactive_file", 0)  # Given back when it is asked.
    return max(0, min(free, limit - used + kept))


def _entries(path: Path) -> dict[str, int]:
    """The numbers of a file with a name and a number a line; none where it cannot be read."""
    try:
        lines = [line.split() for line in path.read_text().splitlines()]
    except OSError:
        return {}
    return {line[0]: int(line[1]) for line in lines if len(line) > 1 and line[1].isdecimal()}


def _number(path: Path) -> int | None:
    try:
        said = path.read_text().strip()
    except OSError:
        return None
    return int(said) if said.isdecimal() else None


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
