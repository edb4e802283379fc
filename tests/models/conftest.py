"""One folder a tiny pipeline, made once."""

from collections.abc import Callable
from pathlib import Path

import families
import pytest

from solidmark.models import LatentModel, open_model


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Gives the folder of a tiny pipeline, by its name in `families.PIPELINES`."""
    made: dict[str, Path] = {}

    def folder(name: str) -> Path:
        if name not in made:
            made[name] = families.PIPELINES[name](tmp_path_factory.mktemp("tiny") / name)
        return made[name]

    return folder


@pytest.fixture
def opened(tiny_folder: Callable[[str], Path]) -> Callable[[str], LatentModel]:
    """Opens a tiny pipeline, by its name."""

    def model(name: str) -> LatentModel:
        found = open_model(str(tiny_folder(name)))
        assert isinstance(found, LatentModel)
        return found

    return model
