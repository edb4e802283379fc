"""The study of the ways to read keys."""

from solidmark.studies.readers import GREYS, STUDY, readers


def test_every_reader_has_its_figures_and_its_cost(micro, values):
    found = values(micro("readers", images=12, size={"epochs": (1,), "steps": 2}))
    arms = list(dict.fromkeys(arm for arm, _ in found))
    assert len(arms) == sum(len(readers(pattern, 2)) for pattern in GREYS)
    for arm in arms:
        assert all(found[arm, one.name] is not None for one in STUDY.readouts)
    calls = {arm: found[arm, "Network calls"] for arm in arms}
    assert calls["Probe, 16 greys, 1 epochs"] == 1
    assert calls["Linear, 16 greys, 1 epochs"] == 2.3
    assert calls["Blend, 16 greys, 1 epochs"] == 9.2
    assert calls["Energy, K = 5, 16 greys, 1 epochs"] == 16 * 4 + 1
    assert calls["Energy, K = 9, one grey, 1 epochs"] == 9
    assert calls["Outpaint, one grey, 1 epochs"] == 2
