"""A study that counts, for the tests of the engine."""

from collections.abc import Callable
from functools import partial

import pytest
from counted import N, arms_of, hits, only_first

from solidmark.studies.study import Readout, Setting, Study


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
