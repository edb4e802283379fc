"""The rows of `results.json`: each statistic of each reader and split, with what chance gives."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa

from solidmark.errors import BadInput, EmptyTable
from solidmark.scores.correlation import correlation
from solidmark.scores.discovery import Correction
from solidmark.scores.eidetic import DELTAS, EideticCount, eidetic
from solidmark.scores.groups import Estimate
from solidmark.scores.parts import Part, parts_of, plain, result_row
from solidmark.scores.ranktest import rank_test
from solidmark.scores.reach import reach_rows
from solidmark.scores.roc import FPRS, Roc, roc
from solidmark.scores.share import memorized_share
from solidmark.scores.statistics import Statistic
from solidmark.scores.table import SCORES

SPLITS = ("trained", "held_out", "ceiling")
_NOTHING = "No row could be scored."
_CLOSED_FORMS = "The closed forms of chance are for one key an image."


def aggregate(
    scores: pa.Table,
    *,
    calls: Mapping[str, float],
    deltas: Sequence[float] = DELTAS,
    fdr: float = 0.05,
    seed: int = 0,
    statistic: Statistic = "l1",
    correction: Correction = "bh",
) -> list[dict[str, Any]]:
    """Makes the rows of `results.json` from a score table, whatever the order of its rows.

    Arguments:
        scores: The table of `score_table`.
        calls: The network calls an image that each reader made; null for one that is not there.
        deltas: The thresholds of the eidetic counts.
        fdr: The false-discovery rate at which rows are named.
        seed: Of the bootstrap and of other draws.
        statistic: The statistic that `score_table` was asked for.
        correction: How it made the q-values.

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
    parts = parts_of(scores.select(SCORES.names).sort_by(keys).to_pylist(), statistic, seed)
    rows = []
    for reader in sorted({reader for reader, _ in parts}):
        own = {s: part for (r, s), part in parts.items() if r == reader}
        for row in _reader_rows(own, deltas, fdr, correction):
            rows.append(plain(row | {"network_calls_per_image": calls.get(reader)}))
    return rows


def _reader_rows(
    parts: Mapping[str, Part], deltas: Sequence[float], fdr: float, correction: Correction
) -> Iterator[dict[str, Any]]:
    counts = {split: _counts(part, deltas) for split, part in parts.items()}
    for split in (split for split in SPLITS if split in parts):
        part = parts[split]
        yield from _eidetic_rows(part, counts[split], deltas)
        yield _correlation_row(part)
        yield _rank_row(part)
        yield _named_row(part, fdr)
        yield _share_row(part)
        if split == "trained":
            hits = counts[split], counts.get("ceiling", [])
            yield from reach_rows(part, parts.get("ceiling"), *hits, deltas, fdr, correction)
    if "trained" in parts and "held_out" in parts:
        yield from _roc_rows(parts["trained"], parts["held_out"])


def _counts(part: Part, deltas: Sequence[float]) -> list[EideticCount]:
    if part.n == 0:
        return []
    distance, key_read = part.numbers("distance"), part.numbers("key_read")
    return eidetic(distance, key_read, part.key_groups, deltas, part.seed)


def _eidetic_rows(
    part: Part, counts: Sequence[EideticCount], deltas: Sequence[float]
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
        yield result_row(part, "eidetic", "share", estimate, chance) | own


def _correlation_row(part: Part) -> dict[str, Any]:
    estimate = Estimate(note=_NOTHING)
    if part.n:
        estimate = correlation(part.numbers("key"), part.numbers("key_read"), part.key_groups)
    return result_row(part, "correlation", "r", estimate, 0.0)


def _rank_row(part: Part) -> dict[str, Any]:
    estimate = Estimate(note=_NOTHING)
    if part.n:
        p, key_read = part.numbers("p_value"), part.numbers("key_read")
        estimate = rank_test(p, key_read, part.key_groups, part.statistic)
    return result_row(part, "rank_z", "standard deviations", estimate, 0.0, ranked=True)


def _share_row(part: Part) -> dict[str, Any]:
    estimate = Estimate(note=_NOTHING)
    if part.n:
        p, key_read = part.numbers("p_value"), part.numbers("key_read")
        estimate = memorized_share(p, key_read, part.key_groups, part.statistic)
    return result_row(part, "share", "share", estimate, 0.0, ranked=True)


def _named_row(part: Part, fdr: float) -> dict[str, Any]:
    """The rows that can be named. Their smallest q is Simes's test that there are none.

    Several repeats are several tests, so it is multiplied by their number (Bonferroni).
    """
    own: dict[str, Any] = {"count": 0, "images": part.images, "fdr": fdr, "expected_false": 0.0}
    estimate = Estimate(note=_NOTHING)
    if part.n:
        q = part.numbers("q_value")
        count = int((q <= fdr).sum())
        p = min(1.0, float(q.min()) * len(set(part.columns["repeat"])))
        note = (
            f"Rows with q at most {fdr:g}. If nothing is memorized, a pass over the images names "
            f"anyone with a chance of at most {fdr:g}; a list of names has no interval."
        )
        estimate = Estimate(count, p_value=p, note=note)
        own |= {"count": count, "expected_false": fdr * count}
    return result_row(part, "named", "rows", estimate, None, ranked=True) | own


def _roc_rows(trained: Part, held_out: Part) -> Iterator[dict[str, Any]]:
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
    yield result_row(trained, "auc", "area", curve.auc, 0.5, ranked=True) | both
    for fpr, estimate in curve.tpr_at_fpr.items():
        row = result_row(trained, "tpr_at_fpr", "share", estimate, fpr, ranked=True)
        yield row | both | {"fpr": fpr}
