"""The verdict of a watch: from the verdicts of its looks, in their order, to one of the training.

Each look has spent its part of the level (`scores.level.shares_of`), so the first that sees
something speaks for all of them. Where none does, the last one says what is known.
"""

from collections.abc import Sequence
from dataclasses import replace

from solidmark.runs import Finding, Verdict
from solidmark.scores.level import ALPHA
from solidmark.scores.written import plural

SEEN = ("do-not-trust", "memorized", "hint")
"""What one look alone can say, the most pressing first."""

RULE = (
    "Look k has 1 / (k (k + 1)) of the level of an audit, whose parts sum to 1: a training in "
    "which nothing is memorized is called memorized at most once in {once}, however many looks are "
    "made and whenever it is stopped."
)


def judge_watch(looks: Sequence[tuple[int, Verdict]], unit: str) -> Verdict:
    """Puts the verdicts of all looks into one.

    Arguments:
        looks: The step and the verdict of each, in the order in which they were made.
        unit: What is counted: "step" or "epoch".

    Returns:
        The verdict, with the looks that decided as its findings.
    """
    rule = RULE.format(once=round(1 / ALPHA))
    if not looks:
        none = "Nothing was looked at yet."
        return Verdict("failed", none, "No look", finding="failed", rule=rule)
    order = {state: place for place, state in enumerate(SEEN)}
    seen = [one for one in looks if one[1].state in order]
    first = min(seen, key=lambda one: order[one[1].state], default=None)  # The earliest of equals.
    step, verdict = first or max(looks)
    last, at_last = max(looks)
    steps = [one for one, _ in looks]
    many = plural(len(looks), "look")
    span = f"{unit} {last:,}" if len(looks) == 1 else f"{unit}s {min(steps):,} to {last:,}"
    details = [f"{many} at {span}: looks at one training share the level of one audit."]
    if last != step:
        details.append(f"At the last look ({unit} {last:,}): {at_last.headline}")
    found = [_finding(step, verdict, unit)]
    found += [_finding(last, at_last, unit)] if last != step else []
    return replace(
        verdict,
        headline=f"{_when(first is not None, verdict.state, unit, step)}: {verdict.headline}",
        details=(*details, *verdict.details),
        rule=rule,
        findings=tuple(found),
        naming=(),
    )


def _when(seen: bool, state: str, unit: str, step: int) -> str:
    if not seen:
        return f"Up to {unit} {step:,}"
    return f"First seen at {unit} {step:,}" if state == "memorized" else f"At {unit} {step:,}"


def _finding(step: int, verdict: Verdict, unit: str) -> Finding:
    """A look as a finding of the watch."""
    title = f"{unit.capitalize()} {step:,}"
    asks = f"Which training images the model has memorized at {unit} {step:,}."
    about = (str(step), title, asks, verdict.state, verdict.label, verdict.headline)
    return Finding(*about, verdict.details, verdict.finding)
