"""Two audits of the same images and keys, row by row: what changed, and is it more than luck?

.. math:: d_i = s_i^{second} - s_i^{first}

The two ask about the same keys, so what makes an image easy or hard is in both and falls out of the
difference. Images of one key group are not independent: intervals and tests are of groups.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from jaxtyping import Float, Int

from solidmark.errors import BadInput, EmptyTable, WrongKeys
from solidmark.runs import Figure
from solidmark.scores.columns import codes, groups, matrix, numbers, text
from solidmark.scores.differences import difference_of_means, difference_of_shares
from solidmark.scores.eidetic import DELTAS
from solidmark.scores.exchange import Exchange
from solidmark.scores.groups import Estimate, group_codes
from solidmark.scores.null import TIE
from solidmark.scores.peers import pools_of_rows
from solidmark.scores.table import SCORES

COMPARED = (
    *("reader", "split", "id", "repeat", "status", "statistic", "key_group", "peers"),
    *("key", "key_read", "distance", "p_value", "q_value"),
)
"""The columns of the scores that are compared."""

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
    tables = [_checked(table) for table in (first, second)]
    parts = [_parts(table) for table in tables]
    shared = sorted(parts[0].keys() & parts[1].keys())
    if not shared:
        both = " and ".join(map(_readers, parts))
        raise BadInput(
            f"The audits have no reader and split in common (found: {both}). "
            "Audit both with the same reader."
        )
    met = [
        Pairs.of(*key, *(t.take(pa.array(p[key])) for t, p in zip(tables, parts, strict=True)))
        for key in shared
    ]
    if not any(len(pairs.first) for pairs in met):
        raise EmptyTable(
            "The audits have no image in common. Compare audits of the same marked folder."
        )
    return [figure for pairs in met for figure in _compare(pairs, deltas, fdr)]


def _checked(table: pa.Table) -> pa.Table:
    """The columns of a score table that are compared."""
    missing = [name for name in SCORES.names if name not in table.column_names]
    if missing:
        raise BadInput(
            f"The scores lack the column {', '.join(missing)}. Score the evidence again."
        )
    return table.select(list(COMPARED))


def _parts(table: pa.Table) -> dict[tuple[str, str], Int[np.ndarray, " n"]]:
    """Which rows are of a reader and split."""
    (reader, readers), (split, splits) = (codes(table[name]) for name in ("reader", "split"))
    return {
        (readers[number // len(splits)].as_py(), splits[number % len(splits)].as_py()): rows
        for number, rows in groups(reader * len(splits) + split)
    }


def _readers(parts: Mapping[tuple[str, str], Any]) -> str:
    return ", ".join(sorted(f"{reader} on {split}" for reader, split in parts)) or "nothing"


@dataclass(frozen=True)
class Pairs:
    """The rows of a reader and split that both audits have, in the order of ids and repeats.

    Arguments:
        first: Those of the first audit.
        second: Those of the second, of the same images.
        unpaired: How many rows only one of the two has.
    """

    reader: str
    split: str
    first: pa.Table = field(repr=False)
    second: pa.Table = field(repr=False)
    unpaired: int

    @classmethod
    def of(cls, reader: str, split: str, first: pa.Table, second: pa.Table) -> "Pairs":
        tables = (first, second)
        image, _ = codes(pa.concat_arrays([text(table["id"]) for table in tables]))
        repeat = np.concatenate([numbers(table["repeat"]) for table in tables]).astype(np.int64)
        number = image * (int(repeat.max(initial=0)) + 1) + repeat
        _, one, two = np.intersect1d(
            number[: len(first)], number[len(first) :], return_indices=True
        )
        alone = len(first) + len(second) - 2 * len(one)
        return cls(reader, split, first.take(pa.array(one)), second.take(pa.array(two)), alone)

    @property
    def scored(self) -> "Pairs":
        """Those that were scored in both; the keys and the statistic must be the same."""
        self._require_same_keys()
        ok = pc.and_(*(pc.equal(table["status"], "ok") for table in (self.first, self.second)))
        found = replace(self, first=self.first.filter(ok), second=self.second.filter(ok))
        found._require_same_statistic()
        return found

    def values(self, name: str) -> Float[np.ndarray, "2 N"]:
        """A column of numbers in both, NaN where there is none."""
        return np.stack([numbers(table[name]) for table in (self.first, self.second)], axis=1).T

    def _require_same_keys(self) -> None:
        one, other = (table["key"].combine_chunks() for table in (self.first, self.second))
        lengths, others = (
            pc.fill_null(pc.list_value_length(keys), -1).to_numpy().astype(np.int64)
            for keys in (one, other)
        )
        differing = lengths != others
        if not differing.any():
            far = np.abs(numbers(one.flatten()) - numbers(other.flatten())) > TIE
            owner = np.repeat(np.arange(len(lengths)), lengths.clip(0))
            differing[owner[far]] = True
        if differing.any():
            id = self.first["id"][int(np.flatnonzero(differing)[0])].as_py()
            raise WrongKeys(
                f'The image "{id}" has other keys in one audit than in the other. '
                "Compare audits of the same marked folder."
            )

    def _require_same_statistic(self) -> None:
        one, other = (text(table["statistic"]) for table in (self.first, self.second))
        differing = pc.not_equal(pc.fill_null(one, ""), pc.fill_null(other, "")).to_numpy(
            zero_copy_only=False
        )
        if differing.any():
            place = int(np.flatnonzero(differing)[0])
            raise BadInput(
                f'The p-values of "{self.reader}" rank "{one[place].as_py()}" in one audit and '
                f'"{other[place].as_py()}" in the other. Score both with the same --statistic.'
            )


def _compare(both: Pairs, deltas: Sequence[float], fdr: float) -> Iterator[Figure]:
    """All statistics of one reader and split."""
    pairs = both.scored
    count = len(pairs.first)
    counts: dict[str, Any] = {
        "measure": "solidmark",
        "reader": both.reader,
        "split": both.split,
        "n": count,
        "failed": len(both.first) - count,
        "facts": {"unpaired": both.unpaired},
    }
    units = group_codes(text(pairs.first["key_group"]), count)
    distance, p_value = pairs.values("distance"), pairs.values("p_value")
    for delta in deltas:
        eidetic = {"statistic": "eidetic", "delta": float(delta)}
        yield _shares(distance <= delta + TIE, units, counts | eidetic)
    yield _shares(pairs.values("q_value") <= fdr, units, counts | {"statistic": "named"})
    about = {"statistic": "distance", "unit": "grey level in [0, 1]", "direction": "low"}
    yield _means(distance, units, counts | about)
    about = {"statistic": "p_value", "unit": "probability", "direction": "low"}
    yield _means(p_value, units, counts | about)
    yield _permutation_z(pairs, counts)


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


def _permutation_z(pairs: Pairs, counts: dict[str, Any]) -> Figure:
    """Each audit's own permutation test. That of the difference is the row of the p-values."""
    about = {**counts, "statistic": "permutation_z"}
    about |= {"unit": "standard deviations", "direction": "high"}
    if not len(pairs.first):
        return _nothing(about)
    units = text(pairs.first["key_group"])
    peers = numbers(pairs.first["peers"]).astype(np.int64)
    pools = pools_of_rows(units, matrix(pairs.first["key"]), peers)
    z = []
    for table in (pairs.first, pairs.second):
        exchange = Exchange(matrix(table["key_read"]), units, peers, pools, _SEED)
        z.append(float(exchange.z().value or 0.0))
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
