"""Files that are none, headers and tables that lie: one line, or one row."""

import os
import tarfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from solidmark.data import open_data
from solidmark.errors import BadInput
from tests.hostile.packed import TARS
from tests.hostile.pictures import PNG

PIPES = ("metadata.jsonl", "metadata.parquet", "shard.tar", "shard.parquet", "a.txt", "IM0001")


@pytest.mark.parametrize("name", PIPES)
def test_a_pipe_is_not_waited_for(name: str, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(PNG)
    os.mkfifo(tmp_path / name)
    data = open_data(str(tmp_path))
    assert data.ids == ["a.png"]
    assert data.inventory is not None
    assert [str(one) for one in data.inventory.left_out] == [f'1 pipes and devices ("{name}")']


def test_whatever_tarfile_raises_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    path.write_bytes(TARS["a sparse map that lies"]())
    with pytest.raises(ValueError, match="unpack"), tarfile.open(path, "r:") as tar:
        list(tar)
    with pytest.raises(BadInput, match="tar"):
        open_data(str(path))


def test_a_table_with_one_name_twice_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pictures = pa.array([PNG, PNG])
    pq.write_table(pa.Table.from_arrays([pictures, pictures], names=["image", "image"]), path)
    with pytest.raises(BadInput, match='two columns "image"'):
        open_data(str(path))


def test_values_that_python_has_no_object_for_are_texts(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    early = pa.array([-(2**62), 0], pa.timestamp("us"))
    pq.write_table(pa.table({"image": [PNG, PNG], "text": early}), path)
    captions = [sample.caption for sample in map(open_data(str(path)).__getitem__, range(2))]
    assert captions[0] is not None
    assert "out of range" in captions[0]
