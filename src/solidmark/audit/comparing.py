"""`compare`: two audits of the same images, side by side. A pure function of their scores."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from solidmark.errors import WrongKeys
from solidmark.runs import Figure, read_manifest, read_table
from solidmark.scores import DELTAS, SCORES, paired


@dataclass(frozen=True)
class Comparison:
    """What differs between two audits.

    Arguments:
        first: The folder that differences are taken from.
        second: The other.
        deltas: The thresholds of the eidetic counts.
        fdr: The false-discovery rate at which rows count as named.
        figures: The differences, as `scores.paired` makes them.
    """

    first: Path
    second: Path
    deltas: tuple[float, ...]
    fdr: float
    figures: tuple[Figure, ...]

    def to_json(self) -> dict[str, Any]:
        """As `solidmark compare --json` prints it."""
        rows = [figure.to_json() for figure in self.figures]
        about = {"first": str(self.first), "second": str(self.second)}
        return {**about, "deltas": list(self.deltas), "fdr": self.fdr, "rows": rows}


def compare(
    first: Path, second: Path, *, deltas: Sequence[float] = DELTAS, fdr: float = 0.05
) -> Comparison:
    """Compares the scores of two audit folders, image by image.

    Arguments:
        first: A folder of `audit` or `score`, the one that differences are taken from.
        second: Another, of the same marked images.
        deltas: The thresholds of the eidetic counts, grey levels in (0, 1].
        fdr: The false-discovery rate at which rows count as named.

    Raises:
        NotFound: When a folder has no scores.
        WrongKeys: When the two were not made with the same keys.
        BadInput: When there is nothing in common to compare.
    """
    one, other = _scores(first), _scores(second)
    keys = {read_manifest(folder)["fingerprints"].get("keys") for folder in (first, second)}
    if len(keys) > 1:
        raise WrongKeys(
            f'"{first}" and "{second}" were observed with different keys. '
            "Compare audits of the same marked folder."
        )
    figures = paired(one, other, deltas, fdr)
    return Comparison(first, second, tuple(deltas), fdr, tuple(figures))


def _scores(folder: Path) -> pa.Table:
    path = folder / "scores.parquet"
    once = ("reader", "split", "id", "repeat")
    return read_table(path, SCORES, f'Run "solidmark score {folder}" again.', once=once)
