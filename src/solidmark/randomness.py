"""One generator per (seed, image id, repeat): no row depends on its neighbours.

A draw for an image is the same whatever the batch it stands in, the order of the images, the
process that asks, or the runs that were killed before.
"""

import hashlib
import random
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from solidmark.late import Tensor, torch

LEVELS = 256
"""The intensities that an 8-bit file can hold; a key is one of them, divided by 255."""


def digest(seed: int, *words: str | int) -> bytes:
    """Hashes words under a seed into 32 bytes.

    Each word carries its length, so that ("ab", "c") and ("a", "bc") differ.

    Arguments:
        seed: The secret, any integer.
        words: What the hash stands for.
    """
    return digest_of(seed, words)


def digest_of(seed: int, words: Iterable[str | int]) -> bytes:
    """As `digest`, of words that come one by one."""
    secret = str(seed).encode()
    if len(secret) > hashlib.blake2b.MAX_KEY_SIZE:  # All of a long secret counts.
        secret = hashlib.blake2b(secret).digest()
    state = hashlib.blake2b(digest_size=32, key=secret)
    for word in words:
        data = str(word).encode("utf-8", "surrogatepass")
        state.update(f"{len(data)}:".encode() + data)
    return state.digest()


def generator(seed: int, id: str, repeat: int = 0, purpose: str = "") -> "torch.Generator":
    """The generator of one image and one repeat, on the CPU.

    Arguments:
        seed: The seed of the run.
        id: The image's id.
        repeat: Which of several independent evaluations.
        purpose: Keeps two uses of the same image apart (training noise, query noise).
    """
    number = int.from_bytes(digest(seed, purpose, id, repeat)[:8], "big") >> 1
    return torch.Generator().manual_seed(number)


@contextmanager
def seeded(seed: int, purpose: str) -> Iterator[None]:
    """Within it torch's global generator, which the layers of a network draw from, is seeded.

    Outside it is as if nothing had been drawn.

    Arguments:
        seed: The seed of the run.
        purpose: What is drawn.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int.from_bytes(digest(seed, purpose)[:8], "big") >> 1)
        yield


@contextmanager
def undisturbed() -> Iterator[None]:
    """Afterwards every global generator is as it was: of Python, of NumPy, of torch on all devices.

    What a program would have drawn next it draws next, whatever was done within.
    """
    import numpy as np

    plain, arrays = random.getstate(), np.random.get_state()  # noqa: NPY002
    devices = list(range(torch.cuda.device_count())) if torch.cuda.is_initialized() else []
    mps = torch.mps.get_rng_state() if torch.backends.mps.is_available() else None
    with torch.random.fork_rng(devices=devices):
        try:
            yield
        finally:
            random.setstate(plain)
            np.random.set_state(arrays)  # noqa: NPY002
            if mps is not None:
                torch.mps.set_rng_state(mps)


def normal(generators: "Sequence[torch.Generator]", shape: Sequence[int]) -> Tensor:
    """Draws standard normal noise, one row per generator.

    Returns:
        The noise, with shape (len(generators), \\*shape), on the CPU.
    """
    return torch.stack([torch.randn(tuple(shape), generator=g) for g in generators])


def uniform(seed: int, *words: str | int) -> float:
    """A number in [0, 1) that is a function of the seed and the words alone."""
    return int.from_bytes(digest(seed, *words)[:7], "big") / 2**56
