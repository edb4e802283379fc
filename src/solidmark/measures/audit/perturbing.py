"""A few pictures as a model is asked about them, kept to be looked at where they are changed."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from solidmark.errors import BrokenImage
from solidmark.marks import write_image
from solidmark.perturbations import Perturbed

SHOWN = 3
"""So many pictures are kept to be looked at."""


def keep_perturbed(folder: Path, pictures: Perturbed, ids: Sequence[str]) -> dict[str, Any]:
    """Writes the first pictures as the model is asked about them, in neutral frames.

    Returns:
        For the manifest: `perturbed`, the pictures by id. Nothing where none is changed.
    """
    kept: dict[str, str] = {}
    if not pictures.perturbations:
        return {}
    for id in ids:
        if len(kept) == SHOWN:
            break
        path = f"pictures/perturbed/{len(kept)}.png"
        try:
            write_image(folder / path, pictures.sample(id).image)
        except BrokenImage:
            continue
        kept[id] = path
    return {"perturbed": kept}
