"""Rows by id without a dict: what is found is what a dict would find."""

from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from solidmark.errors import BadInput
from solidmark.marks.lookup import Files, Lookup, read_lines

ids = st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=4), unique=True)


@settings(deadline=None)
@given(ids, st.text(st.characters(exclude_categories=["Cs"]), max_size=4))
def test_every_id_is_found_where_it_stands(names: list[str], other: str) -> None:
    table = pa.table(
        {"id": pa.array(names, pa.string()), "file_name": pa.array(names, pa.string())}
    )
    lookup = Lookup(table)
    assert [lookup.place(name) for name in names] == list(range(len(names)))
    assert lookup.place(other) == (names.index(other) if other in names else None)
    assert lookup.some("file_name", [*names[:2], other]) == {
        name: name for name in names if name in [*names[:2], other]
    }
    files = Files(table)
    assert dict(files) == {name: name for name in names if name}
    assert files.get(other, "none") == (other if other and other in names else "none")


def test_words_are_read_by_id_and_a_line_without_one_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "metadata.jsonl"
    path.write_text(
        '{"id": "b", "text": "one\\u2028line", "label": 3}\n\n{"id": "a", "class": "x"}\n'
    )
    lines = read_lines(path)
    assert lines.row("b") == {"id": "b", "text": "one\u2028line", "class": None, "label": 3}
    assert lines.row("a")["class"] == "x"
    assert lines.row("c") == {}
    assert lines.of("text", pa.array(["a", "b", "c"])).to_pylist() == [None, "one\u2028line", None]
    assert read_lines(tmp_path / "none.jsonl").row("a") == {}
    path.write_text('{"text": "nobody"}\n')
    with pytest.raises(BadInput, match='without "id"'):
        read_lines(path)
