"""The files of a run's folder: each fault is named in one line, with what to do."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from solidmark.errors import BadInput, NotFound
from solidmark.page.pictures import open_pictures
from solidmark.runs import open_results, read_table

CURE = 'Run "solidmark some" again.'
OURS = b'{"version": 1, "rows": [], "command": "some", "config": {}, "seed": 0}'


def table(folder: Path) -> Any:
    return read_table(folder / "scores.parquet", ("id",), CURE)


def results(folder: Path) -> Any:
    return open_results(folder, CURE, measures=dict)


def pictures(folder: Path) -> Any:
    return open_pictures(folder, CURE, str)


@pytest.mark.parametrize(
    ("name", "content", "opened", "error", "said"),
    [
        ("scores.parquet", None, table, NotFound, "has no scores.parquet"),
        ("scores.parquet", b"PAR1 and then nothing", table, BadInput, "is not a readable table"),
        ("results.json", None, results, NotFound, "has no results.json"),
        ("results.json", b"[]", results, BadInput, "is not a file of solidmark"),
        ("results.json", b'{"version": 1, "rows": {}}', results, BadInput, 'has no "rows"'),
        ("results.json", OURS, results, BadInput, 'has no "measures"'),
        ("results.json", b'{"rows": []}', results, BadInput, 'has no "command"'),
        ("pictures/index.json", b"[]", pictures, BadInput, "is not a file of solidmark"),
        ("pictures/index.json", b'{"a": {}}', pictures, BadInput, "is not a file of solidmark"),
    ],
)
def test_a_file_that_cannot_be_used_is_named_with_its_cure(
    tmp_path: Path,
    name: str,
    content: bytes | None,
    opened: Callable[[Path], Any],
    error: type[Exception],
    said: str,
) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(error) as found:
        opened(tmp_path)
    assert said in str(found.value)
    assert str(found.value).endswith(CURE)
    assert "\n" not in str(found.value)


def test_where_pictures_lie_is_read(tmp_path: Path) -> None:
    assert pictures(tmp_path) == {}
    (tmp_path / "pictures").mkdir()
    kept = {"a": "pictures/a.png", "version": "pictures/b.png", "checksum": "pictures/c.png"}
    (tmp_path / "pictures" / "index.json").write_text(json.dumps(kept))
    assert pictures(tmp_path) == kept, "ids are called as they like"
