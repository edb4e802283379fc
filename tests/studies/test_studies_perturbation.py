"""The study of pictures that are changed before a model is asked about them."""

import pytest

from solidmark.perturbations import parse
from solidmark.studies import find_study
from solidmark.studies.pattern import DELTAS

SMALL = {"perturbations": ("crop:0.6", "flip")}


def test_every_change_is_asked_of_one_network(micro, values):
    result = micro("perturbation", resolution=8, size=SMALL)
    found = values(result)
    names = [one.name for one in find_study("perturbation").readouts]
    assert list(found) == [
        (arm, name) for arm in ("as they are", "crop:0.6", "flip") for name in names
    ]
    assert all(value is not None for value in found.values())
    stages = [one.name for one in (result.folder.parent / "stages").iterdir() if one.is_dir()]
    assert [sum(one.startswith(kind) for one in stages) for kind in ("train-", "audit-")] == [1, 3]
    assert len(list((result.folder / "pictures").glob("2-*.png"))) == 3


@pytest.mark.parametrize("size", ["quick", "full"])
def test_every_change_has_a_name_that_can_be_read(size):
    setting = getattr(find_study("perturbation"), size)
    assert all(map(parse, setting.size["perturbations"]))


def test_published_counts_stand_beside_the_chance_of_uniform_guesses():
    (one,) = find_study("perturbation").published
    assert one.chance == pytest.approx([5710 * (2 * d - d**2) for d in DELTAS], abs=0.5)
    first = one.lines[0][1]
    for _, counts in one.lines[1:]:
        for count, before in zip(counts, first, strict=True):
            assert count is not None
            assert before is not None
            assert abs(before - count) < 2.6 * (before + count) ** 0.5
