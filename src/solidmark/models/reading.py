"""Reading what lies in a checkpoint folder, without running anything of it."""

import logging
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from solidmark.errors import BadInput, UnsafeCheckpoint
from solidmark.runs import read_json

PICKLES = {".bin", ".ckpt", ".pt", ".pth", ".pkl", ".pickle"}
LOADING_ERRORS = (OSError, ValueError, RuntimeError, TypeError, LookupError, ArithmeticError)
"""What the libraries raise where files do not hold what they should."""
CONVERT = (
    "Convert it where you trust it: "
    "DiffusionPipeline.from_pretrained(OLD, use_safetensors=False)"
    ".save_pretrained(NEW, safe_serialization=True)."
)


def refuse_pickle(path: Path) -> None:
    """Refuses a single file that is a pickle, by its name.

    Raises:
        UnsafeCheckpoint: When it is.
    """
    if path.suffix.lower() in PICKLES:
        raise UnsafeCheckpoint(
            f'"{path}" is a pickle, and opening it could run any code. {CONVERT}'
        )


def refuse_pickles(folder: Path) -> None:
    """Refuses a folder whose weights, or shards of them, are anything but safetensors.

    Raises:
        UnsafeCheckpoint: When there are pickles only, or an index names one.
        BadInput: When there are no weights.
    """
    weights = {child.suffix.lower() for child in folder.iterdir()}
    shards = {
        str(name)
        for index in folder.glob("*.safetensors.index*.json")
        for name in dict(read_config(index).get("weight_map") or {}).values()
    }
    endings = {Path(name).suffix.lower() for name in shards}
    if (".safetensors" not in weights and weights & PICKLES) or endings - {".safetensors"}:
        raise UnsafeCheckpoint(
            f'"{folder}" holds pickled weights, and opening them could run any code. {CONVERT}'
        )
    if outside := [name for name in shards if Path(name).name != name]:
        raise BadInput(
            f'An index of "{folder}" names "{outside[0]}", which does not lie in it. Save the '
            "pipeline again."
        )
    if ".safetensors" not in weights:
        raise BadInput(f'"{folder}" holds no weights (*.safetensors). Save the pipeline again.')


def variant_of(folder: Path) -> str | None:
    """The variant that the weights of a part are saved as, such as `fp16`; None for the plain ones.

    Raises:
        BadInput: When there are several, and no plain one.
    """
    found = {_variant_in(path.name) for path in folder.glob("*.safetensors")}
    if None in found:
        return None
    named = sorted(name for name in found if name)
    if len(named) > 1 and "fp16" not in named:
        raise BadInput(
            f'"{folder}" holds the variants {", ".join(named)} and no plain weights. '
            "Save the one that is meant without a variant."
        )
    return "fp16" if "fp16" in named else next(iter(named), None)


def _variant_in(name: str) -> str | None:
    """The variant that a file of weights says in its name; None of a plain one."""
    named = re.fullmatch(r"[^.]+(?:\.([A-Za-z_]\w*))?(?:-\d+-of-\d+)?\.safetensors", name)
    return None if named is None else named[1]


def loaded_weights(folder: Path) -> list[Path]:
    """The files of weights of a part that are read when it is loaded: those of one variant.

    Raises:
        BadInput: When there are several variants, and no plain one.
    """
    variant = variant_of(folder)
    return sorted(p for p in folder.glob("*.safetensors") if _variant_in(p.name) == variant)


def read_config(path: Path) -> dict[str, Any]:
    """A JSON file of diffusers.

    Raises:
        BadInput: When it is none.
    """
    config = read_json(path)
    if not isinstance(config, dict):
        raise BadInput(f'"{path}" is not a configuration of diffusers. Save the pipeline again.')
    return config


def first_line(error: Exception) -> str:
    """What an error of a library says, in one short line."""
    first, *more = str(error).splitlines() or [type(error).__name__]
    if first.endswith(":") and more:  # The reason is what follows.
        first = f"{first} {more[0].strip()}"
    return first[:200]


@contextmanager
def errors_are_raised() -> Iterator[None]:
    """Keeps diffusers from printing, over several lines, an error that it raises as well."""
    logger = logging.getLogger("diffusers")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(before)


def hush_transformers() -> None:
    """Keeps transformers' own bars and its notes on torchvision, which nobody needs, off screen.

    A verbosity that the user has set in TRANSFORMERS_VERBOSITY is left alone.
    """
    from transformers.utils import logging as theirs

    theirs.disable_progress_bar()
    if "TRANSFORMERS_VERBOSITY" not in os.environ:
        theirs.set_verbosity_error()


def hush_diffusers() -> None:
    """Keeps what diffusers whispers of types and of names that it did not find off the screen.

    Only for those who look for themselves. A verbosity in DIFFUSERS_VERBOSITY is left alone.
    """
    from diffusers.utils import logging as theirs

    if "DIFFUSERS_VERBOSITY" not in os.environ:
        theirs.set_verbosity_error()
