"""What came of an image, in words: over one restart or several."""

from solidmark.report.inversions.records import Row, Try
from solidmark.report.inversions.run import InversionsRun
from solidmark.report.numbers import plain, short


def outcome(run: InversionsRun, row: Row, one: Try | None) -> str:
    """What came of an image, as a sentence.

    Arguments:
        run: The run.
        row: The image.
        one: The restart that says the most; None where the evidence has none.
    """
    if row.restarts > 1:
        return _restarts(row, _needed(run, row))
    if row.status == "reproduced":
        at = "" if one is None else f" at step {one.steps:,}{_guided(one)}"
        return f"Reproduced{at}, KL {_kl(row.kl)} nats per dimension."
    if row.status == "spent":
        within = "" if one is None else f" in {_steps(one)}{_guided(one)}"
        return f"Not reproduced{within}: {_needed(run, row)}."
    return f"Failed: {row.note or 'no reason given'}." if row.status == "failed" else "Not tried."


def _restarts(row: Row, needed: str) -> str:
    """The same over several restarts: the median, and from where to where it goes."""
    by = f"{row.reproduced:,} of {row.restarts:,} restarts"
    if row.status == "reproduced":
        ends = f"{_kl(row.kl_low)} to {_kl(row.kl_high)}"
        return f"Reproduced by {by}, KL {_kl(row.kl)} nats per dimension (median; {ends})."
    if row.reproduced:
        return f"Reproduced by {by} only, at best with a KL of {_kl(row.kl_low)}: {needed}."
    return f"Not reproduced by any of {row.restarts:,} restarts: {needed}."


def shown(row: Row, one: Try | None) -> str:
    """Which of several restarts the pictures and the path are of."""
    if one is None or row.restarts < 2:
        return ""
    if one.status == "reproduced":
        at = f"reproduced at step {one.steps:,}{_guided(one)}, KL {_kl(one.kl)}"
    else:
        at = f"the nearest, after {_steps(one)}{_guided(one)}"
    return f"Shown is restart {one.repeat + 1}: {at}."


def _needed(run: InversionsRun, row: Row) -> str:
    best = "not known" if row.best_similarity is None else plain(row.best_similarity, 3)
    median = " (median)" if row.restarts > 1 else ""
    return f"best similarity {best}{median}{of_needed(run)}"


def of_needed(run: InversionsRun) -> str:
    """The similarity that is needed, after one that was reached."""
    return "" if run.needed is None else f" of the {plain(run.needed, 3)} needed"


def _steps(one: Try) -> str:
    return f"{one.steps:,} step{'' if one.steps == 1 else 's'}"


def _guided(one: Try) -> str:
    return "" if one.guidance in (None, 1.0) else f" at guidance {one.guidance:g}"


def _kl(value: float | None) -> str:
    """A KL; that of a restart that did not reproduce is infinite."""
    return "never" if value is None else short(value)
