"""The page of a study: our table with chance, interval and n, the published one beside it."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from solidmark.page.comparison import made
from solidmark.page.drawing import BLUE, INK, ORANGE, Drawing, drawing, legend
from solidmark.page.pictures import embed
from solidmark.page.sections import (
    Card,
    Cards,
    Cell,
    Figures,
    Line,
    Note,
    Page,
    Plots,
    Section,
    Shown,
    Table,
)
from solidmark.page.tabled import n_of
from solidmark.runs import Figure, Results, open_results, read_json, read_manifest
from solidmark.scores.written import p_value
from solidmark.studies.catalogue import find_study
from solidmark.studies.combining import BY_SEED
from solidmark.studies.engine import CAPTIONS, PICTURES
from solidmark.studies.saying import levels, number, told
from solidmark.studies.study import Published, Readout, Study


def study_page(folder: Path, images: bool, top: int) -> Page:
    """The page of a study, as a `Maker` of pages."""
    read_manifest(folder, "study")
    results = open_results(folder, 'Run "solidmark study" again.')
    study = find_study(str(results.config["study"]))
    figures = results.figures
    seeds = results.config.get("seeds") or []
    weights = results.facts.get("weights") or []
    count = results.config.get("images")
    subjects = (
        ("Follows", study.card.paper),
        ("Data", f"{f'{count:,} of ' if count else ''}{results.config.get('data')}"),
        ("Networks", ", ".join(f"{one:,} weights" for one in weights) or "none trained"),
        ("Seeds", f"{len(seeds)}"),
        ("Time", f"{float(results.facts.get('seconds') or 0) / 60:.0f} minutes of a core"),
    )
    first = next((one.split for one in figures), "the first arm")
    sections: list[Section] = [
        Figures("table", "What was measured", study.said, tables=(our_table(study, figures),)),
        Plots("curves", "The arms", groups=(("", tuple(_plots(study, figures))),), link="Curves"),
    ]
    if study.published:
        shown = tuple(published_table(one) for one in study.published)
        said = tuple(one.said for one in study.published if one.said)
        sections.append(Figures("published", "What was published", said, tables=shown))
    sections += [
        Figures(
            "differences",
            f"Differences from {first}",
            tables=tuple(_differences(study, figures)),
            folded=True,
        ),
        Figures("seeds", "Seed by seed", tables=tuple(_by_seed(study, figures)), folded=True),
        Note(
            "words",
            "What the columns are",
            points=tuple(_words(_read_out(study, figures))),
            folded=True,
        ),
        made(results),
    ]
    cards = tuple(_cards(study, results)) if images else ()
    proof = Cards("", cards, numbered=False) if cards else None
    return Page("study", study.card.asks, subjects, results.judged, sections, proof=proof)


def _cards(study: Study, results: Results) -> Iterator[Card]:
    """An arm each, with the pictures that show what it is."""
    folder = results.folder / PICTURES
    captions = read_json(folder / CAPTIONS) if (folder / CAPTIONS).is_file() else {}
    for place, one in enumerate(levels(results.figures, study.readouts[0].name)):
        files = sorted(folder.glob(f"{place}-*.png"))
        shown = tuple(
            Shown(picture, captions.get(file.name, ""), one.split)
            for file in files
            if (picture := embed(folder, file.name))
        )
        if shown:
            said = (("", f"{study.readouts[0].name}: {told(one)}"),)
            yield Card(one.split, said, shown)


def our_table(study: Study, figures: Sequence[Figure]) -> Table:
    """A line an arm, a column a read-out: the mean over the seeds with all that it takes."""
    every = [one for r in study.readouts for one in levels(figures, r.name)]
    return _side_by_side(study, every, study.axis.capitalize() or "Arm", _notes(every))


def _side_by_side(
    study: Study, figures: Sequence[Figure], axis: str, notes: tuple[str, ...] = ()
) -> Table:
    """A line an arm, a column a read-out; what is the same down a column stands in its head."""
    columns = []
    for readout in _read_out(study, figures):
        own = {one.split: one for one in figures if one.statistic == readout.name}
        facts = {arm: facts_of(one) for arm, one in own.items()}
        first, *others = facts.values()
        shared = [fact for fact in first if all(fact in some for some in others)]
        cells = {
            arm: Cell(told(one), (*interval_of(one), *(f for f in facts[arm] if f not in shared)))
            for arm, one in own.items()
        }
        columns.append((_head(readout, shared), cells))
    arms = dict.fromkeys(one.split for one in figures)
    lines = [Line(arm, tuple(cells.get(arm) for _, cells in columns)) for arm in arms]
    return Table("", (Cell(axis), *(head for head, _ in columns)), tuple(lines), notes)


def _read_out(study: Study, figures: Sequence[Figure]) -> tuple[Readout, ...]:
    """The read-outs that an arm has a figure of."""
    names = {one.statistic for one in figures}
    return tuple(one for one in study.readouts if one.name in names)


def published_table(one: Published) -> Table:
    """A published table, with what chance alone would give."""
    lines = [
        Line(name, tuple(Cell("–" if v is None else f"{v:,g}") for v in row))
        for name, row in one.lines
    ]
    if one.chance:
        chance = tuple(Cell(f"{value:,g}") for value in one.chance)
        lines.append(Line("Chance alone", chance, one.arithmetic))
    return Table(one.source, (Cell("Published"), *map(Cell, one.heads)), tuple(lines))


def interval_of(one: Figure) -> tuple[str, ...]:
    """The 95 % interval of a figure, if it has one."""
    if one.interval is None:
        return ()
    low, high = (number(end, one.unit) for end in one.interval)
    return (f"{low} to {high}",)


def facts_of(one: Figure) -> tuple[str, ...]:
    """What stands under a figure beside its interval: chance, p and n."""
    facts = []
    if one.chance is not None and one.other is None:
        facts.append(f"chance {number(one.chance, one.unit)}")
    if one.p_value is not None:
        facts.append(p_value(one.p_value))
    if one.n is not None:
        seeds = one.number("seeds")
        facts.append(n_of(one) + (f" in {seeds:.0f} seeds" if seeds and seeds > 1 else ""))
    return tuple(facts)


def _cell(one: Figure | None) -> Cell | None:
    return None if one is None else Cell(told(one), (*interval_of(one), *facts_of(one)))


def _head(one: Readout, shared: Sequence[str] = ()) -> Cell:
    direction = f"{one.direction} = memorized" if one.direction else ""
    return Cell(one.name, tuple(filter(None, (one.unit, direction, *shared))))


def _notes(figures: Sequence[Figure]) -> tuple[str, ...]:
    """What must be known of figures, with the arms where it is not all of them."""
    every = {one.split for one in figures}
    noted: dict[str, list[str]] = {}
    for one in figures:
        if one.note:
            noted.setdefault(one.note, []).append(one.split)
    return tuple(
        note if every == set(arms) else f"{' | '.join(dict.fromkeys(arms))}: {note}"
        for note, arms in noted.items()
    )


def _words(readouts: Sequence[Readout]) -> Iterator[str]:
    yield from (f"{one.name}: {one.about}" for one in readouts if one.about)
    yield (
        "Ranges under a figure are 95 % intervals: Student's over the seeds, and at least as wide "
        "as what is known within the seeds. An arm differs where its difference from the first, "
        "paired by seed, has p at most 5 % over the number of such arms."
    )


def _plots(study: Study, figures: Sequence[Figure]) -> Iterator[Drawing]:
    for readout in study.readouts:
        own = [one for one in levels(figures, readout.name) if one.value is not None]
        if len(own) > 1:
            yield _plot(study, readout, own)


def _plot(study: Study, readout: Readout, own: Sequence[Figure]) -> Drawing:
    """The arms with their intervals; chance beside them."""
    scale = 100 if readout.unit == "share" else 1
    places = list(range(len(own)))

    def paint(axes: Any) -> None:
        for place, one in zip(places, own, strict=True):
            value = scale * (one.value or 0)
            if one.interval is not None:
                low, high = (scale * end for end in one.interval)
                axes.plot([place, place], [low, high], color=BLUE, lw=1.6)
            axes.plot([place], [value], "o", color=BLUE, ms=6)
        chances = [(place, one.chance) for place, one in enumerate(own) if one.chance is not None]
        if chances:
            heights = [scale * chance for _, chance in chances]
            axes.plot([p for p, _ in chances], heights, "_", color=ORANGE, ms=16, label="chance")
            legend(axes)
        if readout.unit != "share" and any((one.value or 0) < 0 for one in own):
            axes.axhline(0, color=INK, lw=0.8, ls=(0, (1, 3)))
        axes.set_xticks(places, [one.split for one in own], rotation=30, ha="right")
        axes.set(ylabel="%" if scale == 100 else readout.unit, xlabel=study.axis)

    about = readout.about[:1].upper() + readout.about[1:]
    said = f"The mean over the seeds with its 95 % interval. {about}".strip()
    return drawing(paint, readout.name, readout.name, said)


def _differences(study: Study, figures: Sequence[Figure]) -> Iterator[Table]:
    own = [one for one in figures if one.other is not None]
    if own:
        yield _side_by_side(study, own, "Arm")


def _by_seed(study: Study, figures: Sequence[Figure]) -> Iterator[Table]:
    for readout in _read_out(study, figures):
        own = [one for one in figures if one.statistic == readout.name and _is_of_seed(one)]
        seeds = list(dict.fromkeys(str(one.by) for one in own))
        found = {(one.split, one.by): one for one in own}
        arms = dict.fromkeys(one.split for one in own)
        yield Table(
            readout.name,
            (Cell("Arm"), *map(Cell, seeds)),
            tuple(Line(a, tuple(_cell(found.get((a, seed))) for seed in seeds)) for a in arms),
        )


def _is_of_seed(one: Figure) -> bool:
    return (one.by or "").startswith(f"{BY_SEED} ")
