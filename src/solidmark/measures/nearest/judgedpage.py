"""What people said of pairs on the page of a `nearest` run, and where they say it."""

from collections.abc import Mapping, Sequence

from solidmark.measures.nearest.judged import told
from solidmark.page.scored import Scored
from solidmark.page.sections import Cell, Figures, Judging, Line, Section, Table
from solidmark.page.tabled import Words, cell_of, n_of
from solidmark.runs import find
from solidmark.scores.judged import COPY, DISPUTED, NOT, UNSURE, Judged, Pair

CALLED = {COPY: "copy", NOT: "no copy", UNSURE: "not sure", DISPUTED: "disputed"}
TONES = {COPY: "memorized", NOT: "not_seen"}
"""The colour of a badge; that of what is unclear for the others."""

_WORDS = Words({}, {}, ())


def judged_section(run: Scored, shown: bool) -> Section | None:
    """What people said of the pairs, and where the page shows pictures, a way to say it.

    Arguments:
        run: The run.
        shown: Whether the page shows pictures.
    """
    figures = run.results.figures
    lines = [
        Line(
            "Called copies" if one.split == "generated" else "Called copies, of the control",
            (cell_of(one, _WORDS, n_of(one)),),
            "" if one.split == "generated" else "held-out images: false alarms of who judges",
        )
        for one in find(figures, "judged")
    ]
    lines += [
        Line(f"Agrees: {one.title}", (cell_of(area, _WORDS),), "AUC, 0.5 = chance, 1 = always")
        for one in run.measures
        for area in find(figures, "judged_auc", measure=one.name)
    ]
    table = Table("What was judged", (Cell("Figure"), Cell("Value")), tuple(lines))
    said = tuple(told(figures))
    if shown:
        return Judging("judged", "Judge the pairs", said, tables=(table,) * bool(lines))
    return Figures("judged", "Judged pairs", said, tables=(table,)) if lines else None


def badges(pairs: Sequence[Judged]) -> Mapping[tuple[str, Pair], tuple[str, str]]:
    """What stands on the cards of judged pairs, by split and pair: a word and its colour."""
    return {
        (one.split, one.pair): (f"judged {CALLED[one.verdict]}", TONES.get(one.verdict, "unclear"))
        for one in pairs
    }
