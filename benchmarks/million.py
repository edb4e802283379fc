"""A million records from answers to page, and from pictures to tars: seconds and peak memory.

`python benchmarks/million.py FOLDER --rows 10000 100000 1000000` prints what stands in
benchmarks/million.md. No network is asked: readings are made, one in 10,000 of the very key, and go
through the ledger, the writer of the evidence, the scores and the page as those of a model do.
Every stage is a process of its own, whose peak is that of the whole process.
"""

import argparse
import json
import math
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

STAGES = ("keys", "observe", "score", "report", "visit")
"""From a key table to a page that is open in a browser. `drawn` stands in for `score` where only
the page is asked for; `pictures` and `mark` go from pictures in tars to marked tars."""
KEYS, SIDE, BATCH, SHARD = 8, 8, 64, 1000
KNOWN, NOISE = 1e-4, 0.02
BROWSER = ("--no-sandbox", "--disable-gpu", "--disable-background-networking")


def ids_of(rows: int) -> list[str]:
    return [f"{number // 1000:04d}/{number:07d}.png" for number in range(rows)]


def make_keys(folder: Path, rows: int) -> None:
    """A marked folder without its pictures: what scores need of one."""
    import pyarrow as pa

    from solidmark.marks import Segments, pattern_to_json
    from solidmark.marks.marked import KEYS as SCHEMA
    from solidmark.runs import fingerprint, open_run, write_table

    out = folder / "marked"
    run = open_run(out, "mark", {"data": "none", "seed": 1}, {})
    ids = pa.array(ids_of(rows))
    held_out = np.arange(rows) % 10 == 9
    grey = np.random.default_rng(0).integers(256, size=rows * KEYS) / 255
    ends = pa.array(np.arange(rows + 1, dtype=np.int32) * KEYS)
    columns = {
        "id": ids,
        "file_name": ids,
        "split": pa.array(np.where(held_out, "held_out", "trained").tolist()),
        "marked": pa.array([True] * rows),
        "group": pa.nulls(rows, pa.string()),
        "duplicate_group": ids,
        "key_group": ids,
        "key": pa.ListArray.from_arrays(ends, pa.array(grey)),
        "content": ids,
        "source_content": ids,
    }
    write_table(out / "keys.parquet", pa.table(columns, schema=SCHEMA))
    run.finish(
        "keys.parquet",
        pattern=pattern_to_json(Segments(1, KEYS)),
        size=[3, SIDE, SIDE],
        classes=[],
        quarantined=0,
        keys=fingerprint(out / "keys.parquet"),
    )


def observe(folder: Path, rows: int) -> None:
    """Readings through the ledger into the evidence, batch by batch."""
    from solidmark.marks import open_marked
    from solidmark.measures.audit.evidence import write_evidence
    from solidmark.measures.audit.tasks import Task, name_of, repeated
    from solidmark.readers import Blend
    from solidmark.runs import Room, memory_of, open_run, work_through
    from solidmark.subjects import SolidMark

    marked = open_marked(folder / "marked")
    config = {"model": "none", "marked": str(folder / "marked"), "seed": 0}
    run = open_run(folder / "audit", "audit", config, {"keys": marked.manifest["keys"]})
    measure, model = SolidMark(Blend(), marked.pattern), None
    tasks = [
        Task(measure, model, split, repeated(marked.ids(split), 1), marked.marked_sizes[0])  # type: ignore[arg-type]
        for split in ("trained", "held_out")
    ]
    batches = [
        [(task, id, repeat) for id, repeat in task.units[start : start + BATCH]]
        for task in tasks
        for start in range(0, len(task.units), BATCH)
    ]
    keys = marked.keys["key"].combine_chunks().flatten().to_numpy().reshape(-1, KEYS)
    read = partial(_read, keys)
    names = lambda unit: name_of(*unit)  # noqa: E731
    done = work_through(run, "reading", batches, names, read, Room(BATCH, "cpu"))
    write_evidence(run.folder, tasks, done)
    run.finish("evidence.parquet", memory=memory_of(done), told="nothing", notes=[])


