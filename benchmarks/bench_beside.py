"""What others do for the same answer, beside what is done here, a process each.

Searches are those of `nearest.py`, readers of latent models those of `reading.py`, rows of scores
those of `million.py`; only what none of them measures is written here.
"""

import importlib.util
import resource
import shutil
import subprocess
import sys
import time
import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from bench_stages import OPENED, STAGES, Case, fresh, pictures

TORCHVISION = ("torchvision", *(f"torchvision.{name}" for name in ("models", "transforms")))
TORCHVISION += ("torchvision.models.vision_transformer", "torchvision.transforms.functional")
"""What imagededup imports for its networks, which are not asked here."""
PAIRS = 10
"""One picture in so many has a copy, in JPEG."""
NEAR = 7
"""Bits of a hash that copies may differ in."""


@dataclass(frozen=True)
class Sizes:
    """How much is compared.

    Arguments:
        queries: Rows that look for their nearest.
        rows: Among how many; the growth is from the first to the last.
        most: Neighbours of each; the same.
        hashes: How many hashes are compared with one another; the same.
        pictures: How many pictures are looked at for copies.
        scored: Rows that are scored; the same.
        sides: Of images that are read, in pixels; the same.
        limits: How many are; the same.
        read: Images that a reader reads.
        steps: Of the authors' procedure, for pixels.
        latent_steps: The same, for latents.
        descended: Steps of descent of InvMM at most.
    """

    queries: int = 500
    rows: tuple[int, ...] = (5_000, 20_000)
    most: tuple[int, ...] = (1, 50)
    hashes: tuple[int, ...] = (1_000, 4_000)
    pictures: int = 300
    scored: tuple[int, ...] = (1_000, 4_000)
    sides: tuple[int, ...] = (16, 32)
    limits: tuple[int, ...] = (4, 16)
    read: int = 4
    steps: int = 250
    latent_steps: int = 100
    descended: int = 2000


SMALLEST = Sizes(20, (40, 80), (1, 5), (50, 100), 20, (40, 80), (16, 32), (1, 2), 2, 10, 2, 50)

Work = Callable[[], Mapping[str, float]]


def measured(work: Work) -> dict[str, float]:
    """Seconds of the processor of this process and of those that it started, and the peak."""

    def used() -> float:
        both = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
        return sum(one.ru_utime + one.ru_stime for one in both)

    began = used()
    found = dict(work())
    seconds = used() - began
    peak = 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {"total": seconds, "peak": peak} | found


def searching(here: Path, sizes: Sizes, name: str, rows: int, most: int) -> Mapping[str, float]:
    """One of the ways to search of `nearest.py`."""
    import nearest

    left, right = nearest.make(here / f"queries-{sizes.queries}", sizes.queries, 0), None
    right = nearest.make(here / f"rows-{rows}", rows, 1)
    ways = {
        "ours": lambda k: nearest.by_l2(left, right, k, 1),
        "faiss": lambda k: nearest.by_faiss(left, right, k),
        "cdist": lambda k: nearest.by_cdist(left, right, k),
        "product": lambda k: nearest.by_product(left, right, k),
    }
    return measured(lambda: ways[name](most) or {})


def with_copies(folder: Path, count: int) -> Path:
    """Pictures of noise, of which some are there again in JPEG."""
    from PIL import Image

    pictures(folder, count, 96, seed=7)
    for path in sorted(folder.glob("*.png"))[::PAIRS]:
        copy = path.with_name(f"{path.stem}-again.jpg")
        if not copy.is_file():
            Image.open(path).save(copy, quality=90)
    return folder


def copying(here: Path) -> dict[str, Callable[[Path], Mapping[str, float]]]:
    """The ways to find copies among pictures; imagededup where it is installed."""
    there = importlib.util.find_spec("imagededup") is not None
    return {
        "ours": partial(copies_of_ours, here / "copies"),
        "imagehash": copies_by_imagehash,
        **({"imagededup": copies_by_imagededup} if there else {}),
    }


def copies(
    work: Callable[[Path], Mapping[str, float]], here: Path, count: int
) -> Mapping[str, float]:
    """One of these ways; once on a few pictures first, so that no import is counted."""
    few, many = (with_copies(here / f"copied-{number}", number) for number in (PAIRS, count))
    work(few)
    return measured(lambda: work(many))


