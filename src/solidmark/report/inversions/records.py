"""An image, a restart and a check, as the tables of an `invmm` run hold them."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from solidmark.errors import BadInput

Outcome = Literal["reproduced", "spent", "failed", "not_tried"]
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)

SCORES = (
    "split",
    "id",
    "status",
    "kl",
    "kl_low",
    "kl_high",
    "reproduced",
    "restarts",
    "best_similarity",
    "score",
    "p_value",
    "q_value",
    "network_calls",
    "copy_of",
    "note",
)
EVIDENCE = (
    "split",
    "id",
    "repeat",
    "status",
    "kl",
    "kl_end",
    "best_similarity",
    "steps",
    "guidance",
    "network_calls",
    "words",
    "caption",
    "note",
    "original",
    "drawn",
)
PATHS = ("split", "id", "repeat", "step", "loss", "kl", "weight", "similarity")

Name = tuple[str, str]
"""Split and id."""


@dataclass(frozen=True)
class Row:
    """An image, over all its restarts. Numbers are None where there are none.

    Arguments:
        split: "trained" or "held_out".
        id: Its id.
        status: What came of it; reproduced where most restarts reproduced it.
        kl: The KL per dimension, in nats: the median of its restarts; low = memorized.
        kl_low: The lowest of them.
        kl_high: The highest; None where some restart did not reproduce it.
        reproduced: How many restarts reproduced it.
        restarts: How many were made to an end.
        best_similarity: The smallest similarity of its samples, at best: the median.
        score: In [0, 2]; low = memorized, below 1 = reproduced.
        p_value: Against the held-out images.
        q_value: The same, corrected for looking at many.
        network_calls: Of all its restarts.
        copy_of: The first image with the same pixels, if it is not this one.
        note: What must be known of it.
    """

    split: str
    id: str
    status: Outcome
    kl: float | None
    kl_low: float | None
    kl_high: float | None
    reproduced: int
    restarts: int
    best_similarity: float | None
    score: float | None
    p_value: float | None
    q_value: float | None
    network_calls: float
    copy_of: str | None
    note: str

    @property
    def name(self) -> Name:
        return self.split, self.id

    @property
    def is_scored(self) -> bool:
        return self.status in ("reproduced", "spent") and self.score is not None

    def is_named(self, fdr: float) -> bool:
        """Whether its q is at most the chosen false-discovery rate."""
        return self.is_scored and self.q_value is not None and self.q_value <= fdr


@dataclass(frozen=True)
class Try:
    """One restart of one image, as `evidence.parquet` has it."""

    repeat: int
    status: Outcome
    kl: float | None
    kl_end: float | None
    best_similarity: float | None
    steps: int
    guidance: float | None
    network_calls: float
    words: str
    caption: str
    note: str
    original: str | None
    drawn: tuple[str, ...]

    @property
    def rank(self) -> tuple[bool, float, float, int]:
        """The most telling first: reproduced, at the lowest KL; else the most alike."""
        best = -math.inf if self.best_similarity is None else self.best_similarity
        kl = math.inf if self.kl is None else self.kl
        return self.status != "reproduced", kl, -best, self.repeat


@dataclass(frozen=True)
class Check:
    """What was known of a restart at one of its checks; None where it was not looked at."""

    step: int
    loss: float | None
    weight: float | None
    kl: float | None
    similarity: float | None


def row_of(found: Mapping[str, Any]) -> Row:
    """The row of an image in `scores.parquet`."""
    numbers = ("kl", "kl_low", "kl_high", "best_similarity", "score", "p_value", "q_value")
    return Row(
        split=found["split"],
        id=found["id"],
        status=_outcome(found["status"]),
        network_calls=_number(found["network_calls"]) or 0.0,
        reproduced=int(found["reproduced"] or 0),
        restarts=int(found["restarts"] or 0),
        copy_of=found["copy_of"],
        note=found["note"] or "",
        **{name: _number(found[name]) for name in numbers},
    )


def try_of(found: Mapping[str, Any]) -> Try:
    """The row of a restart in `evidence.parquet`."""
    numbers = ("kl", "kl_end", "best_similarity", "guidance")
    return Try(
        repeat=int(found["repeat"] or 0),
        status=_outcome(found["status"]),
        steps=int(found["steps"] or 0),
        network_calls=_number(found["network_calls"]) or 0.0,
        words=found["words"] or "",
        caption=found["caption"] or "",
        note=found["note"] or "",
        original=found["original"],
        drawn=tuple(found["drawn"] or ()),
        **{name: _number(found[name]) for name in numbers},
    )


def check_of(found: Mapping[str, Any]) -> Check:
    """The row of a check in `paths.parquet`."""
    numbers = {name: _number(found[name]) for name in ("loss", "weight", "kl", "similarity")}
    return Check(step=int(found["step"]), **numbers)


def _outcome(value: str) -> Outcome:
    if value not in OUTCOMES:
        raise BadInput(
            f'"{value}" is no outcome of an inversion (expected {", ".join(OUTCOMES)}). '
            'Run "solidmark invmm" again.'
        )
    return value


def _number(value: Any) -> float | None:
    """A finite number; an infinite KL says that the image was never reproduced."""
    return float(value) if value is not None and math.isfinite(value) else None
