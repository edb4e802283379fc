"""A folder of four pictures, and the same pictures as every kind of data set."""

from pathlib import Path

import pytest

from .sources import SOURCES, WORDS, picture, png


@pytest.fixture
def pngs() -> dict[str, bytes]:
    return {name: png(picture(seed)) for seed, name in enumerate(WORDS)}


@pytest.fixture
def plain(tmp_path: Path, pngs: dict[str, bytes]) -> Path:
    folder = tmp_path / "plain"
    folder.mkdir()
    for name, data in pngs.items():
        (folder / f"{name}.png").write_bytes(data)
    return folder


@pytest.fixture(params=SOURCES)
def source(request: pytest.FixtureRequest, tmp_path: Path, pngs: dict[str, bytes]) -> Path:
    """A data set with ids a, b, c, d, and their captions and classes."""
    folder = tmp_path / "source"
    folder.mkdir()
    return SOURCES[request.param](folder, pngs)
