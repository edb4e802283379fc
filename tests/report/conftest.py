"""Runs that the pages are made of."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from visiting import HOSTILE as HOSTILE


@pytest.fixture
def make_nearest(tmp_path: Path) -> Callable[..., Path]:
    """Makes the folder of a `nearest` run in a new place: `make_nearest(held_out=0)`."""
    from nearest_folder import Run, build_nearest

    made = 0

    def make(**how: Any) -> Path:
        nonlocal made
        made += 1
        return build_nearest(Run(tmp_path / f"nearest-{made}", **how))

    return make


@pytest.fixture(scope="session")
def whole_nearest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A hostile `nearest` run with copies and all measures, made once and read only."""
    from nearest_folder import Run, build_nearest

    from solidmark.pages import write_report

    folder = build_nearest(Run(tmp_path_factory.mktemp("nearest") / "run", hostile=True))
    write_report(folder)
    return folder


@pytest.fixture(scope="session")
def whole_inpainted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A hostile `inpaint` run of a model that knows its images by heart, made once, read only."""
    from inpainted_folder import build_inpainted, mark_digits

    from solidmark.pages import write_report

    here = tmp_path_factory.mktemp("inpainted")
    marked = mark_digits(here / "marked", count=80, repeated=6, hostile=True)
    folder = build_inpainted(here / "run", marked, draws=16, steps=12, lowest=2)
    write_report(folder)
    return folder
