"""Studies at the size of a test."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import solidmark
from solidmark.api import Result

TINY: dict[str, Any] = {
    "images": 16,
    "epochs": 1,
    "seeds": (0,),
    "device": "cpu",
    "recipe": {"block_out_channels": (8, 8), "norm_num_groups": 4},
}


@pytest.fixture
def micro(tmp_path: Path) -> Callable[..., Result]:
    """Runs a study by its name, in its quick size but for what makes it tiny."""

    def run(name: str, **setting: Any) -> Result:
        return solidmark.study(name, tmp_path, quick=True, **{**TINY, **setting})

    return run


@pytest.fixture
def values() -> Callable[[Result], dict[tuple[str, str], float | None]]:
    """The figures of a study over all seeds: a value an arm and read-out."""

    def read(result: Result) -> dict[tuple[str, str], float | None]:
        every = [one for one in result.figures if one.by == "all seeds" and one.other is None]
        return {(one.split, one.statistic): one.value for one in every}

    return read
