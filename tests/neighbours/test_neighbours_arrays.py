"""Arrays and states that a killed run goes on from are as they were written, or are made again."""

from pathlib import Path

import numpy as np
import pytest

from solidmark.neighbours import forget_checksums, is_intact, write_array
from solidmark.neighbours.kept import Kept


def turned(path: Path, place: int) -> None:
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(data)


def test_a_turned_bit_of_an_array_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "000000.npy"
    assert is_intact(path)  # None was written.
    write_array(path, np.arange(12, dtype=np.uint8).reshape(3, 4))
    assert is_intact(path)
    for place in (0, -1):
        turned(path, place)
        assert not is_intact(path)
        turned(path, place)
    path.write_bytes(path.read_bytes()[:-1])
    assert not is_intact(path)
    path.unlink()
    assert not is_intact(path)


def test_an_array_that_nothing_vouches_for_is_taken_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "below" / "000000.npy"
    write_array(path, np.ones((2, 2), np.float32))
    forget_checksums(tmp_path)
    assert [one.name for one in path.parent.iterdir()] == ["000000.npy"]
    assert is_intact(path)


@pytest.mark.parametrize("damage", ["a bit", "cut off", "empty"])
def test_a_damaged_answer_is_found_again(damage: str, tmp_path: Path) -> None:
    kept = Kept(tmp_path, 0, 2)
    kept.finish(np.array([[1], [2]]), np.array([[0.5], [0.25]]))
    (path,) = tmp_path.glob("*.npz")
    again = Kept(tmp_path, 0, 2)
    assert again.is_done
    assert again.answer[1].tolist() == [[0.5], [0.25]]
    data = path.read_bytes()
    place = data.index(np.array([[0.5], [0.25]]).tobytes())
    turned_over = data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]
    path.write_bytes({"a bit": turned_over, "cut off": data[:-9], "empty": b""}[damage])
    assert not Kept(tmp_path, 0, 2).is_done
