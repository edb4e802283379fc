"""The index of a pipeline folder: which parts it has, and which of them are loaded."""

from pathlib import Path
from typing import Any

from solidmark.models.reading import read_config

INDEX = "model_index.json"
DENOISERS = ("unet", "transformer")
NOT_NEEDED = ("safety_checker", "feature_extractor", "image_encoder", "watermarker")
"""Parts that have no say in what a model remembers."""


def kind_of(folder: Path) -> str | None:
    """The class of a pipeline folder, or None where it does not say."""
    if not (folder / INDEX).is_file():
        return None
    return str(read_config(folder / INDEX).get("_class_name"))


def parts_of(folder: Path) -> dict[str, list[Any] | None]:
    """The parts that the index of a pipeline names, each with the library and class of what is
    loaded of it; None where nothing is.

    Raises:
        BadInput: When the index is not readable.
    """
    return {
        part: None if origin[:1] == [None] or part in NOT_NEEDED else origin
        for part, origin in read_config(folder / INDEX).items()
        if not part.startswith("_") and isinstance(origin, list)
    }
