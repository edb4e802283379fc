"""What the tables and aggregates of an `invmm` run say."""

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from solidmark.report.inversions.records import Outcome, Row
from solidmark.report.inversions.run import InversionsRun


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
    def reproduced_p(self) -> float | None:
        """How often luck alone puts so many of the reproduced images among the trained (Fisher)."""
        p = (self.run.find("reproduced", "trained") or {}).get("p_value")
        return None if p is None else float(p)

    @cached_property
    def calls(self) -> float | None:
        """The network calls of an image that was tried, on average; triage apart."""
        every = self.run.calls("trained") + self.run.calls("held_out")
        return float(np.mean(every)) if every else None
