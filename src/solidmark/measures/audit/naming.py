"""The images that an audit names, as `named.csv`: to be acted on."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from solidmark.runs import csv_of
from solidmark.scores.own_key import OwnKey, rivals_of
from solidmark.scores.scored import AT_ONCE, Images, Score, Scores

FILE = "named.csv"

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

OF_SUBJECTS = ("group", "group_p_value", "group_q_value")
"""More of them, where images have groups."""


def named_csv(
    scores: Scores,
    files: Callable[[Collection[str]], Mapping[str, str]],
    naming: Collection[str],
    fdr: float,
) -> bytes:
    """All named images of all readers, reader by reader, the trained ones first.

    Held-out images stand in it too, by their split; they are wrong by construction.

    Arguments:
        files: Gives the files of some ids, below the marked folder.
        naming: The readers whose verdict is that images are memorized; the others name nobody.
    """
    pairs = [(reader, split) for reader in naming for split in ("trained", "held_out")]
    named = [scores.images(*pair).named(fdr) for pair in pairs]
    more = OF_SUBJECTS if scores.has_groups else ()
    some = [images for images in named if len(images)]
    return csv_of((*COLUMNS, *more), _lines(scores, some, files, more))


def _lines(
    scores: Scores,
    named: list[Images],
    files: Callable[[Collection[str]], Mapping[str, str]],
    more: Sequence[str],
) -> Iterator[tuple[Any, ...]]:
    """The lines, of a few images at a time."""
    if not named:
        return
    rivals = rivals_of(scores, sum(map(len, named)))
    for images in named:
        rest = images.rows()
        while rows := list(islice(rest, AT_ONCE)):
            near, of = rivals.places(rows), files([score.id for score in rows])
            yield from (_line(score, of, near.get(score.name), more) for score in rows)


def _line(
    score: Score, files: Mapping[str, str], own: OwnKey | None, more: Sequence[str]
) -> tuple[Any, ...]:
    place = (None, None) if own is None else (own.rank, own.of)
    told = ("split", "reader", "p_value", "q_value", "exposure_bits", "distance")
    said = (getattr(score, name) for name in told)
    return score.id, files.get(score.id, ""), *said, *place, *(getattr(score, n) for n in more)
