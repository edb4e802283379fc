"""The study of plain pictures."""

import pytest

from solidmark.data import open_data
from solidmark.studies.study import Made
from solidmark.studies.written import faded

SMALL = {"contrast": 0.25, "generations": 12, "steps": 2}


def test_every_distance_and_the_keys_are_asked_for_plain_hits(micro, values):
    found = values(micro("monochrome", images=24, size=SMALL))
    plain, within, named = "Plain among the ten closest", "Within the published threshold", "Named"
    for arm in ("l2", "modified-l2", "patched-l2"):
        assert all(found[arm, name] is not None for name in (plain, within, named))
    assert found["SolidMark", plain] is not None
    assert found["SolidMark", named] is not None
    assert ("SolidMark", within) not in found or found["SolidMark", within] is None


def test_about_half_of_the_pictures_are_faded_and_keep_their_mean(tmp_path):
    faded("digits", tmp_path / "out", images=40, contrast=0.25, seed=0, resolution=8)
    before = open_data("digits", limit=40, resolution=8)
    after = open_data(tmp_path / "out" / "images")
    assert after.ids == before.ids
    changed = 0
    for number in range(40):
        one, other = before[number].image, after[number].image
        assert float(other.mean()) == pytest.approx(float(one.mean()), abs=2 / 255)
        if float((one - other).abs().max()) > 1 / 255:
            changed += 1
            assert float(other.std()) == pytest.approx(float(one.std()) / 4, abs=2 / 255)
    assert 8 < changed < 32


def test_plain_hits_of_keys_are_counted_by_their_p_values(tmp_path, monkeypatch):
    from solidmark.studies import monochrome

    images = [
        {"id": f"{n:02d}", "split": "trained", "measure": name, "low_content": n < 3}
        for n in range(20)
        for name in ("l2", "patched-l2")
    ]
    scores = [{"id": f"{n:02d}", "p_value": n / 20, "distance": 0.1} for n in range(20)]

    def rows(folder, *columns, file="scores.parquet"):
        return scores if file == "scores.parquet" else images

    monkeypatch.setattr(monochrome, "rows_of", rows)
    one = monochrome.plain_among_closest(Made({"nearest": tmp_path, "audit": tmp_path}))
    assert one is not None
    assert (one.count, one.n, one.chance) == (3, 10, 3 / 20)
