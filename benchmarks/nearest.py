"""Exact neighbours: shares of the matrix-product ceiling, memory, and a search that is killed.

    python benchmarks/nearest.py OUT > benchmarks/nearest.md
    python benchmarks/nearest.py OUT --million >> benchmarks/nearest.md

5,000 queries among 50,000 rows of 3,072 bytes (images of 32 x 32 pixels in colour). Every method
runs in a process of its own, beside the bare matrix products of the same size; it gets the rows as
bytes on disk. `--million` searches 1,000,000 rows, is killed half way and goes on.
"""

import argparse
import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from solidmark.neighbours import Matrix, Search, rows_per_shard, search

QUERIES, ROWS, WIDTH = 5_000, 50_000, 3_072
MILLION, ASKED = 1_000_000, 1_000
REPEATS = 3
BLOCK = 1_024

Answer = tuple[float, str]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--million", action="store_true")
    parser.add_argument("--only", choices=[*METHODS, "killed", "resumed"])
    asked = parser.parse_args()
    rows = MILLION if asked.million else ROWS
    queries, base = (
        make(asked.out / f"{name}-{count}", count, seed)
        for seed, (name, count) in enumerate((("queries", QUERIES), ("rows", rows)))
    )
    if asked.only in ("killed", "resumed"):
        return go_on(asked.out, queries, base, kill=asked.only == "killed")
    if asked.only:
        return measure(asked.only, queries, base)
    lines = killed(asked.out) if asked.million else table(asked.out)
    sys.stdout.write("\n".join(lines) + "\n")
    return None


def make(folder: Path, count: int, seed: int) -> tuple[Path, ...]:
    """Shards of random bytes: distances lie so near one another that ranking them is hard."""
    at_once = rows_per_shard(WIDTH)
    folder.mkdir(parents=True, exist_ok=True)
    for number, start in enumerate(range(0, count, at_once)):
        path = folder / f"{number:06d}.npy"
        if not path.is_file():
            shape = min(at_once, count - start), WIDTH
            drawn = np.random.default_rng((seed, number)).integers(256, size=shape, dtype=np.uint8)
            np.save(path, drawn)
    return tuple(sorted(folder.glob("*.npy")))


def by_l2(queries: tuple[Path, ...], base: tuple[Path, ...], k: int, tiles: int) -> None:
    search(Matrix(queries, tiles**2), Matrix(base, tiles**2), Search(k))


def by_cdist(queries: tuple[Path, ...], base: tuple[Path, ...], k: int) -> None:
    """torch.cdist by matrix products, block by block, so that it fits into the memory."""
    left, right = (as_floats(side) for side in (queries, base))
    for start in range(0, len(left), BLOCK):
        some = torch.cdist(
            left[start : start + BLOCK], right, compute_mode="use_mm_for_euclid_dist"
        )
        some.topk(k, largest=False)


def by_faiss(queries: tuple[Path, ...], base: tuple[Path, ...], k: int) -> None:
    import faiss

    index = faiss.IndexFlatL2(WIDTH)
    index.add(as_floats(base).numpy())
    index.search(as_floats(queries).numpy(), k)


def by_product(queries: tuple[Path, ...], base: tuple[Path, ...], k: int) -> None:
    """All cosines at once, and topk: as the public code of DCR does (Somepalli et al., 2023)."""
    left, right = (torch.nn.functional.normalize(as_floats(side)) for side in (queries, base))
    torch.mm(right, left.T).T.topk(k, dim=1)


def as_floats(side: tuple[Path, ...]) -> torch.Tensor:
    """All rows as float32 in memory."""
    rows = torch.empty(sum(len(np.load(path, mmap_mode="r")) for path in side), WIDTH)
    start = 0
    for path in side:
        part = torch.from_numpy(np.load(path))
        rows[start : start + len(part)] = part
        start += len(part)
    return rows


def products() -> float:
    """The seconds of half of the ceiling: the products of one block with one, again and again."""
    left, right = torch.rand(BLOCK, WIDTH), torch.rand(BLOCK, WIDTH)
    out = torch.empty(BLOCK, BLOCK)
    torch.mm(left, right.T, out=out)  # Threads are there now.
    start = time.perf_counter()
    for _ in range(round(QUERIES * ROWS / BLOCK**2 / 2)):
        torch.mm(left, right.T, out=out)
    return time.perf_counter() - start


