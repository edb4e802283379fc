"""Studies at the size of a test, and one that counts."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from counted import N, arms_of, hits, only_first

import solidmark
from solidmark.api import Result
from solidmark.studies import find_study
from solidmark.studies.study import Readout, Setting, Study

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
        own = find_study(name).quick  # Some have sizes of their own.
        tiny = {one: value for one, value in TINY.items() if getattr(own, one) is not None}
        return solidmark.study(name, tmp_path, quick=True, **{**tiny, **setting})

    return run


@pytest.fixture
def values() -> Callable[[Result], dict[tuple[str, str], float | None]]:
    """The figures of a study over all seeds: a value an arm and read-out."""

    def read(result: Result) -> dict[tuple[str, str], float | None]:
        every = [one for one in result.figures if one.by == "all seeds" and one.other is None]
        return {(one.split, one.statistic): one.value for one in every}

    return read


@pytest.fixture
def planned() -> Callable[..., Study]:
    """A study with an arm for each share, under the name of a real one."""

    def make(**shares: float) -> Study:
        readouts = (
            Readout("Hit", "share", "high", hits, "images that are hit"),
            Readout("Hit at first", "share", "high", only_first),
        )
        setting = Setting(images=N, seeds=(0, 1, 2))
        arms = partial(arms_of, shares)
        return Study("duplication", arms, readouts, setting, setting, axis="share")

    return make
