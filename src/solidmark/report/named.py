"""The images that can be named: the list at the chosen false-discovery rate."""

from collections.abc import Mapping
from dataclasses import dataclass

from solidmark.report import words
from solidmark.report.folder import Audit
from solidmark.report.numbers import p_number, plain, short
from solidmark.report.pictures import Picture, embed
from solidmark.scores.discovery import least_p
from solidmark.scores.own_key import Name, OwnKey, own_keys
from solidmark.scores.scored import Score, named_of

SHOWN = 200
"""So many names of a reader stand on the page; `named.csv` has them all."""

THUMBNAIL = 48
"""The longer side of the pictures in the list, in pixels."""


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


def named_lists(audit: Audit, images: bool) -> list[NamedList]:
    """The list of every reader that scored a trained image.

    Arguments:
        audit: The audit.
        images: Whether pictures may stand on the page.

    Where a reader does not see that images are memorized, each name would be luck, and nobody is
    named.
    """
    return [
        _of_reader(audit, reader, images, reader in audit.verdict.naming)
        for reader in audit.readers
        if audit.of(reader, "trained")
    ]


def _of_reader(audit: Audit, reader: str, images: bool, naming: bool) -> NamedList:
    trained, rows = (
        audit.images(reader, "trained"),
        named_of(audit.scores, reader, "trained", audit.fdr),
    )
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
    near = own_keys(audit.scores, shown)
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
    corrected = (audit.results.get("config") or {}).get("correction")
    least = least_p(len(trained), fdr, "by" if corrected == "by" else "bh")
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
    count = len(named_of(audit.scores, reader, "held_out", audit.fdr))
    text = f"The same rule names {count:,} of {len(held_out):,} held-out images"
    if not count:
        return f"{text}, which the model never saw."
    return (
        f"{text}, wrongly: the model never saw them. In a sound run it names any of them about "
        f"once in {round(1 / audit.fdr):,} runs at most."
    )


def _entry(audit: Audit, score: Score, near: Mapping[Name, OwnKey], images: bool) -> Entry:
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


def _number(value: float | None) -> str:
    return "–" if value is None else p_number(value)
