"""The page of a watch: the curve of each reader, with chance and intervals, and every look."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from solidmark.measures.watch.looks import RATE, Look, looks_of
from solidmark.page.comparison import made, page_of
from solidmark.page.drawing import GREY, LOOK, Drawing, drawing, legend
from solidmark.page.glossary import glossary
from solidmark.page.sections import Cell, Figures, Note, Page, Plots, Table
from solidmark.page.sections import Line as Row
from solidmark.page.tabled import digits
from solidmark.runs import open_results
from solidmark.scores.written import p_value, percent, percents, plural
from solidmark.verdicts.readers import reader as words_of

TERMS = ("permutation_z", "auc", "interval", "chance", "p_value/key", "named", "share", "held_out")

TELLS = (
    ("look", "Look", "An audit of the model as it was at one step, in a folder of its own."),
    (
        "detected",
        "Detected",
        "The share of images whose p-value is at most 0.01. Luck gives 1 %. High means memorized.",
    ),
)

FILES = (
    ("watch.parquet", "A row a look and reader: the curve."),
    ("looks/", "The audits, one a look, each with its evidence, scores and verdict."),
    ("results.json", "The figures, each with its look and step."),
)

MANY = (
    "Who looks often sees something by luck in the end. So the looks share the level of one audit: "
    "the first has half of it, look k 1 / (k (k + 1)). A p-value counts only below the level of "
    "its own look, which the table has. Intervals are those of each look alone."
)


def watch_page(folder: Path, images: bool, top: int) -> Page:
    """The page of a watch, as a `Maker` of pages; it has no pictures."""
    results = open_results(folder)
    looks = sorted(looks_of(folder), key=lambda one: one.step)
    unit = str(results.config["unit"])
    readers = list(dict.fromkeys(one.reader for one in looks))
    groups = tuple((words_of(one).title, _curves(looks, one, unit)) for one in readers)
    said = () if groups else ("There is nothing to draw: nothing was looked at yet.",)
    count = plural(int(results.facts["looks"]), "look")
    used = {one.statistic for one in results.figures}
    return page_of(
        results,
        "When does the training begin to memorize?",
        {"Marked images": "marked"},
        (
            Plots("curves", "The curve", said, groups=groups, link="Curve"),
            Figures(
                "looks", "Every look", tables=tuple(_table(looks, one, unit) for one in readers)
            ),
            Note("many", f"What it means to look often: {count}", (MANY,), link="Many looks"),
            glossary(TERMS, used, float(results.config.get("fdr", 0.05)), TELLS),
            made(results, files=FILES),
        ),
        (("Looks", count),),
        private="This page holds no picture and no id of the data.",
    )


def _curves(looks: Sequence[Look], reader: str, unit: str) -> tuple[Drawing, ...]:
    own = [one for one in looks if one.reader == reader]
    trained, held_out = own[-1].n, own[-1].n_held_out
    named = {"trained": f"trained (n = {trained:,})", "held_out": f"held-out (n = {held_out:,})"}

    def line(axes: Any, name: str, split: str, label: str) -> None:
        colour, style, marker = LOOK[split]
        some = [one for one in own if getattr(one, name) is not None]
        steps, values = [one.step for one in some], [getattr(one, name) for one in some]
        axes.plot(steps, values, style, marker=marker, color=colour, ms=4, lw=1.4, label=label)
        if hasattr(own[0], f"{name}_low"):
            ends = [[getattr(one, f"{name}_{end}") for one in some] for end in ("low", "high")]
            if all(end is not None for both in ends for end in both):
                axes.fill_between(steps, *ends, color=colour, alpha=0.15, lw=0)

    def finish(axes: Any, what: str, chance: float) -> None:
        axes.axhline(chance, color=GREY, ls=":", lw=1.4, label="chance")
        axes.set(xlabel=unit, ylabel=what)
        axes.xaxis.get_major_locator().set_params(integer=True)
        legend(axes)

    def together(axes: Any) -> None:
        line(axes, "z", "trained", named["trained"])
        line(axes, "held_out_z", "held_out", named["held_out"])
        seen = [one for one in own if one.state == "memorized" and one.z is not None]
        if seen:
            at = ([one.step for one in seen], [one.z for one in seen])
            colour = LOOK["trained"][0]
            axes.plot(*at, "o", mfc="none", mec=colour, ms=9, lw=0, label="memorization seen")
        finish(axes, "z (standard deviations)", 0.0)

    def apart(axes: Any) -> None:
        line(axes, "auc", "trained", "trained against held-out")
        axes.set_ylim(-0.02, 1.02)
        finish(axes, "AUC", 0.5)

    def caught(axes: Any) -> None:
        line(axes, "detected", "trained", named["trained"])
        line(axes, "held_out_detected", "held_out", named["held_out"])
        axes.set_ylim(-0.02, 1.02)
        finish(axes, f"share with p at most {RATE:g}", RATE)

    title = words_of(reader).title
    about: tuple[tuple[Callable[[Any], None], str, str, str], ...] = (
        (
            together,
            "z",
            "all images in one test",
            "Above the dotted line means that own keys are read better than exchanged ones. "
            "Held-out images must stay at it. Bands are 95 % intervals, each look for itself.",
        ),
        (
            apart,
            "auc",
            "trained told apart from held-out",
            "The area; 0.5 is chance, 1 is perfect separation. The band is a 95 % interval.",
        ),
        (
            caught,
            "detected",
            "share of images detected",
            "Luck alone detects 1 % of images. The band is a 95 % interval.",
        ),
    )
    return tuple(
        drawing(paint, f"{reader}-{name}", f"{title}: {what}", how)
        for paint, name, what, how in about
        if name != "auc" or any(one.auc is not None for one in own)
    )


def _table(looks: Sequence[Look], reader: str, unit: str) -> Table:
    own = [one for one in looks if one.reader == reader]
    heads = (unit.capitalize(), "Verdict", "z", "AUC", "Detected", "Named", "Memorized, at least")
    title = f"{words_of(reader).title}: {plural(len(own), 'look')}"
    return Table(title, tuple(map(Cell, heads)), tuple(_row(one) for one in own))


def _row(one: Look) -> Row:
    seen = "" if one.images is None else f", {one.images:,} images seen"
    p = (p_value(one.p_value), f"level {one.level:.2g}")
    lost = (f"{one.failed:,} failed",) if one.failed else ()
    cells = (
        Cell(one.label, lost),
        Cell(digits(one.z), (*_between(one.z_low, one.z_high), *p)),
        Cell(digits(one.auc), _between(one.auc_low, one.auc_high)),
        Cell(_percent(one.detected), _share(one)),
        Cell(f"{one.named:,} of {one.n:,}"),
        Cell(percent(one.share)),
    )
    return Row(f"{one.step:,}", cells, f"look {one.look:,}{seen}")


def _between(low: float | None, high: float | None) -> tuple[str, ...]:
    return () if low is None or high is None else (f"{digits(low)} to {digits(high)}",)


def _percent(share: float | None) -> str:
    return "–" if share is None else percent(share)


def _share(one: Look) -> tuple[str, ...]:
    held = "" if one.held_out_detected is None else f"held-out {percent(one.held_out_detected)}"
    if one.detected_low is None or one.detected_high is None:
        return tuple(filter(None, (held,)))
    return tuple(filter(None, (percents(one.detected_low, one.detected_high), held)))
