"""The monochrome study: do l2 distances take pictures of nearly one colour for copies?

Plain, modified and patched l2 side by side, each with its strongest hits, as in figures 2 and 4 of
SolidMark (Kriplani et al., 2025), where most of these were blurry and of one colour.
"""

from dataclasses import dataclass

from solidmark.report.numbers import percent
from solidmark.report.pairs.cards import Pair, pairs_of
from solidmark.report.pairs.run import NearestRun
from solidmark.report.pairs.words import MONOCHROME, Measure
from solidmark.scores.content import low_content
from solidmark.verdicts.words import listed

HITS = 10
"""So many of the strongest hits of each distance stand side by side."""

MANY = 0.5
"""From this share of plain pictures among the hits on, a distance is fooled."""


@dataclass(frozen=True)
class Strip:
    """The strongest hits of one distance.

    Arguments:
        measure: The distance.
        pairs: The hits.
        low: How many of them are nearly of one colour.
    """

    measure: Measure
    pairs: tuple[Pair, ...]
    low: int


@dataclass(frozen=True)
class Monochrome:
    """The study.

    Arguments:
        strips: One a distance.
        said: What to make of it.
        share: Which share of all generations is nearly of one colour.
    """

    strips: tuple[Strip, ...]
    said: str
    share: float


def monochrome(run: NearestRun, images: bool) -> Monochrome | None:
    """Makes the study; None where no l2 distance was asked for.

    Arguments:
        run: The run.
        images: Whether pictures may stand on the page.
    """
    strips = []
    for measure in sorted(
        (one for one in run.measures if one.name in MONOCHROME),
        key=lambda one: MONOCHROME.index(one.name),
    ):
        rows = run.closest(measure.name, "generated", HITS)
        if rows:
            low = sum(row.is_low_content for row in rows)
            strips.append(Strip(measure, pairs_of(run, measure, rows, images), low))
    if not strips:
        return None
    contrasts = run.contrasts(strips[0].measure.name, "generated")
    share = low_content(contrasts) / len(contrasts)
    return Monochrome(tuple(strips), verdict(strips, share), share)


def verdict(strips: list[Strip], share: float) -> str:
    """One sentence of what to make of the hits.

    Arguments:
        strips: The hits of each distance.
        share: Which share of all generations is nearly of one colour.
    """
    shares = {strip.measure.title: strip.low / len(strip.pairs) for strip in strips}
    fooled = [title for title, low in shares.items() if low >= MANY]
    sound = [title for title, low in shares.items() if low < MANY]
    of_all = f"of all generations {percent(share)} are"
    if not fooled:
        return (
            f"Pictures of nearly one colour do not crowd the strongest hits here ({of_all}): what "
            "these distances point at is worth looking at."
        )
    if share >= MANY:
        return (
            f"Most generations are nearly of one colour ({percent(share)}), so most hits are: l2 "
            "says little on such a set. Look at the pairs, or compare with an embedder "
            "(--distance sscd)."
        )
    if sound:
        return (
            f"{listed(fooled)} mostly {'points' if len(fooled) == 1 else 'point'} at pictures of "
            f"nearly one colour ({of_all}), which are near to many images that they are no copy "
            f"of; {listed(sound)} {'does' if len(sound) == 1 else 'do'} not: go by "
            f"{'that' if len(sound) == 1 else 'those'}."
        )
    return (
        f"{listed(fooled)} mostly {'points' if len(fooled) == 1 else 'point'} at pictures of "
        f"nearly one colour ({of_all}), which are near to many images: take no "
        "hit for a copy unless its pair shows the same details."
    )
