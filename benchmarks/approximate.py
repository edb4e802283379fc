"""Approximate nearest vectors: which index, how much it finds, and what it costs.

    python benchmarks/approximate.py OUT --rows 200000 >> benchmarks/approximate.md
    python benchmarks/approximate.py OUT --rows 10000000 --width 128 --only solidmark

Unit vectors in 2,000 clusters whose spread falls off over the axes, as that of networks does. A
shard is drawn by a generator of its own and lies on disk. Every index is built and asked in a
process of its own, by one thread; what it answers is ranked again by exact distances, and compared
with the exact search.
"""

import argparse
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

CLUSTERS, SPREAD = 2_000, 0.8
ASKED = 500
"""Queries of each kind."""

WITHIN = 0.75
"""The similarity from which on a query counts as a copy."""

FEW = 3
"""Questions that the exact search answers one by one."""

LIMIT = 900
"""CPU seconds that the index of a library may take."""

PROBES, AGAIN = 32, 100
"""Lists that are looked into, and rows that are ranked again exactly."""

Array = NDArray[np.float32]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--width", type=int, default=512)
    parser.add_argument("--only", choices=list(METHODS), nargs="+")
    parser.add_argument("--one", choices=["exact", *METHODS], help=argparse.SUPPRESS)
    asked = parser.parse_args()
    here = asked.out / f"{asked.rows}-{asked.width}"
    if asked.one:
        if asked.one not in ("exact", "solidmark"):
            resource.setrlimit(resource.RLIMIT_CPU, (LIMIT, LIMIT + 5))
        sys.stdout.write(json.dumps(measured(asked.one, here)) + "\n")
        return
    make(here, asked.rows, asked.width)
    say(f"\n## {asked.rows:,} vectors of {asked.width} numbers\n")
    say("| index | build, CPU s | peak MB | disk MB | nearest: copies | fresh | copies found ", "")
    say("| one question, CPU ms | of 1,000 together | peak MB |")
    say("|---|---|---|---|---|---|---|---|---|---|")
    for name in ["exact", *(asked.only or METHODS)]:
        say(line_of(name, ask(asked, name)))


def say(line: str, end: str = "\n") -> None:
    sys.stdout.write(line + end)
    sys.stdout.flush()


