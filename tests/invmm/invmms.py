"""What the tests of `solidmark invmm` ask, and a run that kills itself as `kill -9` would."""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from rounding import DESCENT, NETWORK

from solidmark.measures.invmm import InvMM, invert, keeping, live
from solidmark.measures.invmm.inversion import Inversion
from solidmark.runs import Ledger, Run

SHORT = Inversion(
    steps=60,
    samples=2,
    rate=0.3,
    every=10,
    sampling_steps=8,
    screen_steps=4,
    checked=3,
    times="stratified",
)
"""Six rounds, enough for a memorizer of 8 x 8 pixels."""

PLACES: dict[str, tuple[Any, str]] = {
    "round": (live, "write_attempts"),
    "picture": (keeping, "write_image"),
    "row": (Ledger, "commit"),
    "replace": (os, "replace"),
    "table": (keeping, "write_rows"),
    "finish": (Run, "finish"),
}
"""Where the kill can strike: before a state, a picture, a row, a file's name, a table, the end."""


def asked(model: object, images: object, out: Path, **options: Any) -> InvMM:
    """A run of seconds, whose threshold only the image itself passes."""
    options = {"inversion": SHORT, "threshold": 0.95, "batch_size": 3, **options}
    return InvMM(str(model), str(images), out, **options)


def table(out: Path, name: str = "evidence") -> list[dict[str, Any]]:
    """The rows of a table."""
    return list(pq.read_table(out / f"{name}.parquet").to_pylist())


def by_id(out: Path, name: str = "scores") -> dict[str, dict[str, Any]]:
    return {row["id"]: row for row in table(out, name)}


def assert_alike(one: Path, other: Path) -> None:
    """All that the rounding of another batch leaves alone is the same, and the rest is near.

    Where nothing was reproduced the descent ended anywhere, and its KL and similarity say nothing.
    Until the first check it has moved where the loss is flat only: what is between two losses is
    the rounding of their steps.
    """
    for row, same in zip(table(one), table(other), strict=True):
        for name in ("kl", "kl_end", "best_similarity"):
            mine, theirs = row.pop(name), same.pop(name)
            if row["status"] == "reproduced":
                assert mine == pytest.approx(theirs, rel=DESCENT)
        assert row == same
    first = [
        {
            (row["split"], row["id"], row["repeat"]): row["loss"]
            for row in table(out, "paths")
            if row["step"] == SHORT.every
        }
        for out in (one, other)
    ]
    assert first[0] == pytest.approx(first[1], rel=SHORT.every * NETWORK)


def files(out: Path) -> dict[str, bytes]:
    """All files of a run but those that say how long it took, or how it was gone about."""
    left_out = ("manifest.json", "ledger/")
    return {
        name: path.read_bytes()
        for path in sorted(out.rglob("*"))
        if path.is_file() and not (name := path.relative_to(out).as_posix()).startswith(left_out)
    }


def invert_until(place: str, count: int, images: Path, out: Path, options: dict[str, Any]) -> None:
    """Inverts, and dies just before something is done for the `count`-th time."""
    if place:
        where, name = PLACES[place]
        setattr(where, name, _dying(getattr(where, name), count))
    invert(asked("memorizer", images, out, **options))


def _dying(work: Callable[..., Any], count: int) -> Callable[..., Any]:
    """The same work, until it is asked for the `count`-th time."""
    done = 0

    def work_or_die(*arguments: Any, **more: Any) -> Any:
        nonlocal done
        done += 1
        if done == count:
            os.kill(os.getpid(), signal.SIGKILL)
        return work(*arguments, **more)

    return work_or_die


def invert_twice(images: Path, out: Path) -> None:
    """What one of several processes does."""
    for _ in range(2):  # The second time it is finished, and the same processes can say so.
        invert(asked("memorizer", images, out))
