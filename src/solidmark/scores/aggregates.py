"""The rows of `results.json`: each statistic of each reader and split, with what chance gives."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from zlib import crc32

import numpy as np
import pyarrow as pa
from jaxtyping import Float

from solidmark.errors import BadInput, EmptyTable
from solidmark.scores.correlation import correlation
from solidmark.scores.eidetic import DELTAS, EideticCount, eidetic
from solidmark.scores.groups import Estimate, effective_n, group_codes
from solidmark.scores.power import smallest_share
from solidmark.scores.ranktest import rank_test
from solidmark.scores.roc import FPRS, Roc, roc
from solidmark.scores.table import SCORES

SPLITS = ("trained", "held_out", "ceiling")
_NOTHING = "No row could be scored."
_CLOSED_FORMS = "The closed forms of chance are for one key an image."


@dataclass(frozen=True)
class _Part:
    """The scored rows of one reader and split, sorted by id and repeat.

    Arguments:
        reader: Which reader.
        split: Which split.
        failed: The rows that could not be scored; they are in none of the columns.
        seed: For what has to be drawn.
        columns: The columns of the scored rows.
    """

    reader: str
    split: str
    failed: int
    seed: int
    columns: Mapping[str, list[Any]] = field(repr=False)

    @property
    def n(self) -> int:
        return len(self.columns["id"])

    @property
    def key_groups(self) -> list[str]:
        return self.columns["key_group"]

    def numbers(self, name: str) -> Float[np.ndarray, "..."]:
        return np.array(self.columns[name], dtype=np.float64)


def aggregate(
    scores: pa.Table,
    *,
    calls: Mapping[str, float],
    deltas: Sequence[float] = DELTAS,
    fdr: float = 0.05,
    seed: int = 0,
) -> list[dict[str, Any]]:
    """Makes the rows of `results.json` from a score table, whatever the order of its rows.

    Arguments:
        scores: The table of `score_table`.
        calls: The network calls an image that each reader made; null for one that is not there.
        deltas: The thresholds of the eidetic counts.
        fdr: The false-discovery rate at which rows are named.
        seed: Of the bootstrap and of other draws.

    Returns:
        The rows, as docs/formats.md describes them: plain numbers and None, no NaN.

    Raises:
        EmptyTable: When no row of the table could be scored.
    """
    missing = [name for name in SCORES.names if name not in scores.column_names]
    if missing:
        raise BadInput(
            f"The scores lack the column {', '.join(missing)}. Score the evidence again."
        )
    if "ok" not in scores["status"].to_pylist():
        raise EmptyTable("No row could be scored. The notes of the score table say why.")
    keys = [(name, "ascending") for name in ("reader", "split", "id", "repeat")]
    parts = _parts(scores.select(SCORES.names).sort_by(keys).to_pylist(), seed)
    rows = []
    for reader in sorted({reader for reader, _ in parts}):
        for row in _reader_rows({s: p for (r, s), p in parts.items() if r == reader}, deltas, fdr):
            cost = calls.get(reader)
            rows.append(_plain(row | {"network_calls_per_image": cost}))
    return rows


def _parts(rows: list[dict[str, Any]], seed: int) -> dict[tuple[str, str], _Part]:
    found: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in rows:
        found.setdefault((row["reader"], row["split"]), []).append(row)
    parts = {}
    for (reader, split), members in found.items():
        scored = [row for row in members if row["status"] == "ok"]
        columns = {name: [row[name] for row in scored] for name in SCORES.names}
        # A reader's draws do not depend on which other readers stand in the table.
        part_seed = crc32(f"{seed}:{reader}:{split}".encode())
        failed = len(members) - len(scored)
        parts[reader, split] = _Part(reader, split, failed, part_seed, columns)
    return parts


def _reader_rows(
    parts: Mapping[str, _Part], deltas: Sequence[float], fdr: float
) -> Iterator[dict[str, Any]]:
    counts = {split: _counts(part, deltas) for split, part in parts.items()}
    for split in (split for split in SPLITS if split in parts):
        part = parts[split]
        yield from _eidetic_rows(part, counts[split], deltas)
        yield _correlation_row(part)
        yield _rank_row(part)
        if split != "ceiling":
            yield _named_row(part, fdr)
        if split == "trained":
            yield from _power_rows(part, counts[split], counts.get("ceiling", []), deltas)
    if "trained" in parts and "held_out" in parts:
        yield from _roc_rows(parts["trained"], parts["held_out"])


def _counts(part: _Part, deltas: Sequence[float]) -> list[EideticCount]:
    if part.n == 0:
        return []
    distance, key_read = part.numbers("distance"), part.numbers("key_read")
    return eidetic(distance, key_read, part.key_groups, deltas, part.seed)


def _eidetic_rows(
    part: _Part, counts: Sequence[EideticCount], deltas: Sequence[float]
) -> Iterator[dict[str, Any]]:
    for index, delta in enumerate(deltas):
        own: dict[str, Any] = {"delta": delta, "count": 0}
        own |= {"chance_uniform": None, "chance_constant": None}
        estimate, chance = Estimate(note=_NOTHING), None
        if counts:
            count = counts[index]
            own |= {name: getattr(count, name) for name in own}
            chance = count.chance
            note = _CLOSED_FORMS if count.chance_uniform is None else None
            estimate = Estimate(count.share, count.ci_low, count.ci_high, count.p_value, note)
        yield _row(part, "eidetic", "share", estimate, chance) | own


def _correlation_row(part: _Part) -> dict[str, Any]:
    estimate = Estimate(note=_NOTHING)
    if part.n:
        estimate = correlation(part.numbers("key"), part.numbers("key_read"), part.key_groups)
    return _row(part, "correlation", "r", estimate, 0.0)


def _rank_row(part: _Part) -> dict[str, Any]:
    estimate = Estimate(note=_NOTHING)
    if part.n:
        p, key_read = part.numbers("p_value"), part.numbers("key_read")
        estimate = rank_test(p, key_read, part.key_groups)
    return _row(part, "rank_z", "standard deviations", estimate, 0.0)


def _named_row(part: _Part, fdr: float) -> dict[str, Any]:
    """The rows that can be named. Their smallest q is Simes's test that there are none.

    Several repeats are several tests, so it is multiplied by their number (Bonferroni).
    """
    if part.n == 0:
        return _row(part, "named", "rows", Estimate(note=_NOTHING), None) | {"count": 0}
    q = part.numbers("q_value")
    count = int((q <= fdr).sum())
    p = min(1.0, float(q.min()) * len(set(part.columns["repeat"])))
    note = (
        f"Rows with q at most {fdr:g}. If nothing is memorized, a pass over the images names "
        f"anyone with a chance of at most {fdr:g}; a list of names has no interval."
    )
    return _row(part, "named", "rows", Estimate(count, p_value=p, note=note), None) | {
        "count": count,
        "images": len(set(part.columns["id"])),
    }


def _power_rows(
    part: _Part,
    counts: Sequence[EideticCount],
    ceiling: Sequence[EideticCount],
    deltas: Sequence[float],
) -> Iterator[dict[str, Any]]:
    """What this run could have seen, with as many images as it has independent keys."""
    for index, delta in enumerate(deltas):
        share, note, chance = None, _NOTHING, None
        if counts:
            hit_rate = ceiling[index].share if ceiling else 1.0
            chance = counts[index].chance
            images = math.floor(effective_n(group_codes(part.key_groups, part.n)) + 1e-9)
            share = smallest_share(images, chance, hit_rate)
            source = "found at the ceiling" if ceiling else "assumed, for want of a ceiling"
            note = f"A property of the run, not of the model. Hit rate {hit_rate:.3g}, {source}."
            if share is None:
                note += " Even a model that memorized everything would have been missed."
        yield _row(part, "smallest_share", "share", Estimate(share, note=note), chance) | {
            "delta": delta,
            "direction": None,
        }


def _roc_rows(trained: _Part, held_out: _Part) -> Iterator[dict[str, Any]]:
    nothing = Estimate(note="One of the two sides has no scored row.")
    curve = Roc(nothing, dict.fromkeys(FPRS, nothing))
    if trained.n and held_out.n:
        # The p-value, not the distance: the estimates of trained images may lie elsewhere in [0, 1]
        # than those of others although no key is known, and that would separate the distances.
        p_values = trained.numbers("p_value"), held_out.numbers("p_value")
        groups = trained.key_groups, held_out.key_groups
        curve = roc(*p_values, *groups, seed=trained.seed)
    both: dict[str, Any] = {"n": trained.n + held_out.n, "failed": trained.failed + held_out.failed}
    both |= {"split": "trained_vs_held_out"}
    yield _row(trained, "auc", "area", curve.auc, 0.5) | both
    for fpr, estimate in curve.tpr_at_fpr.items():
        yield _row(trained, "tpr_at_fpr", "share", estimate, fpr) | both | {"fpr": fpr}


def _row(
    part: _Part, statistic: str, unit: str, estimate: Estimate, chance: float | None
) -> dict[str, Any]:
    row: dict[str, Any] = {
        "measure": "solidmark",
        "reader": part.reader,
        "split": part.split,
        "statistic": statistic,
        "n": part.n,
        "failed": part.failed,
        "value": estimate.value,
        "unit": unit,
        "direction": "high",
        "chance": chance,
        "ci_low": estimate.ci_low,
        "ci_high": estimate.ci_high,
        "p_value": estimate.p_value,
    }
    return row | ({"note": estimate.note} if estimate.note else {})


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    """Python's own numbers only, so that the row can be written as JSON and read anywhere."""
    return {
        name: value.item() if isinstance(value, np.generic) else value
        for name, value in row.items()
    }
