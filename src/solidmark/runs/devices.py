"""Where networks run."""

import importlib.util
import os
import runpy
import sys
from pathlib import Path

from solidmark.errors import BadInput
from solidmark.runs.memory import memory_for


def usual_device(asked: str = "auto") -> str:
    """The device that `auto` means here; each of several processes gets its own GPU.

    torch is not imported to learn it where it was built for the CPU alone.

    Arguments:
        asked: Any other name stays as it is.
    """
    if asked != "auto":
        return asked
    if _is_for_the_cpu():
        return "cpu"
    import torch

    if torch.cuda.is_available():
        return f"cuda:{os.environ.get('LOCAL_RANK', 0)}"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def _is_for_the_cpu() -> bool:
    """Whether the torch that is installed knows no GPU at all, as its own notes say."""
    found = importlib.util.find_spec("torch")
    if sys.platform == "darwin" or found is None or found.origin is None:
        return False
    notes = Path(found.origin).with_name("version.py")
    if not notes.is_file():
        return False
    built = runpy.run_path(str(notes))
    return "cuda" in built and not built["cuda"] and not built.get("hip")


def check_device(device: str) -> None:
    """Checks that a device is there, so that nobody waits for a run that cannot start.

    Arguments:
        device: A name of torch: `cpu`, `cuda`, `cuda:1`, `mps`.

    Raises:
        BadInput: When it is not.
    """
    if device == "cpu":  # Is always there, and torch need not be imported to say so.
        return
    import torch

    try:
        with memory_for(f'the device "{device}"'):  # Another process may have taken all of it.
            torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise BadInput(
            f'The device "{device}" cannot be used here ({str(error).splitlines()[0]}). '
            "Use --device cpu."
        ) from error
