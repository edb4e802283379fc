"""Tables notice a bit that a disk has turned over; those of before have no checksums."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from solidmark.errors import BadInput
from solidmark.runs import read_batches, read_table, write_table

NUMBERS = pa.table(
    {
        "id": [f"image-{number:03d}" for number in range(200)],
        "p_value": np.random.default_rng(0).random(200),
        "key": np.random.default_rng(1).random((200, 4)).tolist(),
    }
)


def read(path: Path) -> pa.Table:
    return read_table(path, NUMBERS.schema, "Make it again.")


def test_a_bit_that_was_turned_over_is_no_number(tmp_path: Path) -> None:
    path = tmp_path / "scores.parquet"
    write_table(path, NUMBERS)
    whole = path.read_bytes()
    assert read(path).equals(NUMBERS)
    end = len(whole) - 8 - int.from_bytes(whole[-8:-4], "little")  # There the footer begins.
    caught = 0
    for place in range(4, end, 97):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 4]) + whole[place + 1 :])
        try:
            assert read(path).equals(NUMBERS), place
        except BadInput:
            caught += 1
    assert caught > 0.9 * len(range(4, end, 97))


def test_tables_of_before_are_read_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "scores.parquet"
    pq.write_table(NUMBERS, path)
    assert read(path).equals(NUMBERS)


@pytest.mark.parametrize("rest", [b"", b"PAR1", b"nothing at all"])
def test_what_is_no_table_is_refused(rest: bytes, tmp_path: Path) -> None:
    path = tmp_path / "scores.parquet"
    path.write_bytes(rest)
    with pytest.raises(BadInput, match="Make it again"):
        read(path)


@pytest.mark.parametrize("what", [b"alpha", b"omega"])
def test_text_that_is_not_utf_8_is_no_table(what: bytes, tmp_path: Path) -> None:
    """The name of a column, which no page vouches for, or a value in a table of before."""
    path = tmp_path / "a.parquet"
    table = pa.table({"alpha": ["omega", "b"]})
    pq.write_table(table, path, compression="none", use_dictionary=False, write_statistics=False)
    path.write_bytes(path.read_bytes().replace(what, b"\xdf" * 5))
    with pytest.raises(BadInput, match=r"is not a readable table.*Make it again\."):
        read_table(path, (), "Make it again.")
    with pytest.raises(BadInput, match=r"is not a readable table.*Make it again\."):
        list(read_batches(path, ("alpha",) if what == b"omega" else (), "Make it again."))
