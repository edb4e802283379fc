"""What an approximate search is worth: its recall, measured on the user's own images."""

from collections.abc import Mapping, Sequence

from solidmark.cards.asked import Way
from solidmark.errors import BadInput
from solidmark.measures.nearest.distances import ByEmbedder, Distance
from solidmark.measures.nearest.roles import NULL, Answer
from solidmark.neighbours import (
    Approximate,
    Finder,
    Matrix,
    Recalled,
    Search,
    recall_of_copies,
    recall_of_queries,
    require_library,
    sampled,
)
from solidmark.runs import Figure, progress
from solidmark.scores import clopper_pearson, threshold_at
from solidmark.verdicts.searched import COPIES, NEAREST, PAIRS, RECALL

_NOTES = {
    NEAREST: "How often what the approximate search finds first is as near as the nearest of the "
    "exact search, for a sample of the images that were asked about.",
    COPIES: "How often it finds anything within the threshold for changed copies: each an image of "
    "the set moved towards another one, until it is just within the threshold.",
    PAIRS: "How many pairs within the threshold it finds, among the nearest eight of each of "
    "a sample of the images. Pairs of one image hang together, so the interval is rather too "
    "narrow.",
}

_PAIRED = 8
"""Neighbours of an image among which pairs are looked for."""


def check_search(way: Way, distances: Sequence[Distance | None]) -> None:
    """Checks that vectors can be searched for as asked, before anything is done.

    Raises:
        BadInput: When the library is missing, or nothing is compared by vectors.
    """
    if way != "approximate":
        return
    require_library()
    if not any(isinstance(distance, ByEmbedder) for distance in distances):
        raise BadInput(
            "--search approximate is for vectors, and pixels are compared exactly. Name an "
            "embedder, or leave it out."
        )


def search_figures(
    by: Distance,
    find: Finder | None,
    base: Matrix,
    queries: Matrix,
    *,
    side: str = "training",
    within: float | None,
    memory: int,
    among_themselves: bool = False,
) -> list[Figure]:
    """The recall of an approximate search; nothing where it was exact.

    Arguments:
        find: The search.
        base: What it searches among.
        queries: What it is asked about, of which a sample is asked of the exact search too.
        side: What the base is called.
        within: The distance within which something counts as a copy; None where nobody knows.
        memory: The most bytes that a search holds.
        among_themselves: Whether the queries are the rows of the base.
    """
    if not isinstance(find, Approximate):
        return []
    how = Search(min(_PAIRED, len(base) - 1) if among_themselves else 1, memory)
    some = sampled(len(queries))
    asked = Matrix((queries.stored(some),))
    title = f"{by.name}: how much the search finds"
    with progress(title, len(some) * len(base)) as advance:
        own = some if among_themselves else None
        nearest, pairs = recall_of_queries(find, asked, base, how, within, own=own, advance=advance)
    figures = [_figure(by.name, side, NEAREST, nearest, None, find)]
    if within is None:
        return figures
    if among_themselves:
        figures.append(_figure(by.name, side, PAIRS, pairs, within, find))
    return [*figures, copies_figure(by, find, within, memory, side)]


def threshold_of(
    by: Distance, answers: Mapping[tuple[str, str], Answer], fprs: Sequence[float]
) -> float | None:
    """The largest distance that the null calibrates, since copies are hardest to find there."""
    null = answers.get((by.name, NULL.name))
    if null is None:
        return None
    known = (threshold_at(null.reported.distance, fpr) for fpr in sorted(fprs, reverse=True))
    return next((threshold for threshold in known if threshold is not None), None)


def copies_figure(
    by: Distance, find: Approximate, within: float, memory: int, side: str = "training"
) -> Figure:
    """Which share of changed copies an approximate search finds, just within a threshold.

    Arguments:
        within: The distance within which something counts as a copy.
        memory: The most bytes that a search holds.
    """
    recalled = recall_of_copies(find, find.base, Search(1, memory), within)
    return _figure(by.name, side, COPIES, recalled, within, find)


def _figure(
    measure: str, split: str, by: str, one: Recalled, within: float | None, find: Approximate
) -> Figure:
    low, high = clopper_pearson(one.found, one.asked) if one.asked else (None, None)
    return Figure(
        measure=measure,
        statistic=RECALL,
        split=split,
        value=one.found / one.asked if one.asked else None,
        unit="share",
        n=one.asked,
        count=one.found,
        ci_low=low,
        ci_high=high,
        threshold=within,
        by=by,
        note=_NOTES[by] if one.asked else "There is nothing to measure it on.",
        facts={"lists": find.lists.count, "probes": find.lists.probes},
    )
