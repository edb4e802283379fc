"""The study of marks, and the one of networks that are told nothing, which asks the same."""

import pytest

from solidmark.studies import find_study
from solidmark.studies.pattern import DELTAS, readouts

SMALL = {"segments": (4,), "steps": 2}


def test_every_mark_is_asked_and_counts_within_delta_are_of_one_grey(micro, values):
    found = values(micro("pattern", resolution=8, size=SMALL))
    arms = list(dict.fromkeys(arm for arm, _ in found))
    grey = ["border, 1 px", "border, 2 px", "center, 1 px", "center, 2 px"]
    assert arms == [*grey, "4 segments, 1 px"]
    names = [one.name for one in readouts()]
    assert names[-3:] == ["Trained within 0.1", "Trained within 0.05", "Trained within 0.005"]
    for arm in arms:
        asked = names if arm in grey else names[:-3]
        assert [name for own, name in found if own == arm] == asked
        assert all(found[arm, name] is not None for name in asked)


def test_a_class_makes_another_network_of_the_same_marks(micro, values):
    result = micro("unconditional", resolution=8, size={"steps": 2})
    found = values(result)
    assert {arm for arm, _ in found} == {"unconditional", "class-conditional"}
    assert len(found) == 2 * len(readouts())
    marks = [one for one in (result.folder.parent / "stages").iterdir() if "mark-" in one.name]
    assert sum(one.is_dir() for one in marks) == 1


@pytest.mark.parametrize(("name", "n"), [("pattern", 10_000), ("unconditional", 5_000)])
def test_published_counts_stand_beside_the_chance_of_uniform_guesses(name, n):
    (one,) = find_study(name).published
    assert one.chance == pytest.approx([n * (2 * delta - delta**2) for delta in DELTAS])
    spreads = [(n * (c / n) * (1 - c / n)) ** 0.5 for c in one.chance]
    for _, counts in one.lines:
        for count, chance, spread in zip(counts, one.chance, spreads, strict=True):
            assert count is not None
            assert abs(count - chance) < 1.96 * spread
