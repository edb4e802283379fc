"""`make bench` in its smallest setting: that it runs, and that no row of its page is missing."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"
STAGES = (
    *("mark", "train", "observe", "score", "report", "generate", "nearest", "signals", "inpaint"),
    *("invmm", "duplicates"),
    *(f"read, {name}" for name in ("blend", "linear", "energy", "probe", "outpaint")),
)
ROWS = (
    *("`neighbours.search`", "faiss `IndexFlatL2`", "`torch.cdist` in blocks, `topk`"),
    *("one product of all, `topk` (DCR)", "imagehash: pHash, all pairs", "tree (BK)", "`quick`"),
    *("`solidmark duplicates`, with its tables and pictures", "all pairs, a row at a time"),
    *("imagededup: `PHash().find_duplicates`", "`ddpm`", "search: rows", "search: neighbours"),
    *("answers to evidence: rows", "evidence to results: rows", "reading: images"),
    *("reading: side, px", "reading: processes"),
)
READERS = (
    *(f"pixels | {name}" for name in ("SolidMark's procedure (Outpaint)", "Blend", "Linear")),
    *(f"latents | {name}" for name in ("Algorithm 1", "Energy, K = 9", "Blend", "Recall, 4 draws")),
)
WAYS = ("torch, single precision", "torch, channels last", "torch, bf16, channels last")


def bench(out: Path) -> str:
    words = [sys.executable, str(BENCHMARKS / "bench.py"), str(out), "--smallest", "--runs", "1"]
    done = subprocess.run(
        words, capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"}
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


@pytest.mark.slow
def test_the_smallest_bench_has_every_row_and_goes_on_where_it_was(tmp_path: Path) -> None:
    pytest.importorskip("faiss")
    page = bench(tmp_path)
    rows = [line.removeprefix("| ") for line in page.splitlines() if line.startswith("| ")]
    wanted = (*STAGES, *ROWS, *READERS, *(f"{side} | {way}" for side in (16, 32) for way in WAYS))
    missing = [name for name in wanted if not any(row.startswith(f"{name} |") for row in rows)]
    assert not missing
    assert "nan" not in page
    kept = tmp_path / "run-1" / "measured.json"
    measured = json.loads(kept.read_text())
    assert measured["stage: observe"]["inside"] > 0
    # Nothing is measured again, and the page is the same.
    assert bench(tmp_path) == page
    assert json.loads(kept.read_text()) == measured
