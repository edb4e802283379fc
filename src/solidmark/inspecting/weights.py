"""What stands in files of weights, in words: nothing is loaded, unpickled or run."""

import zipfile
from pathlib import Path


def is_torchscript(path: Path) -> bool:
    """Whether a file is an archive with a program in it."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = [name.split("/", 1)[-1] for name in archive.namelist()]
    except (OSError, zipfile.BadZipFile):
        return False
    return "constants.pkl" in names and any(name.startswith("code/") for name in names)


def megabytes(size: int) -> str:
    """A size in words: 0.1 MB to thousands of them."""
    return f"{size / 1e6:,.1f} MB"


def millions(numbers: int) -> str:
    """A count of weights in words."""
    return f"{numbers / 1e6:,.1f} million" if numbers >= 1e5 else f"{numbers:,}"
