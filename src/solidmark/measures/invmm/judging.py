"""From attempts to images: what the restarts of an image say together, and who is named.

.. math::
    s = \\frac{KL}{1 + KL} \\in [0, 1) \\text{ where it is reproduced}, \\qquad
    s = 1 + \\frac{1 - similarity}{2} \\in [1, 2] \\text{ where it is not}

so that all images stand in one order, low = memorized. KL is the median over the restarts, infinite
for one that did not reproduce. The lowest and the highest of R restarts hold the median of all
restarts that could have been made with a chance of :math:`1 - 2^{1 - R}` or more.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

import numpy as np
import pyarrow as pa
from jaxtyping import Float

from solidmark.runs import typed
from solidmark.scores import p_and_q_once, subjects_once
from solidmark.scores.rows import Side, side
from solidmark.subjects import Whose
from solidmark.subjects.whose import COLUMNS

SCORES = pa.schema(
    [
        *typed(pa.string(), "split", "id", "status"),
        *typed(pa.float64(), "kl", "kl_low", "kl_high"),
        *typed(pa.int64(), "reproduced", "restarts"),
        *typed(pa.float64(), "best_similarity", "score", "p_value", "q_value"),
        *typed(pa.float64(), "network_calls", "triage_value"),
        ("copies", pa.int64()),
        *typed(pa.string(), "copy_of", "note"),
    ]
)
"""The columns of `scores.parquet`: a row an image."""

MEASURE = "invmm"

Column = Float[np.ndarray, " N"]

RANKED = ("reproduced", "spent")
"""The outcomes that say something of an image."""


@dataclass(frozen=True)
class Judged:
    """The images of a run, by split, as rows of `SCORES`.

    Arguments:
        rows: All of them, sorted by split and id.
        whose: Who stands on which.
    """

    rows: list[dict[str, Any]]
    whose: Whose = field(default_factory=Whose)

    def of(self, split: str) -> list[dict[str, Any]]:
        """The pictures of a split, each once."""
        return [row for row in self.rows if row["split"] == split and row["copy_of"] is None]

    def tried(self, split: str) -> list[dict[str, Any]]:
        """The pictures of a split that were tried."""
        return [row for row in self.of(split) if row["status"] != "not_tried"]

    def scores(self, split: str) -> Float[np.ndarray, " N"]:
        """Their scores; NaN for one that failed."""
        return _scores(self.tried(split))

    def groups(self, split: str) -> list[str | None] | None:
        """Their groups; None where nobody has any."""
        return self.whose.of(split, [row["id"] for row in self.tried(split)])

    def side(self, split: str, seed: int = 0) -> Side:
        """Their scores and groups as a side of a comparison."""
        return side(MEASURE, split, "low", self.scores(split), seed, self.groups(split))


def judge(
    evidence: Sequence[Mapping[str, Any]], *, named: bool = True, whose: Whose | None = None
) -> Judged:
    """Makes the rows of all images, with p-values where there are held-out ones.

    Copies count once, and get what their first has. An image that was not tried has no p-value.

    Arguments:
        named: Whether anybody may be named; without it there are no p-values.
        whose: Who stands on which image.
    """
    ordered = sorted(evidence, key=lambda row: (row["split"], row["id"], row["repeat"]))
    rows = [
        _image(list(own)) for _, own in groupby(ordered, key=lambda row: (row["split"], row["id"]))
    ]
    judged = Judged(rows, whose or Whose())
    for row in rows if judged.whose else ():
        row["group"] = (judged.whose.of(row["split"], [row["id"]]) or [None])[0]
    if named:
        _name(judged)
    firsts = {(row["split"], row["id"]): row for row in rows}
    for row in rows:
        if row["copy_of"] is not None:
            first = firsts[row["split"], row["copy_of"]]
            first["copies"] += 1
    return judged


def _image(attempts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The row of one image, from its attempts."""
    states = [row["status"] for row in attempts]
    row: dict[str, Any] = dict.fromkeys(SCORES.names)
    row |= {name: attempts[0][name] for name in ("split", "id", "triage_value", "copy_of")}
    row |= {"copies": 1, "reproduced": states.count("reproduced")}
    tried = [row for row in attempts if row["status"] in RANKED]
    row["restarts"] = len(tried)
    row["network_calls"] = sum(row["network_calls"] or 0.0 for row in attempts)
    row["note"] = " ".join(dict.fromkeys(row["note"] for row in attempts if row["note"])) or None
    if not tried:
        row["status"] = next(s for s in ("failed", "not_tried") if s in states)
        return row
    kls = [_kl(attempt) for attempt in tried]
    similarities = [attempt["best_similarity"] for attempt in tried]
    known = [value for value in similarities if value is not None]
    kl, best = _median(kls), _median(known) if known else None
    row |= {"kl": kl, "kl_low": min(kls), "kl_high": max(kls), "best_similarity": best}
    row["status"] = "reproduced" if math.isfinite(kl) else "spent"
    row["score"] = score_of(kl, best)
    return row


def score_of(kl: float, similarity: float | None) -> float:
    """The place of an image in the order of all, in [0, 2]; low = memorized.

    Arguments:
        kl: The KL per dimension at which it was reproduced; infinite where it was not.
        similarity: How close it came at best, in [-1, 1]; None where no check was made.

    Example:
        >>> score_of(1.0, 0.9), score_of(math.inf, 0.5), score_of(math.inf, None)
        (0.5, 1.25, 2.0)
    """
    if math.isfinite(kl):
        return kl / (1 + kl)
    return 1 + (1 - (-1.0 if similarity is None else similarity)) / 2


def _kl(attempt: Mapping[str, Any]) -> float:
    return float(attempt["kl"]) if attempt["status"] == "reproduced" else math.inf


def _median(values: Sequence[float]) -> float:
    """The median; between a number and infinity lies infinity."""
    ordered = sorted(values)
    middle = len(ordered) // 2
    if len(ordered) % 2:
        return ordered[middle]
    return (ordered[middle - 1] + ordered[middle]) / 2


def _name(judged: Judged) -> None:
    """Adds p-values against the held-out pictures, and q-values of all that count."""
    own = [row for row in judged.rows if row["split"] == "trained"]
    place = {row["id"]: number for number, row in enumerate(own)}
    first = [None if row["copy_of"] is None else place[row["copy_of"]] for row in own]
    score, null, others = _scores(own), judged.scores("held_out"), judged.groups("held_out")
    p, q = p_and_q_once(score, null, first, others)
    _add(own, ("p_value", "q_value"), p, q)
    if judged.whose:
        named = judged.whose.of("trained", [row["id"] for row in own])
        _add(own, COLUMNS.names[1:], *subjects_once(score, null, first, named, others))


def _add(rows: Sequence[dict[str, Any]], names: Sequence[str], *columns: Column) -> None:
    for row, *values in zip(rows, *columns, strict=True):
        if not math.isnan(values[0]):
            row |= dict(zip(names, map(float, values), strict=True))


def _scores(rows: Sequence[Mapping[str, Any]]) -> Column:
    values = [math.nan if row["score"] is None else row["score"] for row in rows]
    return np.array(values, dtype=np.float64)