def copies_of_ours(out: Path, folder: Path) -> Mapping[str, float]:
    """`solidmark duplicates`: looked at, grouped, and written with the pictures of its page."""
    import pyarrow.parquet as pq

    import solidmark

    shutil.rmtree(out, ignore_errors=True)
    solidmark.duplicates(folder, out)
    rows = pq.read_table(out / "duplicates.parquet").to_pylist()
    again = {row["id"] for row in rows if row["id"].endswith("again.jpg")}
    return {"found": len(again)}


def copies_by_imagehash(folder: Path) -> Mapping[str, float]:
    """pHash of every file, and every pair of hashes."""
    import imagehash
    from PIL import Image

    paths = sorted(folder.iterdir())
    hashes = [int(str(imagehash.phash(Image.open(path))), 16) for path in paths]
    pairs = all_pairs(np.array(hashes, dtype=np.uint64))
    found = {name for pair in pairs for name in (paths[i].name for i in pair)}
    return {"found": sum("again" in name for name in found)}


def copies_by_imagededup(folder: Path) -> Mapping[str, float]:
    """The package itself, where it is installed; its networks, which need torchvision, are not."""
    from unittest.mock import MagicMock

    for name in TORCHVISION:
        sys.modules[name] = MagicMock()
    from imagededup.methods import PHash  # type: ignore[import-not-found]

    found = PHash(verbose=False).find_duplicates(
        image_dir=str(folder),
        max_distance_threshold=NEAR,
        num_enc_workers=0,
        num_dist_workers=0,
    )
    return {"found": sum(bool(copies) for name, copies in found.items() if "again" in name)}


def all_pairs(hashes: "np.ndarray[Any, Any]") -> list[tuple[int, int]]:
    """Pairs of near hashes, each compared with all that follow."""
    found = []
    for number, own in enumerate(hashes):
        far = np.bitwise_count(hashes[number + 1 :] ^ own)
        found += [(number, number + 1 + int(other)) for other in np.flatnonzero(far <= NEAR)]
    return found


def tree_pairs(hashes: "np.ndarray[Any, Any]") -> list[tuple[int, int]]:
    """Pairs of near hashes by a tree of Burkhard and Keller (1973), as imagededup has one."""
    numbers = [int(one) for one in hashes]
    branches: list[dict[int, int]] = [{} for _ in numbers]
    for number in range(1, len(numbers)):
        at = 0
        while (far := (numbers[at] ^ numbers[number]).bit_count()) in branches[at]:
            at = branches[at][far]
        branches[at][far] = number
    found = []
    for number, own in enumerate(numbers):
        left = [0]
        while left:
            at = left.pop()
            far = (numbers[at] ^ own).bit_count()
            if far <= NEAR and at > number:
                found.append((number, at))
            left += [to for way, to in branches[at].items() if far - NEAR <= way <= far + NEAR]
    return found


def hash_pairs(name: str, count: int) -> Mapping[str, float]:
    """Pairs of near hashes among random ones, of which some are near."""
    from solidmark.data.buckets import near_hashes

    random = np.random.default_rng(0)
    hashes = random.integers(2**64, size=count, dtype=np.uint64)
    hashes[1::PAIRS] = hashes[::PAIRS][: len(hashes[1::PAIRS])] ^ np.uint64(0b1011)
    unique = np.unique(hashes)
    ways: Mapping[str, Callable[[Any], int]] = {
        "ours": lambda given: len(near_hashes(given)[0]) - len(given),
        "all pairs": lambda given: len(all_pairs(given)),
        "tree": lambda given: len(tree_pairs(given)),
    }
    return measured(lambda: {"found": ways[name](unique)})


PIXEL_READERS = ("authors", "energy", "blend", "linear")
LATENT_READERS = {
    "authors": "Algorithm 1, 100 steps, guidance 3",
    "energy": "Energy, K = 9",
    "blend": "Blend",
    "recall": "Recall",
}


