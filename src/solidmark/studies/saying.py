"""What a study has come to, in sentences made of its figures."""

from collections.abc import Sequence

from solidmark.runs import Figure
from solidmark.scores.written import percent
from solidmark.studies.combining import BY_ALL, tells_apart
from solidmark.studies.study import Study


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
    """Which arms differ from the first in which read-out, and what tells none apart."""
    said, silent, first = [], [], ""
    for readout in study.readouts:
        own = [one for one in figures if one.statistic == readout.name and one.other is not None]
        if not own or readout.direction is None:  # What it costs is no finding.
            continue
        first = str(own[0].other)
        if all(one.interval is None for one in own):
            return ("One seed cannot tell arms apart.",)
        apart = [one.split for one in own if tells_apart(one, len(own))]
        if not apart:
            silent.append(readout.name)
        elif len(apart) == len(own):
            said.append(f"{readout.name}: all others differ from {first}.")
        else:
            there = " | ".join(apart)
            said.append(
                f"{readout.name}: differ from {first}: {there}; the others cannot be told from it."
            )
    if silent:
        said.append(f"Nothing can be told from {first} by: {'; '.join(silent)}.")
    return tuple(said)


def levels(figures: Sequence[Figure], readout: str) -> list[Figure]:
    """The figures of a read-out over all seeds, an arm each."""
    own = [one for one in figures if one.statistic == readout]
    return [one for one in own if one.by == BY_ALL and one.other is None]


def told(one: Figure) -> str:
    """A figure without its facts."""
    return "–" if one.value is None else number(one.value, one.unit)


def number(value: float, unit: str | None) -> str:
    """A number in its unit."""
    return percent(value) if unit == "share" else f"{value:.3g}".replace("-", "\N{MINUS SIGN}")
