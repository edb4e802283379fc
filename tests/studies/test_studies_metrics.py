"""The study of metrics."""

import numpy as np
import pytest

from solidmark.data import open_data
from solidmark.marks import open_marked
from solidmark.studies.metrics import CHANGED, PIXELS
from solidmark.studies.written import CHANGES, changed

SMALL = {"generations": 12, "steps": 2}


def test_all_metrics_are_asked_of_the_same_keys(micro, values, tmp_path):
    found = values(micro("metrics", resolution=8, size=SMALL))
    assert set(CHANGED) == set(CHANGES)
    assert {arm for arm, _ in found} == {"as they are", *CHANGED}
    assert len(found) == (1 + len(CHANGED)) * (1 + len(PIXELS))
    assert all(value is not None and 0 <= value <= 1 for value in found.values())
    marks = [open_marked(one.parent) for one in (tmp_path / "stages").glob("mark-*/manifest.json")]
    assert len(marks) == 1 + len(CHANGED)
    first, *others = (
        {row["id"]: (row["split"], row["key"]) for row in one.keys.to_pylist()} for one in marks
    )
    assert all(other == first for other in others)


@pytest.mark.parametrize("change", CHANGED)
def test_pictures_are_changed_and_ids_stay(tmp_path, change):
    asked = {"images": 4, "change": change, "seed": 0, "resolution": 8}
    changed("digits", tmp_path / "out", **asked)
    before, after = open_data("digits", limit=4, resolution=8), open_data(tmp_path / "out/images")
    assert after.ids == before.ids
    for number in range(4):
        one, other = (np.asarray(data[number].image)[0] for data in (before, after))
        assert data_class(before, number) == data_class(after, number)
        if change == "noisy":
            assert 0.005 < float(np.sqrt(np.mean((one - other) ** 2))) < 0.08
            continue
        expected = {
            "shifted": np.roll(one, (1, 1), (0, 1)),
            "mirrored": one[:, ::-1],
            "inverted": 1 - one,
        }[change]
        np.testing.assert_allclose(other, expected, atol=1e-6)


def data_class(data, number):
    return data[number].label
