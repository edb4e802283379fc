"""The whole campaign."""

import argparse
import random
import sys
import tempfile
import time
from pathlib import Path

from .kills import kill
from .stages import STAGES
from .trying import Bench


def tell(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


def campaign() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--only", nargs="+", choices=STAGES, default=[*STAGES])
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        for number, stage in enumerate(asked.only):
            here = Path(name) / f"{number}" / "here"
            here.mkdir(parents=True)
            begun = time.monotonic()
            bench = Bench.of(STAGES[stage], here)
            tell(
                f"{stage}: {bench.answer.seconds:.2f} s, prepared in {time.monotonic() - begun:.1f}"
                f" s, loud: {sorted(bench.loud)}"
            )
            share = len(range(number, asked.kills, len(asked.only)))
            for result in kill(bench, share, random.Random(f"{asked.seed} {stage}")):
                tell(f"    {result}")
