"""A figure: one number of a run, with all that it takes to judge it. A row of `results.json`."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal

from solidmark.errors import BadInput

Fact = str | int | float | bool | None
"""What else a figure tells."""

Direction = Literal["low", "high"]


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One number of a run.

    What is None is not known, or does not apply. The fields from `count` on stand in the file only
    where they have a value.

    Arguments:
        measure: What measured it.
        statistic: Its name.
        split: Which images it is of, or which are compared.
        value: The number; None where it cannot be had, and `note` says why.
        unit: Its unit.
        n: Of how many images, pairs or prompts.
        failed: How many of them could not be scored, and count nowhere.
        direction: Which way means memorized; None where neither does.
        chance: What is to be expected where nothing was memorized, in the same unit.
        ci_low: The lower end of its 95 % interval.
        ci_high: The upper end.
        p_value: How often luck alone gives as much.
        note: What must be known of it.
        count: How many of the n.
        reader: Which reader of keys.
        keys: How many keys an image has.
        fpr: The false-positive rate that it stands at.
        fdr: The false-discovery rate at which images were named.
        expected_false: How many of those named are wrong, at most, on average.
        threshold: The distance or similarity within which images were counted.
        delta: The distance of keys within which images were counted, in grey levels of [0, 1].
        percentile: Which percentile it is.
        by: What it was had by, where there are several ways.
        other: What it is compared with; "with" in the file.
        network_calls_per_image: What it cost.
        facts: What else this statistic tells, by name.
    """

    measure: str
    statistic: str
    split: str
    value: float | None = None
    unit: str | None = None
    n: int | None = None
    failed: int = 0
    direction: Direction | None = None
    chance: float | None = None
    ci_low: float | None = None
    ci_high: float | None = None
    p_value: float | None = None
    note: str | None = None
    count: int | None = None
    reader: str | None = None
    keys: int | None = None
    fpr: float | None = None
    fdr: float | None = None
    expected_false: float | None = None
    threshold: float | None = None
    delta: float | None = None
    percentile: float | None = None
    by: str | None = None
    other: str | None = None
    network_calls_per_image: float | None = None
    facts: Mapping[str, Fact] = field(default_factory=dict)

    def __post_init__(self) -> None:
        # Python's own numbers only, so that it can be written as JSON and read anywhere.
        for one in fields(self):
            object.__setattr__(self, one.name, _own(getattr(self, one.name)))
        object.__setattr__(self, "facts", {k: _own(v) for k, v in self.facts.items()})

    @property
    def interval(self) -> tuple[float, float] | None:
        """Its 95 % interval, where it has both ends."""
        if self.ci_low is None or self.ci_high is None:
            return None
        return self.ci_low, self.ci_high

    def number(self, name: str) -> float | None:
        """One of its other facts, as a number; None where there is none."""
        found = self.facts.get(name)
        return None if found is None or isinstance(found, str) else float(found)

    def noting(self, note: str, *, last: bool = False) -> "Figure":
        """The same with one more note, which comes first unless it is to be last."""
        notes = [one for one in (note, self.note) if one]
        return replace(self, note=" ".join(notes[::-1] if last else notes))

    def to_json(self) -> dict[str, Fact]:
        """As a row of `results.json`."""
        row = {_IN_FILE.get(name, name): getattr(self, name) for name in _NAMES}
        kept = {name: v for name, v in row.items() if v is not None or name in _ALWAYS}
        return {**kept, **self.facts}


def figure_from(row: Mapping[str, Any], path: object = "results.json") -> Figure:
    """A figure from a row of `results.json`.

    Raises:
        BadInput: When it is no such row.
    """
    known = {_FROM_FILE.get(name, name): value for name, value in row.items()}
    own = {name: known.pop(name) for name in _NAMES if name in known}
    for name in ("measure", "statistic", "split"):
        if not isinstance(own.get(name), str):
            raise BadInput(f'A row of "{path}" has no {name}. Score the folder again.')
    for name, value in own.items():
        wanted = _TEXTS if name in _TEXT_FIELDS else _NUMBERS
        if not isinstance(value, wanted):
            raise BadInput(f'The {name} of a row of "{path}" is {value!r}. Score the folder again.')
    return Figure(**own, facts=known)


def find(
    figures: Iterable[Figure],
    statistic: str,
    split: str | None = None,
    measure: str | None = None,
    reader: str | None = None,
) -> list[Figure]:
    """The figures of one kind, in their order; None does not choose."""
    wanted = {"statistic": statistic, "split": split, "measure": measure, "reader": reader}
    asked = [(name, value) for name, value in wanted.items() if value is not None]
    return [one for one in figures if all(getattr(one, name) == value for name, value in asked)]


def first(figures: Iterable[Figure], statistic: str, split: str | None = None) -> Figure | None:
    """The first figure of a kind; None where there is none."""
    return next(iter(find(figures, statistic, split)), None)


def _own(value: Any) -> Any:
    return value.item() if type(value).__module__ == "numpy" else value  # Not imported for help.


_NAMES = tuple(one.name for one in fields(Figure) if one.name != "facts")
_ALWAYS = frozenset(_NAMES[: _NAMES.index("count")])
_IN_FILE = {"other": "with"}
_FROM_FILE = {"with": "other"}
_TEXT_FIELDS = frozenset(
    ("measure", "statistic", "split", "unit", "direction", "note", "reader", "by", "other")
)
_TEXTS = (str, type(None))
_NUMBERS = (int, float, type(None))
