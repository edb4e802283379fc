"""The named images on the page of an audit: whom, how many of them wrong, what the control says."""

import numpy as np

from solidmark.measures.audit.page_run import Audit, numbers_of, title_of
from solidmark.page.pictures import embed
from solidmark.page.sections import Cell, Figures, Line, Shown, Table
from solidmark.runs import find
from solidmark.scores.discovery import Correction, least_p
from solidmark.scores.own_key import own_keys
from solidmark.scores.scored import Images
from solidmark.scores.written import percent, short
from solidmark.verdicts.key_sentences import wrong

SHOWN = 200
"""So many names of a reader stand on the page; `named.csv` has them all."""

THUMBNAIL = 48
"""The longer side of the pictures in the list, in pixels."""

ONE_GREY = (
    "Of a single grey level no p is below 1 in 256, nor below 1 in the number of its peers, so it "
    "hardly ever names anyone. Marks of several keys (--pattern segments) name images."
)

COLUMNS = ("p", "q", "bits", "distance")
HEADS = ("Image", "p", "q", "Exposure (bits)", "Distance", "Own key")


def named_section(audit: Audit, images: bool) -> Figures:
    """Whom every reader names that scored a trained image."""
    scored = [name for name in audit.readers if len(audit.of(name, "trained"))]
    said, tables = [], []
    for reader in scored:
        title = f"{title_of(reader)}: " if scored[1:] else ""
        said.append(title + _said(audit, reader))
        if rows := audit.names_of(reader):
            tables.append(_table(audit, reader, rows, images))
    if tables:
        said.append(
            f"An image is named when its q is at most {audit.fdr:g}: on average at most "
            f"{percent(audit.fdr)} of the names are wrong; solidmark score --fdr sets another "
            "rate. named.csv beside this page has all names with their files, to take these "
            "images out or to unlearn them."
        )
    none = "No trained image could be scored, so none can be named."
    about = tuple(said) or (none,)
    return Figures("named", "Named images", about, tables=tuple(tables), link="Named")


def _said(audit: Audit, reader: str) -> str:
    """How many are named and how many of them to expect wrong, or why none is; the control."""
    trained = audit.images(reader, "trained")
    count = _count(audit, trained)
    of, fdr = f"{count:,} of {len(trained):,} trained images", audit.fdr
    if count and reader in audit.results.judged.naming:
        (figure,) = find(audit.results.figures, "named", "trained", reader=reader)
        said = f"{of} {'is' if count == 1 else 'are'} named: {wrong(figure)}."
    elif count:
        said = (
            f"Nobody is named. {of} have q at most {fdr:g}. But the verdict is not that images are "
            "memorized, so every such name may be wrong."
        )
    else:
        said = f"Nobody is named: {of}. {_why(audit, trained)}"
    return f"{said} {_control(audit, reader)}"


def _count(audit: Audit, images: Images) -> int:
    """How many images have a q that names them."""
    return int((images.numbers("q_value") <= audit.fdr).sum())


def _why(audit: Audit, trained: Images) -> str:
    """What it would have taken to name somebody, and why it was not reached."""
    p, q = (float(np.nanmin(trained.numbers(name))) for name in ("p_value", "q_value"))
    correction: Correction = "by" if audit.results.config.get("correction") == "by" else "bh"
    text = (
        f"The smallest q is {short(q)}, above {audit.fdr:g}. The smallest p is {short(p)}; to name "
        f"one image of {len(trained):,} alone takes p at most "
        f"{short(least_p(len(trained), audit.fdr, correction))}."
    )
    return text if len(next(trained.rows(1)).key) > 1 else f"{text} {ONE_GREY}"


def _control(audit: Audit, reader: str) -> str:
    held_out = audit.images(reader, "held_out")
    if not len(held_out):
        return "No held-out image was scored, so nothing checks this list."
    count = _count(audit, held_out)
    text = f"The same rule names {count:,} of {len(held_out):,} held-out images"
    if not count:
        return f"{text}, which the model never saw."
    return (
        f"{text}, wrongly: the model never saw them. In a sound run it names any of them about "
        f"once in {round(1 / audit.fdr):,} runs at most."
    )


def _table(audit: Audit, reader: str, rows: Images, images: bool) -> Table:
    shown = list(rows.rows(SHOWN))
    near = own_keys(audit.scores, shown)
    title = f"Named by {title_of(reader)}, the lowest p first"
    if len(rows) > SHOWN:
        title += f": {SHOWN:,} of {len(rows):,}; named.csv has them all"
    lines = []
    for score in shown:
        picture = None
        if images and audit.marked.folder is not None:
            file = audit.marked.files.get(score.id)
            small = embed(audit.marked.folder, file, THUMBNAIL)
            picture = Shown(small, "Marked image", score.id)
        own, told = near.get(score.name), numbers_of(score)
        place = "–" if own is None else f"{own.rank:,} of {own.of:,}"
        cells = [Cell(value) for value in (*(told[name] for name in COLUMNS), place)]
        lines.append(Line(score.id, tuple(cells), picture=picture))
    return Table(title, tuple(map(Cell, HEADS)), tuple(lines))
