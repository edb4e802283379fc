"""Class numbers of images, for networks that draw from classes."""

from collections.abc import Sequence

from jaxtyping import Int

from solidmark.data import Sample
from solidmark.errors import BadInput
from solidmark.late import Tensor, torch


def class_numbers(samples: Sequence[Sample], known: int) -> Int[Tensor, " B"]:
    """The class numbers of a batch.

    Raises:
        BadInput: When an image has no class, or one that the network does not know.
    """
    for sample in samples:
        if sample.class_index is None or not 0 <= sample.class_index < known:
            raise BadInput(
                f"The model knows classes 0 to {known - 1}, but image "
                f'"{sample.id}" has class {sample.class_index}. '
                'Mark the data with its classes ("--label-column" or "--class-folders").'
            )
    return torch.tensor([sample.class_index for sample in samples])
