"""What a network is told about each image: token embeddings, classes, sizes."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from solidmark.late import Tensor, torch

EMBEDS = "embeds"
"""Token embeddings, with shape (B, L, D): what cross-attention looks at."""

POOLED = "pooled"
"""One embedding a caption, with shape (B, D)."""

CLASSES = "classes"
"""Class numbers, with shape (B)."""

CLASS_SHIFT = "class_shift"
"""What is added to the embedding of each class, with shape (B, D); nothing where it is missing."""


@dataclass(frozen=True)
class Conditions:
    """One row an image, under the names that the family of the network gives them.

    Arguments:
        tensors: Each with shape (B, ...).
    """

    tensors: Mapping[str, Tensor]

    def __len__(self) -> int:
        return len(next(iter(self.tensors.values())))

    def __getitem__(self, rows: slice | Tensor) -> "Conditions":
        return Conditions({name: tensor[rows] for name, tensor in self.tensors.items()})

    def get(self, name: str) -> Tensor | None:
        """A tensor by its name, or None."""
        return self.tensors.get(name)

    def changed(self, **tensors: Tensor) -> "Conditions":
        """The same with some tensors replaced or added."""
        return Conditions({**self.tensors, **tensors})

    def map(self, change: Callable[[Tensor], Tensor]) -> "Conditions":
        """The same with every tensor changed, such as moved to a device."""
        return Conditions({name: change(tensor) for name, tensor in self.tensors.items()})

    def unlike(self, empty: "Conditions") -> "Conditions":
        """The same sizes and masks, but the words of `empty`, one row for all."""
        return self.changed(
            **{name: row.expand(len(self), *row.shape[1:]) for name, row in empty.tensors.items()}
        )

    def where(self, chosen: Tensor, other: "Conditions") -> "Conditions":
        """The row of `other` where a row is chosen, this one elsewhere.

        Arguments:
            chosen: Booleans, with shape (B).
            other: One row for all; what it does not have stays as it is.
        """

        def pick(mine: Tensor, theirs: Tensor) -> Tensor:
            return torch.where(chosen.reshape(-1, *[1] * (mine.dim() - 1)), theirs, mine)

        return self.changed(
            **{name: pick(self.tensors[name], row) for name, row in other.tensors.items()}
        )

    @property
    def requires_grad(self) -> bool:
        """Whether somebody wants the gradient of what the network is told."""
        return any(tensor.requires_grad for tensor in self.tensors.values())


def stack(rows: "list[Conditions]") -> Conditions:
    """Puts batches of conditions under one another."""
    names = rows[0].tensors
    return Conditions({name: torch.cat([row.tensors[name] for row in rows]) for name in names})


@contextmanager
def shifted(embedding: Any, shift: Tensor | None) -> Iterator[None]:
    """Adds something to what a module embeds, while the network is called.

    Arguments:
        shift: With the shape of its output, or None.
    """
    if shift is None:
        yield
        return
    hook = embedding.register_forward_hook(lambda module, told, output: output + shift.to(output))
    try:
        yield
    finally:
        hook.remove()
