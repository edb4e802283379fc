"""Figures as tables: a line a statistic, a column a split, comparisons across the whole width."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from solidmark.page.sections import Cell, Line, Table
from solidmark.runs import Figure, find
from solidmark.scores.written import p_value, percent, percents, plain, short

SHARES = frozenset(
    (
        *("eidetic", "share", "averages", "smallest_share", "tpr_at_fpr", "low_content"),
        *("authpct", "augmented", "reproduced", "suspicious", "judged", "search_recall"),
    )
)
"""Statistics that are written in percent."""


@dataclass(frozen=True)
class Words:
    """How the figures of a command are called.

    Arguments:
        heads: The splits that have a column, and their names.
        names: The names of statistics; `{fpr}` and the like stand for what they stand at.
        order: The statistics in the order of the table; others come last.
        means: What a direction means: "high = memorized".
        close: The statistics that are on the scale of the measure itself, of which a direction
            means "close".
        counted: The statistics that are written as a count of so many.
    """

    heads: Mapping[str, str]
    names: Mapping[str, str]
    order: Sequence[str]
    means: str = "memorized"
    close: frozenset[str] = frozenset()
    counted: frozenset[str] = frozenset(
        ("eidetic", "low_content", "augmented", "named", "judged", "search_recall")
    )


def table_of_figures(title: str, figures: Sequence[Figure], words: Words) -> Table:
    """The figures of one measure as a table.

    Arguments:
        title: Above it.
        figures: The figures.
        words: How they are called.
    """
    splits = [split for split in words.heads if any(one.split == split for one in figures)]
    usual = {split: next(n_of(one) for one in figures if one.split == split) for split in splits}
    heads = [Cell("Figure"), *(Cell(words.heads[split], (usual[split],)) for split in splits)]
    lines: dict[tuple[object, ...], list[Figure]] = {}
    for one in sorted(figures, key=lambda one: _place(one, words)):
        stands = (one.statistic, one.threshold, one.fpr, one.percentile, one.delta, one.by)
        lines.setdefault(stands, []).append(one)
    if not splits:
        heads.append(Cell("Value"))
    # Why there is no value stands in its place; what is said of several thresholds is said once.
    notes: dict[tuple[str, str], str] = {}
    for one in figures:
        if one.note and one.value is not None:
            said = f"{name_of(one, words)}: {one.note}"
            notes.setdefault((one.statistic, one.note), said)
    return Table(
        title,
        tuple(heads),
        tuple(_line(some, splits, usual, words) for some in lines.values()),
        tuple(notes.values()),
    )


def side_by_side(
    what: str,
    names: Mapping[str, str],
    figures: Sequence[Figure],
    words: Words,
    calls: Mapping[str, float | None] | None = None,
    notes: Sequence[str] = (),
) -> Table:
    """How well each measure tells trained images from held-out ones, a line a measure.

    Arguments:
        what: What stands side by side: "Signal".
        names: The measures, and what they are called.
        figures: The figures of all of them.
        words: How they are called.
        calls: The network calls of an image, where the figures do not say.
        notes: What must be known of them, folded.
    """
    heads = (what, "Trained against held-out (area)", "Detections", "Named", "Calls an image")
    lines = []
    for measure, title in names.items():
        area = find(figures, "auc", "trained_vs_held_out", measure)
        named = find(figures, "named", "trained", measure)
        every = find(figures, "tpr_at_fpr", measure=measure)
        caught = [one for one in every if one.value is not None]
        # Where no rate can be had, the note of the largest says why.
        sharpest = min(caught, key=lambda one: one.fpr or 1.0, default=None)
        sharpest = sharpest or max(every, key=lambda one: one.fpr or 0.0, default=None)
        cost = (calls or {}).get(measure, area[0].network_calls_per_image if area else None)
        cells = (
            cell_of(area[0], words) if area else Cell("–", ("no held-out images",)),
            None if sharpest is None else cell_of(sharpest, words),
            cell_of(named[0], words) if named else None,
            Cell("–" if cost is None else f"{cost:,.3g}" if cost < 100 else f"{cost:,.0f}"),
        )
        lines.append(Line(title, cells))
    title = f"The {what.lower()}s side by side"
    return Table(title, tuple(Cell(head) for head in heads), tuple(lines), tuple(notes))


def _line(
    figures: Sequence[Figure], splits: Sequence[str], usual: Mapping[str, str], words: Words
) -> Line:
    found = {one.split: one for one in figures}
    one = figures[0]
    across = [other for other in figures if other.split not in splits]
    cells: tuple[Cell | None, ...] = tuple(
        cell_of(found[split], words, usual[split]) if split in found else None for split in splits
    )
    means = "close" if one.statistic in words.close else words.means
    direction = f"{one.direction} = {means}" if one.direction else ""
    return Line(
        name_of(one, words),
        tuple(cell_of(other, words) for other in across[:1]) or cells,
        "; ".join(filter(None, (one.unit or "", direction))),
        one.statistic,
    )


def cell_of(one: Figure, words: Words, usual: str = "") -> Cell:
    """A number with its interval, chance and p; its n where that is not the usual one."""
    share = one.statistic in SHARES

    def written(value: float) -> str:
        return percent(value) if share else digits(value)

    if one.value is None and one.note:
        return Cell("–", (one.note,))
    facts = []
    if one.value is None:
        text = "–"
    elif one.statistic in words.counted and one.count is not None:
        among = one.number("groups") or one.n
        of = f" of {among:,.0f}" if among is not None else ""
        text = f"{one.count:,}{of}" + (f" ({percent(one.value)})" if share else "")
    elif one.count is not None and one.value == one.count:
        text = f"{one.count:,}"
    else:
        text = written(one.value)
    if one.interval is not None:
        low, high = one.interval
        between = percents(low, high) if share else f"{digits(low)} to {digits(high)}"
        facts.append(f"95 % interval {between}")
    ends = [one.number(end) for end in ("lowest", "highest")]
    if ends[0] is not None:
        facts.append(" to ".join(map(digits, ends)))
    if one.chance is not None:
        facts.append(f"chance {written(one.chance)}")
    if one.p_value is not None:
        facts.append(p_value(one.p_value))
    if n_of(one) != usual:
        facts.append(n_of(one))
    return Cell(text, tuple(facts))


def n_of(one: Figure) -> str:
    """Of how many a figure is, and how many failed."""
    n = "n not known" if one.n is None else f"n = {one.n:,}"
    return f"{n}, {one.failed:,} failed" if one.failed else n


def name_of(one: Figure, words: Words) -> str:
    """What a figure is called, with what it stands at."""
    name = words.names.get(one.statistic, one.statistic.replace("_", " ").capitalize())
    name = words.names.get(f"{one.statistic} {one.by}", name)
    at = {
        "fpr": "" if one.fpr is None else percent(one.fpr),
        "fdr": f"{one.fdr or 0.05:g}",
        "threshold": "" if one.threshold is None else f"{one.threshold:.4g}",
        "percentile": "" if one.percentile is None else f"{one.percentile:g}",
        "delta": "" if one.delta is None else f"{one.delta:g}",
        "by": one.by or "",
        "n": "" if one.n is None else f"{one.n:,}",
        "how": f"calibrated at {percent(one.fpr)}" if one.fpr else "fixed",
    }
    return name.format(**at).strip()


def digits(value: float | None) -> str:
    """A distance or a similarity, with three digits after the point; more where it is small.

    Example:
        >>> digits(0.25), digits(-0.0012), digits(2300.4), digits(14)
        ('0.250', '−0.0012', '2,300', '14')
    """
    if value is None:
        return "–"
    if isinstance(value, int) or value == 0 or abs(value) >= 1000:
        return f"{value:,.0f}".replace("-", "−")
    if 0 < abs(value) < 0.01:
        return short(value).replace("-", "−")
    return plain(value, 3)


def _place(one: Figure, words: Words) -> tuple[object, ...]:
    known = list(words.order)
    place = known.index(one.statistic) if one.statistic in known else len(known)
    at = (one.fpr or 0, one.threshold or 0, one.percentile or 0, one.delta or 0)
    return place, one.statistic, one.fpr is None, *(-value for value in at)
