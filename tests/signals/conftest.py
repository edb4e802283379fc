"""A tiny text-to-image model for the tests of signals."""

from pathlib import Path
from typing import Any

import pytest
import tiny
from diffusers import StableDiffusionPipeline

from solidmark.models import open_model


@pytest.fixture
def diffusion(tmp_path: Path) -> tuple[Any, Any]:
    """A tiny Stable Diffusion, as we open it and as diffusers does."""
    folder = tiny.stable_diffusion(tmp_path / "sd")
    pipe = StableDiffusionPipeline.from_pretrained(folder, safety_checker=None)
    return open_model(str(folder)), pipe
