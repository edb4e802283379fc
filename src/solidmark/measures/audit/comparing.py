"""`compare`: two audits of the same images, side by side. A pure function of their scores."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from solidmark.cards.spelled import in_words
from solidmark.errors import WrongKeys
from solidmark.runs import (
    Figure,
    Verdict,
    fingerprint,
    open_results,
    open_run,
    read_manifest,
    read_table,
    require_scored,
    table_bytes,
    typed,
    write_bytes,
    write_results,
)
from solidmark.scores import DELTAS, SCORES, paired
from solidmark.scores.columns import codes, groups, numbers, text
from solidmark.scores.written import p_number
from solidmark.verdicts.change import change_between
from solidmark.verdicts.readers import reader

CHANGES = pa.schema(
    [
        *typed(pa.string(), "reader", "split", "id"),
        *typed(pa.float64(), "first", "second", "difference"),
        *typed(pa.bool_(), "named_first", "named_second"),
    ]
)
"""The columns of `changes.parquet`: a row a reader and image that was read in both audits, with its
mean distances and whether it is named."""

HEADS = ("reader", "split", "what", "first", "second", "difference", "95 % interval", "p", "n")
SPLITS = {"trained": "trained", "held_out": "held-out", "ceiling": "reference"}

SMALL = 5e-4
"""A number nearer to 0 is written with a power of ten."""


@dataclass(frozen=True)
class Comparison:
    """What differs between two audits.

    Arguments:
        first: The folder that differences are taken from.
        deltas: The thresholds of the eidetic counts.
        fdr: The false-discovery rate at which rows count as named.
        figures: The differences, as `scores.paired` makes them.
        verdict: What changed, in a sentence; the verdicts of both beside it.
        differs: In what the two were asked otherwise: the name of an option, and both values.
    """

    first: Path
    second: Path
    deltas: tuple[float, ...]
    fdr: float
    figures: tuple[Figure, ...]
    verdict: Verdict
    differs: Mapping[str, tuple[str, str]]

    @property
    def asked(self) -> dict[str, Any]:
        """What was compared, and how."""
        about = {"first": str(self.first), "second": str(self.second)}
        return {**about, "deltas": list(self.deltas), "fdr": self.fdr}

    def to_json(self) -> dict[str, Any]:
        """As `solidmark compare --json` prints it."""
        rows = [figure.to_json() for figure in self.figures]
        return {**self.asked, "differs": self.differs, "rows": rows}

    @property
    def lines(self) -> list[str]:
        """The figures as a table of columns as wide as they must be, and what else is to say."""
        rows = [HEADS, *map(cells, self.figures)]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
        asked = [f"Differs: {name}: {one} / {other}" for name, (one, other) in self.differs.items()]
        return lines + lost(self.figures) + asked


def compare(
    first: Path,
    second: Path,
    *,
    deltas: Sequence[float] = DELTAS,
    fdr: float = 0.05,
    out: Path | None = None,
) -> Comparison:
    """Compares the scores of two audit folders, image by image.

    Arguments:
        first: A folder of `audit` or `score`, the one that differences are taken from.
        second: Another, of the same marked images.
        deltas: The thresholds of the eidetic counts, grey levels in (0, 1].
        fdr: The false-discovery rate at which rows count as named.
        out: A folder to write `results.json` and `changes.parquet` into, from which the page is
            made; nothing is written without one.

    Raises:
        NotFound: When a folder has no scores.
        WrongKeys: When the two were not made with the same keys.
        BadInput: When there is nothing in common to compare.
        RunConflict: When `out` holds something else.
    """
    one, other = _scores(first), _scores(second)
    manifests = [read_manifest(folder) for folder in (first, second)]
    keys = {manifest["fingerprints"].get("keys") for manifest in manifests}
    if len(keys) > 1:
        raise WrongKeys(
            f'"{first}" and "{second}" were observed with different keys. '
            "Compare audits of the same marked folder."
        )
    figures = paired(one, other, deltas, fdr)
    judged = {
        side: (str(folder), open_results(folder).judged)
        for side, folder in (("first", first), ("second", second))
    }
    verdict = change_between(figures, judged)
    differs = dict(_differing(*(manifest["config"] for manifest in manifests)))
    found = Comparison(first, second, tuple(deltas), fdr, tuple(figures), verdict, differs)
    if out is not None:
        _write(out, found, changes_between(one, other, fdr))
    return found


def _differing(
    one: Mapping[str, Any], other: Mapping[str, Any], within: str = ""
) -> Iterator[tuple[str, tuple[str, str]]]:
    """The options with other values, but where the images lie, by name."""
    for name in sorted({*one, *other} - {"marked"}):
        first, second = one.get(name), other.get(name)
        if isinstance(first, dict) and isinstance(second, dict):
            yield from _differing(first, second, f"{within}{name}.")
        elif first != second:
            yield f"{within}{name}", (_value(first), _value(second))


def _value(value: Any) -> str:
    """The value of an option as it is said."""
    if isinstance(value, list) and all(isinstance(one, dict) for one in value):
        return in_words(value) or "none"
    if isinstance(value, dict):
        return ", ".join(f"{name} {one}" for name, one in value.items()) or "default"
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return "none" if value is None else str(value)


def cells(one: Figure) -> tuple[str, ...]:
    """A figure as a row under `HEADS`."""

    def number(value: float | None, sign: str = "") -> str:
        """Four digits after the point; two that mean something where those would all be 0."""
        digits = ".4f" if not value or abs(value) >= SMALL else ".1e"
        return "" if value is None else f"{value:{sign}{digits}}"

    what = one.statistic.replace("_", " ") if one.delta is None else f"within {one.delta:g}"
    sides = (number(one.number(side)) for side in ("first", "second"))
    ends = () if one.interval is None else (number(end, "+") for end in one.interval)
    p_value = "" if one.p_value is None else p_number(one.p_value)
    about = (one.reader or "", one.split, what, *sides, number(one.value, "+"))
    return (*about, " to ".join(ends), p_value, f"{one.n}")


def lost(figures: Sequence[Figure]) -> list[str]:
    """What was not compared, a line a reader and split."""
    return list(
        dict.fromkeys(
            f"{reader(str(one.reader)).title}, {SPLITS.get(one.split, one.split)}: "
            f"{one.failed:,} pairs have a failed row, {one.number('unpaired') or 0:,.0f} rows "
            "stand alone."
            for one in figures
            if one.failed or one.number("unpaired")
        )
    )


def _scores(folder: Path) -> pa.Table:
    path = folder / "scores.parquet"
    once = ("reader", "split", "id", "repeat")
    table = read_table(path, SCORES, f'Run "solidmark score {folder}" again.', once=once)
    require_scored(folder, path.name)
    return table


def _write(out: Path, found: Comparison, changes: pa.Table) -> None:
    """Writes what was found into a folder of its own."""
    manifest = read_manifest(found.first)
    run = open_run(
        out,
        "compare",
        {**found.asked, "marked": manifest["config"].get("marked"), "seed": 0},
        {
            "keys": manifest["fingerprints"].get("keys"),
            "first": fingerprint(found.first / "scores.parquet"),
            "second": fingerprint(found.second / "scores.parquet"),
        },
    )
    if not run.finished:
        write_bytes(out / "changes.parquet", table_bytes(changes))
        run.finish("changes.parquet")
    failed = sum({(one.reader, one.split): one.failed for one in found.figures}.values())
    write_results(
        out,
        run.manifest,
        found.figures,
        failed=failed,
        verdict=found.verdict,
        differs=found.differs,
    )


def changes_between(first: pa.Table, second: pa.Table, fdr: float) -> pa.Table:
    """How far the keys of each image are read from the truth in both audits, repeats averaged.

    Arguments:
        first: The scores of one audit.
        second: Those of another.
        fdr: The false-discovery rate at which an image is named.

    Returns:
        The columns of `CHANGES`, of the images that were read in both.
    """
    tables = [table.filter(pc.equal(table["status"], "ok")) for table in (first, second)]
    image = np.zeros(sum(map(len, tables)), dtype=np.int64)
    names = []
    for column in ("reader", "split", "id"):
        code, known = codes(pa.concat_arrays([text(table[column]) for table in tables]))
        image = image * max(len(known), 1) + code
        names.append(known)
    halves = image[: len(tables[0])], image[len(tables[0]) :]
    sides = [_by_image(*both, fdr) for both in zip(halves, tables, strict=True)]
    both, *places = np.intersect1d(sides[0][0], sides[1][0], return_indices=True)
    one, other = (far[place] for (_, far, _), place in zip(sides, places, strict=True))
    named = [found[place] for (_, _, found), place in zip(sides, places, strict=True)]
    columns = []
    for known in reversed(names):
        both, code = np.divmod(both, max(len(known), 1))
        columns.append(known.take(pa.array(code)))
    return pa.table([*reversed(columns), one, other, other - one, *named], schema=CHANGES)


def _by_image(
    image: NDArray[np.int64], table: pa.Table, fdr: float
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.bool_]]:
    """Each image once, its mean distance, and whether a row of it is named."""
    every, first, counts = np.unique(image, return_index=True, return_counts=True)
    far, named = numbers(table["distance"]), numbers(table["q_value"]) <= fdr
    if counts.max(initial=1) == 1:
        return every, far[first], named[first]
    rows = [places for _, places in groups(image)]
    return (
        every,
        np.array([np.mean(far[some]) for some in rows]),
        np.array([named[some].any() for some in rows]),
    )