def ask(asked: argparse.Namespace, name: str) -> dict[str, Any]:
    """Measures one index in a process of its own."""
    one = {n: "1" for n in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS")}
    # By one thread LanceDB stands still.
    one |= {n: "4" for n in ("LANCE_CPU_THREADS", "LANCE_IO_THREADS", "TOKIO_WORKER_THREADS")}
    if name == "lance":  # It brings a pyarrow of its own.
        one["PYTHONPATH"] = os.environ.get("LANCE", "") + ":" + os.environ.get("PYTHONPATH", "")
    words = ["--rows", str(asked.rows), "--width", str(asked.width), "--one", name]
    command = [sys.executable, __file__, str(asked.out), *words]
    done = subprocess.run(command, env={**os.environ, **one}, stdout=subprocess.PIPE)
    if done.returncode == -signal.SIGXCPU:
        return {}
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def line_of(name: str, found: dict[str, Any]) -> str:
    if not found:
        return f"| {name} | not done in {LIMIT} |" + " |" * 8
    cells = [name, *(f"{found[key]:,.0f}" for key in ("build", "build_peak", "disk"))]
    cells += [f"{found[key]:.3f}" for key in ("copies", "fresh", "within")]
    cells += [f"{found[key]:.2f}" for key in ("alone", "together")]
    return f"| {' | '.join(cells)} | {found['peak']:,.0f} |"


# The vectors.


def drawn(seed: tuple[int, ...], count: int, centres: Array) -> Array:
    """Unit vectors: a centre, and a spread that falls off over the axes."""
    noise = np.random.default_rng(seed)
    width = centres.shape[1]
    scale = (np.arange(width) + 1.0) ** -0.5
    scale = np.random.default_rng(7).permutation(scale / np.linalg.norm(scale))
    own = noise.integers(len(centres), size=count)
    rows = centres[own] + SPREAD * noise.standard_normal((count, width), np.float32) * scale
    return unit(rows.astype(np.float32))


def unit(rows: Array) -> Array:
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows


def make(here: Path, rows: int, width: int) -> None:
    """The shards, 500 changed copies and 500 fresh vectors."""
    here.mkdir(parents=True, exist_ok=True)
    centres = unit(np.random.default_rng(0).standard_normal((CLUSTERS, width), np.float32))
    at_once = 2**26 // (4 * width)
    for number, start in enumerate(range(0, rows, at_once)):
        path = here / f"{number:06d}.npy"
        if not path.is_file():
            np.save(path, drawn((1, number), min(at_once, rows - start), centres))
    # A copy lies on the way to a vector of another cluster, so changed as vectors differ.
    chosen = np.random.default_rng(2).choice(rows, ASKED, replace=False)
    originals = np.stack([shards(here)[n // at_once][n % at_once] for n in chosen])
    other = drawn((3, 0), ASKED, centres)
    similar = np.random.default_rng(4).uniform(WITHIN, 0.99, (ASKED, 1)).astype(np.float32)
    aside = unit(other - (other * originals).sum(1, keepdims=True) * originals)
    copies = similar * originals + np.sqrt(1 - similar**2) * aside
    fresh = drawn((5, 0), ASKED, centres)
    np.save(here / "queries", np.concatenate([copies, fresh]).astype(np.float32))


def shards(here: Path) -> list[Array]:
    return [np.load(path, mmap_mode="r") for path in sorted(here.glob("0*.npy"))]


# The indexes: each builds itself in a folder, and gives what answers with candidates.

Asked = Callable[[Array, int], NDArray[np.int64]]


def by_faiss(word: str, here: Path, folder: Path) -> Asked:
    import faiss

    base = shards(here)
    rows, width = sum(map(len, base)), base[0].shape[1]
    lists = 1 << round(np.log2(2 * rows**0.5))
    index = faiss.index_factory(width, word.replace("IVFN", f"IVF{lists}"))
    if index.is_trained is False:
        step = max(1, rows // (40 * lists))
        index.train(np.concatenate([part[::step] for part in base]))
    for part in base:
        index.add(np.ascontiguousarray(part))
    faiss.write_index(index, str(folder / "index.faiss"))
    del index
    opened = faiss.read_index(str(folder / "index.faiss"), faiss.IO_FLAG_MMAP)
    if word.startswith("IVF"):
        opened.nprobe = PROBES
    else:
        opened.hnsw.efSearch = 128
    return lambda queries, k: opened.search(queries, k)[1]


def by_lance(here: Path, folder: Path) -> Asked:
    import lancedb
    import pyarrow as pa

    base = shards(here)
    rows, width = sum(map(len, base)), base[0].shape[1]
    lists = 1 << round(np.log2(2 * rows**0.5))
    schema = pa.schema([("number", pa.int64()), ("vector", pa.list_(pa.float32(), width))])

    def batches() -> Any:
        start = 0
        for part in base:
            flat = pa.array(np.ascontiguousarray(part).ravel())
            vectors = pa.FixedSizeListArray.from_arrays(flat, width)
            numbers = pa.array(np.arange(start, start + len(part)))
            yield pa.record_batch([numbers, vectors], schema=schema)
            start += len(part)

    table = lancedb.connect(folder).create_table("vectors", batches(), schema=schema)
    parts = {"num_partitions": lists, "num_sub_vectors": width // 8, "index_type": "IVF_PQ"}
    table.create_index(metric="l2", **parts)

    def answer(queries: Array, k: int) -> NDArray[np.int64]:
        found = []
        for query in queries:
            near = table.search(query).nprobes(PROBES).limit(k).select(["number"]).to_arrow()
            some = near["number"].to_numpy()
            found.append(np.pad(some, (0, k - len(some)), constant_values=-1))
        return np.stack(found)

    return answer


def by_solidmark(here: Path, folder: Path) -> Asked:
    from solidmark.neighbours import Matrix, Search, finder_of

    base = Matrix(tuple(sorted(here.glob("0*.npy"))))
    find = finder_of(base, "approximate", folder)
    return lambda queries, k: find(Matrix((queries,)), base, Search(1)).index


METHODS: dict[str, Callable[[Path, Path], Asked]] = {
    "IVF-SQ8": lambda here, folder: by_faiss("IVFN,SQ8", here, folder),
    "IVF-PQ64": lambda here, folder: by_faiss("IVFN,PQ64", here, folder),
    "IVF-PQ128x4fs": lambda here, folder: by_faiss("IVFN,PQ128x4fs", here, folder),
    "HNSW32": lambda here, folder: by_faiss("HNSW32", here, folder),
    "lance": by_lance,
    "solidmark": by_solidmark,
}


# What is measured.


def measured(name: str, here: Path) -> dict[str, float]:
    queries = np.load(here / "queries.npy")
    if name == "exact":
        return exactly(here, queries)
    folder = here / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    started = spent()
    answer = METHODS[name](here, folder)
    build, build_peak = spent() - started, peak()
    base = shards(here)
    true = np.load(here / "truth.npy")
    answer(queries[:2], AGAIN)
    started = spent()
    best = ranked(base, queries, answer(queries, AGAIN))
    together = spent() - started
    started = spent()
    for query in queries[:100]:
        ranked(base, query[None], answer(query[None], AGAIN))
    alone = spent() - started
    found = best >= true - 1e-6
    close = true >= WITHIN
    return {
        "build": build,
        "build_peak": build_peak,
        "disk": sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6,
        "copies": float(found[:ASKED].mean()),
        "fresh": float(found[ASKED:].mean()),
        "within": float((best >= WITHIN)[close].mean()),
        "alone": 1000 * alone / 100,
        "together": 1000 * together / len(queries),
        "peak": peak(),
    }


def exactly(here: Path, queries: Array) -> dict[str, float]:
    """The exact search, whose answers are the truth."""
    from solidmark.neighbours import Matrix, Search, search

    base = Matrix(tuple(sorted(here.glob("0*.npy"))))
    started = spent()
    found = search(Matrix((queries,)), base, Search(1))
    together = spent() - started
    np.save(here / "truth", 1 - found.squared[:, 0] * base.width / 2)
    started = spent()
    for query in queries[:FEW]:
        search(Matrix((query[None],)), base, Search(1))
    alone = spent() - started
    return {
        **{"build": 0, "build_peak": 0, "disk": len(base) * base.width * 4 / 1e6},
        **{"copies": 1, "fresh": 1, "within": 1},
        **{"alone": 1000 * alone / FEW, "together": 1000 * together / len(queries), "peak": peak()},
    }


def ranked(base: list[Array], queries: Array, numbers: NDArray[np.int64]) -> Array:
    """The similarity of the best of the candidates, by the vectors themselves."""
    at_once = len(base[0])
    best = np.full(len(queries), -1.0, np.float32)
    for line, (query, some) in enumerate(zip(queries, numbers, strict=True)):
        for shard in np.unique(some[some >= 0] // at_once):
            own = some[(some >= 0) & (some // at_once == shard)] % at_once
            best[line] = max(best[line], (base[shard][np.sort(own)] @ query).max())
    return best


def spent() -> float:
    return time.process_time()


def peak() -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1000


if __name__ == "__main__":
    main()
