"""What one question to a guard costs, in seconds of one core.

    python benchmarks/guard.py > benchmarks/guard.md

The training images are blurred noise of 32 x 32 x 3; vectors are those of a tiny network with
512 outputs, so that the search is what is measured.
"""

import argparse
import io
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from PIL import Image as Picture

from solidmark.measures.guard import Guard, Indexing, build_index, open_index

SIDE, ASKED = 32, 32


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def spent(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


def write_images(path: Path, count: int, seed: int) -> Path:
    noise = np.random.default_rng(seed)
    images = []
    for _ in range(count):
        file = io.BytesIO()
        small = Picture.fromarray(noise.integers(0, 256, (8, 8, 3), dtype=np.uint8))
        small.resize((SIDE, SIDE), Picture.Resampling.BICUBIC).save(file, "BMP")
        images.append({"bytes": file.getvalue(), "path": None})
    ids = [f"{number:06d}" for number in range(count)]
    pq.write_table(pa.table({"image": images, "id": ids}), path)
    return path


def write_network(path: Path) -> Path:
    torch.manual_seed(0)
    layers = (torch.nn.Conv2d(3, 512, 4, stride=4), torch.nn.AdaptiveAvgPool2d(1))
    network = torch.nn.Sequential(*layers, torch.nn.Flatten()).eval()
    torch.jit.save(torch.jit.script(network), str(path))
    return path


def questions(guard: Guard) -> tuple[float, float]:
    """The median of single questions, and an image's share of many."""
    images = list(torch.rand(ASKED, 3, SIDE, SIDE, generator=torch.manual_seed(0)))
    guard(images[0])
    alone = [spent(lambda image=image: guard(image)) for image in images]
    return statistics.median(alone), spent(lambda: guard.many(images)) / ASKED


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--images", type=int, nargs="+", default=[500, 50_000])
    counts: list[int] = parser.parse_args().images
    torch.set_num_threads(1)
    say("# Asking a guard, in seconds of one core\n")
    say("`python benchmarks/guard.py`: images of 32 x 32 x 3, or vectors of 512 numbers made")
    say(
        "of them by a tiny network; 500 held-out images. At 1024 MB the rows stay in the memory, at"
    )
    say("64 MB those of 50,000 images are read from the disk (its cache) for every question.\n")
    say("| training images | distance | memory | build | one question | of 32 together |")
    say("|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as name:
        here = Path(name)
        held_out = write_images(here / "held_out.parquet", 500, 1)
        network = write_network(here / "network.pt")
        for count in counts:
            training = write_images(here / f"{count}.parquet", count, 0)
            for word in ("l2", "modified-l2", "patched-l2", f"sscd:{network}@{SIDE}"):
                out = here / f"{count}-{word[:4]}-{len(word)}"
                asked = Indexing(str(training), out, (word,), str(held_out), cache=here / "cache")
                build = spent(lambda asked=asked: build_index(asked))
                for memory in (2**30, 2**26):
                    one, share = questions(open_index(out, memory=memory))
                    title = "512 numbers" if word.startswith("sscd") else word
                    say(
                        f"| {count:,} | {title} | {memory // 2**20} MB | {build:.1f} | {one:.4f} | "
                        f"{share:.4f} |"
                    )


if __name__ == "__main__":
    main()
