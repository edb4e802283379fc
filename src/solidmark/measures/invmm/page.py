"""The page of an `invmm` run: which training images the model can be made to draw again."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from solidmark.cards import title_of
from solidmark.errors import SolidmarkError
from solidmark.measures.invmm.cards import MEASURE, OUTCOMES, Inverted, Row, card_of, open_inverted
from solidmark.measures.invmm.plots import LEAST, common_scale, found
from solidmark.page.comparison import (
    COMPARED,
    NAMES,
    ORDER,
    SPLITS,
    all_figures,
    all_rows,
    card_lists,
    curves,
    made,
    page_of,
    proof_of,
    subjects,
)
from solidmark.page.control import control_section
from solidmark.page.glossary import glossary
from solidmark.page.marked import unmarked
from solidmark.page.sections import Card, Cards, Figures, Gallery, Page, Plots
from solidmark.page.tabled import Words, side_by_side
from solidmark.runs import RESULTS, Figure, find, first, open_results
from solidmark.scores.written import short
from solidmark.verdicts.control import HELD_OUT

IN_AUDIT = (6, 3)
"""So many trained and held-out images stand on the page of an audit."""

SIGNALS = "signals"
"""The folder of a run of cheap signals, in that of the `invmm` run."""

WORDS = Words(
    SPLITS,
    {
        **OUTCOMES,
        **NAMES,
        "kl": "KL of the reproduced, median",
        "network_calls": "Network calls of an image",
        "rank_correlation": "Rank correlation with {by}",
    },
    (*OUTCOMES, "kl", "network_calls", *ORDER, "rank_correlation"),
    counted=frozenset(("reproduced", "spent", "named", "named_subjects")),
)

COLUMNS = (
    ("status", "Outcome", "choice"),
    ("value", "Score", "number"),
    ("kl", "KL", "number"),
    ("kl_low", "Lowest KL", "number"),
    ("kl_high", "Highest KL", "number"),
    ("best_similarity", "Least alike", "number"),
    ("reproduced", "Reproduced", "whole"),
    ("restarts", "Restarts", "whole"),
    ("network_calls", "Calls", "number"),
    ("prompt", "Prompt found", "text"),
)
"""The columns of its own of the table of all rows."""

TERMS = (
    *("reproduced", "spent", "not_tried", "kl", "similarity/samples", "score", "path", "restarts"),
    *("null", "network_calls", "rank_correlation", "p_value", "q_value", "named", "auc"),
    *("named_subjects/compared", "tpr_at_fpr", "interval", "chance"),
)


def invmm_page(folder: Path, images: bool, top: int) -> Page:
    """The page of an `invmm` run, as a `Maker` of pages; prompts that were found are captions."""
    run = open_inverted(folder)
    scored, results = run.scored, run.scored.results
    trained, held_out = _cards(run, images, top)
    compared = bool(scored.count(MEASURE, "held_out"))
    return page_of(
        results,
        "Which training images can the model be made to draw again?",
        subjects(results),
        (
            _gallery(run, trained, held_out, images),
            _beside(run),
            _curves(run),
            control_section(results.folder, scored.control, images, compared, HELD_OUT),
            all_figures(scored, WORDS),
            all_rows(scored, images, own=COLUMNS),
            glossary(TERMS, ("auc", "tpr_at_fpr"), scored.fdr),
            made(results, tuple(_left_out(run)), (scored.failures(), unmarked(run.marked))),
        ),
        proof=proof_of(trained),
    )


def audit_section(folder: Path, *, images: bool = True) -> Gallery | None:
    """What the page of an audit says of the `invmm` run in its folder.

    Arguments:
        folder: The folder of the `invmm` run, below that of the audit.
        images: Whether pictures, captions and prompts may stand on the page.

    Returns:
        The section; None where there is no run with results.

    Raises:
        NotFound: When a file is missing, or the results hold no verdict.
        RunConflict: When the run is not finished, or of another command.
        BadInput: When one of its files cannot be read.
    """
    if not (folder / RESULTS).is_file():
        return None
    run = open_inverted(folder)
    verdict = run.scored.results.judged
    trained, held_out = (
        cards[:n] for cards, n in zip(_cards(run, images, 6), IN_AUDIT, strict=True)
    )
    lists = (
        Cards("", tuple(trained)),
        Cards("The held-out images of the lowest score", tuple(held_out), folded=True),
    )
    return Gallery(
        "invmm",
        f"InvMM: {verdict.label}",
        (verdict.headline, f"{_chance(run)} All of it: {folder.name}/report.html."),
        lists=tuple(one for one in lists if one.cards),
        empty="No trained image was tried to the end.",
        link="InvMM",
    )


def _cards(
    run: Inverted, images: bool, top: int, compared: int = COMPARED
) -> tuple[list[Card], list[Card]]:
    """The images of both splits, the lowest score first, their paths on one scale."""
    trained, held_out = run.ranked("trained")[:top], run.ranked("held_out")[:compared]
    scale = common_scale([run.path(row) for row in (*trained, *held_out)], run.needed)
    about = run.marked.describe([row["id"] for row in (*trained, *held_out)]) if images else {}

    def card(row: Row) -> Card:
        return card_of(run, row, scale, about.get(row["id"], {}).get("class", ""), images)

    return [card(row) for row in trained], [card(row) for row in held_out]


def _gallery(run: Inverted, trained: list[Card], held_out: list[Card], images: bool) -> Gallery:
    figures = run.scored.results.figures
    count = run.scored.count(MEASURE, "trained")
    named = first(figures, "named", "trained")
    some = int((named.count if named else None) or 0)
    inverted = any(one["words"] for one in run.best.values())
    given = run.scored.results.config.get("inversion", {}).get("prompt") == "given"
    said = (
        f"{len(trained):,} of {count:,} pictures that were tried to the end, by score.",
        f"{some:,} are named; all names lie in named.csv beside this page." if some else "",
        _chance(run),
        _needed(run),
        "The prompt found is the nearest words of the vocabulary; it need not read like language."
        if inverted and images
        else "The model was told the caption or the class of each image, where it takes any."
        if given and images
        else "",
    )
    return Gallery(
        "images",
        "Images beside what the noise found for them gives",
        (" ".join(filter(None, said)),) if count else (),
        lists=card_lists(trained, held_out),
        link="Images",
        empty="No trained image is shown." if count else "No trained image was tried to the end.",
    )


def _chance(run: Inverted) -> str:
    """What held-out images reached."""
    figures = run.scored.results.figures
    found, kl = (first(figures, name, "held_out") for name in ("reproduced", "kl"))
    if found is None or not found.n:
        return "KL in nats per dimension, low = memorized; what chance gives is not known."
    lowest = kl.number("lowest") if kl else None
    best = "" if lowest is None else f" ({short(lowest)} at best)"
    return (
        f"KL in nats per dimension, low = memorized. Of {found.n:,} held-out images "
        f"{found.count or 0:,} {'was' if found.count == 1 else 'were'} reproduced{best}."
    )


def _needed(run: Inverted) -> str:
    """When an image counts as reproduced."""
    if run.needed is None:
        return ""
    results = run.scored.results
    threshold: Mapping[str, Any] = results.facts.get("threshold") or {}
    by = f" ({results.config['similarity']})" if results.config.get("similarity") else ""
    frames = ", their frames left out" if run.marked.folder else ""
    rate = threshold.get("rate")
    alike = (
        f" Of pairs of different pictures {100 * rate:.2g} % or fewer are so alike." if rate else ""
    )
    return (
        f"Reproduced: even the least alike of the samples has a similarity{by} of "
        f"{run.needed:.3g} or more{frames}.{alike} {threshold.get('note') or ''}"
    ).strip()


def _beside(run: Inverted) -> Figures | None:
    """InvMM beside the cheap signals of the same images; None where there are none."""
    signals, left_out = _signals(run)
    if not signals and not left_out:
        return None
    figures = (*run.scored.results.figures, *signals)
    names = {one.measure: title_of(one.measure) for one in find(figures, "auc")}
    calls = first(run.scored.results.figures, "network_calls", "trained")
    cost = {MEASURE: calls.value} if calls else {}
    return Figures(
        "beside",
        "Beside the cheap signals",
        ("They ask other questions, for a fraction of the network calls.",) if signals else (),
        warnings=(left_out,) if left_out else (),
        tables=(side_by_side("Measure", names, figures, WORDS, cost),),
        link="Signals",
    )


def _signals(run: Inverted) -> tuple[tuple[Figure, ...], str]:
    """The figures of the signals in the folder, unless they are of something else, and why not."""
    results = run.scored.results
    folder = results.folder / SIGNALS
    if not (folder / RESULTS).is_file():
        return (), ""
    try:
        found = open_results(folder)
    except SolidmarkError:
        return (), f"{SIGNALS}/{RESULTS} cannot be read, and is left out."
    theirs, ours = found.fingerprints, results.fingerprints
    if any(theirs[name] != ours[name] for name in theirs.keys() & ours.keys()):
        return (), f"The run in {SIGNALS}/ is of another model or other images, and is left out."
    return found.figures, ""


def _curves(run: Inverted) -> Plots:
    """The scores beside chance, and how alike against how far."""
    drawn = curves(run.scored, ("trained",))
    points = {split: list(_points(run, split)) for split in SPLITS}
    if not any(points.values()):
        return drawn
    return replace(drawn, groups=(("", (*drawn.drawings, found(points, run.needed))),))


def _points(run: Inverted, split: str) -> Iterator[tuple[float, float]]:
    for row in run.ranked(split):
        end = run.best.get((split, row["id"]), {}).get("kl_end")
        kl = end if row["kl"] is None else row["kl"]
        if kl is not None and row["best_similarity"] is not None:
            yield row["best_similarity"], max(kl, LEAST)


def _left_out(run: Inverted) -> Iterator[str]:
    """What it cost, what counts once, and what not at all."""
    results = run.scored.results
    total = first(results.figures, "network_calls_total")
    if total is not None and total.value is not None:
        before = float(results.facts.get("triage_calls") or 0.0)
        triage = f", and {before:,.0f} before to order the images" if before else ""
        yield f"In all {total.value:,.0f} network calls{triage}."
    times = run.scored.times.items()
    copies = {name: sum(n for (split, _), n in times if split == name) for name in SPLITS}
    counts = ", ".join(f"{copies[name]:,} {said.lower()}" for name, said in SPLITS.items())
    yield f"Images that failed: {results.failed:,}."
    yield f"With the pixels of another, counted once: {counts}."
    if excluded := results.facts.get("excluded"):
        yield f"Held-out images that are training images too, and no control: {len(excluded):,}."
