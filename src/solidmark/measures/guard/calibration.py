"""The null of an index: how close held-out images come, and the thresholds that follow."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from jaxtyping import Bool, Float
from numpy.typing import NDArray

from solidmark.errors import BadInput
from solidmark.measures.guard.verdict import RULES, Rule, refused, within
from solidmark.measures.nearest.tables import counted
from solidmark.scores.conformal import (
    conformal_p_values,
    images_needed,
    rank_at,
    realised_fpr_interval,
    threshold_at,
)

Numbers = Float[NDArray[np.float64], " m"]


@dataclass(frozen=True)
class Null:
    """How close images come that the model never saw.

    Arguments:
        distances: To the nearest training image, by the name of the distance; NaN for a held-out
            image that tells nothing: it is broken, or a copy of a training image or of another
            held-out image.
        low_content: Which held-out images are nearly of one colour.
    """

    distances: Mapping[str, Numbers]
    low_content: Bool[NDArray[np.bool_], " m"]

    @classmethod
    def of(cls, table: pa.Table) -> "Null":
        """The null that stands in `null.parquet`: the same images for each measure, in order."""
        found: dict[str, Numbers] = {}
        low_content = np.zeros(0, dtype=bool)
        for measure in pc.unique(table["measure"]).to_pylist():
            own = table.filter(pc.equal(table["measure"], measure))
            values = own["distance"].to_numpy(zero_copy_only=False).astype(np.float64)
            tells = counted({name: own[name].to_pylist() for name in ("status", "copy_of")})
            found[measure] = np.where(tells, values, np.nan)
            low_content = np.array([bool(low) for low in own["low_content"].to_pylist()])
        return cls(found, low_content)

    def count(self, measure: str) -> int:
        """How many held-out images tell something by this distance."""
        own = self.distances.get(measure, np.empty(0))
        return int((~np.isnan(own)).sum())

    def threshold(self, measure: str, fpr: float) -> float | None:
        """Of `threshold_at`; None where there are too few held-out images, or none."""
        return threshold_at(self.distances[measure], fpr) if self.count(measure) else None

    def p_values(self, measure: str, distances: Numbers) -> Numbers | None:
        """Of `conformal_p_values`; None where there are no held-out images."""
        if not self.count(measure):
            return None
        return conformal_p_values(distances, self.distances[measure])

    def refused(self, measures: Sequence[str], fpr: float, rule: Rule) -> float | None:
        """The share of the held-out images themselves that would be refused.

        By several distances it is above the rate that each of them has, or below: this says what
        comes of all together, in these images.

        Returns:
            In [0, 1]; None where there is no threshold for one of the distances.
        """
        thresholds = {name: self.threshold(name, fpr) for name in self.distances}
        known = {name: t for name, t in thresholds.items() if t is not None}
        if not set(measures) <= set(known):
            return None
        close = within(self.distances, known, self.low_content)
        own = {name: self.distances[name] for name in measures}
        seen = ~np.isnan(np.stack(list(own.values()))).all(axis=0)
        found = refused({name: close[name] for name in measures}, own, rule)
        return float(found[seen].mean())

    def rows(self, measures: Sequence[str], fprs: Sequence[float]) -> list[dict[str, Any]]:
        """The thresholds, for the manifest.

        Returns:
            A row a measure and rate: `measure`, `fpr`, `n`, `threshold` (a distance; null where it
            cannot be shown), `ci_low` and `ci_high` (between which rates it is really passed, over
            the draw of the held-out images), `note`; and a row a rule and rate: `rule`, `fpr`,
            `refused`.
        """
        found = [self._row(name, fpr) for name in measures for fpr in fprs]
        shares = [(rule, fpr, self.refused(measures, fpr, rule)) for rule in RULES for fpr in fprs]
        return found + [{"rule": rule, "fpr": fpr, "refused": share} for rule, fpr, share in shares]

    def _row(self, measure: str, fpr: float) -> dict[str, Any]:
        count, threshold = self.count(measure), self.threshold(measure, fpr)
        low = high = note = None
        if threshold is None:
            note = too_few(count, fpr)
        else:
            low, high = realised_fpr_interval(count, rank_at(count, fpr))
        same = {"measure": measure, "fpr": fpr, "n": count, "threshold": threshold}
        return same | {"ci_low": low, "ci_high": high, "note": note}


def too_few(count: int, fpr: float) -> str:
    """Why there is no threshold at a rate."""
    needed = images_needed(fpr)
    return f"{count} held-out images cannot show a rate of {fpr:g}: {needed} are needed."


def parse_thresholds(words: Sequence[str]) -> dict[str, float]:
    """The thresholds of a command line, `NAME=VALUE` each.

    Raises:
        BadInput: When one is not of this form, or comes twice.
    """
    found: dict[str, float] = {}
    for word in words:
        name, equals, value = word.rpartition("=")
        try:
            number = float(value)
        except ValueError:
            number = np.nan
        if not equals or not name or not np.isfinite(number) or name in found:
            raise BadInput(f'--threshold takes NAME=VALUE, each name once, not "{word}".')
        found[name] = number
    return found
