"""`solidmark compare RUN RUN`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from solidmark.cli.answering import answer
from solidmark.cli.judging import judged
from solidmark.cli.options import Fdr, Json, a_share
from solidmark.runs import Verdict

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
    json: Json = False,
) -> None:
    """Say what differs between two audits of the same images.

    Image by image, such as without and with a mitigation. Differences are second
    less first, with 95 % intervals and two-sided p-values of no difference.

    Example: solidmark compare audit/ mitigated/
    """
    from solidmark.audit import compare as compare_audits
    from solidmark.scores import DELTAS

    found = compare_audits(first, second, deltas=delta or DELTAS, fdr=fdr)
    verdict = Verdict(
        "done",
        f"{len(found['rows'])} differences between {first} and {second}.",
        others={"first": judged(first), "second": judged(second)},
    )
    answer(
        found,
        json,
        *table([HEADS, *(_cells(row) for row in found["rows"])]),
        *_lost(found),
        verdict=verdict,
    )


def table(rows: list[tuple[str, ...]]) -> list[str]:
    """The lines of a table whose columns are as wide as they must be."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]


def _cells(row: Mapping[str, Any]) -> tuple[str, ...]:
    from solidmark.scores.written import p_number

    what = f"within {row['delta']:g}" if row["delta"] is not None else row["statistic"]
    low, high = (_number(row[end], "+") for end in ("ci_low", "ci_high"))
    interval = f"{low} to {high}" if low and high else ""
    p_value = "" if row["p_value"] is None else p_number(row["p_value"])
    first, second = (_number(row[side], "") for side in ("first", "second"))
    difference = _number(row["difference"], "+")
    about = (row["reader"], row["split"], what.replace("_", " "))
    return (*about, first, second, difference, interval, p_value, f"{row['n']}")


def _number(value: float | None, sign: str) -> str:
    """Four digits after the point; two that mean something where those would all be 0."""
    if value is None:
        return ""
    digits = ".4f" if value == 0 or abs(value) >= SMALL else ".1e"
    return f"{value:{sign}{digits}}"


def _lost(found: Mapping[str, Any]) -> list[str]:
    """What was not compared, a line a reader and split."""
    lines = {
        f"{row['reader']}, {row['split']}: {row['failed']} pairs have a failed row, "
        f"{row['unpaired']} rows are in one audit only": None
        for row in found["rows"]
        if row["failed"] or row["unpaired"]
    }
    return list(lines)
