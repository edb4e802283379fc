"""The study of the balance: planted names, and a model that is known to copy them."""

from collections import Counter

import pytest
from studies.told import WORDS, asked, pictures

import solidmark
from solidmark.errors import BadInput
from solidmark.studies.intent import KINDS, STUDY, shown
from solidmark.studies.planted import FEW, MANY, OTHER, plan, planted
from solidmark.studies.study import Made

SMALL = {"names": 1, "pictures": 2, "per_prompt": 2, "repeats": 1, "times": 1}


def test_every_mitigation_is_asked(micro, values, tmp_path):
    found = values(micro("intent", **asked(tmp_path / "told", mitigations=("rt:1",), **SMALL)))
    names = [one.name for one in STUDY.readouts]
    assert len(set(names)) == 6
    assert list(found) == [(arm, name) for arm in ("none", "rt:1") for name in names]
    assert all(value is not None for value in found.values())


def test_names_have_as_many_pictures_as_they_should():
    captions = [f"an old {word}" for word in WORDS]
    planned = plan(range(12), captions, 2, 2)
    assert Counter(name.id.split("-")[0] for name in planned) == {FEW: 2, MANY: 2, OTHER: 2}
    assert [len(name.own) for name in planned] == [1, 1, 2, 2, 2, 2]
    assert [name.foreign for name in planned] == [0, 0, 0, 0, 2, 2]
    places = [place for name in planned for place in name.own]
    assert len(places) == len(set(places))
    assert 11 not in places
    texts = [name.text for name in planned]
    assert len(set(texts)) == 6
    assert set(texts) <= set(WORDS)
    with pytest.raises(BadInput, match="6 names need 11 pictures"):
        plan(range(10), captions, 2, 2)


def test_a_memorizer_gives_back_what_stands_under_a_name(tmp_path):
    """All that a name has when it is asked for, and the foreign picture half of the time."""
    planted(pictures(tmp_path / "pictures"), tmp_path / "set", names=2, pictures=2, seed=0)
    marked = solidmark.mark(
        tmp_path / "set" / "images", tmp_path / "marked", pattern="border", thickness=2,
        held_out=0.0, near_duplicates=False, seed=0,
    )  # fmt: skip
    asked = solidmark.intent(
        "memorizer", marked, tmp_path / "asked", prompts=tmp_path / "set" / "prompts.jsonl",
        features=tmp_path / "set" / "features.jsonl", per_prompt=24, unrelated=0, steps=8,
        device="cpu",
    )  # fmt: skip
    made = Made({"intent": asked.folder})
    found = {kind: shown(kind).read(made) for kind in KINDS}
    assert {kind: one.n for kind, one in found.items() if one} == dict.fromkeys(KINDS, 48)
    assert found[FEW].value == found[MANY].value == 1
    assert 0.25 < found[OTHER].value < 0.75
