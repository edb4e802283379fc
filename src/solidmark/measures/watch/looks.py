"""The curve as data: a row a look and reader, as the audit of the look has it."""

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from types import UnionType
from typing import get_args, get_type_hints

import pyarrow as pa

from solidmark.measures.watch.asking import Made
from solidmark.runs import Figure, Results, find, read_table, require_scored
from solidmark.scores import clopper_pearson
from solidmark.scores.level import TESTS, level_of, shares_of

FILE = "watch.parquet"

RATE = 0.01
"""The p-value at or below which an image counts as detected: as many by luck, of 100 %."""

KEPT = (
    *(("permutation_z", split) for split in ("trained", "held_out")),
    ("auc", "trained_vs_held_out"),
    ("named", "trained"),
    ("share", "trained"),
)
"""The figures of an audit that stand in the results of a watch; detections beside them."""


@dataclass(frozen=True)
class Look:
    """What one reader saw at one look.

    Arguments:
        look: Which look it was, from 1.
        step: At which step of the training, or after which epoch.
        images: How many images the training had seen, where that is known.
        reader: How keys were read.
        state: What the look has come to, of `runs.VERDICTS`.
        label: The same in a word or two.
        z: All trained images in one test, in standard deviations; chance is 0.
        z_low: The lower end of its 95 % interval.
        z_high: The upper end.
        held_out_z: The same of the held-out images.
        p_value: The smaller p-value of the two tests that decide.
        level: Below which p-value this look sees memorization.
        auc: How well p-values tell trained images from held-out ones; chance is 0.5.
        auc_low: The lower end of its 95 % interval.
        auc_high: The upper end.
        detected: The share of trained images with p at most `RATE`, which is chance.
        detected_low: The lower end of its 95 % interval.
        detected_high: The upper end.
        held_out_detected: The same share of the held-out images.
        named: How many trained images can be named; none where the look sees no memorization.
        share: The least share of trained images that is memorized (95 % confidence).
        n: Of how many trained images.
        n_held_out: Of how many held-out ones.
        failed: How many rows of trained images could not be scored.
    """

    look: int
    step: int
    images: int | None
    reader: str
    state: str
    label: str
    z: float | None
    z_low: float | None
    z_high: float | None
    held_out_z: float | None
    p_value: float
    level: float
    auc: float | None
    auc_low: float | None
    auc_high: float | None
    detected: float | None
    detected_low: float | None
    detected_high: float | None
    held_out_detected: float | None
    named: int
    share: float
    n: int
    n_held_out: int
    failed: int

    @property
    def logged(self) -> dict[str, float]:
        """Its numbers by the names under which trackers keep them."""
        names = ("z", "auc", "detected", "named", "share", "held_out_z")
        known = {name: getattr(self, name) for name in names}
        found = {**known, "memorized": float(self.state == "memorized")}
        return {f"solidmark/{self.reader}/{k}": float(v) for k, v in found.items() if v is not None}


def _arrow(kind: object) -> pa.DataType:
    if isinstance(kind, UnionType):
        kind = next(one for one in get_args(kind) if one is not type(None))
    types = {int: pa.int64(), float: pa.float64(), str: pa.string()}
    return types[kind]  # type: ignore[index]


SCHEMA = pa.schema([(name, _arrow(kind)) for name, kind in get_type_hints(Look).items()])
"""The columns of `watch.parquet`."""


def table_of(looks: Iterable[Look]) -> pa.Table:
    """The rows as a table."""
    return pa.Table.from_pylist([asdict(one) for one in looks], SCHEMA)


def looks_of(out: Path) -> list[Look]:
    """The rows of a watch, in the order in which the looks were made; none before the first.

    Arguments:
        out: Its folder.

    Raises:
        BadInput: When the table cannot be read.
    """
    if not (out / FILE).is_file():
        return []
    once = ("look", "reader")
    table = read_table(out / FILE, SCHEMA, f'Run "solidmark score {out}" again.', once=once)
    names = [one.name for one in fields(Look)]
    return [Look(**{name: row[name] for name in names}) for row in table.to_pylist()]


def figures_of(made: Made, results: Results) -> Iterator[Figure]:
    """The figures of a look that make a curve, each with where it stands on it."""
    about = {"look": made.look, "step": made.step, "images": made.images}
    for reader in _readers(results):
        own = [one for one in results.figures if one.reader == reader]
        some = [one for kept in KEPT for one in find(own, *kept)]
        for one in (*some, *_detections(made.folder, own, reader)):
            yield replace(one, facts={**one.facts, **about})


def rows_of(made: Made, results: Results, figures: Iterable[Figure]) -> Iterator[Look]:
    """A look as rows, one a reader.

    Arguments:
        made: The look.
        results: Those of its audit.
        figures: What `figures_of` gave.
    """
    readers = _readers(results)
    verdict = results.judged
    findings = {one.name: one for one in verdict.findings}
    kept = list(figures)
    for reader in readers:
        own = [one for one in kept if one.reader == reader]
        z, held, auc = (_first(own, *key) for key in KEPT[:3])
        named, share = (_first(own, *key) for key in KEPT[3:])
        seen, other = (_first(own, "detected", split) for split in ("trained", "held_out"))
        finding = findings[reader]
        tests = [_first(own, statistic, "trained") for statistic in TESTS]
        yield Look(
            look=made.look,
            step=made.step,
            images=made.images,
            reader=reader,
            state=finding.state,
            label=finding.label,
            z=z.value,
            z_low=z.ci_low,
            z_high=z.ci_high,
            held_out_z=held.value,
            p_value=min(1.0 if one.p_value is None else one.p_value for one in tests),
            level=level_of(len(readers) * shares_of(made.look)),
            auc=auc.value,
            auc_low=auc.ci_low,
            auc_high=auc.ci_high,
            detected=seen.value,
            detected_low=seen.ci_low,
            detected_high=seen.ci_high,
            held_out_detected=other.value,
            named=(named.count or 0) if finding.state == "memorized" else 0,
            share=share.ci_low or 0.0,
            n=seen.n or 0,
            n_held_out=other.n or 0,
            failed=seen.failed,
        )


def _readers(results: Results) -> list[str]:
    return list(dict.fromkeys(one.reader for one in results.figures if one.reader))


def _first(figures: Iterable[Figure], statistic: str, split: str) -> Figure:
    nothing = Figure(measure="", statistic=statistic, split=split)
    return next(iter(find(list(figures), statistic, split)), nothing)


def _detections(folder: Path, figures: list[Figure], reader: str) -> Iterator[Figure]:
    """The share of images whose key is read as well as luck reads one in a hundred."""
    cure = f'Run "solidmark score {folder}" again.'
    columns = ("reader", "split", "id", "repeat", "p_value", "status")
    rows = read_table(folder / "scores.parquet", columns, cure).to_pylist()
    require_scored(folder, "scores.parquet")
    for split in ("trained", "held_out"):
        some = [row for row in rows if (row["reader"], row["split"]) == (reader, split)]
        # A p-value is that of the image, whatever the number of its repeats.
        values = {row["id"]: row["p_value"] for row in some if row["p_value"] is not None}
        if not values:
            continue
        count = sum(value <= RATE for value in values.values())
        low, high = clopper_pearson(count, len(values))
        yield Figure(
            measure="solidmark",
            statistic="detected",
            split=split,
            reader=reader,
            value=count / len(values),
            unit="share",
            direction="high",
            count=count,
            n=len(values),
            failed=len({row["id"] for row in some}) - len(values),
            chance=RATE,
            fpr=RATE,
            ci_low=low,
            ci_high=high,
        )
