"""`compare`: two audits of the same images, side by side. A pure function of their scores."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pyarrow as pa

from solidmark.errors import WrongKeys
from solidmark.runs import read_manifest, read_table
from solidmark.scores import DELTAS, SCORES, paired


def compare(
    first: Path, second: Path, *, deltas: Sequence[float] = DELTAS, fdr: float = 0.05
) -> dict[str, Any]:
    """Compares the scores of two audit folders, image by image.

    Arguments:
        first: A folder of `audit` or `score`, the one that differences are taken from.
        second: Another, of the same marked images.
        deltas: The thresholds of the eidetic counts, grey levels in (0, 1].
        fdr: The false-discovery rate at which rows count as named.

    Returns:
        `first` and `second`, the paths; `deltas`, `fdr`; and `rows`, the fields of `Paired`.

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
    rows = paired(one, other, deltas, fdr)
    return {
        "first": str(first),
        "second": str(second),
        "deltas": list(deltas),
        "fdr": fdr,
        "rows": [asdict(row) for row in rows],
    }


def _scores(folder: Path) -> pa.Table:
    path = folder / "scores.parquet"
    once = ("reader", "split", "id", "repeat")
    return read_table(path, SCORES, f'Run "solidmark score {folder}" again.', once=once)
