"""What is known of images before they are marked, as columns: ids, copies, groups, classes."""

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import overload

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from solidmark.data import class_numbers


@dataclass(frozen=True, slots=True)
class Surveyed:
    """An image that could be read, before it is marked.

    Arguments:
        duplicate_group: The smallest id of the images that look the same.
        group: The user's group, if any.
        label: The name of its class, if any.
        class_number: The number that its source gives that class, if any.
    """

    id: str
    duplicate_group: str
    group: str | None = None
    label: str | None = None
    class_number: int | None = None


@dataclass(frozen=True)
class Texts(Sequence[str]):
    """The texts of a column, which are made when they are asked for."""

    column: pa.Array = field(repr=False)

    def __len__(self) -> int:
        return len(self.column)

    @overload
    def __getitem__(self, number: int) -> str: ...
    @overload
    def __getitem__(self, number: slice) -> "Texts": ...
    def __getitem__(self, number: "int | slice") -> "str | Texts":
        if isinstance(number, slice):
            return Texts(self.column[number])
        return str(self.column[int(number)].as_py())


@dataclass(frozen=True)
class Coded:
    """A text a row, by its number among the different ones.

    Arguments:
        codes: The number of each row's text; -1 where it has none.
        texts: The texts.
    """

    codes: NDArray[np.int32] = field(repr=False)
    texts: Sequence[str]

    def __getitem__(self, number: int) -> str | None:
        code = int(self.codes[number])
        return None if code < 0 else self.texts[code]

    def take(self, order: NDArray[np.int64]) -> "Coded":
        """The texts of some rows, in this order."""
        return Coded(self.codes[order], self.texts)

    def column(self) -> pa.Array:
        """As a column; null where there is none."""
        if not self.texts:
            return pa.nulls(len(self.codes), pa.string())
        codes = pa.array(self.codes, mask=self.codes < 0)
        return pa.DictionaryArray.from_arrays(codes, pa.array(self.texts, pa.string())).cast(
            pa.string()
        )


@dataclass
class _Coder:
    """Numbers texts as they come."""

    codes: "array[int]" = field(default_factory=lambda: array("i"))
    known: dict[str, int] = field(default_factory=dict)

    def add(self, text: str | None) -> None:
        code = -1 if text is None else self.known.setdefault(text, len(self.known))
        self.codes.append(code)

    def coded(self, order: NDArray[np.int64]) -> Coded:
        return Coded(np.frombuffer(self.codes, dtype=np.int32)[order], tuple(self.known))


@dataclass(frozen=True)
class Facts:
    """What is known of images, sorted by id.

    Arguments:
        ids: Of the images.
        duplicate_group: The smallest id of those that look the same.
        groups: The user's groups.
        labels: The names of the classes.
        classes: The number of each class by its name.
        origin: The number of each image before they were sorted.
    """

    ids: pa.Array = field(repr=False)
    duplicate_group: pa.Array = field(repr=False)
    groups: Coded
    labels: Coded
    classes: dict[str, int]
    origin: NDArray[np.int64] = field(repr=False)

    def __len__(self) -> int:
        return len(self.origin)

    @classmethod
    def of(cls, images: Iterable[Surveyed]) -> "Facts":
        """The columns of images in any order."""
        ids, copies = list[str](), list[str]()
        groups, labels = _Coder(), _Coder()
        classes = set[tuple[str | None, int | None]]()
        for image in images:
            ids.append(image.id)
            copies.append(image.duplicate_group)
            groups.add(image.group)
            labels.add(image.label)
            classes.add((image.label, image.class_number))
        column = pa.array(ids, pa.string())
        order = pc.sort_indices(column).to_numpy().astype(np.int64)
        numbers = class_numbers(sorted(classes, key=repr))
        return cls(
            column.take(pa.array(order)),
            pa.array(copies, pa.string()).take(pa.array(order)),
            groups.coded(order),
            labels.coded(order),
            numbers,
            order,
        )
