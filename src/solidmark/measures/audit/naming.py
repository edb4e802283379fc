"""The images that an audit names, as `named.csv`: to be acted on."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from solidmark.runs import csv_of
from solidmark.scores.own_key import OwnKey, own_keys
from solidmark.scores.scored import Score, named_of

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
    scores: Sequence[Score], files: Mapping[str, str], naming: Collection[str], fdr: float
) -> bytes:
    """All named images of all readers, reader by reader, the trained ones first.

    Held-out images stand in it too, by their split; they are wrong by construction.

    Arguments:
        files: The file of each id, below the marked folder.
        naming: The readers whose verdict is that images are memorized; the others name nobody.
    """
    pairs = [(reader, split) for reader in naming for split in ("trained", "held_out")]
    rows = [score for pair in pairs for score in named_of(scores, *pair, fdr)]
    near = own_keys(scores, rows)
    more = OF_SUBJECTS if any(score.group for score in scores) else ()
    return csv_of(
        (*COLUMNS, *more), (_line(score, files, near.get(score.name), more) for score in rows)
    )


def _line(
    score: Score, files: Mapping[str, str], own: OwnKey | None, more: Sequence[str]
) -> tuple[Any, ...]:
    place = (None, None) if own is None else (own.rank, own.of)
    told = ("split", "reader", "p_value", "q_value", "exposure_bits", "distance")
    said = (getattr(score, name) for name in told)
    return score.id, files.get(score.id, ""), *said, *place, *(getattr(score, n) for n in more)
