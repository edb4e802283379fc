"""What came of the images, beside chance, and what it cost."""

import numpy as np

from solidmark.report.inversions.facts import InversionFacts
from solidmark.report.inversions.records import Outcome
from solidmark.report.inversions.run import SPLITS, InversionsRun
from solidmark.report.inversions.words import OUTCOMES
from solidmark.report.inversions.words import SPLITS as CALLED
from solidmark.report.numbers import p_value, percent, percents, short
from solidmark.report.tables import Cell, Head, Line
from solidmark.scores import clopper_pearson


def heads(facts: InversionFacts) -> list[Head]:
    """The splits at the top of the table, with how many images each has."""
    return [Head(CALLED[split], f"n = {facts.count(split):,}") for split in SPLITS]


def outcomes(facts: InversionFacts) -> list[Line]:
    """Every outcome of both splits, the KL of what was reproduced, and what it cost."""
    lines = [_outcome(facts, outcome) for outcome in OUTCOMES]
    if any(facts.reproduced):
        cells = tuple(_kl(facts, split) for split in SPLITS)
        lines.append(
            Line("kl", "KL of the reproduced", "nats per dimension", "low = memorized", cells, None)
        )
    if any(row.restarts > 1 for row in facts.run.rows):
        cells = tuple(_restarts(facts, split) for split in SPLITS)
        lines.append(Line("restarts", "Restarts that reproduced", "share", "", cells, None))
    cells = tuple(_calls(facts, split) for split in SPLITS)
    lines.append(Line("network_calls", "Network calls", "per image", "", cells, None))
    return lines


def _outcome(facts: InversionFacts, outcome: Outcome) -> Line:
    cells = tuple(_count(facts, split, outcome) for split in SPLITS)
    anchor = outcome if outcome != "failed" else ""
    is_found = outcome == "reproduced"
    unit = "of those tried to the end" if outcome in ("reproduced", "spent") else ""
    return Line(anchor, OUTCOMES[outcome], unit, "high = memorized" * is_found, cells, None)


def _count(facts: InversionFacts, split: str, outcome: Outcome) -> Cell:
    count = facts.count(split, outcome)
    n = facts.n if split == "trained" else facts.m
    if outcome not in ("reproduced", "spent"):
        return Cell(f"{count:,} of {facts.count(split):,}", ())
    if not n:
        return Cell("–", ("none was tried to the end",))
    said = []
    if outcome == "reproduced":
        said.append(f"95 % interval {percents(*clopper_pearson(count, n))}")
        if split == "trained" and facts.m and facts.reproduced_p is not None:
            said.append(f"chance {percent(facts.reproduced[1] / facts.m)}")
            said.append(p_value(facts.reproduced_p))
    return Cell(f"{count:,} of {n:,} ({percent(count / n)})", tuple(said))


def _kl(facts: InversionFacts, split: str) -> Cell | None:
    kls = facts.kls(split)
    if not kls:
        return None
    return Cell(short(float(np.median(kls))), (f"median; {short(kls[0])} to {short(kls[-1])}",))


def _restarts(facts: InversionFacts, split: str) -> Cell | None:
    rows = facts.scored(split)
    made = sum(row.restarts for row in rows)
    if not made:
        return None
    found = sum(row.reproduced for row in rows)
    mixed = sum(0 < row.reproduced < row.restarts for row in rows)
    said = f"{mixed:,} image{'' if mixed == 1 else 's'} by some but not by all"
    return Cell(f"{found:,} of {made:,} ({percent(found / made)})", (said,))


def _calls(facts: InversionFacts, split: str) -> Cell | None:
    calls = facts.run.calls(split)
    if not calls:
        return None
    said = (f"from {min(calls):,.0f} to {max(calls):,.0f}", f"in all {sum(calls):,.0f}")
    return Cell(f"{np.mean(calls):,.0f}", said)


def cost(run: InversionsRun) -> str:
    """What all images cost together, in network calls; empty where the results do not say."""
    row = run.find("network_calls_total", "all")
    if row is None or row.get("value") is None:
        return ""
    said = f"In all {row['value']:,.0f} network calls"
    before = float(run.results.get("triage_calls") or 0.0)
    return f"{said}, and {before:,.0f} before to order the images." if before else f"{said}."
