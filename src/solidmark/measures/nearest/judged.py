"""What people said of pairs, beside what the distances of the run say of the same pairs."""

from collections.abc import Sequence
from pathlib import Path

import pyarrow.compute as pc

from solidmark.measures.nearest.judging import distances_of, open_judgements
from solidmark.runs import Figure, csv_of, find, write_bytes
from solidmark.scores.judged import (
    DISPUTED,
    UNSURE,
    VERDICTS,
    Judged,
    gather_judged,
    judged_area,
    judged_share,
)
from solidmark.scores.written import percents

HEADS = ("split", "generation", "image", "judged", *VERDICTS)
"""The first columns of `judged.csv`, before a distance a measure."""


def judged_pairs(folder: Path) -> list[Judged]:
    """The pairs of a run that people judged; those that it does not know are left out."""
    known = open_judgements(folder)
    known = known.filter(pc.equal(known["status"], "ok"))
    columns = (known[name].to_pylist() for name in ("split", "generation", "image", "verdict"))
    return gather_judged(
        (split, (generation, image), verdict)
        for split, generation, image, verdict in zip(*columns, strict=True)
    )


def score_judged(folder: Path, measures: Sequence[str], seed: int) -> list[Figure]:
    """The figures of what was judged, and `judged.csv`; nothing where nobody judged.

    Arguments:
        folder: The folder of the run.
        measures: Its measures.
        seed: Of the bootstrap.
    """
    pairs = judged_pairs(folder)
    if not pairs:
        return []
    known = distances_of(folder)
    distances = {
        name: {
            pair: own[name]
            for (split, pair), own in known.items()
            if split == "generated"
            if name in own
        }
        for name in measures
    }
    lines = (
        [
            *(one.split, *one.pair, one.verdict, one.copy, one.other, one.unsure),
            *(known.get((one.split, one.pair), {}).get(name) for name in measures),
        ]
        for one in pairs
    )
    write_bytes(folder / "judged.csv", csv_of([*HEADS, *measures], lines))
    control = judged_share(pairs, "null")
    figures = [judged_share(pairs, "generated", control.value)]
    figures += [control] * bool(control.n or control.failed)
    return figures + [judged_area(pairs, distances[name], name, seed) for name in measures]


def told(figures: Sequence[Figure]) -> list[str]:
    """What people said, in sentences."""
    lines = []
    for one in find(figures, "judged"):
        whom = "judged pairs" if one.split == "generated" else "judged pairs of the control"
        said = f"{one.count or 0:,} of {one.n or 0:,} {whom} are called copies"
        if one.interval is not None:
            said += f" (95 % interval {percents(*one.interval)})"
        undecided = ", ".join(
            f"{one.number(name) or 0:.0f} {word}"
            for name, word in ((UNSURE, "not sure"), (DISPUTED, "disputed"))
            if one.number(name)
        )
        lines.append(f"{said}{f'; {undecided}' if undecided else ''}.")
    return lines
