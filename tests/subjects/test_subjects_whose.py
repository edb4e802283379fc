"""Who stands on which picture: written where several show one subject, and nowhere else."""

from collections.abc import Callable
from pathlib import Path

import pytest

from solidmark.data import Records
from solidmark.data.prepare import Preparation
from solidmark.data.records import FileBytes, Record
from solidmark.errors import BadInput
from solidmark.marks import Marked
from solidmark.subjects import MarkedSplit, Numbered, groups_of, keep_groups
from solidmark.subjects.whose import FILE, groups_in


def records(**groups: str | None) -> Records:
    """A data set that is never read."""
    nowhere = FileBytes(Path("nowhere.png"))
    found = tuple(Record(id, nowhere, group=group) for id, group in sorted(groups.items()))
    return Records(found, Preparation())


def test_a_subject_of_several_pictures_is_written_down(tmp_path: Path) -> None:
    data = Numbered(records(a="x", b="x", c=None, d="y"), None, {})
    assert keep_groups(tmp_path, {"trained": (data, ["a", "b", "c"])}) == (FILE,)
    whose = groups_of(tmp_path)
    assert whose
    assert whose.of("trained", ["c", "b", "a", "d"]) == [None, "x", "x", None]
    assert whose.of("held_out", ["a"]) == [None]


def test_subjects_of_one_picture_leave_no_file(tmp_path: Path) -> None:
    data = records(a="x", b="x", c=None, d="y")
    asked = {"trained": (data, ["a", "c", "d"]), "held_out": (None, ())}
    assert keep_groups(tmp_path, asked) == ()
    assert not list(tmp_path.iterdir())
    assert groups_of(tmp_path).of("trained", ["a"]) is None


def test_a_marked_folder_knows_its_groups(make_marked: Callable[..., Marked]) -> None:
    marked = make_marked(8)
    split = MarkedSplit(marked, sorted(marked.ids("trained")))
    assert groups_in(split, split.ids) == {}


def test_a_damaged_file_is_one_line(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"PAR1 no table")
    with pytest.raises(BadInput, match=r"groups\.parquet"):
        groups_of(tmp_path)
