"""The counts by type, by kind of feature and by what the user expects, as figures."""

from collections.abc import Mapping, Sequence
from typing import Any

from solidmark.measures.intent.types import TYPES
from solidmark.runs import Figure
from solidmark.scores import clopper_pearson

MEASURE = "intent"

KINDS = ("all", "image", "class", "phrase")

SPLITS = {"all": None, "expected": "yes", "not expected": "no", "not said": ""}
"""By the user's word on a finding; "" = none."""


def count_findings(
    findings: Sequence[Mapping[str, Any]], prompts: int, failed: int
) -> list[Figure]:
    """How many findings of each type there are, and how many prompts have one."""
    said = {word for word in (row["expected"] for row in findings) if word is not None}
    splits = [name for name in SPLITS if name == "all" or said]
    found: list[Figure] = []
    for split in splits:
        word = SPLITS[split]
        mine = [row for row in findings if word is None or (row["expected"] or "") == word]
        for kind in KINDS:
            some = [row for row in mine if kind in ("all", row["kind"])]
            if kind == "all" or any(row["kind"] == kind for row in findings):
                found += [_figure(some, split, kind, type, prompts, failed) for type in TYPES]
    return found


def _figure(
    findings: Sequence[Mapping[str, Any]],
    split: str,
    kind: str,
    type: str,
    prompts: int,
    failed: int,
) -> Figure:
    mine = [row for row in findings if row["type"] == type]
    having = len({row["prompt"] for row in mine})
    low, high = clopper_pearson(having, prompts) if prompts else (None, None)
    return Figure(
        measure=MEASURE,
        split=split,
        statistic=type,
        count=len(mine),
        n=len(findings),
        value=having / prompts if prompts else None,
        ci_low=low,
        ci_high=high,
        unit="share of prompts",
        failed=failed,
        facts={"kind": kind, "prompts": having, "prompts_n": prompts},
    )
