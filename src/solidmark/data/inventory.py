"""What a data set holds, and what of it is not used: one line that hides nothing."""

import re
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from solidmark.data.records import Record, quoted

NAMES = 3
"""How many of the things that are not used are named, by reason."""

KEPT = 8
"""How many inventories are kept; no command opens as many data sets."""

_COLUMNS = "columns"
_PLURAL = re.compile(r"\b(column|file|folder|image|link|member|picture|row|split)s\b")


@dataclass(frozen=True)
class Unused:
    """Something of a source that no image comes from.

    Arguments:
        name: A file, a member of a tar, a row or a column.
        reason: What it is, in the plural: "compressed files".
    """

    name: str
    reason: str


@dataclass(frozen=True)
class Found:
    """What a source holds.

    Arguments:
        foldered: Whether the folders of the images may be their classes.
    """

    records: list[Record]
    unused: list[Unused] = field(default_factory=list)
    foldered: bool = False


@dataclass(frozen=True)
class LeftOut:
    """What is not used for one reason.

    Arguments:
        reason: What it is, in the plural.
    """

    reason: str
    count: int
    names: tuple[str, ...]

    def __str__(self) -> str:
        what = self.reason if self.count != 1 else _PLURAL.sub(r"\1", self.reason, count=1)
        if not self.names:
            return f"{self.count:,} {what}"
        names = ", ".join(quoted(name) for name in self.names)
        more = ", ..." if self.count > len(self.names) else ""
        return f"{self.count:,} {what} ({names}{more})"


@dataclass(frozen=True)
class Inventory:
    """What a data set holds, counted.

    Arguments:
        images: The images, without rows that cannot be used.
        captions: How many of them have a caption.
        classes: How many different classes they have.
        by_folder: Whether the folders are the classes.
        left_out: What is not used, by reason.
        groups: How many groups the images name.
    """

    images: int = 0
    captions: int = 0
    classes: int = 0
    by_folder: bool = False
    left_out: tuple[LeftOut, ...] = ()
    groups: int = 0

    @property
    def line(self) -> str:
        """One line for a person.

        Example:
            >>> Inventory(4, 1, left_out=(LeftOut("compressed files", 1, ("b.tar.gz",)),)).line
            '4 images, 1 caption, 0 classes; not used: 1 compressed file ("b.tar.gz")'
        """
        counted = (
            f"{self.images:,} image{'' if self.images == 1 else 's'}"
            f"{f' of {self.groups:,} groups' if self.groups else ''}, "
            f"{self.captions:,} caption{'' if self.captions == 1 else 's'}, "
            f"{self.classes:,} class{'' if self.classes == 1 else 'es'}"
        )
        if self.by_folder:
            counted += " (the folders; --no-class-folders takes none)"
        if not self.left_out:
            return counted
        return f"{counted}; not used: {', '.join(map(str, self.left_out))}"

    def without_names(self) -> "Inventory":
        """The same counts; columns alone are still named."""
        counted = tuple(
            one if one.reason == _COLUMNS else replace(one, names=()) for one in self.left_out
        )
        return replace(self, left_out=counted)

    def to_json(self) -> dict[str, Any]:
        """As it stands in a manifest: groups where there are any."""
        found = asdict(self)
        return found if self.groups else {k: v for k, v in found.items() if k != "groups"}


def inventory_of(
    records: Iterable[Record], unused: Iterable[Unused], by_folder: bool = False
) -> Inventory:
    """Counts a data set. No image is decoded.

    Arguments:
        records: Its images; those with a flaw are counted among what is not used.
        by_folder: Whether the folders are the classes.
    """
    good = []
    left: dict[str, list[str]] = {}
    for record in records:
        if record.flaw is None:
            good.append(record)
        else:
            left.setdefault("quarantined rows", []).append(record.id)
    for one in unused:
        left.setdefault(one.reason, []).append(one.name)
    return Inventory(
        len(good),
        sum(record.caption is not None for record in good),
        len({record.label for record in good if record.label is not None}),
        by_folder,
        tuple(
            LeftOut(reason, len(names), tuple(sorted(names)[:NAMES]))
            for reason, names in sorted(left.items())
        ),
        len({record.group for record in good if record.group is not None}),
    )


@dataclass(frozen=True)
class Opened:
    """A data set that was opened.

    Arguments:
        inventory: What it holds.
        lost: Which of the images that were asked for lost something on the way, by the name of what
            that is; it grows while they are asked for.
    """

    inventory: Inventory
    lost: Mapping[str, AbstractSet[str]]


_opened: dict[str, Opened] = {}


def note(where: str, inventory: Inventory, lost: Mapping[str, AbstractSet[str]]) -> None:
    """Keeps the inventory of a data set that was opened, for whoever says what was in it."""
    _opened.pop(where, None)
    while len(_opened) >= KEPT:
        del _opened[next(iter(_opened))]
    _opened[where] = Opened(inventory, lost)


def take_inventories() -> dict[str, Opened]:
    """The data sets that were opened last, by what they were called; they are forgotten then."""
    found = dict(_opened)
    _opened.clear()
    return found
