"""`python -m tests.hostile [GROUP ...]`: runs all cases, and writes `benchmarks/hostile.md`."""

import multiprocessing
import os
import shutil
import sys
import tempfile
import time
from collections import Counter
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages

import torch

import solidmark
from solidmark.cli.main import QUIET

from ..forking import PRELOADED
from . import asked, doors, folders, names, objects, packed, pictures, weights
from .case import RIGHT, WRONG, Case, End
from .running import run
from .world import build

ALL = (pictures, names, packed, weights, folders, asked, doors, objects)
JOBS = int(os.environ.get("HOSTILE_JOBS", "2"))
FUZZED = "## Coverage-guided"
PAGE = Path(__file__).parents[2] / "benchmarks" / "hostile.md"


def all_cases() -> list[Case]:
    """The cases of all tables."""
    return [case for module in ALL for case in module.cases()]


def preload() -> None:
    """Imports once what the children share."""
    for library in QUIET:  # As `main` does, before it imports them.
        os.environ.setdefault(f"{library}_VERBOSITY", "error")
    ours = (found.name for found in walk_packages(solidmark.__path__, "solidmark."))
    for module in (*PRELOADED, *(name for name in ours if not name.endswith("__main__"))):
        import_module(module)


def campaign(groups: list[str], first: int) -> list[tuple[int, End]]:
    """Runs every second case, in a world of its own.

    Arguments:
        groups: The groups that are run; all when there are none.
        first: The first case.

    Returns:
        The number of each case and its end.
    """
    ends = []
    with tempfile.TemporaryDirectory() as folder:
        world = build(Path(folder) / "world")
        for number, case in list(enumerate(all_cases()))[first::JOBS]:
            if groups and case.group not in groups:
                continue
            place = Path(folder) / f"{number}"
            place.mkdir()
            end = run(case, world, place / "here")
            shutil.rmtree(place, ignore_errors=True)
            ends.append((number, end))
            print(  # noqa: T201
                f"{'      ' if end.right else 'WRONG '}{end.end:20} {case.group}: {case.name} "
                f"[{case.words[0]}] {end.seconds:.1f} s {end.megabytes:.0f} MB: {end.said[:160]!r}",
                flush=True,
            )
    return ends


def main(groups: list[str]) -> int:
    """Runs the cases of some groups, or all and writes the page."""
    torch.set_num_threads(1)
    started = time.monotonic()
    preload()
    context = multiprocessing.get_context("fork")
    pipes = [context.SimpleQueue() for _ in range(JOBS)]
    workers = [
        context.Process(target=lambda n=n: pipes[n].put(_plain(campaign(groups, n))))  # type: ignore[misc]
        for n in range(JOBS)
    ]
    for worker in workers:
        worker.start()
    cases = all_cases()
    told = sorted(one for pipe in pipes for one in pipe.get())
    ends = [End(cases[number], *rest) for number, *rest in told]
    wrong = [end for end in ends if not end.right]
    print(f"{len(ends)} cases in {time.monotonic() - started:.0f} s, {len(wrong)} wrong")  # noqa: T201
    print(Counter(end.end for end in ends))  # noqa: T201
    if not groups:
        PAGE.write_text(page(ends) + kept(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    return 1 if wrong else 0


def _plain(ends: list[tuple[int, End]]) -> list[tuple[int, str, str, float, float]]:
    """What goes through a pipe: a case holds functions."""
    return [(n, end.end, end.said, end.seconds, end.megabytes) for n, end in ends]


def kept(before: str) -> str:
    """What stands on the page beside the table: what fuzzing has found, which is run apart."""
    start = before.find(FUZZED)
    return "" if start < 0 else "\n" + before[start:]


def page(ends: list[End]) -> str:
    """The table of a campaign."""
    kinds = [*RIGHT, *(kind for kind in WRONG if any(end.end == kind for end in ends))]
    groups = list(dict.fromkeys(end.case.group for end in ends))
    lines = [
        "# Hostile files and folders",
        "",
        "`make hostile`: files and folders that are broken, lie about their size, ask for code or "
        "lead elsewhere, made by `tests/hostile`, each with a command (objects: with a function of "
        "Python) in a process of its own. The "
        "process is stopped after 20 seconds of the processor or 240 of the clock; it may "
        "open no socket and start no program; planted code would leave a file; what lies beside "
        "OUT is compared before and after; what is printed may hold no control character.",
        "",
        f"| what | cases | {' | '.join(kinds)} | most s | most MB | not as it should |",
        f"|---|{'---|' * (len(kinds) + 4)}",
    ]
    for group in [*groups, "all"]:
        own = [end for end in ends if group in (end.case.group, "all")]
        counts = " | ".join(str(sum(end.end == kind for end in own)) for kind in kinds)
        lines.append(
            f"| {group} | {len(own)} | {counts} | {max(end.seconds for end in own):.1f} | "
            f"{max(end.megabytes for end in own):.0f} | {sum(not end.right for end in own)} |"
        )
    wrong = [end for end in ends if not end.right]
    if wrong:
        lines += ["", "Not as it should be:", ""]
        lines += [
            f"- {end.case.group}, {end.case.name}, `solidmark {end.case.words[0]}`: {end.end}"
            for end in wrong
        ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
