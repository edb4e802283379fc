"""Builds folders of `intent` runs by hand: what the board is asked to show, without a model."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from scipy import stats

from solidmark.marks import write_image
from solidmark.measures.intent.tables import FEATURES, FINDINGS, GENERATIONS, PROMPTS
from solidmark.runs import VERSION, Figure, figure_from, open_run, write_json, write_rows
from solidmark.verdicts.intent import Brought, judge_intent

K = 8
"""Generations of a text."""

SIDE = 16
TYPES = ("unintended", "implicit", "explicit", "not memorized")


@dataclass(frozen=True)
class Found:
    """A finding to be.

    Arguments:
        prompt: Its text.
        type: Its type.
        feature: Its id.
        count: How many of the K generations of the prompt show it.
        without: For each entity, how many of the K without it do.
        entity: The entity that brings it.
        expected: The user's word.
        unrelated: How many of 4 K unrelated ones show it.
    """

    prompt: str
    type: str
    feature: str
    count: int
    without: Mapping[str, int] = field(default_factory=dict)
    entity: str | None = None
    expected: str | None = None
    unrelated: int = 0

    def row(self, ids: Mapping[str, str]) -> dict[str, Any]:
        kind, _, name = self.feature.partition(":")
        low, high = interval(self.count, K)
        removals = [
            {
                "entity": entity,
                "count": count,
                "n": K,
                "frequency": count / K,
                "p_value": 0.01,
                "q_value": 0.02,
                "falls": count < self.count / 2,
                "elsewhere": 0,
                "elsewhere_n": 0,
                "bound": entity == self.entity,
            }
            for entity, count in self.without.items()
        ]
        intended = self.expected or ("no" if self.type == "unintended" else "yes")
        return {
            "prompt": ids[self.prompt],
            "text": self.prompt,
            "feature": self.feature,
            "kind": kind,
            "name": name,
            "named": self.type == "explicit",
            "count": self.count,
            "n": K,
            "frequency": self.count / K,
            "ci_low": low,
            "ci_high": high,
            "unrelated_count": self.unrelated,
            "unrelated_n": 4 * K,
            "unrelated_frequency": self.unrelated / (4 * K),
            "p_value": 0.0004,
            "q_value": 0.003,
            "recurs_p": 1e-9 if kind == "image" else None,
            "recurs_q": 1e-8 if kind == "image" else None,
            "without": removals,
            "entity": self.entity,
            "frequent": self.count >= K / 4,
            "recurs": kind == "image",
            "type": self.type,
            "expected": self.expected,
            "intended": None if self.type == "not memorized" else intended,
            "best_similarity": 0.97,
            "pictures": [],
            "original": "pictures/training/own.png",
            "why": f'A reason that says "{self.prompt}".',
        }


def interval(count: int, n: int) -> tuple[float, float]:
    """Clopper-Pearson, 95 %, by hand."""
    low = float(stats.beta.ppf(0.025, count, n - count + 1)) if count else 0.0
    high = float(stats.beta.ppf(0.975, count + 1, n - count)) if count < n else 1.0
    return low, high


def build_intent(
    folder: Path,
    prompts: Mapping[str, Sequence[str]],
    found: Sequence[Found],
    *,
    names: Mapping[str, str] | None = None,
    unrelated: int = 4,
    failed: int = 0,
) -> Path:
    """Writes the folder of a finished run.

    Arguments:
        folder: Where.
        prompts: The prompts that are asked about, with their entities.
        found: The findings.
        names: The ids of prompts, where they are not p0, p1, ...
        unrelated: How many unrelated prompts there are.
        failed: How many generations of the first prompt failed.
    """
    ids = {text: f"p{number}" for number, text in enumerate(prompts)} | dict(names or {})
    run = open_run(folder, "intent", {"model": "a model", "training": "a set", "seed": 3}, {})
    draw = torch.Generator().manual_seed(0)
    write_image(folder / "pictures/training/own.png", torch.rand(3, SIDE, SIDE, generator=draw))
    asked = [
        {"kind": "prompt", "id": ids[text], "text": text, "entities": list(entities)}
        for text, entities in prompts.items()
    ]
    generations = []
    for row in asked:
        for repeat in range(K):
            name = f"pictures/generations/{ids[row['text']]}-{repeat}.png"
            write_image(folder / name, torch.rand(3, SIDE, SIDE, generator=draw))
            shows = [one.feature for one in found if one.prompt == row["text"]]
            counts = {one.feature: one.count for one in found if one.prompt == row["text"]}
            lost = failed if row is asked[0] else 0
            generations.append(
                {
                    "kind": "prompt",
                    "prompt": row["id"],
                    "text": row["text"],
                    "repeat": repeat,
                    "picture": name,
                    "features": [one for one in shows if K - repeat <= counts[one]],
                    "status": "ok" if repeat >= lost else "failed",
                }
            )
    features = [
        {"feature": name, "kind": name.partition(":")[0], "images": ["a", "b"], "copies": 2}
        for name in sorted({one.feature for one in found})
    ]
    write_rows(folder / "prompts.parquet", asked, PROMPTS)
    write_rows(folder / "generations.parquet", generations, GENERATIONS)
    write_rows(folder / "features.parquet", features, FEATURES)
    write_rows(folder / "findings.parquet", [one.row(ids) for one in found], FINDINGS)
    judged = 0 if failed >= K and len(asked) == 1 else len(asked)
    results = {
        "version": VERSION,
        "command": "intent",
        "seed": 3,
        "config": run.manifest["config"],
        "fingerprints": {},
        "scoring": {"threshold": None, "fpr": 0.001, "frequent": 0.25, "fdr": 0.05},
        "calibration": {"threshold": 0.91, "rate": 0.001, "pairs": 5000},
        "prompts": len(asked),
        "unrelated": unrelated,
        "generations": len(generations),
        "failed": failed,
        "quarantined": {"torn.png": "It is torn."},
        "measures": {"intent": {"name": "l2"}},
        "rows": list(counts_of(found, judged)),
    }
    figures = [figure_from(row) for row in results["rows"]]
    about = {"unrelated": unrelated, "failed": failed, "broken": 1}
    results["verdict"] = judge_intent(brought(figures, found, **about)).to_json()
    write_json(folder / "results.json", results)
    run.finish()
    return folder


def brought(figures: Sequence[Figure], found: Sequence[Found], **about: Any) -> Brought:
    """What the judge is told of findings, counted by hand."""
    memorized = [one for one in found if one.type != "not memorized"]
    unwanted = {
        one.prompt
        for one in memorized
        if (one.expected or ("no" if one.type == "unintended" else "yes")) == "no"
    }
    return Brought(
        figures=figures,
        against=len(unwanted),
        asked_for=len({one.prompt for one in memorized} - unwanted),
        copies=0,
        drawn=4 * K,
        frequent=0.25,
        reach=0.4,
        expected=sum(one.expected == "yes" for one in memorized),
        unexpected=sum(one.expected == "no" for one in memorized),
        overruled=sum(
            bool(one.expected) and (one.expected == "yes") == (one.type == "unintended")
            for one in memorized
        ),
        likeness=0.91,
        rate=0.001,
        pairs=5000,
        **about,
    )


def counts_of(found: Sequence[Found], judged: int) -> Any:
    """The rows of `results.json`."""
    splits = {"all": None, "expected": "yes", "not expected": "no", "not said": ""}
    for split, word in splits.items():
        some = [one for one in found if word is None or (one.expected or "") == word]
        for type in TYPES:
            mine = [one for one in some if one.type == type]
            having = len({one.prompt for one in mine})
            low, high = interval(having, judged) if judged else (None, None)
            yield {
                "measure": "intent",
                "split": split,
                "kind": "all",
                "statistic": type,
                "count": len(mine),
                "n": len(some),
                "prompts": having,
                "prompts_n": judged,
                "value": having / judged if judged else None,
                "ci_low": low,
                "ci_high": high,
            }
