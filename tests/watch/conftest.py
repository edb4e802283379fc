from collections.abc import Callable
from pathlib import Path

import pytest

from solidmark import api
from solidmark.marks import Marked, Segments


@pytest.fixture
def marked(make_marked: Callable[..., Marked]) -> Path:
    """24 trained and 24 held-out pictures, with frames of eight greys."""
    return make_marked(48, pattern=Segments(2, 8)).folder


@pytest.fixture
def make_watch(marked: Path, tmp_path: Path) -> Callable[..., api.Watch]:
    """A watch that looks every two steps, cheaply."""

    def make(name: str = "watched", **options: object) -> api.Watch:
        cheap = {"every": 2, "device": "cpu", "page": False}
        return api.Watch(marked, tmp_path / name, **(cheap | options))  # type: ignore[arg-type]

    return make
