"""What tests of training share: marked folders, and a base to fine-tune."""

from pathlib import Path

import pytest
import tiny

from training.folders import mark, mark_captioned


@pytest.fixture(scope="session")
def marked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Nine training images of 12 x 12 pixels, three held out."""
    return mark(tmp_path_factory.mktemp("marked") / "marked")


@pytest.fixture(scope="session")
def with_classes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return mark(tmp_path_factory.mktemp("classes") / "marked", classes=3, channels=3)


@pytest.fixture(scope="session")
def captioned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Nine colour training images of 24 x 24 pixels with captions and classes."""
    return mark_captioned(tmp_path_factory.mktemp("captioned") / "marked")


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny Stable Diffusion with random weights."""
    return tiny.stable_diffusion(tmp_path_factory.mktemp("base") / "base")
