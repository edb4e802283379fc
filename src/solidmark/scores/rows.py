"""One side of a comparison of distances, and the figures made of it."""

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any
from zlib import crc32

import numpy as np
from jaxtyping import Bool, Float, Int

from solidmark.runs import Figure
from solidmark.scores.groups import Estimate, effective_n
from solidmark.scores.hierarchical import Named, subject_codes
from solidmark.scores.percentiles import Direction


@dataclass(frozen=True)
class Side:
    """The distances of one split by one measure.

    Arguments:
        measure: The measure.
        split: Which images: "generated", "null", ...
        direction: Which side is close, on the scale that is reported: "low" for distances, "high"
            for similarities, which are 1 - distance.
        distance: The distances of the rows that were scored, sorted, low = close.
        failed: How many rows were not.
        seed: Of what has to be drawn.
        subject: The number of the subject that each shows; None where each shows its own.
        leads: Which row stands for its subject where one does: the first as the rows came, which
            says nothing of its distance.
    """

    measure: str
    split: str
    direction: Direction
    distance: Float[np.ndarray, " N"] = field(repr=False)
    failed: int
    seed: int
    subject: Int[np.ndarray, " N"] | None = field(default=None, repr=False)
    leads: Bool[np.ndarray, " N"] | None = field(default=None, repr=False)

    @property
    def n(self) -> int:
        return len(self.distance)

    @cached_property
    def of_subjects(self) -> "Side":
        """One picture of each subject: these are independent draws, as tests want them."""
        if self.leads is None:
            return self
        return replace(self, distance=self.distance[self.leads], subject=None, leads=None)

    @property
    def worth(self) -> float:
        """How many independent rows these are worth, at least."""
        return self.n if self.subject is None else effective_n(self.subject)

    @property
    def unit(self) -> str:
        return "distance" if self.direction == "low" else "similarity"

    def generator(self, purpose: str) -> np.random.Generator:
        """Draws that depend on no other measure, split or statistic."""
        return np.random.default_rng(
            crc32(f"{self.seed}:{self.measure}:{self.split}:{purpose}".encode())
        )

    def reported(self, distance: float) -> float:
        """A distance on the scale that is reported."""
        return distance if self.direction == "low" else 1 - distance

    def on_scale(self, estimate: Estimate) -> Estimate:
        """An estimate of a distance on the scale that is reported."""
        low, high = (
            None if end is None else self.reported(end)
            for end in (estimate.ci_low, estimate.ci_high)
        )
        if self.direction == "high":
            low, high = high, low
        value = None if estimate.value is None else self.reported(estimate.value)
        return Estimate(value, low, high, estimate.p_value, estimate.note)


def side(
    measure: str,
    split: str,
    direction: Direction,
    distance: Float[np.ndarray, " N"],
    seed: int = 0,
    named: Named = None,
) -> Side:
    """Takes the rows that could not be scored (NaN) out of a column of distances, and counts them.

    Arguments:
        measure: The measure.
        split: Which images.
        direction: Which side is close, on the scale that is reported.
        distance: The distances, with shape (N), in any order.
        seed: Of what has to be drawn.
        named: The group of each row, where images have groups.
    """
    values = np.asarray(distance, dtype=np.float64)
    known = ~np.isnan(values)
    scored = values[known]
    failed = len(values) - len(scored)
    kept = None if named is None else [named[n] for n in np.flatnonzero(known).tolist()]
    subject = subject_codes(kept)
    if subject is None:
        return Side(measure, split, direction, np.sort(scored), failed, seed)
    order = np.argsort(scored, kind="stable")
    leads = np.zeros(len(scored), dtype=bool)
    leads[np.unique(subject, return_index=True)[1]] = True
    whose = subject[order], leads[order]
    return Side(measure, split, direction, scored[order], failed, seed, *whose)


def figure_of(
    of: Side,
    statistic: str,
    unit: str,
    estimate: Estimate,
    chance: float | None = None,
    *,
    direction: Direction | None = "high",
    **own: Any,
) -> Figure:
    """A figure of the distances of one side.

    Arguments:
        of: The side that it is of.
        statistic: Its name.
        unit: Its unit.
        estimate: The number.
        chance: What is to be expected where nothing was memorized.
        direction: Which way means memorized; None where neither does.
        own: Fields of this statistic, or other values for those of the side.
    """
    notes = [estimate.note] if estimate.note else []
    failed = own.get("failed", of.failed)
    if failed:
        notes.append(f"{failed:,} could not be scored, and count nowhere.")
    usual: dict[str, Any] = {"split": of.split, "n": of.n, "failed": of.failed}
    return Figure(
        measure=of.measure,
        statistic=statistic,
        value=estimate.value,
        unit=unit,
        direction=direction,
        chance=chance,
        ci_low=estimate.ci_low,
        ci_high=estimate.ci_high,
        p_value=estimate.p_value,
        note=" ".join(notes) or None,
        **(usual | own),
    )
