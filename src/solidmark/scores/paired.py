"""Two audits of the same images and keys, row by row: what changed, and is it more than luck?

.. math:: d_i = s_i^{second} - s_i^{first}

The two ask about the same keys, so what makes an image easy or hard is in both and falls out of the
difference. Images of one key group are not independent: intervals and tests are of groups.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from jaxtyping import Float, Int

from solidmark.errors import BadInput, EmptyTable, WrongKeys
from solidmark.runs import Figure
from solidmark.scores.differences import difference_of_means, difference_of_shares
from solidmark.scores.eidetic import DELTAS
from solidmark.scores.exchange import Exchange
from solidmark.scores.groups import Estimate, group_codes
from solidmark.scores.null import TIE
from solidmark.scores.peers import pools_of_rows
from solidmark.scores.table import SCORES

_SEED = 0
"""Of the exchanges; both audits are drawn for alike."""


def paired(
    first: pa.Table, second: pa.Table, deltas: Sequence[float] = DELTAS, fdr: float = 0.05
) -> list[Figure]:
    """Compares two score tables.

    Arguments:
        first: The `scores.parquet` of one audit, the one that differences are taken from.
        second: That of another, of the same marked images.
        deltas: The thresholds of the eidetic counts.
        fdr: The false-discovery rate at which rows count as named.

    Returns:
        For each reader and split that both have: a figure a threshold (`eidetic`, the share within
        it), and one each for the `named` (share with q at most the rate), the `distance` and the
        `p_value` (means), and `permutation_z`. Its value is second less first, its p-value
        two-sided, of no difference, its n the pairs that were scored in both. Facts: `first` and
        `second`, the statistic of each over the pairs; the `test`; and `unpaired`, the rows that
        only one of the audits has.

    Raises:
        WrongKeys: When an image has different keys in the two.
        BadInput: When a column is missing, no reader and split is in both, or the two were scored
            by different statistics.
        EmptyTable: When no row is in both.
    """
    tables = [_rows(table) for table in (first, second)]
    shared = sorted({key[:2] for key in tables[0]} & {key[:2] for key in tables[1]})
    if not shared:
        both = " and ".join(_readers(table) for table in tables)
        raise BadInput(
            f"The audits have no reader and split in common (found: {both}). "
            "Audit both with the same reader."
        )
    if not tables[0].keys() & tables[1].keys():
        raise EmptyTable(
            "The audits have no image in common. Compare audits of the same marked folder."
        )
    found: list[Figure] = []
    for reader, split in shared:
        own = [{k: row for k, row in t.items() if k[:2] == (reader, split)} for t in tables]
        found += _compare(reader, split, own[0], own[1], deltas, fdr)
    return found


Row = Mapping[str, Any]
Rows = Mapping[tuple[str, str, str, int], Row]


def _rows(table: pa.Table) -> Rows:
    missing = [name for name in SCORES.names if name not in table.column_names]
    if missing:
        raise BadInput(
            f"The scores lack the column {', '.join(missing)}. Score the evidence again."
        )
    rows = table.select(SCORES.names).to_pylist()
    return {(row["reader"], row["split"], row["id"], row["repeat"]): row for row in rows}


def _readers(rows: Rows) -> str:
    return ", ".join(sorted({f"{reader} on {split}" for reader, split, *_ in rows})) or "nothing"


def _compare(
    reader: str, split: str, first: Rows, second: Rows, deltas: Sequence[float], fdr: float
) -> Iterator[Figure]:
    """All statistics of one reader and split."""
    both = sorted(first.keys() & second.keys())
    _require_same_keys(first, second, both)
    pairs = [
        (first[key], second[key])
        for key in both
        if first[key]["status"] == second[key]["status"] == "ok"
    ]
    _require_same_statistic(reader, pairs)
    counts: dict[str, Any] = {"measure": "solidmark", "reader": reader, "split": split}
    counts |= {"n": len(pairs), "failed": len(both) - len(pairs)}
    counts |= {"facts": {"unpaired": len(first.keys() ^ second.keys())}}
    codes = group_codes([row["key_group"] for row, _ in pairs], len(pairs))

    def values(name: str) -> Float[np.ndarray, "2 N"]:
        found = [[row[name] for row in pair] for pair in pairs]
        return np.array(found, dtype=float).reshape(-1, 2).T

    distance, p_value = values("distance"), values("p_value")
    for delta in deltas:
        eidetic = {"statistic": "eidetic", "delta": float(delta)}
        yield _shares(distance <= delta + TIE, codes, counts | eidetic)
    yield _shares(values("q_value") <= fdr, codes, counts | {"statistic": "named"})
    about = {"statistic": "distance", "unit": "grey level in [0, 1]", "direction": "low"}
    yield _means(distance, codes, counts | about)
    about = {"statistic": "p_value", "unit": "probability", "direction": "low"}
    yield _means(p_value, codes, counts | about)
    yield _permutation_z(pairs, counts)


def _require_same_keys(first: Rows, second: Rows, both: Sequence[Any]) -> None:
    for key in both:
        one, other = (np.array(rows[key]["key"]) for rows in (first, second))
        if one.shape != other.shape or np.abs(one - other).max(initial=0) > TIE:
            raise WrongKeys(
                f'The image "{key[2]}" has other keys in one audit than in the other. '
                "Compare audits of the same marked folder."
            )


def _require_same_statistic(reader: str, pairs: Sequence[tuple[Row, Row]]) -> None:
    for one, other in pairs:
        if one["statistic"] != other["statistic"]:
            raise BadInput(
                f'The p-values of "{reader}" rank "{one["statistic"]}" in one audit and '
                f'"{other["statistic"]}" in the other. Score both with the same --statistic.'
            )


def _shares(hits: Any, codes: Int[np.ndarray, " N"], about: dict[str, Any]) -> Figure:
    about = {**about, "unit": "share", "direction": "high"}
    if not len(codes):
        return _nothing(about)
    estimate = difference_of_shares(hits[0], hits[1], codes)
    return _filled(about, hits.mean(axis=1), estimate, "McNemar, exact")


def _means(
    values: Float[np.ndarray, "2 N"], codes: Int[np.ndarray, " N"], about: dict[str, Any]
) -> Figure:
    if not len(codes):
        return _nothing(about)
    estimate = difference_of_means(values[0], values[1], codes)
    return _filled(about, values.mean(axis=1), estimate, "Wilcoxon, signed ranks")


def _permutation_z(pairs: Sequence[tuple[Row, Row]], counts: dict[str, Any]) -> Figure:
    """Each audit's own permutation test. That of the difference is the row of the p-values."""
    about = {**counts, "statistic": "permutation_z"}
    about |= {"unit": "standard deviations", "direction": "high"}
    if not pairs:
        return _nothing(about)
    units, peers = ([row[name] for row, _ in pairs] for name in ("key_group", "peers"))
    pools = pools_of_rows(units, np.array([row["key"] for row, _ in pairs]), peers)
    z = []
    for side in range(2):
        key_read = np.array([pair[side]["key_read"] for pair in pairs], dtype=float)
        z.append(float(Exchange(key_read, units, peers, pools, _SEED).z().value or 0.0))
    note = 'For an interval of the difference see "p_value".'
    return _filled(about, np.array(z), Estimate(z[1] - z[0], note=note), None)


def _nothing(about: dict[str, Any]) -> Figure:
    facts = {**about["facts"], **dict.fromkeys(("first", "second", "test"))}
    return Figure(**about | {"facts": facts}, note="No row was scored in both audits.")


def _filled(
    about: dict[str, Any], sides: np.ndarray, estimate: Estimate, test: str | None
) -> Figure:
    first, second = map(float, sides)
    tested = test if estimate.p_value is not None else None
    facts = {**about["facts"], "first": first, "second": second, "test": tested}
    return Figure(
        **about | {"facts": facts},
        value=estimate.value,
        ci_low=estimate.ci_low,
        ci_high=estimate.ci_high,
        p_value=estimate.p_value,
        note=estimate.note,
    )
