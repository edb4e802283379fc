"""Processes that fill a cache until they are killed, and an embedder that counts."""

import os
import signal
import sqlite3
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch
from torch import Tensor

from solidmark.data import Sample, content_hash
from solidmark.embed import Cache, Function, embed_samples
from solidmark.types import Image


def samples(count: int, first: int = 0) -> Iterator[Sample]:
    for number in range(first, first + count):
        image = torch.rand((1, 3, 3), generator=torch.Generator().manual_seed(number))
        image = (image * 255).round() / 255
        yield Sample(f"image-{number:05d}", image, content_hash(image))


def pixels(images: Sequence[Image]) -> Tensor:
    return torch.stack([image.flatten() for image in images])


def embedder(seconds: float = 0.0, seen: list[int] | None = None) -> Function:
    """An embedder that is slow, and says how many images each call had."""

    def rows(images: Sequence[Image]) -> Tensor:
        time.sleep(seconds)
        if seen is not None:
            seen.append(len(images))
        return pixels(images)

    return Function("slow", rows, 9, "1")


def fill(folder: Path, told: Path, seconds: float, count: int) -> None:
    """Embeds, and tells after each batch of ten how far it is."""
    with open(told, "a") as file:

        def advance(amount: int = 1, note: str = "") -> None:
            file.write(f"{amount}\n")
            file.flush()

        embed_samples(
            embedder(seconds), samples(count), Cache(folder), batch_size=10, advance=advance
        )


def die_within_a_batch(folder: Path) -> None:
    """Writes a batch, then dies while it writes the next."""
    cache, card = Cache(folder), embedder().card
    rows = {sample.content: sample.image.flatten() for sample in samples(10)}
    cache.write(card, rows)

    with sqlite3.connect(folder / "embeddings.sqlite") as connection:
        for sample in samples(10, first=10):
            connection.execute(
                "INSERT INTO vectors (embedder, content, vector) VALUES (?, ?, ?)",
                (card.key, sample.content, b"half"),
            )
        os.kill(os.getpid(), signal.SIGKILL)
