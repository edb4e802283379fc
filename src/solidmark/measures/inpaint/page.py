"""The page of an `inpaint` run: images beside what the model drew in their hidden half."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from markupsafe import Markup

from solidmark.measures.inpaint.asking import truth_of
from solidmark.measures.inpaint.scoring import MEASURES, SCORES
from solidmark.measures.inpaint.verdict import different
from solidmark.page.comparison import (
    COMPARED,
    NAMES,
    ON_SCALE,
    ORDER,
    SPLITS,
    all_figures,
    all_rows,
    captions_of,
    curves,
    made,
    page_of,
    proof_of,
    ranked_gallery,
)
from solidmark.page.control import control_section
from solidmark.page.glossary import USUAL, glossary
from solidmark.page.marked import Marked, open_marked, unmarked
from solidmark.page.pictures import IN_CARD, Picture, encode, open_picture
from solidmark.page.scored import Row, Scored, measure_of
from solidmark.page.sections import NOTHING, Card, Page, Shown
from solidmark.page.tabled import Words
from solidmark.runs import open_results, read_manifest, read_table
from solidmark.verdicts.control import HELD_OUT

WORDS = Words(SPLITS, NAMES, ORDER, close=ON_SCALE)

HALVES = {"left": "left", "right": "right", "top": "upper", "bottom": "lower"}
"""What each half is called in a sentence."""

TERMS = ("inpainting", "distance/half", "null", "low_content", *USUAL)

Box = tuple[int, int, int, int]
"""Left, top, right and bottom, in pixels."""


@dataclass(frozen=True)
class _Run:
    """The rows of a run, and its pictures.

    Arguments:
        marked: The marked folder with the truth, or why it cannot be used.
        drawn: By split and id: how many draws count, and where the best picture lies.
        picture: The part of a marked image that is the picture, without its frame; None where
            the run does not say.
        outline: The hidden half, to be drawn over a picture.
        copies: How many images of each split have the pixels of another one.
    """

    scored: Scored
    marked: Marked
    drawn: Mapping[tuple[str, str], tuple[int, str | None]] = field(repr=False)
    picture: Box | None
    outline: Markup
    copies: Mapping[str, int]

    @property
    def has_truth(self) -> bool:
        """Whether the pictures themselves lie in the folder: the images were not marked."""
        return (self.scored.results.folder / "pictures" / "truth").is_dir()


def inpaint_page(folder: Path, images: bool, top: int) -> Page:
    """The page of an `inpaint` run, as a `Maker` of pages.

    The truth is read from the marked folder; where that is gone, the page says so.
    """
    run = _open(folder)
    scored, results = run.scored, run.scored.results
    trained, held_out = (scored.ranked(split) for split in SPLITS)
    shown = trained[:top], held_out[:COMPARED]
    ids = [next(iter(rows.values())).id for some in shown for rows in some]
    about = run.marked.describe(ids) if images else {}
    cards, lucky = ([_card(run, rows, about, images) for rows in some] for some in shown)
    used = {one.statistic for one in results.figures}
    lost = f"The truth cannot be shown: {run.marked.missing}"
    is_lost = images and run.marked.missing and not run.has_truth
    return page_of(
        results,
        "Does the model know how its training images go on?",
        {"Model": "model", "Images" if run.has_truth else "Marked folder": "marked"},
        (
            ranked_gallery(
                *(cards, lucky, len(trained), sum(map(scored.names, trained)), scored.fdr),
                title="Images beside what the model drew",
                said=(_asked(run, images),),
            ),
            curves(scored, ("trained",)),
            control_section(results.folder, scored.control, images, bool(held_out), HELD_OUT),
            all_figures(scored, WORDS),
            all_rows(scored, images),
            glossary(TERMS, used, scored.fdr),
            made(results, (_left_out(run),), (scored.failures(), unmarked(run.marked))),
        ),
        proof=proof_of(cards),
        notes=(lost,) if is_lost else (),
    )


def _open(folder: Path) -> _Run:
    import pyarrow.compute as pc

    manifest = read_manifest(folder, "inpaint")
    results = open_results(folder, measures=dict)
    scores = read_table(folder / "scores.parquet", SCORES, f'Run "solidmark score {folder}".')
    asked = ("split", "id", "draws", "picture")
    again = 'Run "solidmark inpaint" again.'
    evidence = read_table(folder / "evidence.parquet", asked, again, only=True)
    draws, lowest = (int(results.config.get(name) or 0) for name in ("draws", "lowest"))
    cards: Mapping[str, Any] = results.facts["measures"]
    tables = {}
    for name in different(draws, lowest, cards):
        for split in SPLITS:
            asked_of = pc.and_(pc.equal(scores["measure"], name), pc.equal(scores["split"], split))
            part = scores.filter(asked_of)
            tables[name, split] = part.sort_by([("distance", "ascending"), ("id", "ascending")])
    measures = tuple(measure_of(name, cards[name]) for name in different(draws, lowest, cards))
    known = {name: table for name, table in tables.items() if len(table)}
    first = {split: table for (name, split), table in tables.items() if name == MEASURES[0]}
    picture, hidden = (_box(manifest.get(name)) for name in ("picture", "hidden"))
    return _Run(
        Scored(results, measures, known, {"trained": "held_out"}, SPLITS),
        open_marked(folder, manifest),
        {(row["split"], row["id"]): (row["draws"], row["picture"]) for row in evidence.to_pylist()},
        picture,
        NOTHING if picture is None or hidden is None else _outline(picture, hidden),
        {split: len(table) - table["copy_of"].null_count for split, table in first.items()},
    )


def _asked(run: _Run, images: bool) -> str:
    """What was hidden, how often it was drawn, and which sums of the draws are the same."""
    config = run.scored.results.config
    half = HALVES.get(str(config.get("half")), "one")
    frame = " (the dashed frame)" if images and run.outline else ""
    draws, lowest = (int(config.get(name) or 0) for name in ("draws", "lowest"))
    times = "once" if draws == 1 else f"{draws:,} times"
    said = f"The {half} half of each picture was hidden{frame}, and the model drew it {times}"
    if draws == 1:
        return f"{said}: the best draw, the lowest and all are the same."
    return f"{said}: the {lowest} lowest draws are all." if 0 < draws <= lowest else f"{said}."


def _card(
    run: _Run, rows: Mapping[str, Row], about: Mapping[str, Mapping[str, str]], images: bool
) -> Card:
    """An image beside the best of its drawings."""
    row, scored = next(iter(rows.values())), run.scored
    draws, drawn = run.drawn.get((row.split, row.id), (0, None))
    truth = run.marked.folder, run.marked.files.get(row.id)
    if run.has_truth:
        truth = scored.results.folder, truth_of(row.split, row.id)
    sides = (
        ("truth", *truth),
        (f"best of {draws:,} draw{'' if draws == 1 else 's'}", scored.results.folder, drawn),
    )
    pictures = [(what, _cut_out(run, folder, name)) for what, folder, name in sides if images]
    return Card(
        row.id,
        captions_of(about.get(row.id, {})),
        tuple(
            Shown(one, what, row.id, over=run.outline if one.uri else NOTHING)
            for what, one in pictures
        ),
        readings=scored.readings(rows),
        flags=tuple(scored.flags(row, "the hidden half varies")),
        named=scored.names(rows),
    )


def _cut_out(run: _Run, folder: Path | None, name: str | None) -> Picture:
    """A picture without its frame; an empty one where it cannot be shown."""
    image = open_picture(folder, name) if folder and name else None
    if image is None:
        return Picture()
    return encode(image if run.picture is None else image.crop(run.picture), IN_CARD)


def _outline(picture: Box, hidden: Box) -> Markup:
    """The hidden half as a dashed frame, in pixels of the picture."""
    left, top, right, bottom = picture
    x, y, width, height = (
        hidden[0] - left,
        hidden[1] - top,
        hidden[2] - hidden[0],
        hidden[3] - hidden[1],
    )
    box = Markup('x="{}" y="{}" width="{}" height="{}"').format(x, y, width, height)
    return Markup(
        '<svg viewBox="0 0 {} {}" preserveAspectRatio="none" aria-hidden="true" focusable="false">'
        '<rect class="under" {}/><rect {}/></svg>'
    ).format(right - left, bottom - top, box, box)


def _box(value: Any) -> Box | None:
    good = isinstance(value, list) and len(value) == 4 and all(isinstance(v, int) for v in value)
    return (value[0], value[1], value[2], value[3]) if good else None


def _left_out(run: _Run) -> str:
    copies = " and ".join(f"{n:,} {SPLITS[split].lower()}" for split, n in run.copies.items())
    return (
        f"Images that failed: {run.scored.results.failed:,}. Images that have the pixels of "
        f"another one, and count with it: {copies}."
    )
