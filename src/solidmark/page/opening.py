"""Where the pictures of a run lie."""

from pathlib import Path
from typing import Any

from solidmark.errors import BadInput
from solidmark.runs import read_ours


def open_pictures(folder: Path, cure: str, of: type = dict) -> dict[str, Any]:
    """Reads where the pictures of a run lie; empty where it kept none.

    Arguments:
        folder: The folder of the run.
        cure: What to do where it cannot be used, as a sentence.
        of: What stands under each name: `str`, a path below the folder, or `dict` for a side.

    Raises:
        BadInput: When the file cannot be read, or holds something else.
    """
    name = "pictures/index.json"
    if not (folder / name).is_file():
        return {}
    index = read_ours(folder / name, cure)
    if not all(isinstance(found, of) for found in index.values()):
        raise BadInput(f'"{folder / name}" is not a file of solidmark. {cure}')
    return index
