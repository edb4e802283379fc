"""The verdict of a folder, whichever command made it: the one that stands in its results."""

from dataclasses import replace
from pathlib import Path

from solidmark.errors import NotFound
from solidmark.runs import RESULTS, Verdict, open_results, read_manifest


def verdict_of(folder: Path) -> Verdict | None:
    """The verdict of a folder, as it stands in `results.json`.

    Arguments:
        folder: The folder of a finished run.

    Returns:
        The verdict; None where its command judges nothing, or it is not scored yet.

    Raises:
        RunConflict: When the run is not finished.
        BadInput: When one of its files cannot be read.
    """
    read_manifest(folder)
    if not (folder / RESULTS).is_file():
        return None
    found = open_results(folder).verdict
    inner = folder / "invmm"
    if found is None or "invmm" in found.others or not (inner / RESULTS).is_file():
        return found
    return replace(found, others={"invmm": open_results(inner).judged})


def judged(folder: Path) -> Verdict:
    """The same where there must be one.

    Raises:
        NotFound: When there is none.
    """
    found = verdict_of(folder)
    if found is None:
        raise NotFound(f'"{folder}" holds no verdict. Run "solidmark score {folder}" first.')
    return found
