"""The marked folder beside a run that asked about its images, wherever both were moved."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from solidmark.marks.lookup import Files
from solidmark.runs import fingerprint


def find_beside(run: Path, manifest: Mapping[str, Any]) -> tuple[str, Path | None]:
    """What the marked folder of a run is called, and where it lies; None where it is not found.

    Arguments:
        run: The folder of the run.
        manifest: Its manifest; `config["marked"]` names the marked folder.
    """
    name = str((manifest.get("config") or {}).get("marked") or "")
    if not name:
        return "", None
    # A path that was relative when the run began, or a folder that was moved along with it.
    candidates = (Path(name), run.parent / name, run.parent / Path(name).name)
    return name, next((c for c in candidates if (c / "keys.parquet").is_file()), None)


def files_beside(run: Path, manifest: Mapping[str, Any]) -> Mapping[str, str]:
    """The file of each image, relative to the marked folder; none where that is not at hand.

    Arguments:
        run: The folder of the run.
        manifest: Its manifest; `fingerprints["keys"]` is that of the keys of the marked folder.
    """
    import pyarrow.parquet as parquet

    _, folder = find_beside(run, manifest)
    if folder is None:
        return {}
    try:
        if fingerprint(folder / "keys.parquet") != manifest["fingerprints"].get("keys"):
            return {}
        table = parquet.read_table(folder / "keys.parquet", columns=["id", "file_name"])
    except (OSError, ValueError, KeyError):  # Arrow's errors are of these kinds.
        return {}
    return Files(table)
