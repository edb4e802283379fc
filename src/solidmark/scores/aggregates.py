"""The figures of an audit: each statistic of each reader and split, with what chance gives."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from solidmark.errors import BadInput, EmptyTable
from solidmark.runs import Figure
from solidmark.scores.averages import group_averages
from solidmark.scores.columns import numbers
from solidmark.scores.correlation import correlation
from solidmark.scores.discovery import Correction
from solidmark.scores.eidetic import DELTAS, eidetic
from solidmark.scores.epsilon import claimed_row, epsilon_row
from solidmark.scores.exchange import hits_within, products
from solidmark.scores.groups import Estimate, writable
from solidmark.scores.keys import ImageKeys, image_keys
from solidmark.scores.learning import pools_of_keys
from solidmark.scores.level import level_of, shares_of
from solidmark.scores.parts import Part, parts_of, result_row
from solidmark.scores.peers import Pool, peers_of
from solidmark.scores.reach import Rule, reach_rows
from solidmark.scores.roc import FPRS, Roc, roc
from solidmark.scores.share import LAMBDA, chance_above, memorized_share
from solidmark.scores.statistics import Statistic
from solidmark.scores.table import SCORES

SPLITS = ("trained", "held_out", "ceiling")
_NOTHING = "No row could be scored."
_CLOSED = ("chance_uniform", "chance_constant")
_CLOSED_FORMS = "The closed forms of chance are for one key an image."


def aggregate(
    scores: pa.Table,
    *,
    calls: Mapping[str, float],
    keys: pa.Table | None = None,
    deltas: Sequence[float] = DELTAS,
    fdr: float = 0.05,
    claimed_epsilon: float | None = None,
    seed: int = 0,
    statistic: Statistic = "l1",
    correction: Correction = "bh",
    look: int | None = None,
    advance: Callable[[], object] = lambda: None,
) -> list[Figure]:
    """Makes the figures of `results.json` from a score table, whatever the order of its rows.

    Arguments:
        scores: The table of `score_table`.
        calls: The network calls an image that each reader made; null for one that is not there.
        keys: The keys that `score_table` was given: whose keys are exchanged with whose. None takes
            the images of the table for all there are.
        deltas: The thresholds of the eidetic counts.
        fdr: The false-discovery rate at which rows are named.
        claimed_epsilon: An epsilon that the training is said to keep, in nats, above 0; None of
            none.
        seed: Of the bootstrap and of other draws.
        statistic: The statistic that `score_table` was asked for.
        correction: How it made the q-values.
        look: Which of several looks at one training it is, as of `shares_of`.
        advance: Is called when a reader and split is done: a million images take minutes.

    Returns:
        The figures, as docs/formats.md describes them: no NaN.

    Raises:
        EmptyTable: When no row of the table could be scored.
    """
    missing = [name for name in SCORES.names if name not in scores.column_names]
    if missing:
        raise BadInput(
            f"The scores lack the column {', '.join(missing)}. Score the evidence again."
        )
    if not pc.any(pc.equal(scores["status"], "ok")).as_py():
        raise EmptyTable("No row could be scored. The notes of the score table say why.")
    parts = parts_of(scores, statistic, seed)
    pools = None if keys is None else _pools(image_keys(keys), scores)
    readers = sorted({reader for reader, _ in parts})
    level = level_of(len(readers) * shares_of(look))
    rule = Rule(tuple(deltas), fdr, correction, level, claimed_epsilon)
    rows = []
    for reader in readers:
        own = {s: part for (r, s), part in parts.items() if r == reader}
        for row in _reader_rows(own, pools, rule, advance):
            rows.append(replace(row, network_calls_per_image=calls.get(reader)))
    return rows


def _pools(known: ImageKeys, scores: pa.Table) -> dict[int, Pool]:
    asked = numbers(scores["peers"].drop_null())
    return pools_of_keys(known, peers_of(known), asked)


def _reader_rows(
    parts: Mapping[str, Part],
    pools: Mapping[int, Pool] | None,
    rule: Rule,
    advance: Callable[[], object],
) -> Iterator[Figure]:
    once = {split: part.once if part.n else part for split, part in parts.items()}
    for split in (split for split in SPLITS if split in parts):
        part, images = parts[split], once[split]
        yield from _count_rows(part, pools, rule.deltas)
        yield _exchange_row(images, pools, 1.0 if split == "ceiling" else rule.level)
        yield _named_row(images, rule.fdr)
        yield from _named_subjects(images, rule.fdr)
        yield _share_row(images, pools)
        if split != "ceiling":
            yield from _average_rows(images, pools, rule.fdr)
            yield epsilon_row(images)
        if split == "trained":
            if rule.claimed is not None:
                yield claimed_row(images, rule.claimed)
            yield from reach_rows(images, once.get("ceiling"), pools, rule)
        advance()
    if "trained" in once and "held_out" in once:
        yield from _roc_rows(once["trained"], once["held_out"])


def _count_rows(
    part: Part, pools: Mapping[int, Pool] | None, deltas: Sequence[float]
) -> Iterator[Figure]:
    """The counts within each delta and the correlation, tested by the same draws."""
    if not part.n:
        none = dict.fromkeys(_CLOSED)
        for delta in deltas:
            nothing = Estimate(note=_NOTHING)
            yield result_row(
                part, "eidetic", "share", nothing, None, count=0, delta=delta, facts=none
            )
        yield result_row(part, "correlation", "r", Estimate(note=_NOTHING), 0.0)
        return
    key, read = part.numbers("key"), part.numbers("key_read")
    # The test is that of the exchange.
    counts = eidetic(
        part.numbers("distance"), read, part.key_groups, deltas, part.seed, tested=False
    )
    exchange = part.exchange(pools)
    *of_counts, of_products = exchange.tests(*(hits_within(d) for d in deltas), products)
    for count, p in zip(counts, of_counts, strict=True):
        note = _CLOSED_FORMS if count.chance_uniform is None else None
        estimate = Estimate(count.share, count.ci_low, count.ci_high, p, note)
        facts = {name: getattr(count, name) for name in _CLOSED}
        own: dict[str, Any] = {"count": count.count, "delta": count.delta, "facts": facts}
        yield result_row(part, "eidetic", "share", estimate, count.chance, **own)
    r = correlation(key, read, part.peers, part.key_groups)
    if r.value is not None:
        r = replace(r, p_value=of_products)
    yield result_row(part, "correlation", "r", r, 0.0)


def _exchange_row(part: Part, pools: Mapping[int, Pool] | None, level: float) -> Figure:
    estimate = part.exchange(pools).z(level) if part.n else Estimate(note=_NOTHING)
    return result_row(part, "permutation_z", "standard deviations", estimate, 0.0)


def _average_rows(part: Part, pools: Mapping[int, Pool] | None, fdr: float) -> Iterator[Figure]:
    """The groups of peers whose average key the model knows, where images are told anything."""
    found = None
    if part.n and pools is not None:
        found = group_averages(part.numbers("key_read"), part.peers, pools, fdr)
    if found is None:
        return
    facts = {name: getattr(found, name) for name in ("groups", "smallest", "largest")}
    own: dict[str, Any] = {"count": found.known, "facts": facts}
    yield result_row(part, "averages", "share of groups", found.estimate, 0.0, **own)


def _share_row(part: Part, pools: Mapping[int, Pool] | None) -> Figure:
    estimate = Estimate(note=_NOTHING)
    if part.n:
        above = 1 - LAMBDA
        if part.keys == 1 and part.statistic != "energy":
            above = _chance_above(part, pools)
        estimate = memorized_share(part.numbers("p_value"), part.key_groups, above)
    return result_row(part, "share", "share", estimate, 0.0, ranked=True)


def _chance_above(part: Part, pools: Mapping[int, Pool] | None) -> float:
    """P_0(p > lambda) of one key, over the groups of peers."""
    exchange = part.exchange(pools)
    peers = np.asarray(exchange.peers)
    return sum(
        chance_above(exchange.key_read[peers == number], exchange.pools[number].weights)
        * float((peers == number).mean())
        for number in np.unique(peers).tolist()
    )


def _named_row(part: Part, fdr: float) -> Figure:
    """The images that can be named. Their smallest q is Simes's test that there are none."""
    count = 0
    estimate = Estimate(note=_NOTHING)
    if part.n:
        q = part.numbers("q_value")
        count = int((q <= fdr).sum())
        note = (
            f"Images with q at most {fdr:g}. If nothing is memorized, anyone is named with a "
            f"chance of at most {fdr:g}; a list of names has no interval."
        )
        estimate = Estimate(count, p_value=writable(q.min()), note=note)
    own = {"count": count, "fdr": fdr, "expected_false": fdr * count}
    return result_row(part, "named", "images", estimate, None, ranked=True, **own)


