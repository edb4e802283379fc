"""What the figures of an audit say of one reader, as the judge asks for it."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from solidmark.runs import Figure, find
from solidmark.scores.level import TESTS, level_of
from solidmark.verdicts.readers import reader

DELTA = 0.05
"""The threshold that the sentences quote; the tables have them all."""


@dataclass(frozen=True)
class Facts:
    """What the figures say of one reader.

    Arguments:
        figures: Those that are its own.
        readers: How many readers share the level of the run; times the shares of a look.
    """

    reader: str
    figures: Sequence[Figure] = field(repr=False)
    readers: int = 1

    @property
    def title(self) -> str:
        return reader(self.reader).title

    @property
    def several_keys(self) -> bool:
        """Whether an image has more than one key."""
        return any((one.keys or 1) > 1 for one in self.figures)

    def find(self, split: str, statistic: str, by: str | None = None) -> Figure | None:
        """A figure; of those that differ in delta only, the one nearest to `DELTA`."""
        some = [one for one in find(self.figures, statistic, split) if by in (None, one.by)]
        return min(some, key=lambda one: abs((one.delta or DELTA) - DELTA), default=None)

    def p(self, split: str) -> float:
        """The smallest p-value of the tests of a split; 1 where there is none."""
        return min(p_of(self.find(split, statistic)) for statistic in TESTS)

    def n(self, split: str) -> int:
        """The rows of a split that were scored."""
        found = self.find(split, "eidetic")
        return found.n or 0 if found else 0

    @property
    def failed(self) -> int:
        """The rows of trained images that failed."""
        found = self.find("trained", "eidetic")
        return found.failed if found else 0

    @property
    def is_off(self) -> bool:
        """Whether the control reads more keys than luck explains, at the level of the run."""
        return self.n("held_out") > 0 and self.p("held_out") < level_of(self.readers)

    @property
    def named(self) -> Figure | None:
        """The list of names; None where it is empty."""
        found = self.find("trained", "named")
        return found if found and found.count else None

    @property
    def least_share(self) -> float:
        """The least share of memorized images that the intervals vouch for."""
        found = self.find("trained", "share")
        return found.ci_low or 0.0 if found else 0.0

    @property
    def smallest(self) -> float | None:
        """The smallest share that this run could have seen, by the better of its tests."""
        some = [self.find("trained", "smallest_share", by=by) for by in ("permutation", "best")]
        values = [one.value for one in some if one and one.value is not None]
        return min(values, default=None)

    @property
    def averages(self) -> Figure | None:
        """The groups of images whose average frame is known, at the run's level; None of none."""
        found = self.find("trained", "averages")
        known = found is not None and found.count and p_of(found) < level_of(self.readers)
        return found if known else None


def p_of(figure: Figure | None) -> float:
    """Its p-value; 1 where there is none, since no test is no evidence."""
    return 1.0 if figure is None or figure.p_value is None else figure.p_value
