"""The verdict of a folder, whichever command made it: the one that stands in its results."""

from pathlib import Path

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
    return open_results(folder).verdict if (folder / RESULTS).is_file() else None


def judged(folder: Path) -> Verdict:
    """The same where there must be one.

    Raises:
        NotFound: When it is not scored.
        BadInput: When it was scored by an older version, or its results cannot be read.
    """
    read_manifest(folder)
    return open_results(folder).judged
