"""The whole campaign."""

import argparse
import math
import random
import shlex
import sys
import tempfile
import time
from pathlib import Path

import forking

from .changes import changed, jumping, lost
from .damages import finished, killed, regions
from .disks import can_mount, full, together, unwritable
from .kills import kill
from .speechless import not_numbers, some_not_numbers
from .stages import ASKING, DECIDING, NOT_NUMBERS, SOME, STAGES, prepare
from .table import Table, tell
from .trying import Bench


def campaign() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument(
        "--damages", type=int, default=96, help="of finished runs, and half as many of killed ones"
    )
    parser.add_argument("--disks", type=int, default=24, help="that are full, and pairs of runs")
    parser.add_argument(
        "--others", type=int, default=24, help="data that change, clocks that jump, lost processes"
    )
    parser.add_argument(
        "--parts", type=int, default=8, help="of each file that decides, each of which is hit"
    )
    parser.add_argument("--only", nargs="+", choices=STAGES, default=[*STAGES])
    parser.add_argument("--minutes", type=float, default=math.inf, help="begin no stage later")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    table, line = Table(), " ".join(["python -m tests.faults", *map(shlex.quote, sys.argv[1:])])
    tell(f"$ {line}")
    with tempfile.TemporaryDirectory() as name:
        here = Path(name) / "here"
        here.mkdir()
        stages = [STAGES[one] for one in asked.only]
        child = forking.start(prepare, here, stages)
        child.join()
        assert child.exitcode == 0
        mounts = can_mount(here)
        first = time.monotonic()
        for number, stage in enumerate(stages):
            if time.monotonic() - first > 60 * asked.minutes:
                table.late.append(stage.name)
                continue
            chance = random.Random(f"{asked.seed} {stage.name}")
            kills, damages, disks, others = (
                len(range(number, count, len(stages)))
                for count in (asked.kills, asked.damages, asked.disks, asked.others)
            )
            begun = time.monotonic()
            bench = Bench.of(stage, here)
            tell(f"{stage.name}: {bench.answer.seconds:.2f} s")
            table.begin(bench)
            table.take("kills", kill(bench, kills, chance))
            if stage.out and not stage.within:
                table.take("damage", finished(bench, damages, chance))
                table.take("damage of a killed run", killed(bench, (damages + 1) // 2, chance))
                if mounts:
                    table.take("full disk", full(bench, disks, chance))
                    table.take("read-only", unwritable(bench))
                table.take("two at once", together(bench, disks, chance))
                table.take("data changed before the resume", changed(bench, others, chance))
                table.take("clocks that jump", jumping(bench, others, chance))
                if stage.name in ASKING:
                    table.take("a process of two lost", lost(bench, max(others, 1), chance))
                if stage.name in DECIDING:
                    table.take(
                        "each region of the files that decide", regions(bench, asked.parts, chance)
                    )
            bench.restore("after")
            tell(f"    {time.monotonic() - begun:.0f} s")
        table.alone("answers that are no numbers", not_numbers(here, NOT_NUMBERS))
        table.alone("answers to one caption that are no numbers", some_not_numbers(here, SOME))
    table.write(f"`{line}`")


def one_page() -> None:
    """Prints one page of what several campaigns have told on standard error."""
    table = Table()
    asked = [table.add(Path(name).read_text().splitlines()) for name in sys.argv[2:]]
    table.write("; ".join(f"`{one}`" for one in asked))
