"""`solidmark compare RUN RUN`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from solidmark.cli.answering import answer
from solidmark.cli.options import Fdr, Json, a_share
from solidmark.runs import Figure

HEADS = ("reader", "split", "what", "first", "second", "difference", "95 % interval", "p", "n")

SMALL = 5e-4
"""A number nearer to 0 is written with a power of ten."""


def compare(
    first: Annotated[
        Path,
        typer.Argument(
            metavar="RUN", help="Folder of solidmark audit that differences are taken from."
        ),
    ],
    second: Annotated[
        Path,
        typer.Argument(metavar="RUN", help="Another audit of the same marked images."),
    ],
    delta: Annotated[
        list[float] | None,
        typer.Option(
            metavar="NUMBER",
            help="Compare the shares of keys read within this distance, in (0, 1]; may be given "
            "again.  [default: 0.1, 0.05, 0.01, 0.005]",
            callback=a_share,
        ),
    ] = None,
    fdr: Fdr = 0.05,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="OUT",
            help="Folder to write the figures and the page, report.html, into; nothing is written "
            "without it.",
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Say what differs between two audits of the same images.

    Image by image, such as without and with a mitigation. Differences are second
    less first, with 95 % intervals and two-sided p-values of no difference.

    Example: solidmark compare audit/ mitigated/ --out changed/
    """
    from solidmark.measures.audit import compare as compare_audits
    from solidmark.scores import DELTAS

    found = compare_audits(first, second, deltas=delta or DELTAS, fdr=fdr, out=out)
    result = found.to_json()
    lines = [*table([HEADS, *map(_cells, found.figures)]), *_lost(found.figures)]
    lines += [f"Differs: {name}: {one} / {other}" for name, (one, other) in found.differs.items()]
    lines.append(found.verdict.headline)
    if out is not None:
        from solidmark.reporting import write_report

        result["report"] = str(write_report(out))
        lines.append(f"The page: {result['report']}")
    answer(result, json, *lines, verdict=found.verdict)


def table(rows: list[tuple[str, ...]]) -> list[str]:
    """The lines of a table whose columns are as wide as they must be."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]


def _cells(one: Figure) -> tuple[str, ...]:
    from solidmark.scores.written import p_number

    what = one.statistic if one.delta is None else f"within {one.delta:g}"
    ends = (_number(one.ci_low, "+"), _number(one.ci_high, "+"))
    p_value = "" if one.p_value is None else p_number(one.p_value)
    first, second = (_number(one.number(side), "") for side in ("first", "second"))
    about = (one.reader or "", one.split, what.replace("_", " "))
    numbers = (first, second, _number(one.value, "+"), " to ".join(ends) if all(ends) else "")
    return (*about, *numbers, p_value, f"{one.n}")


def _number(value: float | None, sign: str) -> str:
    """Four digits after the point; two that mean something where those would all be 0."""
    if value is None:
        return ""
    digits = ".4f" if value == 0 or abs(value) >= SMALL else ".1e"
    return f"{value:{sign}{digits}}"


def _lost(figures: Sequence[Figure]) -> list[str]:
    """What was not compared, a line a reader and split."""
    lines = {
        f"{one.reader}, {one.split}: {one.failed} pairs have a failed row, "
        f"{one.facts['unpaired']} rows are in one audit only": None
        for one in figures
        if one.failed or one.facts["unpaired"]
    }
    return list(lines)
