"""The training images as bytes: in memory while they fit, else read when they are asked for."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from jaxtyping import UInt8

from solidmark.data import Sample
from solidmark.errors import BadInput, BrokenImage
from solidmark.late import Tensor, torch
from solidmark.marks import Marked
from solidmark.models import Conditions
from solidmark.models.conditions import CLASSES
from solidmark.runs import progress, tame, write_bytes

MEMORY_BYTES = 2 * 1024**3
"""What a process may hold of decoded images."""


class Pictures(Protocol):
    """Images by number: bytes, or latents."""

    def __call__(self, numbers: Sequence[int]) -> Tensor: ...


class Told(Protocol):
    """What the network is told of images by number."""

    def __call__(self, numbers: Sequence[int]) -> Conditions: ...


@dataclass(frozen=True)
class Classes:
    """Class numbers.

    Arguments:
        numbers: Of all images.
    """

    numbers: list[int]

    def __call__(self, numbers: Sequence[int]) -> Conditions:
        return Conditions({CLASSES: torch.tensor([self.numbers[i] for i in numbers])})


@dataclass(frozen=True)
class InMemory:
    """Images that were decoded once.

    Arguments:
        pixels: All of them, with shape (N, C, H, W).
    """

    pixels: UInt8[Tensor, "N C H W"]

    def __call__(self, numbers: Sequence[int]) -> UInt8[Tensor, "B C H W"]:
        return self.pixels[list(numbers)]


@dataclass(frozen=True)
class OnDisk:
    """Images that are decoded each time they are asked for.

    Arguments:
        marked: Where they are.
        ids: Which they are.
    """

    marked: Marked
    ids: list[str]

    def __call__(self, numbers: Sequence[int]) -> UInt8[Tensor, "B C H W"]:
        return torch.stack([_pixels(self.marked.sample(self.ids[i])) for i in numbers])


@dataclass(frozen=True)
class TrainingSet:
    """The images of the `train` split that can be read.

    Arguments:
        ids: Their ids, sorted; an image's number is its place.
        pictures: Gives their pixels.
        broken: Why the others were left out, by id.
        conditions: Gives what the network is told of them; None when it is told nothing.
        mirrored: Gives them mirrored, where that is more than to turn the rows about.
        nothing: One row that says nothing of an image.
    """

    ids: list[str]
    pictures: Pictures
    broken: dict[str, str]
    conditions: Told | None = None
    mirrored: Pictures | None = None
    nothing: Conditions | None = None

    def mirror(self, numbers: Sequence[int]) -> Tensor:
        """Images by number, left and right changed."""
        if self.mirrored is not None:
            return self.mirrored(numbers)
        return self.pictures(numbers).flip(3)


def load_training_set(
    marked: Marked, with_classes: bool, memory_bytes: int = MEMORY_BYTES
) -> TrainingSet:
    """Reads every training image once, and leaves out those that cannot be read.

    The held-out images are never touched.

    Arguments:
        marked: The marked folder. Images without a key (beside canaries) are trained on too.
        with_classes: Whether each image must have a class.
        memory_bytes: Up to this size the decoded images are kept.

    Raises:
        WrongKeys: When an image is not the one that was marked.
        BadInput: When no image can be read, or one has no class that should have one.
    """
    ids, broken = [], {}
    labels: list[int] = []
    asked = marked.ids("trained", marked=None)
    size = marked.channels * marked.marked_size[0] * marked.marked_size[1]
    held: list[Tensor] | None = [] if size * len(asked) <= memory_bytes else None
    with progress("reading images", len(asked)) as advance:
        for id in asked:
            try:
                sample = marked.sample(id)
            except BrokenImage as error:
                broken[id] = str(error)
            else:
                ids.append(id)
                if with_classes:
                    labels.append(_class_of(sample))
                if held is not None:
                    held.append(_pixels(sample))
            advance()
    if not ids:
        raise BadInput(
            f'None of the {len(asked)} training images of "{marked.folder}" can be read. '
            "Mark the data again."
        )
    pictures = OnDisk(marked, ids) if held is None else InMemory(torch.stack(held))
    return TrainingSet(ids, pictures, broken, Classes(labels) if with_classes else None)


def write_quarantine(path: Path, broken: dict[str, str]) -> None:
    """Names the images that were left out, one JSON line each."""
    rows = [{"id": id, "reason": why} for id, why in broken.items()]
    lines = [tame(json.dumps(row, ensure_ascii=False)) for row in rows]
    write_bytes(path, "".join(f"{line}\n" for line in lines).encode("utf-8", "surrogatepass"))


def _pixels(sample: Sample) -> UInt8[Tensor, "C H W"]:
    return (sample.image * 255).round().to(torch.uint8)


def _class_of(sample: Sample) -> int:
    if sample.class_index is None:
        raise BadInput(
            f'The image "{sample.id}" has no class, and the recipe is class-conditional. '
            "Mark the data with a class for each image, or train without class_conditional."
        )
    return sample.class_index
