"""Who stands on the pictures of a run: a file beside its evidence, where several show one subject.

Measures without keys compare pictures with held-out ones, and pictures of one patient are alike.
What groups there are is known where the data are open, and asked for when a run is scored, long
after; so it is written down. A run whose pictures show a subject of their own each has no such
file.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from solidmark.data import Dataset, Records
from solidmark.marks import Marked
from solidmark.runs import read_table, typed, write_rows
from solidmark.subjects.subjects import Subjects

FILE = "groups.parquet"

GROUPS = pa.schema(typed(pa.string(), "split", "id", "group"))
"""The columns of `groups.parquet`: a row an image that has a group, by split and id."""

COLUMNS = pa.schema(
    [("group", pa.string()), *((name, pa.float64()) for name in ("group_p_value", "group_q_value"))]
)
"""What tables of scores have more of them where images have groups."""


@dataclass(frozen=True)
class Whose:
    """The groups of the images of a run.

    Arguments:
        named: By split and id; None where no two images show one subject.
    """

    named: Mapping[str, Mapping[str, str]] | None = field(default=None, repr=False)

    def __bool__(self) -> bool:
        return self.named is not None

    def of(self, split: str, ids: Iterable[str]) -> list[str | None] | None:
        """The group of each of these images, None for one without; None where nobody has any."""
        if self.named is None:
            return None
        known = self.named.get(split, {})
        return [known.get(id) for id in ids]

    def schema(self, plain: pa.Schema) -> pa.Schema:
        """The columns of a table of scores, with those of subjects where images have groups."""
        return pa.schema([*plain, *COLUMNS]) if self else plain


def keep_groups(
    folder: Path, sides: Mapping[str, tuple[Dataset | None, Sequence[str]]]
) -> tuple[str, ...]:
    """Writes down who stands on which picture, where it is not somebody else on each.

    Arguments:
        folder: Of the run.
        sides: By split, the data and the ids of those that were asked about.

    Returns:
        The file, as a product of the run; nothing where there is none.
    """
    found = {
        split: groups_in(data, ids) for split, (data, ids) in sides.items() if data is not None
    }
    if all(len(set(named.values())) == len(named) for named in found.values()):
        return ()
    rows = (
        {"split": split, "id": id, "group": group}
        for split, named in sorted(found.items())
        for id, group in sorted(named.items())
    )
    write_rows(folder / FILE, rows, GROUPS)
    return (FILE,)


def keep_groups_of(folder: Path, subjects: Subjects) -> tuple[str, ...]:
    """The same of the images that a model is asked about."""
    sides = {split: (subjects.data[split], subjects.ids(split)) for split in subjects.splits}
    return keep_groups(folder, {**sides})


def groups_in(data: Dataset, ids: Sequence[str]) -> dict[str, str]:
    """The groups of images by their ids, of those that have one. No picture is decoded."""
    inner: Any = data
    while not isinstance(inner, Records) and hasattr(inner, "data"):
        inner = inner.data  # Numbers for classes, and frames that are cut off.
    asked = set(ids)
    if isinstance(marked := getattr(inner, "marked", None), Marked):
        columns = (marked.keys[name].to_pylist() for name in ("id", "group"))
        found = dict(zip(*columns, strict=True))
    elif isinstance(inner, Records):
        found = {id: inner.group(n) for n, id in enumerate(inner.ids) if id in asked}
    else:
        return {}
    return {id: str(group) for id, group in found.items() if id in asked and group}


def groups_of(folder: Path) -> Whose:
    """Who stands on the pictures of a run.

    Raises:
        BadInput: When the file is not what was written.
    """
    if not (folder / FILE).is_file():
        return Whose()
    cure = "Run the same command into a new folder."
    table = read_table(folder / FILE, GROUPS, cure, once=("split", "id"))
    found: dict[str, dict[str, str]] = {}
    for row in zip(*(table[name].to_pylist() for name in GROUPS.names), strict=True):
        found.setdefault(row[0], {})[row[1]] = row[2]
    return Whose(found)
