"""What the campaign prints."""

import re
import sys
from collections import Counter
from collections.abc import Iterable

from .trying import Bench

WELL = ("same", "refused", "left as it was", "as anew", "said", "same but for rounding")
"""Outcomes that are no finding."""
OUTCOMES = (*WELL, "differs", "traceback", "unclear", "not said")


def tell(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


class Table:
    """Counts outcomes, and keeps what is a finding."""

    def __init__(self) -> None:
        self._counts: dict[str, dict[str, Counter[str]]] = {}
        self._signals: Counter[str] = Counter()
        self._findings: list[str] = []
        self._loud: dict[str, list[str]] = {}
        self._stage = ""
        self.late: list[str] = []

    def begin(self, bench: Bench) -> None:
        """The next stage."""
        self._stage = bench.stage.name
        if bench.loud:
            self._loud[self._stage] = sorted(bench.loud)

    def take(self, fault: str, results: Iterable[tuple[str, str, str]]) -> None:
        """Counts the outcomes of one kind of fault."""
        self._counts.setdefault(fault, {}).setdefault(self._stage, Counter())
        for what, outcome, said in results:
            tell(f"    {fault}: {what}: {outcome} {' '.join(said.split())[:300]}")
            self._count(fault, what, outcome, said)

    def _count(self, fault: str, what: str, outcome: str, said: str) -> None:
        self._counts.setdefault(fault, {}).setdefault(self._stage, Counter())[outcome] += 1
        if fault == "kills":
            self._signals[what] += 1
        if outcome not in WELL or (outcome == "refused" and fault == "kills"):
            self._findings.append(f"{fault}, {self._stage}, {what}: {outcome}: {said[:200]}")

    def add(self, told: Iterable[str]) -> str:
        """Counts what a campaign has told (`tell`), and gives its command line."""
        asked = ""
        for line in told:
            if found := re.match(r"\$ (.*)", line):
                asked = found[1]
            elif found := re.match(r"(\S.*): \d+\.\d\d s$", line):
                self._stage = found[1]
            elif found := re.match(rf" {{4}}([^:]+): (.*?): ({'|'.join(OUTCOMES)}) (.*)", line):
                fault, what, outcome, said = found.groups()
                self._stage = what if fault.startswith("answers") else self._stage
                self._count(fault, what, outcome, said)
        return asked

    def alone(self, fault: str, results: Iterable[tuple[str, str, str]]) -> None:
        """Counts the outcomes of a fault that is of no stage, by what was tried."""
        for result in results:
            self._stage = result[0]
            self.take(fault, [result])

    def write(self, line: str) -> None:
        """Prints the page, with the command line that made it."""
        struck = ", ".join(f"{count} {name}" for name, count in self._signals.most_common())
        lines = ["# Faults", "", f"{line}: {self._signals.total()} kills ({struck})."]
        lines += [
            "",
            "Each is a random moment of a small run of the golden tests; the same command is then",
            "given again, and its folder compared with an undisturbed run byte for byte: all files",
            "but ledgers, memory and seconds. late: it had ended before. same: as undisturbed.",
            "refused: by one line and the exit code 2. left as it was: the command does not look",
            "at that file or byte. A full disk is a random share of the room that is needed, then",
            "more. A damage is one bit turned over or a file cut off, at a random place.",
            "",
        ]
        if self.late:
            lines += [f"Not struck, for want of time: {', '.join(self.late)}.", ""]
        for fault, stages in self._counts.items():
            outcomes = sorted({name for counts in stages.values() for name in counts})
            lines += [f"## {fault.capitalize()}", "", f"| stage | {' | '.join(outcomes)} |"]
            lines += ["|---" * (1 + len(outcomes)) + "|"]
            for stage, counts in stages.items():
                lines.append(f"| {stage} | {' | '.join(str(counts[one]) for one in outcomes)} |")
            total = [str(sum(counts[one] for counts in stages.values())) for one in outcomes]
            lines += [f"| all | {' | '.join(total)} |", ""]
        lines += ["## Files that differ between two undisturbed runs", ""]
        lines += [f"- {stage}: {', '.join(names)}" for stage, names in self._loud.items()] or ["-"]
        lines += ["", "## Findings", "", *(f"- {one}" for one in self._findings or ["none"]), ""]
        sys.stdout.write("\n".join(lines))
