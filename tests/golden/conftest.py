"""The world that all tests here share."""

import pytest

from .world import World


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Runs are made when they are asked for, so two workers share them."""
    return World(tmp_path_factory.mktemp("golden"))
