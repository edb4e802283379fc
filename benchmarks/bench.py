"""What every stage costs, and what others do for the same: `make bench`.

    python benchmarks/bench.py OUT [--runs 2] > benchmarks/bench.md
    python benchmarks/bench.py OUT --smallest     the same script in small, in seconds

Two complete runs, one measurement at a time, each in a process of its own with one thread; the page
has the spread between them. Seconds are those of the processor. What is measured is kept in
OUT/run-N/measured.json, so that the same command goes on where it was ended. No test.
"""

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import bench_beside as beside
import bench_stages as stages
import bench_ways
import torch
from bench_page import Measured, page
from bench_stages import SMALLEST, STAGES, Case, run_stage

Asked = Callable[[], Any]
KEPT = "measured.json"
BARE = ("search: ", "hashes: ")
"""What needs few packages, and is measured before the others are imported."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--runs", type=int, default=2)
    parser.add_argument("--smallest", action="store_true")
    parser.add_argument("--page", action="store_true", help="Measure nothing more.")
    asked = parser.parse_args()
    case, sizes = (SMALLEST, beside.SMALLEST) if asked.smallest else (Case(), beside.Sizes())
    torch.set_num_threads(1)
    runs = []
    for number in range(asked.runs):
        folder = asked.out.resolve() / f"run-{number + 1}"
        if asked.page:
            runs.append(json.loads((folder / KEPT).read_text()))
        else:
            runs.append(one_run(folder, case, sizes, whole=not asked.smallest))
    sys.stdout.write("\n".join(page(runs, case, sizes)) + "\n")


def one_run(folder: Path, case: Case, sizes: beside.Sizes, *, whole: bool) -> Measured:
    """All measurements, or those that are left of a run that was ended."""
    path = folder / KEPT
    measured: dict[str, Any] = {}
    if path.is_file():
        measured = json.loads(path.read_text())
    else:
        stages.fresh(folder, case)
    for name, work in measurements(folder, case, sizes, whole):
        if name not in measured:
            sys.stderr.write(f"{folder.name}: {name}\n")
            if not name.startswith(BARE):
                stages.imported()
            measured[name] = apart(name, work) | {"load": os.getloadavg()[0]}
            path.write_text(json.dumps(measured, indent=1))
    return measured


def measurements(
    here: Path, case: Case, sizes: beside.Sizes, whole: bool
) -> Iterator[tuple[str, Asked]]:
    """What is measured, by name; what needs few packages first, and a stage before its readers."""
    for way in ("ours", "faiss", "cdist", "product"):
        yield (
            f"search: {way}",
            partial(beside.searching, here, sizes, way, sizes.rows[-1], sizes.most[0]),
        )
    for rows, most in ((sizes.rows[0], sizes.most[0]), (sizes.rows[-1], sizes.most[-1])):
        yield f"search: {rows} {most}", partial(beside.searching, here, sizes, "ours", rows, most)
    for way in ("ours", "all pairs", "tree"):
        for count in sizes.hashes:
            yield f"hashes: {way} {count}", partial(beside.hash_pairs, way, count)
    for name in STAGES:
        yield f"stage: {name}", partial(run_stage, name, here, case)
    if whole:
        more = here / "more"
        for name in ("mark", "train", *stages.FIXED):
            yield f"more: {name}", partial(run_stage, name, more, stages.more_of(case, more))
    for name, work in beside.copying(here).items():
        yield f"copies: {name}", partial(beside.copies, work, here, sizes.pictures)
    for name in beside.PIXEL_READERS:
        yield f"pixels: {name}", partial(beside.pixel_reader, here, case, sizes, name)
    for name in beside.LATENT_READERS:
        yield f"latents: {name}", partial(beside.latent_reader, name, sizes)
    for preset in ("ddpm", "quick"):
        yield f"invmm: {preset}", partial(beside.inverted, here, preset, sizes.descended)
    for rows in sizes.scored:
        for stage in ("observe", "score"):
            yield f"rows: {stage} {rows}", partial(beside.scored, here, rows, stage)
    for limit in sizes.limits:
        yield f"read: {limit}", partial(beside.rows_read, here, limit)
    for side in sizes.sides:
        yield f"side: {side}", partial(beside.side_read, here / f"side-{side}", case, side)
    for side, batch in ((case.side, 8), (2 * case.side, 2)):
        yield f"ways: {side}", partial(bench_ways.ways, side, case.channels, batch)
    for count in (1, 2) if whole else ():
        yield f"processes: {count}", partial(beside.processes, here, count)


def apart(name: str, work: Asked) -> dict[str, Any]:
    """Does it in a process that has the packages and nothing else in its memory."""
    context = get_context("fork")
    receiving, sending = context.Pipe(duplex=False)
    process = context.Process(target=_answer, args=(sending, work))
    process.start()
    sending.close()
    try:
        found: Mapping[str, Any] = receiving.recv()
    except EOFError:
        raise SystemExit(f"{name} came to no end; what it said stands above.") from None
    process.join()
    return dict(found)


def _answer(sending: Connection, work: Asked) -> None:
    # What is said on the way belongs to no page.
    sys.stdout = sys.stderr
    sending.send(work())


if __name__ == "__main__":
    main()