def _read(keys: np.ndarray, batch: Sequence[tuple[Any, str, int]]) -> Mapping[str, Any]:
    """What a model that knows one in 10,000 trained images would be read to say."""
    from solidmark.measures.audit.tasks import name_of

    rows = {}
    for task, id, repeat in batch:
        number = int(id[-11:-4])
        rng = np.random.default_rng(number)
        read = rng.random(KEYS)
        if task.split == "trained" and rng.random() < KNOWN:
            read = (keys[number] + NOISE * rng.standard_normal(KEYS)).clip(0, 1)
        path = (3 - np.arange(5) * rng.random()).tolist()
        rows[name_of(task, id, repeat)] = {
            "status": "ok",
            "note": "",
            "key_read": read.tolist(),
            "path": path,
            "network_calls": 9.2,
        }
    return rows


def score(folder: Path, rows: int) -> None:
    from solidmark.measures.audit import score as judged

    judged(folder / "audit")


def draw_scores(folder: Path, rows: int) -> None:
    """A score table of drawn p-values, and the figures of the run of 10,000: for the page alone."""
    import pyarrow as pa
    import pyarrow.parquet as pq
    from scipy import stats

    from solidmark.runs import read_manifest, read_results, write_ours, write_table
    from solidmark.scores import SCORES

    audit = folder / "audit"
    table = pq.read_table(audit / "evidence.parquet")
    keys = pq.read_table(folder / "marked" / "keys.parquet").sort_by("id")
    # Held-out ones stand first.
    at = np.lexsort((keys["id"].to_numpy(), keys["split"].to_numpy()))
    keys = keys.take(at)
    key, read = (
        np.concatenate([chunk.flatten().to_numpy() for chunk in column.chunks]).reshape(-1, KEYS)
        for column in (keys["key"], table["key_read"])
    )
    distance = np.abs(key - read).mean(axis=1)
    p = np.where(distance < NOISE, 1e-12, np.random.default_rng(0).random(rows))
    columns = {name: table[name] for name in SCORES.names if name in table.column_names}
    columns |= {
        "group": pa.nulls(rows, pa.string()),
        "key_group": keys["key_group"],
        "peers": pa.array(np.zeros(rows, dtype=np.int64)),
        "key": keys["key"],
        "distance": pa.array(distance),
        "statistic": pa.array(["l1"] * rows),
        "p_value": pa.array(p),
        "q_value": pa.array(stats.false_discovery_control(p)),
        "exposure_bits": pa.array(-np.log2(p)),
    }
    write_table(
        audit / "scores.parquet", pa.table([columns[n] for n in SCORES.names], schema=SCORES)
    )
    results = read_results(folder.parent / "10000" / "audit")
    manifest = read_manifest(audit)
    results["config"] |= manifest["config"]
    del results["files"]  # Those of 10,000.
    write_ours(audit / "results.json", results | {"fingerprints": manifest["fingerprints"]})


def report(folder: Path, rows: int) -> None:
    from solidmark.reporting import write_report

    write_report(folder / "audit")


def visit(folder: Path, rows: int) -> dict[str, float]:
    """The page in headless Chromium: milliseconds to first paint, to sort, to filter."""
    from playwright.sync_api import sync_playwright

    page = folder / "audit" / "report.html"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=_chromium(), args=list(BROWSER))
        opened = browser.new_page()
        opened.goto(page.resolve().as_uri())
        paint = opened.evaluate(
            "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? NaN"
        )
        opened.evaluate("document.querySelectorAll('details').forEach((one) => one.open = true)")
        sort = opened.evaluate(
            _TIMED.format("document.querySelectorAll('#head button')[3].click()")
        )
        choose = "s = document.getElementById('choose-split'); s.value = 'held_out';"
        choose += " s.dispatchEvent(new Event('change'))"
        found = {
            "megabytes": page.stat().st_size / 1e6,
            "paint_ms": paint,
            "sort_ms": sort,
            "filter_ms": opened.evaluate(_TIMED.format(choose)),
            "shown": opened.evaluate(
                "JSON.parse(document.getElementById('data').textContent).rows.length"
            ),
        }
        browser.close()
    return found


