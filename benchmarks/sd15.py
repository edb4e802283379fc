"""What somebody with a model of the size of Stable Diffusion 1.5 meets: memory, and silence.

    python benchmarks/sd15.py FOLDER [--label after] [--opening]

Makes such a pipeline with random weights once (fp16, 2.1 GB), marks a few pictures of 64 pixels,
and audits them on the CPU, in a process of its own that is watched: when it says something first,
when the model is open, the most memory, and what it says where the memory is not enough. Seconds
of the clock, and of the processor in brackets. Prints a row of `sd15.md`; with --opening the audit
is ended when the model is open.
"""

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

SIDE, FRAME, COUNT = 48, 8, 4
"""64 pixels with the frame: a thumbnail of what the model draws, so that an audit takes minutes."""
THREADS = "1"
"""More wait for one another, which counts as time of the processor too."""
LITTLE = 5 * 2**30
"""Bytes of address space in which the model cannot be opened."""


@dataclass(frozen=True)
class Seen:
    """What was seen of a command.

    Arguments:
        first: When it said something, and what.
        opened: When the run had begun, its model open and its files read.
        ended: When it was over.
        peak: The most memory, in bytes.
        last: The last line.
    """

    first: "tuple[Moment, str]"
    opened: "Moment"
    ended: "Moment"
    peak: int
    last: str


@dataclass(frozen=True)
class Moment:
    """Seconds of the clock and of the processor since a command began."""

    clock: float
    processor: float

    def __str__(self) -> str:
        return f"{self.clock:.0f} s ({self.processor:.0f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--label", default="after")
    parser.add_argument("--opening", action="store_true")
    asked = parser.parse_args()
    folder: Path = asked.folder.resolve()
    model, marked = folder / "model", folder / "marked"
    if not (model / "model_index.json").is_file():
        _save(model)
    if not marked.is_dir():
        _mark(folder)
    out = folder / f"audit-{asked.label}"
    line = ["audit", str(model), str(marked), str(out), "--reader", "recall", "--recall-draws", "2"]
    line += ["--device", "cpu"]
    shutil.rmtree(out, ignore_errors=True)
    seen = _watch(line, out, whole=not asked.opening)
    words = [*line[:3], str(folder / f"short-{asked.label}"), *line[4:]]
    short = _watch(words, None, limit=LITTLE)
    sys.stdout.write(
        f"| {asked.label} | {seen.first[0]}: {_cell(seen.first[1])} | {seen.opened} "
        f"| {'' if asked.opening else seen.ended} | {seen.peak / 2**30:.1f} GiB "
        f"| {_cell(short.last)} |\n"
    )


def _save(folder: Path) -> None:
    import torch
    from published_sizes import stable_diffusion

    pipe = stable_diffusion(torch.float16)
    pipe.vae.half()
    pipe.save_pretrained(folder, safe_serialization=True)


def _mark(folder: Path) -> None:
    data = folder / "data"
    data.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(0)
    lines = []
    for number in range(2 * COUNT):
        small = noise.integers(0, 256, (6, 6, 3), dtype=np.uint8)
        name = f"{number:02d}.png"
        Image.fromarray(small).resize((SIDE, SIDE), Image.Resampling.BICUBIC).save(data / name)
        lines.append(json.dumps({"file_name": name, "text": f"picture number {number}"}))
    (data / "metadata.jsonl").write_text("\n".join(lines))
    words = ["mark", str(data), str(folder / "marked"), "--resolution", str(SIDE)]
    words += ["--thickness", str(FRAME), "--held-out", "0.5", "--seed", "0"]
    subprocess.run([sys.executable, "-m", "solidmark", *words], check=True, capture_output=True)


def _watch(
    line: list[str], out: Path | None, *, whole: bool = True, limit: int | None = None
) -> Seen:
    """Runs a command and looks at it.

    Arguments:
        out: Its folder, in which a manifest appears when the model is open.
        whole: Whether it may go on then.
        limit: The most address space it gets, in bytes.
    """

    def little() -> None:
        if limit is not None:
            resource.setrlimit(resource.RLIMIT_AS, (limit, limit))

    began = time.monotonic()
    started = subprocess.Popen(
        [sys.executable, "-m", "solidmark", *line],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=little,
        env={**os.environ, "OMP_NUM_THREADS": THREADS},
    )
    opened: list[Moment] = []
    peaks = [0]

    def now() -> Moment:
        return Moment(time.monotonic() - began, _processor(started.pid))

    def look() -> None:
        while started.poll() is None:
            peaks.append(max(peaks[-1], _peak(started.pid)))
            if out is not None and not opened and (out / "manifest.json").is_file():
                opened.append(now())
                if not whole:
                    started.terminate()
            time.sleep(0.2)

    looking = threading.Thread(target=look)
    looking.start()
    said: list[tuple[Moment, str]] = []
    assert started.stderr is not None
    for words in started.stderr:
        said.append((now(), words.strip()))
        sys.stderr.write(f"{said[-1][0]}  {said[-1][1]}\n")
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started.wait()
    looking.join()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    ended = Moment(time.monotonic() - began, spent)
    nothing = (ended, "nothing")
    first, last = (said or [nothing])[0], (said or [nothing])[-1][1]
    return Seen(first, opened[0] if opened else ended, ended, peaks[-1], last)


def _processor(pid: int) -> float:
    """Seconds of the processor that a process has had."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return float("nan")
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _peak(pid: int) -> int:
    """The most memory that a process has had, in bytes."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((1024 * int(one.split()[1]) for one in lines if one.startswith("VmHWM")), 0)


def _cell(words: str) -> str:
    return words.replace("|", "\\|")


if __name__ == "__main__":
    main()
