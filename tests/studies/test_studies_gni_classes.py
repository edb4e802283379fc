"""The study of noise on the embeddings of classes."""

from solidmark.studies.gni_classes import DELTAS, STUDY


def test_every_magnitude_is_read(micro, values):
    found = values(micro("gni-classes", resolution=8, size={"magnitudes": (0, 3)}))
    names = [one.name for one in STUDY.readouts]
    assert list(found) == [(arm, name) for arm in ("none", "GNI 3") for name in names]
    assert all(value is not None for value in found.values())


def test_noise_reaches_the_network(micro):
    """What is read differs, and only the noise does."""
    result = micro("gni-classes", resolution=8, size={"magnitudes": (0, 30)})
    moved = [one for one in result.figures if one.other is not None and one.value]
    assert moved


def test_published_counts_stand_beside_their_chance():
    (one,) = STUDY.published
    for chance, delta in zip(one.chance, DELTAS, strict=True):
        assert abs(chance - 10_000 * (2 * delta - delta**2)) < 0.5
