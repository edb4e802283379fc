"""The study of mitigations: what is read, what it costs, and what was published."""

import json
from math import sqrt

import pytest
from studies.told import asked

from solidmark.runs import Figure
from solidmark.studies import find_study
from solidmark.studies.agreed import BEFORE, agreement, decrease
from solidmark.studies.mitigation import DELTAS, STUDY
from solidmark.studies.study import Made, Readout


def test_every_mitigation_is_read_beside_none(micro, values, tmp_path):
    size = {"mitigations": ("rt:1", "wen:0.001"), "times": 1}
    found = values(micro("mitigation", **asked(tmp_path / "told", **size)))
    assert list(dict.fromkeys(arm for arm, _ in found)) == ["none", "rt:1", "wen:0.001"]
    every = [one.name for one in STUDY.readouts]
    plain = [name for name in every if not name.startswith("Decrease")]
    for arm in ("none", "rt:1", "wen:0.001"):
        assert all(found[arm, name] is not None for name in plain)
    # Nothing is less than what is not there: with one pass no key is read within .005.
    assert ("none", every[3]) not in found
    assert found["rt:1", "Decrease: 95th percentile of similarity"] is not None


def test_a_decrease_is_a_part_of_what_was_there_before(tmp_path):
    for name, value in (("now", 3), ("then", 4), ("nothing", 0)):
        (tmp_path / name).write_text(str(value))

    def read(made: Made) -> Figure:
        value = float(made["audit"].read_text())
        return Figure(measure="", statistic="", split="", value=value, n=8, ci_low=0, ci_high=9)

    one = decrease(Readout("Counted", "share", "high", read))
    assert one.name == "Decrease: counted"
    folders = {"audit": tmp_path / "now", f"{BEFORE}audit": tmp_path / "then"}
    found = one.read(Made(folders))
    assert found is not None
    assert (found.value, found.n, found.interval) == (25.0, 8, None)
    assert one.read(Made({"audit": tmp_path / "now"})) is None
    assert one.read(Made(folders | {f"{BEFORE}audit": tmp_path / "nothing"})) is None


def test_agreement_counts_the_pictures_of_those_that_are_meant(tmp_path):
    rights = {"few-00 0": True, "few-01 0": False, "many-00 0": True}
    rows = [{"id": id, "right": right, "of": 4} for id, right in rights.items()]
    (tmp_path / "choices.json").write_text(json.dumps(rows))
    made = Made({"agreed": tmp_path})
    found = agreement(of="few").read(made)
    assert found is not None
    assert (found.value, found.n, found.count, found.chance) == (0.5, 2, 1, 0.25)
    whole = agreement().read(made)
    assert whole is not None
    assert (whole.count, whole.n) == (2, 3)
    assert agreement(of="other").read(made) is None
    assert agreement().read(Made({})) is None


def test_no_published_change_is_larger_than_two_standard_deviations():
    (one,) = find_study("mitigation").published
    n = one.lines[0][1][0] / (2 * DELTAS[0] - DELTAS[0] ** 2)
    assert one.chance[:3] == pytest.approx([n * (2 * d - d**2) for d in DELTAS], abs=0.5)
    before = one.lines[0][1]
    for _, counts in one.lines[1:]:
        for count, was, chance in zip(counts[:3], before, one.chance, strict=False):
            assert abs(count - was) < 2 * sqrt(2 * chance * (1 - chance / n))
