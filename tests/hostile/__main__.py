"""`python -m tests.hostile [GROUP ...]`: runs all cases, and writes `benchmarks/hostile.md`."""

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

from ..forking import PRELOADED
from . import folders, names, packed, pictures, weights
from .case import RIGHT, WRONG, Case, End
from .running import run
from .world import build

ALL = (pictures, names, packed, weights, folders)
PAGE = Path(__file__).parents[2] / "benchmarks" / "hostile.md"


def all_cases() -> list[Case]:
    """The cases of all tables."""
    return [case for module in ALL for case in module.cases()]


def campaign(cases: list[Case]) -> list[End]:
    """Runs cases, one after another."""
    for module in (*PRELOADED, *(found.name for found in walk_packages(solidmark.__path__, "solidmark."))):
        if not module.endswith("__main__"):
            import_module(module)  # What the children share is imported once.
    ends = []
    with tempfile.TemporaryDirectory() as folder:
        world = build(Path(folder) / "world")
        print(f"{len(cases)} cases", flush=True)  # noqa: T201
        for number, case in enumerate(cases):
            place = Path(folder) / f"{number}"
            place.mkdir()
            end = run(case, world, place / "here")
            shutil.rmtree(place)
            ends.append(end)
            mark = "      " if end.right else "WRONG "
            print(  # noqa: T201
                f"{mark}{end.end:20} {case.group}: {case.name} [{case.words[0]}] "
                f"{end.seconds:.1f} s {end.megabytes:.0f} MB: {end.said[:160]!r}",
                flush=True,
            )
    return ends


def main(groups: list[str]) -> int:
    torch.set_num_threads(1)
    started = time.monotonic()
    cases = [case for case in all_cases() if not groups or case.group in groups]
    ends = campaign(cases)
    wrong = [end for end in ends if not end.right]
    print(f"{len(ends)} cases in {time.monotonic() - started:.0f} s, {len(wrong)} wrong")  # noqa: T201
    print(Counter(end.end for end in ends))  # noqa: T201
    if not groups:
        PAGE.write_text(page(ends), encoding="utf-8")
    return 1 if wrong else 0


def page(ends: list[End]) -> str:
    """The table of a campaign."""
    kinds = [*RIGHT, *(kind for kind in WRONG if any(end.end == kind for end in ends))]
    groups = list(dict.fromkeys(end.case.group for end in ends))
    lines = [
        "# Hostile files and folders",
        "",
        "`make hostile`: files and folders that are broken, lie about their size, ask for code or "
        "lead elsewhere, made by `tests/hostile`, each with a command in a process of its own. The "
        "process is stopped after 20 seconds of the processor or 40 of the clock; it may "
        "open no socket and start no program; planted code would leave a file; what lies beside "
        "OUT is compared before and after; what is printed may hold no control character.",
        "",
        f"| what | cases | {' | '.join(kinds)} | most seconds | most memory, MB | not as it should |",
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
