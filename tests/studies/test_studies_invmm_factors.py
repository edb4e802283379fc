"""The study of what moves InvMM."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from solidmark.studies.invmm_factors import HELD_OUT, STUDY, arms, below, kl, reproduced, told_apart
from solidmark.studies.study import Made

SMALL = {
    **{"epochs": (1, 2), "each": 3, "steps": 2, "sampling": (1,)},
    **{"inverted": 6, "descent": 2, "every": 1},
}


def test_every_factor_is_an_arm(micro, values):
    found = values(micro("invmm-factors", size=SMALL))
    area = STUDY.readouts[0].name
    for arm in ("trained, 2 epochs, 2 sampling steps", "1 epochs", "1 sampling steps"):
        assert all(found[arm, name] is not None for name in (area, "Reproduced"))
    assert found[HELD_OUT, "Reproduced"] is not None
    assert found.get((HELD_OUT, area)) is None


def test_guidance_is_varied_where_a_model_is_told_captions():
    plain = [arm.name for arm in arms(STUDY.quick, 0)]
    told = [arm.name for arm in arms(STUDY.quick.but(preset="tiny-t2i"), 0)]
    assert set(told) - set(plain) == {"guidance 3", "guidance 7"}


@pytest.fixture
def made(tmp_path):
    """Two members that come back at once, one that does not, and an outsider that does."""

    def of(prefix):
        rows = [
            ("exact-16-0000-00", "trained", "reproduced", 0.1),
            ("exact-16-0001-00", "trained", "reproduced", 0.3),
            ("exact-01-0000-00", "trained", "spent", None),
            ("exact-01-0001-00", "held_out", "reproduced", 0.6),
            ("exact-01-0002-00", "held_out", "spent", None),
        ]
        told = [
            {"id": id, "split": split, "status": status, "kl": kl, "copy_of": None}
            | {"score": 1.2 if kl is None else kl / (1 + kl)}
            for id, split, status, kl in rows
        ]
        pq.write_table(pa.Table.from_pylist(told), tmp_path / "scores.parquet")
        return Made({"invmm": tmp_path}, of=prefix)

    return of


def test_members_are_told_from_what_comes_back_by_chance(made):
    back = reproduced(made(""))
    assert (back.count, back.n, back.chance) == (2, 3, 0.5)
    assert kl(made("")).value == pytest.approx(0.2)
    least = below(made(""))
    assert (least.count, least.n, least.chance) == (2, 3, 1 / 3)
    # Of the six pairs one is tied, which counts half, and one is the wrong way round.
    assert told_apart(made("")).value == pytest.approx(4.5 / 6)


def test_an_arm_has_its_own_images(made):
    assert reproduced(made("exact-16-")).count == 2
    assert below(made("exact-01-")).count == 0
    assert kl(made("exact-01-")) is None
    outside = reproduced(made(HELD_OUT))
    assert (outside.count, outside.n, outside.chance) == (1, 2, None)
    assert below(made(HELD_OUT)) is None