METHODS: dict[str, Callable[[tuple[Path, ...], tuple[Path, ...]], None]] = {
    "l2, the nearest": lambda queries, base: by_l2(queries, base, 1, 1),
    "l2, the 50 nearest": lambda queries, base: by_l2(queries, base, 50, 1),
    "patched l2, the nearest": lambda queries, base: by_l2(queries, base, 1, 4),
    "patched l2, the 50 nearest": lambda queries, base: by_l2(queries, base, 50, 4),
    "faiss IndexFlatL2, the nearest": lambda queries, base: by_faiss(queries, base, 1),
    "faiss IndexFlatL2, the 50 nearest": lambda queries, base: by_faiss(queries, base, 50),
    "torch.cdist and topk, the nearest": lambda queries, base: by_cdist(queries, base, 1),
    "one product and topk (DCR), the nearest": lambda queries, base: by_product(queries, base, 1),
}


def measure(name: str, queries: tuple[Path, ...], base: tuple[Path, ...]) -> None:
    """Runs one method beside the ceiling, and prints what it took."""
    ceiling = products()  # Half before and half after, since a machine is not always as fast.
    start = time.perf_counter()
    METHODS[name](queries, base)
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    ceiling += products()
    print(json.dumps({"seconds": seconds, "ceiling": ceiling, "peak": peak}))  # noqa: T201


def table(out: Path) -> list[str]:
    lines = [
        "# Exact nearest neighbours",
        "",
        f"`python benchmarks/nearest.py OUT`. {QUERIES:,} queries among {ROWS:,} rows of {WIDTH:,} "
        f"random bytes on disk, {torch.get_num_threads()} threads, {REPEATS} runs of each method, "
        "each in a process of its own. Share: the time of nothing but the matrix products, half "
        "of them measured before and half after in the same process, divided by the time of the "
        "method; high is good. Memory: the peak of the whole process, libraries (about 250 MB) "
        "included; low is good.",
        "",
        "| method | share of the ceiling, median (lowest to highest) | peak memory, GB |",
        "|---|---|---|",
    ]
    for name in METHODS:
        runs = [json.loads(ask(out, name)) for _ in range(REPEATS)]
        shares = sorted(run["ceiling"] / run["seconds"] for run in runs)
        peak = max(run["peak"] for run in runs) / 2**30
        middle = f"{shares[REPEATS // 2]:.0%} ({shares[0]:.0%} to {shares[-1]:.0%})"
        lines.append(f"| {name} | {middle} | {peak:.2f} |")
    return lines


def ask(out: Path, only: str, *more: str) -> str:
    words = [sys.executable, __file__, str(out), "--only", only, *more]
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout


def go_on(out: Path, queries: tuple[Path, ...], base: tuple[Path, ...], *, kill: bool) -> None:
    """A search with its state on disk; half way it kills itself, if it is to."""
    seen = {"pairs": 0, "first": None}
    start = time.perf_counter()

    def advance(pairs: int) -> None:
        seen["first"] = pairs if seen["first"] is None else seen["first"]
        seen["pairs"] += pairs
        if kill and seen["pairs"] > ASKED * MILLION // 2:
            print(json.dumps({"seconds": time.perf_counter() - start}), flush=True)  # noqa: T201
            os.kill(os.getpid(), signal.SIGKILL)

    folder = out / "state"
    rows = np.arange(ASKED)
    how = Search(1, folder=folder)
    found = search(Matrix(queries), Matrix(base), how, rows=rows, advance=advance)
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    digest = int(found.index.sum())
    told = {"seconds": seconds, "peak": peak, "skipped": seen["first"], "digest": digest}
    print(json.dumps(told))  # noqa: T201


def killed(out: Path) -> list[str]:
    for path in (out / "state").glob("*"):
        path.unlink()
    words = [sys.executable, __file__, str(out), "--million", "--only"]
    first = subprocess.run([*words, "killed"], capture_output=True, text=True, check=False)
    assert first.returncode == -signal.SIGKILL, first.stderr
    resumed = json.loads(ask(out, "resumed", "--million"))
    for path in (out / "state").glob("*"):
        path.unlink()
    whole = json.loads(ask(out, "resumed", "--million"))
    assert resumed["digest"] == whole["digest"]
    share = resumed["skipped"] / (ASKED * MILLION)
    return [
        "",
        f"`python benchmarks/nearest.py OUT --million`. {MILLION:,} rows (3.1 GB on disk), "
        f"{ASKED:,} queries, the nearest of each, `--memory` 1 GB, state on disk. Uninterrupted: "
        f"{whole['seconds']:.0f} s, so {QUERIES:,} queries would take about "
        f"{whole['seconds'] * QUERIES / ASKED / 60:.0f} minutes; peak memory "
        f"{whole['peak'] / 2**30:.2f} GB. Killed (SIGKILL) "
        f"after {json.loads(first.stdout)['seconds']:.0f} s and given again: it goes on at "
        f"{share:.0%}, takes {resumed['seconds']:.0f} s more, peak memory "
        f"{resumed['peak'] / 2**30:.2f} GB, and gives the same neighbours.",
    ]


if __name__ == "__main__":
    main()
