"""What a study has come to, in sentences made of its figures."""

from collections.abc import Sequence

from solidmark.page.tabled import digits
from solidmark.runs import Figure
from solidmark.scores.written import percent
from solidmark.studies.combining import BY_ALL, tells_apart
from solidmark.studies.study import Readout, Study


def headline(study: Study, figures: Sequence[Figure]) -> str:
    """The first read-out of the first arm, and where the others stand furthest from it."""
    readout = study.readouts[0]
    own = [one for one in levels(figures, readout.name) if one.value is not None]
    if not own:
        return f"{readout.name}: no arm has a figure."
    first, others = own[0], own[1:]
    said = f"{readout.name}: {told(first)} ({first.split})"
    if not others:
        return f"{said}."
    if study.axis and others[-1].facts.get("level") is not None:
        return f"{said}, {told(others[-1])} ({others[-1].split})."
    low = min(others, key=lambda one: one.value or 0)
    high = max(others, key=lambda one: one.value or 0)
    ends = [low] if low is high else [low, high]
    return f"{said}; the others {' to '.join(f'{told(one)} ({one.split})' for one in ends)}."


def told_apart(study: Study, figures: Sequence[Figure]) -> tuple[str, ...]:
    """For each read-out: which arms differ from the first, and which cannot be told apart."""
    return tuple(filter(None, (_apart(one, figures) for one in study.readouts)))


def _apart(readout: Readout, figures: Sequence[Figure]) -> str:
    own = [one for one in figures if one.statistic == readout.name and one.other is not None]
    if not own:
        return ""
    if all(one.interval is None for one in own):
        return f"{readout.name}: one seed cannot tell arms apart."
    apart = [one.split for one in own if tells_apart(one, len(own))]
    alike = [one.split for one in own if one.split not in apart]
    said = []
    if apart:
        said.append(f"differ from {own[0].other}: {', '.join(apart)}")
    if alike:
        said.append(f"cannot be told from {own[0].other}: {', '.join(alike)}")
    return f"{readout.name}: {'; '.join(said)}."


def levels(figures: Sequence[Figure], readout: str) -> list[Figure]:
    """The figures of a read-out over all seeds, an arm each."""
    own = [one for one in figures if one.statistic == readout]
    return [one for one in own if one.by == BY_ALL and one.other is None]


def told(one: Figure) -> str:
    """A figure without its facts."""
    return "–" if one.value is None else number(one.value, one.unit)


def number(value: float, unit: str | None) -> str:
    """A number in its unit."""
    return percent(value) if unit == "share" else digits(value)
