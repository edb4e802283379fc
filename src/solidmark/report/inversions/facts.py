"""What the tables and aggregates of an `invmm` run say, and the tests that its verdict rests on."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from solidmark.report.control import control_in
from solidmark.report.inversions.records import Outcome, Row
from solidmark.report.inversions.run import InversionsRun
from solidmark.report.pairs.bound import smallest_copied_share
from solidmark.scores.control import Control, exceeds_blind


@dataclass(frozen=True)
class InversionFacts:
    """What an `invmm` run says of its trained images, and of the held-out ones.

    Arguments:
        run: The run.
    """

    run: InversionsRun = field(repr=False)

    def count(self, split: str, *outcomes: Outcome) -> int:
        """How many images of a split have one of these outcomes, each picture once."""
        return len(self.run.of(split, *outcomes))

    def scored(self, split: str) -> list[Row]:
        """The images that were tried to the end: reproduced, or the budget spent."""
        return [row for row in self.run.of(split) if row.is_scored]

    @cached_property
    def n(self) -> int:
        """How many trained images were tried to the end."""
        return len(self.scored("trained"))

    @cached_property
    def m(self) -> int:
        """How many held-out images were."""
        return len(self.scored("held_out"))

    @cached_property
    def reproduced(self) -> tuple[int, int]:
        """How many trained and held-out images were reproduced."""
        return self.count("trained", "reproduced"), self.count("held_out", "reproduced")

    def kls(self, split: str) -> list[float]:
        """The KL per dimension of the images that were reproduced, in nats, rising."""
        rows = self.run.of(split, "reproduced")
        return sorted(row.kl for row in rows if row.kl is not None)

    @cached_property
    def area(self) -> dict[str, Any] | None:
        """The area of trained against held-out images, by score."""
        return self.run.find("auc", "trained_vs_held_out")

    @cached_property
    def named(self) -> dict[str, Any] | None:
        """The aggregate that counts the named images; None where there is no null."""
        return self.run.find("named", "trained")

    @cached_property
    def named_count(self) -> int:
        return int((self.named or {}).get("count") or 0)

    @cached_property
    def reproduced_p(self) -> float | None:
        """How often luck alone puts so many of the reproduced images among the trained (Fisher)."""
        p = (self.run.find("reproduced", "trained") or {}).get("p_value")
        return None if p is None else float(p)

    @cached_property
    def p_values(self) -> tuple[float, ...]:
        """The p-values of all tests: the count, the area, the list of names."""
        area, named = ((row or {}).get("p_value") for row in (self.area, self.named))
        # An area that pictures give without the model is no evidence, whatever its p.
        if area is not None and not exceeds_blind(self.area or {}):
            area = 1.0
        return tuple(float(p) for p in (self.reproduced_p, area, named) if p is not None)

    def smallest_seen(self, needed: float) -> float | None:
        """The smallest share of memorized images that would have been seen.

        Arguments:
            needed: Below this a p-value is beyond luck.
        """
        return smallest_copied_share(self.n, self.m, 1, needed) if self.n and self.m else None

    @cached_property
    def control(self) -> Control | None:
        """Whether the held-out images are of the same kind; None where that is not known."""
        return control_in(self.run.results)

    @cached_property
    def is_lax(self) -> bool:
        """Whether so many held-out images were reproduced that reproduction alone says little."""
        return self.m > 0 and 4 * self.reproduced[1] >= self.m

    @cached_property
    def calls(self) -> float | None:
        """The network calls of an image that was tried, on average; triage apart."""
        every = self.run.calls("trained") + self.run.calls("held_out")
        return float(np.mean(every)) if every else None
