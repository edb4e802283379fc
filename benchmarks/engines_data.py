"""Marking and embedding by one process and by two: seconds, and the same bytes.

    OMP_NUM_THREADS=1 python benchmarks/engines_data.py OUT >> benchmarks/engines.md

Noise of 64 pixels is decoded, marked and embedded (phash). `--wait` has each picture take some
milliseconds more that need no processor, as from a disk far away: what an engine itself takes.
"""

import argparse
import hashlib
import io
import os
import resource
import subprocess
import sys
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

COUNT, SIDE = 2048, 64
ENGINES = ("serial", "torchrun, 2", "processes:2")
LAUNCH = ("-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2")


@dataclass(frozen=True)
class Far:
    """Pictures that take a while to come.

    Arguments:
        seconds: How long each takes.
    """

    data: Any
    seconds: float

    @property
    def ids(self) -> list[str]:
        return list(self.data.ids)

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, index: int) -> Any:
        time.sleep(self.seconds)
        return self.data[index]


def far(folder: Path, seconds: float) -> Far:
    from solidmark.data import open_data

    return Far(open_data(str(folder), mode="RGB"), seconds)


def mark(pictures: Path, out: Path, seconds: float) -> None:
    from solidmark.marks import Marking, Segments, mark_dataset

    opened = partial(far, pictures, seconds)
    mark_dataset(opened(), out / "marked", Marking(Segments(4, 16), seed=0), {}, opened)


def embed(pictures: Path, out: Path, seconds: float) -> None:
    from solidmark.data import Source, identity_of
    from solidmark.embed import open_embedder
    from solidmark.measures.nearest.embedding import Embedding, embedded
    from solidmark.measures.nearest.gathering import gather

    opened = partial(far, pictures, seconds)
    data = opened()
    source = Source(opened, identity_of(data))
    gathered = gather("training", data, out / "looks", tiles=None, source=source)
    named = partial(open_embedder, "phash")
    embedded(gathered, Embedding(named(), opened=named), out / "vectors")


WORK = {"mark": mark, "embed": embed}


def make(folder: Path) -> None:
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for number in range(COUNT):
        file = io.BytesIO()
        noise = rng.integers(256, size=(SIDE // 4, SIDE // 4, 3), dtype=np.uint8)
        picture = Image.fromarray(noise).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
        picture.save(file, "PNG")
        (folder / f"{number:05d}.png").write_bytes(file.getvalue())


def digest(out: Path) -> str:
    state = hashlib.sha256()
    for path in sorted(out.rglob("*")):
        if path.is_file() and path.name not in ("manifest.json", "took"):
            state.update(path.relative_to(out).as_posix().encode() + path.read_bytes())
    return state.hexdigest()


def one(asked: argparse.Namespace) -> None:
    """Does the work in this process, and says how long it took without the imports."""
    from solidmark.runs import Processes, using

    here = Processes.here()
    here.wait()
    started = time.monotonic()
    with using("auto" if here.count > 1 else asked.engine):
        WORK[asked.only](asked.out.parent / "pictures", asked.out, asked.wait / 1000)
    if here.is_main:
        (asked.out / "took").write_text(f"{time.monotonic() - started}")
    here.leave()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--wait", type=float, default=0, help="Milliseconds a picture.")
    parser.add_argument("--only", choices=tuple(WORK))
    parser.add_argument("--engine", default="serial")
    asked = parser.parse_args()
    if asked.only:
        return one(asked)
    if not (asked.out / "pictures").exists():
        make(asked.out / "pictures")
    said = f"{COUNT:,} pictures of {SIDE} pixels"
    if asked.wait:
        said += f", each {asked.wait:g} ms away, looked at twice"
    lines = [
        *("", f"{said}:", ""),
        "| work | engine | load before | s | CPU, s | against serial | files |",
        "|---|---|---|---|---|---|---|",
    ]
    for work in WORK:
        alone, first = 0.0, ""
        for engine in ENGINES:
            out = asked.out / f"{work}-{engine.replace(', ', '-')}-{asked.wait:g}"
            load, used = os.getloadavg()[0], _used()
            launch = LAUNCH if engine.startswith("torchrun") else ()
            words = [str(out), "--only", work, "--wait", str(asked.wait), "--engine", engine]
            out.mkdir()
            subprocess.run(
                [sys.executable, *launch, __file__, *words], check=True, stderr=subprocess.DEVNULL
            )
            took, found = float((out / "took").read_text()), digest(out)
            alone, first = alone or took, first or found
            lines.append(
                f"| {work} | {engine} | {load:.1f} | {took:.1f} | {_used() - used:.1f} | "
                f"{alone / took:.2f} | {'the same' if found == first else 'OTHERS'} |"
            )
    sys.stdout.write("\n".join(lines) + "\n")
    return None


def _used() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
