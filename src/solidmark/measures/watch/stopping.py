"""When a training has been seen to memorize enough to be stopped."""

from collections.abc import Iterable

from solidmark.errors import BadInput
from solidmark.measures.watch.looks import Look

StopAt = str | float | None
"""`"memorized"`; or a share in (0, 1]; or never."""


def require_stop(stop_at: StopAt) -> None:
    """Checks a threshold.

    Raises:
        BadInput: When it is none.
    """
    share = isinstance(stop_at, int | float) and 0 < stop_at <= 1
    if stop_at not in (None, "memorized") and not share:
        raise BadInput(
            f'stop_at is "memorized", or the share of memorized images at which to stop, above 0 '
            f"and at most 1, not {stop_at!r}."
        )


def is_reached(looks: Iterable[Look], stop_at: StopAt) -> bool:
    """Whether any look has passed the threshold.

    A look passes it only where it sees memorization at its own part of the level, so that a
    training in which nothing is memorized is stopped at most once in 100.

    Arguments:
        looks: Those that were made.
        stop_at: The verdict "memorized", or the least share of the images that must be memorized.
    """
    if stop_at is None:
        return False
    least = 0.0 if isinstance(stop_at, str) else stop_at
    return any(one.state == "memorized" and one.share >= least for one in looks)
