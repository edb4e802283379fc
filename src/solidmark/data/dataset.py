"""A data set: ids, and a sample for each."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from solidmark.types import Image


@dataclass(frozen=True)
class Sample:
    """One image and what is known of it.

    Arguments:
        id: Stable: the user's, else the path.
        image: Float32 in [0, 1], with shape (C, H, W), C = 1 or 3.
        content: The hash of the pixels.
        caption: The text that belongs to the image.
        label: The name of its class.
        group: Images of one group (a patient) are never divided between the splits.
        class_index: The number of its class among those of a marked folder.
        notes: What was lost when it was prepared, of `prepare.NOTES`.
    """

    id: str
    image: Image
    content: str
    caption: str | None = None
    label: str | None = None
    group: str | None = None
    class_index: int | None = None
    notes: tuple[str, ...] = ()


@runtime_checkable
class Dataset(Protocol):
    """Images by number. `ids` costs nothing; a sample is decoded when it is asked for."""

    @property
    def ids(self) -> list[str]: ...

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> Sample:
        """Decodes one sample.

        Raises:
            BrokenImage: When it cannot be read. The caller quarantines it and goes on.
        """
        ...
