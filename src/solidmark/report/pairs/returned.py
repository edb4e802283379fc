"""Which training images came back: those that a generation is closer to than chance."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from solidmark.report.pairs.cards import Pair, pair, reading_of
from solidmark.report.pairs.run import NearestRun, Row, rows_of
from solidmark.scores import least_nameable
from solidmark.scores.control import WITHHELD
from solidmark.verdicts.words import expect_wrong, listed

NOT_NAMED = 6
"""So many of the closest are shown where nobody is named."""


@dataclass(frozen=True)
class Returned:
    """The training images that came back.

    Arguments:
        said: How many each measure names, and how many of them to expect wrong, in sentences.
        pairs: Those that stand on the page: named by the most measures first, then by q.
        count: How many are named by any measure.
        closest: The closest that are not named, by one measure, where nobody is.
        closest_title: That measure.
    """

    said: tuple[str, ...]
    pairs: tuple[Pair, ...]
    count: int
    closest: tuple[Pair, ...]
    closest_title: str


def returned(run: NearestRun, images: bool, top: int) -> Returned | None:
    """Collects the training images that are named by any measure.

    Arguments:
        run: The run.
        images: Whether pictures may stand on the page.
        top: How many are shown.

    Returns:
        None where nobody asked about the training images.
    """
    if not any(run.count(measure.name, "trained") for measure in run.measures):
        return None
    named: dict[str, dict[str, Row]] = {}
    for measure in run.measures:
        for row in named_rows(run, measure.name, "trained"):
            named.setdefault(row.id, {})[measure.name] = row
    order = sorted(named, key=lambda id: (-len(named[id]), min(map(_rank, named[id].values())), id))
    shown = order[:top]
    every = _of_ids(run, shown)
    pairs = tuple(_card(run, place, every[id], images) for place, id in enumerate(shown, 1))
    closest: tuple[Pair, ...] = ()
    title = ""
    if not named:
        measure = next(m for m in run.measures if run.count(m.name, "trained"))
        rows = run.closest(measure.name, "trained", NOT_NAMED)
        title = measure.title
        closest = tuple(
            pair(run, row, place, images, (reading_of(measure, row, run.fdr),))
            for place, row in enumerate(rows, 1)
        )
    return Returned(_said(run), pairs, len(named), closest, title)


def named_rows(run: NearestRun, measure: str, split: str, *, copies: bool = False) -> list[Row]:
    """The rows that a measure names, the closest first; with all copies of a picture or one."""
    table = run.named(measure, split, copies=copies)
    return [] if table is None else rows_of(table, split)


def _card(run: NearestRun, place: int, rows: Mapping[str, Row], images: bool) -> Pair:
    """The card of one training image: its nearest generation by the measure that is surest."""
    best = min(rows.values(), key=_rank)
    several = len(run.measures) > 1
    readings = tuple(
        reading_of(
            measure,
            rows[measure.name],
            run.fdr,
            title=measure.title if several else "",
            shown=best.nearest,
        )
        for measure in run.measures
        if measure.name in rows
    )
    return pair(run, best, place, images, readings)


def _rank(row: Row) -> tuple[float, float]:
    lost = float("inf")
    q = lost if row.q_value is None else row.q_value
    return q, lost if row.distance is None else row.distance


def _of_ids(run: NearestRun, ids: Sequence[str]) -> dict[str, dict[str, Row]]:
    """What every measure says of some training images."""
    import pyarrow
    import pyarrow.compute as pc

    found: dict[str, dict[str, Row]] = {id: {} for id in ids}
    asked = pyarrow.array(ids, pyarrow.string())
    for measure in run.measures:
        table: Any = run.scored(measure.name, "trained")
        if table is None:
            continue
        for row in rows_of(table.filter(pc.is_in(table["id"], asked)), "trained"):
            found[row.id][measure.name] = row
    return found


def _said(run: NearestRun) -> tuple[str, ...]:
    """What each measure names; those that name nobody, for one reason, in one sentence."""
    if run.control is not None and run.control.is_shut:
        return (WITHHELD,)
    said: list[str] = []
    silent: dict[str, list[str]] = {}
    for measure in run.measures:
        n, m = run.count(measure.name, "trained"), run.count(measure.name, "held_out")
        row = run.named_row(measure.name, "trained")
        count = int((row or {}).get("count") or 0)
        if row is not None and count:
            wrong = expect_wrong(count, float(row.get("expected_false") or 0), run.fdr)
            said.append(f"{measure.title}: {count:,} of {n:,} training images; {wrong}.")
        elif n and m:
            least = least_nameable(n, m, run.fdr)
            why = (
                f"with {m:,} held-out images that takes at least {least:,} that a generation is "
                "closer to than to any of those."
            )
            silent.setdefault(f"none of {n:,} training images; {why}", []).append(measure.title)
        elif n:
            why = (
                f"none of {n:,} training images: without held-out images it is not known how close "
                "a generation comes to an image that was not trained on."
            )
            silent.setdefault(why, []).append(measure.title)
    return (*said, *(f"{listed(titles)}: {why}" for why, titles in silent.items()))