def _named_subjects(part: Part, fdr: float) -> Iterator[Figure]:
    """The subjects that can be named, all pictures of each together, where images have groups."""
    if not part.n or not part.has_subjects:
        return
    _, first = np.unique(part.subjects, return_index=True)
    q = part.numbers("group_q_value")[first]
    count = int((q <= fdr).sum())
    estimate = Estimate(count, p_value=writable(q.min()))
    own = {"count": count, "fdr": fdr, "expected_false": fdr * count, "n": len(q)}
    yield result_row(part, "named_subjects", "subjects", estimate, None, ranked=True, **own)


def _roc_rows(trained: Part, held_out: Part) -> Iterator[Figure]:
    nothing = Estimate(note="One of the two sides has no scored row.")
    curve = Roc(nothing, dict.fromkeys(FPRS, nothing))
    if trained.n and held_out.n:
        # The p-value, not the distance: the estimates of trained images may lie elsewhere in [0, 1]
        # than those of others although no key is known, and that would separate the distances.
        p_values = trained.numbers("p_value"), held_out.numbers("p_value")
        groups = trained.subjects, held_out.subjects
        curve = roc(*p_values, *groups, seed=trained.seed)
    both: dict[str, Any] = {"n": trained.n + held_out.n, "failed": trained.failed + held_out.failed}
    both |= {"split": "trained_vs_held_out"}
    yield result_row(trained, "auc", "area", curve.auc, 0.5, ranked=True, **both)
    for fpr, estimate in curve.tpr_at_fpr.items():
        own = both | {"fpr": fpr}
        yield result_row(trained, "tpr_at_fpr", "share", estimate, fpr, ranked=True, **own)
