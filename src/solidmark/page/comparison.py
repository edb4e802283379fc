"""The sections that all pages of comparisons have: figures, all rows, how it was made."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from solidmark.page.beside import rocs, strip
from solidmark.page.made import without_peak
from solidmark.page.rows import rows_section
from solidmark.page.scored import LOST, Scored
from solidmark.page.sections import (
    Card,
    Cards,
    Figures,
    Gallery,
    Made,
    Page,
    Plots,
    Rows,
    Section,
    Table,
)
from solidmark.page.tabled import Words, table_of_figures
from solidmark.page.values import flat
from solidmark.runs import Results
from solidmark.scores.content import LOW_CONTENT
from solidmark.scores.written import percent

SPLITS = {"trained": "Trained", "held_out": "Held-out"}

AGAINST = (("trained against held-out", SPLITS, "trained_vs_held_out"),)
"""The question of a run that compares these."""

ORDER = (
    "named",
    "named_subjects",
    "eidetic",
    "threshold",
    "closest",
    "percentile",
    "mean",
    "auc",
    "tpr_at_fpr",
)
"""The statistics in the order of the tables."""

NAMES = {
    "named": "Named, q at most {fdr}",
    "named_subjects": "Subjects named, q at most {fdr}",
    "eidetic": "Within {threshold}, {how}",
    "threshold": "Threshold of {fpr} of the null",
    "closest": "Closest",
    "percentile": "{percentile}th percentile of the close side",
    "mean": "Mean",
    "auc": "AUC",
    "tpr_at_fpr": "Detections at {fpr} false alarms",
    "low_content": "Low content among the {n} closest",
}

ON_SCALE = frozenset(("threshold", "closest", "percentile", "mean"))
"""Statistics on the scale of the measure itself."""

COLUMNS: tuple[tuple[str, str, str], ...] = (
    ("id", "Image", "text"),
    ("measure", "Measure", "choice"),
    ("split", "Split", "choice"),
    ("nearest", "Nearest", "text"),
    ("value", "Value", "number"),
    ("distance", "Distance", "number"),
    ("similarity", "Similarity", "number"),
    ("raw", "Before rescaling", "number"),
    ("p_value", "p", "number"),
    ("q_value", "q", "number"),
    ("group", "Group", "text"),
    ("group_p_value", "p of the group", "number"),
    ("group_q_value", "q of the group", "number"),
    ("contrast", "Contrast", "number"),
    ("content", "Content", "choice"),
    ("prompt", "Told", "text"),
    ("caption", "Caption", "text"),
    ("copy_of", "Counts with", "text"),
    ("status", "Status", "choice"),
    ("note", "Note", "text"),
)
"""The columns of the table of all rows; those without any value are left out."""

ALWAYS = frozenset(("id", "measure", "split", "p_value", "q_value", "status", "note"))
TOLD = frozenset(("prompt", "caption"))
"""What does not stand on a page without pictures."""


CAPTIONS = (("class", "class"), ("", "caption"))
"""What stands under the id of an image, and where it is kept."""


def captions_of(about: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """What stands under the id of an image.

    Arguments:
        about: What is known of it.
    """
    return tuple((what, str(about[key])) for what, key in CAPTIONS if about.get(key))


SHOWN = 12
"""So many cards are seen at once; the others open with a click."""

COMPARED = 10
"""So many of the null stand for comparison below those in question."""

LUCKY = "For comparison: the most suspicious held-out images, which the model never saw"

PROOF = 3
"""So many stand right under the verdict."""


def page_of(
    results: Results,
    question: str,
    about: Mapping[str, str],
    sections: Iterable[Section | None],
    told: Iterable[tuple[str, str]] = (),
    **more: Any,
) -> Page:
    """The page of a run, with its verdict.

    Arguments:
        results: What stands in `results.json`.
        question: What the page answers.
        about: What was looked at: names, and the options that say it.
        sections: What follows; None is passed over.
        told: What else is said of what was looked at: names and texts.
        more: What else a `Page` has.
    """
    asked = ((name, str(results.config.get(one) or "not named")) for name, one in about.items())
    return Page(
        results.command,
        question,
        (*asked, *told),
        results.judged,
        tuple(one for one in sections if one is not None),
        **more,
    )


def subjects(results: Results) -> dict[str, str]:
    """What was asked about, where that is images and perhaps held-out ones: `about` of a page."""
    named = ("model", "images", "held_out")
    return {name.capitalize().replace("_", "-"): name for name in named if results.config.get(name)}


def proof_of(cards: Sequence[Card], said: str = "The most suspicious ones:") -> Cards | None:
    """The first cards, for the top of the page; None where none has a picture.

    Arguments:
        cards: The cards, the most suspicious first.
        said: What they are, where none of them is named.
    """
    seen = [c for c in cards if any(one.picture and one.picture.uri for one in c.pictures)]
    shown = tuple(seen[:PROOF])
    named = any(card.named for card in shown)
    return Cards("", shown, () if named else (said,), numbered=False) if shown else None


def shortened(cards: Sequence[Card], title: str = "", first: int = SHOWN) -> Iterator[Cards]:
    """The first cards of a list, and the others, folded.

    Arguments:
        cards: The cards.
        title: Above the first ones.
        first: How many these are.
    """
    if cards:
        yield Cards(title, tuple(cards[:first]))
    if more := tuple(cards[first:]):
        yield Cards(f"{len(more):,} more", more, folded=True, before=first)


def ranked_gallery(
    cards: Sequence[Card],
    lucky: Sequence[Card],
    count: int,
    named: int,
    fdr: float,
    *,
    title: str = "The most suspicious images",
    said: Sequence[str] = (),
) -> Gallery:
    """Trained images, the most suspicious first, and held-out ones for comparison.

    Arguments:
        cards: The trained images that are shown.
        lucky: Held-out images that look most suspicious by luck.
        count: How many trained images there are to rank.
        named: How many of them are named by any measure.
        fdr: The false-discovery rate at which they are.
        title: Above them.
        said: What is shown, in sentences.
    """
    if named:
        told = (
            f"{len(cards):,} of {count:,} trained pictures, those that the most measures name "
            f"first. {named:,} are named (q at most {fdr:g}): of the names of each measure at most "
            f"{percent(fdr)} are wrong on average. All names lie in named.csv beside this page."
        )
    else:
        told = f"The {len(cards):,} most suspicious of {count:,} trained pictures. None is named."
    return Gallery(
        "images",
        title,
        (*said, told) if cards else (),
        lists=card_lists(cards, lucky),
        empty="No trained image could be scored." if not count else "No image is shown.",
        link="Images",
    )


def card_lists(cards: Sequence[Card], lucky: Sequence[Card]) -> tuple[Cards, ...]:
    """The first cards, the others folded, and those for comparison.

    Arguments:
        cards: The trained images that are shown, the most suspicious first.
        lucky: Held-out images that look most suspicious by luck.
    """
    compared = (Cards(LUCKY, tuple(lucky), folded=True),) if lucky else ()
    return *shortened(cards), *compared


def curves(run: Scored, splits: Sequence[str]) -> Plots:
    """Detections against false alarms, and the values of each measure beside those of the null.

    Arguments:
        run: The run.
        splits: The splits in question; the first is the one of the detections.
    """
    every = rocs(run, splits[0])
    drawings = [] if every is None else [every]
    for measure in run.measures:
        drawings += [strip(run, measure, one) for one in splits if run.count(measure.name, one)]
    groups = (("", tuple(drawings)),) if drawings else ()
    said = () if groups else ("There is nothing to draw: no image was scored.",)
    return Plots("curves", "Beside chance", said, groups=groups, link="Curves")


def all_figures(
    run: Scored,
    words: Words,
    questions: Sequence[tuple[str, Mapping[str, str], str]] = AGAINST,
) -> Figures:
    """All figures, a table a measure and question, folded.

    Arguments:
        run: The run.
        words: How the figures are called; its heads are those of the question.
        questions: Title, the splits that stand side by side with their names, and the comparison.
    """
    tables: list[Table] = []
    for measure in run.measures:
        own = [one for one in run.results.figures if one.measure == measure.name]
        own = [one for one in own if one.statistic in words.order]
        for title, splits, versus in questions:
            some = [one for one in own if one.split in (*splits, versus)]
            if some:
                heads = replace(words, heads=splits)
                tables.append(table_of_figures(f"{measure.title}: {title}", some, heads))
    said = () if tables else ("There are no figures in this run.",)
    return Figures("figures", "All figures", said, tables=tuple(tables), folded=True)


def all_rows(
    run: Scored,
    images: bool,
    *,
    file: str = "scores.parquet",
    own: Sequence[tuple[str, str, str]] = (),
) -> Rows:
    """Every row, the most suspicious first, folded.

    Arguments:
        run: The run.
        images: Whether captions and prompts may stand on the page.
        file: Where all rows lie.
        own: The columns of this command, before p; or what it calls one of `COLUMNS`. Where its
            rows have an `outcome`, that says more than their status, and stands in its place.
    """
    rows = [
        {**row, "measure": measure, "split": split, "content": _content(row.get("contrast"))}
        for measure, split, table in run.shown()
        for row in table.to_pylist()
    ]
    rows.sort(key=lambda row: _suspicion(row, run))
    has = {name for row in rows for name, value in row.items() if value is not None and value != ""}
    shown = has | ALWAYS
    if not any(one.is_similarity for one in run.measures):
        shown -= {"similarity"}
    if "value" in shown:
        shown -= {"distance", "similarity"}
    if not images:
        shown -= TOLD
    if len(run.measures) == 1:
        shown -= {"measure"}
    mine = {name for name, _, _ in own}
    usual = [one for one in COLUMNS if one[0] not in mine]
    place = next(n for n, one in enumerate(usual) if one[0] == "p_value")
    columns = [one for one in (*usual[:place], *own, *usual[place:]) if one[0] in shown]
    judged = any(row.get("p_value") is not None for row in rows)
    return rows_section(
        columns,
        rows,
        lambda row, name: row.get("outcome" if name == "status" and "outcome" in row else name),
        total=sum(len(table) for table in run.tables.values()),
        fdr=run.fdr,
        order="most suspicious rows",
        sort="p_value" if judged else ("value" if "value" in shown else "distance"),
        names={
            "measure": {measure.name: measure.title for measure in run.measures},
            "split": dict(run.splits),
        },
        file=file,
    )


def made(
    results: Results,
    said: Sequence[str] = (),
    tables: Sequence[Table | None] = (),
    files: Sequence[tuple[str, str]] = (),
    calibration: Mapping[str, Any] | None = None,
) -> Made:
    """What was left out, what else lies in the folder, and how the run was made, folded.

    Arguments:
        results: What the run says of itself.
        said: What was left out, in sentences.
        tables: The same in tables; None is passed over.
        files: What else lies in the folder, and what for.
        calibration: How it was calibrated, where the results do not say.
    """
    facts = results.facts
    parts = {
        "Configuration": results.config,
        "Measures": facts.get("measures"),
        "Similarity": facts.get("similarity"),
        "Similarity needed": facts.get("threshold"),
        "Rules": {k: v for k, v in (facts.get("scoring") or {}).items() if k != "expected"},
        "Calibration": calibration or facts.get("calibration"),
        "Memory": without_peak(facts.get("memory") or {}),
        "Versions": results.versions,
        "Fingerprints": results.fingerprints,
    }
    return Made(
        "run",
        "This run",
        tuple(said),
        tables=tuple(table for table in tables if table),
        folded=True,
        files=tuple(files),
        command=results.command,
        seed=results.seed,
        parts=tuple((title, tuple(flat(part))) for title, part in parts.items() if part),
    )


def _suspicion(row: Mapping[str, Any], run: Scored) -> tuple[bool, bool, float, float]:
    p, distance = (
        LOST if row.get(name) is None else float(row[name]) for name in ("p_value", "distance")
    )
    return row["status"] != "ok", row["split"] not in run.null, p, distance


def _content(contrast: float | None) -> str:
    return "" if contrast is None else "low" if contrast < LOW_CONTENT else "ordinary"