def pixel_reader(here: Path, case: Case, sizes: Sizes, name: str) -> Mapping[str, float]:
    """One reader on the network of the stages, calibration left out."""
    import torch
    from reading import timed

    from solidmark.marks import Segments
    from solidmark.models import open_model
    from solidmark.readers import Blend, Energy, Linear, Outpaint

    readers = {
        "authors": Outpaint(steps=sizes.steps),
        "energy": Energy(t=0.1),
        "blend": Blend(t=0.1),
        "linear": Linear(t=0.1),
    }
    model = open_model(str(here / "model"))
    images = torch.rand(sizes.read, 3, case.resolution, case.resolution)
    pattern = Segments(case.frame, 1 if name in ("authors", "energy") else case.greys)
    return timed(model, readers[name], images, pattern, None, 1)


def latent_reader(name: str, sizes: Sizes) -> Mapping[str, float]:
    """One reader of `reading.py`, on a latent model of its size."""
    import reading

    asked = types.SimpleNamespace(device="cpu", size=64, images=sizes.read, full=False)
    reader: Any = reading.READERS[LATENT_READERS[name]]
    if name == "authors":
        reader = replace(reader, steps=sizes.latent_steps)
    return reading.measure(reader, asked, repeats=1)  # type: ignore[arg-type]


def inverted(here: Path, preset: str, steps: int) -> Mapping[str, float]:
    """InvMM on a memorizer of some pictures, until the first of them is decided."""
    import pyarrow.parquet as pq

    from solidmark.measures.invmm import InvMM, invert, score_invmm
    from solidmark.measures.invmm.inversion import PRESETS

    how = replace(PRESETS[preset], steps=steps)
    known, unseen = (pictures(here / f"known-{n}", 4, 12, seed=n) for n in (1, 2))
    run = InvMM("memorizer", str(known), here / f"inverted-{preset}", how)
    asked = replace(run, held_out=str(unseen), threshold=0.95, limit=1)
    began = time.process_time()
    invert(asked)
    seconds = time.process_time() - began
    score_invmm(asked.out)
    rows = pq.read_table(asked.out / "scores.parquet").to_pylist()
    reproduced = sum(row["status"] == "reproduced" for row in rows)
    calls = sum(row["network_calls"] for row in rows)
    return {"total": seconds, "calls": calls, "found": reproduced, "asked": len(rows)}


def scored(here: Path, rows: int, stage: str) -> Mapping[str, float]:
    """A stage of `million.py`, those before it in a process of their own."""
    import million

    folder = here / f"scored-{rows}"
    if stage == "observe":
        shutil.rmtree(folder, ignore_errors=True)
        million.make_keys(folder, rows)
    return measured(lambda: million.WORK[stage](folder, rows) or {})


def rows_read(here: Path, limit: int) -> Mapping[str, float]:
    """A reading of so many images, by 10 steps of sampling each."""
    from bench_clock import clocked

    import solidmark
    from solidmark.readers import Outpaint

    out = here / f"rows-{limit}"
    how = {"splits": ("held_out",), "ceiling": False, "limit": limit, **OPENED, "batch_size": 4}

    def work() -> None:
        shutil.rmtree(out, ignore_errors=True)
        solidmark.observe(here / "model", here / "marked", out, readers=[Outpaint(steps=10)], **how)

    work()  # What is imported on the way is not counted.
    with clocked() as clock:
        work()
    return clock.to_json()


def side_read(here: Path, case: Case, side: int) -> Mapping[str, float]:
    """The same of eight images of another size, by a network of that size."""
    sized = replace(case, images=16, side=side, steps=1)
    if not (here / "model" / "manifest.json").is_file():
        fresh(here, sized)
        for name in ("mark", "train"):
            STAGES[name].work(here, sized)
    return rows_read(here, 8)


def processes(here: Path, count: int) -> Mapping[str, float]:
    """A reading by so many processes of `torchrun`, with the start of each."""
    out = here / f"by-{count}"
    words = ["-m", "solidmark", "observe", str(here / "model"), str(here / "marked"), str(out)]
    words += ["--reader", "outpaint", "--outpaint-steps", "10", "--no-ceiling", "--device", "cpu"]
    words += ["--split", "held_out", "--batch-size", "4"]
    launch = ["-m", "torch.distributed.run", "--standalone", "--nproc_per_node", str(count)]

    def work() -> Mapping[str, float]:
        subprocess.run([sys.executable, *launch, *words], check=True, capture_output=True)
        most = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        return {"peak": 1024 * most}

    return measured(work)
