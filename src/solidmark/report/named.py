"""The images that can be named: the list at the chosen false-discovery rate, and `named.csv`."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from solidmark.report import words
from solidmark.report.folder import Audit, Score
from solidmark.report.nearest import Name, Nearest, nearest
from solidmark.report.numbers import p_number, plain, short
from solidmark.report.pictures import Picture, embed
from solidmark.report.rows import csv_of

SHOWN = 200
"""So many names of a reader stand on the page; `named.csv` has them all."""

THUMBNAIL = 48
"""The longer side of the pictures in the list, in pixels."""

COLUMNS = (
    "id",
    "file_name",
    "split",
    "reader",
    "p_value",
    "q_value",
    "exposure_bits",
    "distance",
    "rank",
    "rank_of",
)
"""The columns of `named.csv`."""


@dataclass(frozen=True)
class Entry:
    """One named image, as it stands in the list."""

    id: str
    p_value: str
    q_value: str
    bits: str
    distance: str
    rank: str
    picture: Picture | None


@dataclass(frozen=True)
class NamedList:
    """Whom one reader names.

    Arguments:
        reader: The reader.
        title: Its title.
        said: How many it names, and how many of them to expect wrong; or that it names nobody.
        why: Why it names nobody.
        control: What the same rule names among the held-out images.
        entries: The names that stand on the page, the lowest p first.
        count: How many trained images are named.
    """

    reader: str
    title: str
    said: str
    why: str
    control: str
    entries: tuple[Entry, ...]
    count: int


def is_named(score: Score, fdr: float) -> bool:
    """Whether an image is named: its q is at most the chosen false-discovery rate."""
    return score.ok and score.q_value is not None and score.q_value <= fdr


def named_rows(audit: Audit, reader: str, split: str) -> list[Score]:
    """The images that a reader names, the lowest p first."""
    found = [score for score in audit.images(reader, split) if is_named(score, audit.fdr)]
    return sorted(found, key=lambda score: score.rank)


def named_lists(audit: Audit, images: bool, naming: Collection[str]) -> list[NamedList]:
    """The list of every reader that scored a trained image.

    Arguments:
        audit: The audit.
        images: Whether pictures may stand on the page.
        naming: The readers whose verdict is that images are memorized. Where nothing is seen to be
            memorized, each name would be luck, and nobody is named.
    """
    return [
        _of_reader(audit, reader, images, reader in naming)
        for reader in audit.readers
        if audit.of(reader, "trained")
    ]


def _of_reader(audit: Audit, reader: str, images: bool, naming: bool) -> NamedList:
    trained, rows = audit.images(reader, "trained"), named_rows(audit, reader, "trained")
    if rows and not naming:
        said = "Nobody is named"
        why = (
            f"{len(rows):,} of {len(trained):,} trained images have q at most {audit.fdr:g}. But "
            "the verdict is not that images are memorized, so every such name may be wrong."
        )
        rows = []
    elif rows:
        wrong = words.expect_wrong(len(rows), _expected(audit, reader, len(rows)), audit.fdr)
        are = "is" if len(rows) == 1 else "are"
        said, why = f"{len(rows):,} of {len(trained):,} trained images {are} named: {wrong}", ""
    else:
        said, why = f"Nobody is named: 0 of {len(trained):,} trained images", _why(audit, trained)
    shown = rows[:SHOWN]
    near = nearest(audit.scores, shown)
    return NamedList(
        reader=reader,
        title=words.reader(reader).title,
        said=f"{said}.",
        why=why,
        control=_control(audit, reader),
        entries=tuple(_entry(audit, score, near, images) for score in shown),
        count=len(rows),
    )


def _expected(audit: Audit, reader: str, count: int) -> float:
    """How many of the names are wrong at most, on average: from the results, else rate x count."""
    for row in audit.rows:
        if (row["reader"], row.get("split"), row.get("statistic")) == (reader, "trained", "named"):
            expected = row.get("expected_false")
            if isinstance(expected, int | float) and row.get("count") == count:
                return float(expected)
    return audit.fdr * count


def _why(audit: Audit, trained: list[Score]) -> str:
    """What it would have taken to name somebody, and why it was not reached."""
    p = min(score.p_value for score in trained if score.p_value is not None)
    q = min(score.q_value for score in trained if score.q_value is not None)
    fdr = audit.fdr
    least = fdr / len(trained)
    if (audit.results.get("config") or {}).get("correction") == "by":
        least /= sum(1 / number for number in range(1, len(trained) + 1))
    text = (
        f"The smallest q is {short(q)}, above {fdr:g}. The smallest p is {short(p)}; to name one "
        f"image of {len(trained):,} alone takes p at most {short(least)}."
    )
    if len(trained[0].key) > 1:
        return text
    return (
        f"{text} A single grey level as key hardly ever names anyone: one in ten is read within "
        "0.05 by luck, and its p is never below 1 in 256, nor below 1 in the number of its peers. "
        "Marks of several keys (--pattern segments) name images."
    )


def _control(audit: Audit, reader: str) -> str:
    held_out = audit.images(reader, "held_out")
    if not held_out:
        return "No held-out image was scored, so nothing checks this list."
    count = len(named_rows(audit, reader, "held_out"))
    text = f"The same rule names {count:,} of {len(held_out):,} held-out images"
    if not count:
        return f"{text}, which the model never saw."
    return (
        f"{text}, wrongly: the model never saw them. In a sound run it names any of them about "
        f"once in {round(1 / audit.fdr):,} runs at most."
    )


def _entry(audit: Audit, score: Score, near: Mapping[Name, Nearest], images: bool) -> Entry:
    picture = None
    if images and audit.marked.folder is not None:
        picture = embed(audit.marked.folder, audit.marked.files.get(score.id), THUMBNAIL)
    own = near.get(score.name)
    return Entry(
        id=score.id,
        p_value=_number(score.p_value),
        q_value=_number(score.q_value),
        bits="–" if score.exposure_bits is None else plain(score.exposure_bits, 1),
        distance="–" if score.distance is None else plain(score.distance, 3),
        rank="–" if own is None else f"{own.rank:,} of {own.of:,}",
        picture=picture,
    )


def named_csv(audit: Audit, naming: Collection[str]) -> bytes:
    """All named images of all readers as CSV, to act on: the trained ones first.

    Held-out images stand in it too, by their split; they are wrong by construction.

    Arguments:
        audit: The audit.
        naming: The readers whose verdict is that images are memorized; the others name nobody.
    """
    rows = [
        score
        for reader in audit.readers
        if reader in naming
        for split in ("trained", "held_out")
        for score in named_rows(audit, reader, split)
    ]
    near = nearest(audit.scores, rows)
    return csv_of(COLUMNS, (_line(audit, score, near.get(score.name)) for score in rows))


def _line(audit: Audit, score: Score, own: Nearest | None) -> tuple[Any, ...]:
    """A row of `named.csv`."""
    return (
        score.id,
        audit.marked.files.get(score.id, ""),
        score.split,
        score.reader,
        score.p_value,
        score.q_value,
        score.exposure_bits,
        score.distance,
        None if own is None else own.rank,
        None if own is None else own.of,
    )


def _number(value: float | None) -> str:
    return "–" if value is None else p_number(value)