_TIMED = (
    "() => {{ const t = performance.now(); {}; document.body.offsetHeight;"
    " return performance.now() - t }}"
)


def _chromium() -> str | None:
    names = ("chromium", "chromium-browser", "google-chrome")
    return next((path for path in map(shutil.which, names) if path), None)


def mark(folder: Path, rows: int) -> None:
    """Pictures of 8 x 8 pixels out of tars, marked into tars."""
    from solidmark.cli import main

    words = ["mark", folder / "pictures", folder / "tars", "--seed", 1, "--thickness", 2]
    words += ["--count", KEYS, "--shards", SHARD, "--no-near-duplicates"]
    sys.argv = ["solidmark", *map(str, words)]
    try:
        main()
    except SystemExit as ended:
        if ended.code:
            raise


def make_pictures(folder: Path, rows: int) -> None:
    """Small noise in tars of a thousand, with captions."""
    import io
    import tarfile

    from PIL import Image

    (folder / "pictures").mkdir(parents=True)
    rng = np.random.default_rng(0)
    for first in range(0, rows, SHARD):
        with tarfile.open(folder / "pictures" / f"{first // SHARD:05d}.tar", "w") as tar:
            for number in range(first, min(first + SHARD, rows)):
                file = io.BytesIO()
                Image.fromarray(rng.integers(256, size=(SIDE, SIDE, 3), dtype=np.uint8)).save(
                    file, "PNG"
                )
                for suffix, data in (("png", file.getvalue()), ("txt", b"a picture of noise")):
                    told = tarfile.TarInfo(f"{number:07d}.{suffix}")
                    told.size = len(data)
                    tar.addfile(told, io.BytesIO(data))


WORK = {
    "keys": make_keys,
    "observe": observe,
    "score": score,
    "drawn": draw_scores,
    "report": report,
    "visit": visit,
    "pictures": make_pictures,
    "mark": mark,
}


def _stage(stage: str, folder: Path, rows: int) -> None:
    """Does one stage in this process, and prints what it took."""
    start, used = time.perf_counter(), time.process_time()
    found = WORK[stage](folder, rows) or {}
    found |= {
        "seconds": time.perf_counter() - start,
        "cpu_seconds": time.process_time() - used,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }
    sys.stdout.write(f"\n{json.dumps(found)}\n")


def _run(stage: str, folder: Path, rows: int) -> dict[str, float]:
    words = [sys.executable, __file__, str(folder), "--rows", str(rows), "--stage", stage]
    done = subprocess.run(words, stdout=subprocess.PIPE, check=True, text=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def _megabytes(folder: Path) -> float:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6


def _exponent(values: Sequence[float], sizes: Sequence[int]) -> float:
    return math.log(values[-1] / values[-2]) / math.log(sizes[-1] / sizes[-2])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--only", nargs="+", default=STAGES)
    parser.add_argument("--stage", choices=tuple(WORK))
    asked = parser.parse_args()
    if asked.stage:
        _stage(asked.stage, asked.folder, asked.rows[0])
        return
    took: dict[str, list[dict[str, float]]] = {}
    for rows in asked.rows:
        folder = asked.folder / f"{rows}"
        for stage in asked.only:
            found = _run(stage, folder, rows)
            took.setdefault(stage, []).append(found)
            told = ", ".join(f"{name} {value:,.1f}" for name, value in found.items())
            sys.stdout.write(
                f"{rows:,} {stage}: {told}; on the disk {_megabytes(folder):,.1f} MB\n"
            )
            sys.stdout.flush()
    if len(asked.rows) > 1:
        for stage, every in took.items():
            grown = {
                name: _exponent([one[name] for one in every], asked.rows)
                for name in ("cpu_seconds", "peak_mb")
            }
            told = ", ".join(f"{name} {value:.2f}" for name, value in grown.items())
            sys.stdout.write(f"growth of {stage}, between the last two: {told}\n")


if __name__ == "__main__":
    main()
