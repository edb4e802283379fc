"""The study of in which order measures put images, and what it is made of."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from solidmark.data import open_data
from solidmark.studies.copied import copied
from solidmark.studies.ranking import COPIES, KEY, LOSS, VALUES, found, places, ranks_like
from solidmark.studies.study import Made

SMALL = {
    **{"epochs": (1,), "each": 3, "number": 6, "steps": 2, "draws": 1},
    **{"inverted": 6, "descent": 2, "every": 1},
}


def test_every_measure_is_ranked_beside_every_other(micro, values):
    read = values(micro("agreement", size=SMALL))
    assert {arm for arm, _ in read} == set(VALUES)
    names = {measure: ranks_like(measure).name for measure in VALUES}
    for one in VALUES:
        assert read[one, names[one]] is None if (one, names[one]) in read else True
        for other in set(VALUES) - {one}:
            value, back = read[one, names[other]], read[other, names[one]]
            assert value == pytest.approx(back)
            assert -1 <= value <= 1


def _made(folder, rows, of):
    pq.write_table(pa.Table.from_pylist(rows), folder / "scores.parquet")
    return Made({KEY: folder, LOSS: folder}, of=of)


def _rows(of_copies):
    """Images whose value is a function of their copies and number, low = memorized."""
    every = []
    for count in (1, 4, 16):
        for number in range(4):
            for split in ("trained", "held_out"):
                value = of_copies(count, number) if split == "trained" else 1 + number / 10
                every.append(
                    {
                        **{"id": f"exact-{count:02d}-{number:04d}-00", "split": split},
                        **{"p_value": value, "value": value, "signal": "loss"},
                    }
                )
    return every


def test_a_measure_that_follows_the_copies_has_rank_correlation_one(tmp_path):
    made = _made(tmp_path, _rows(lambda count, _: 1 / count), KEY)
    with_copies = ranks_like(COPIES).read(made)
    assert with_copies.value == pytest.approx(1)
    assert with_copies.n == 12
    # Among those with as many copies all are alike, so there is no order.
    assert ranks_like(LOSS, alike=True).read(made) is None
    area = found(1).read(made)
    # Its four values tie with the lowest of each four held-out ones.
    assert (area.value, area.n) == (0.875, 4)
    assert found(16).read(made).value == 1


def test_what_is_common_beyond_the_copies_is_seen_by_itself(tmp_path):
    made = _made(tmp_path, _rows(lambda count, number: 1 / count + number / 1000), KEY)
    assert ranks_like(LOSS, alike=True).read(made).value == pytest.approx(1)
    assert ranks_like(LOSS, split="held_out").read(made).value == pytest.approx(1)


def test_places_are_those_among_the_own_group():
    found = places([3.0, 1.0, 9.0, 7.0, 7.0], [1, 1, 2, 2, 2])
    assert np.allclose(found, [0.75, 0.25, 2.5 / 3, 1 / 3, 1 / 3])


def test_copies_keep_their_class_and_can_be_exact_only(tmp_path):
    copied("digits", tmp_path, counts=(1, 3), each=2, resolution=8, seed=0, kinds=("exact",))
    data = open_data(tmp_path / "images")
    assert len(data) == 8
    assert all(id.startswith("exact-") for id in data.ids)
    assert {record.label for record in data.records} <= set("0123456789")
    first, copy = (data[data.ids.index(f"exact-03-0001-0{n}")] for n in (0, 2))
    assert first.content == copy.content
