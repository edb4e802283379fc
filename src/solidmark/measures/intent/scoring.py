"""`score_intent`: from what was observed to types. No model is asked; nothing is drawn."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from solidmark.control import control_of
from solidmark.errors import BadInput
from solidmark.measures.intent.asking import Rules
from solidmark.measures.intent.expected import Expected, read_expected
from solidmark.measures.intent.findings import Scene, find
from solidmark.measures.intent.judging import brought
from solidmark.measures.intent.prompts import Prompt, Telling, tellings
from solidmark.measures.intent.results import MEASURE, count_findings
from solidmark.measures.intent.shown import (
    Threshold,
    by_text,
    features_shown,
    image_threshold,
    set_threshold,
)
from solidmark.measures.intent.tables import (
    FEATURES,
    FINDINGS,
    GENERATIONS,
    read_table,
)
from solidmark.measures.intent.types import TYPES
from solidmark.runs import (
    read_manifest,
    read_ours,
    read_results,
    require_whole,
    write_results,
    write_rows,
)
from solidmark.scores.control import Control
from solidmark.verdicts.intent import judge_intent

COMMAND = "intent"

PICTURES = 8
"""Generations that stand with a finding, at most."""


def score_intent(
    folder: Path,
    *,
    threshold: float | None = None,
    fpr: float | None = None,
    set_fpr: float | None = None,
    frequent: float | None = None,
    fdr: float | None = None,
    expected: Path | None = None,
    trust_control: bool | None = None,
) -> dict[str, Any]:
    """Makes the tables of a run anew, by other rules; what is not given stays as it was.

    Arguments:
        folder: The folder of `solidmark intent`.
        threshold: The likeness from which a generation is a copy of a training picture.
        fpr: The rate at which it is calibrated instead; a threshold of before is forgotten.
        set_fpr: The rate for classes and phrases.
        frequent: The least share of generations that counts as frequent.
        fdr: The false-discovery rate of each kind of tests.
        expected: A file of what the user expects.
        trust_control: Whether classes and phrases are judged although the pictures under the
            unrelated prompts are of another kind.

    Returns:
        `results.json`.

    Raises:
        RunConflict: When it is not a finished folder of `solidmark intent`.
        BadInput: When a rule is out of its range, or both of threshold and rate are given.
    """
    require_whole(folder, read_manifest(folder, COMMAND))
    again = 'Run the same "solidmark intent" again.'
    before = read_results(folder, again, scoring=dict)["scoring"]
    if threshold is not None and fpr is not None:
        raise BadInput("--threshold and --fpr both say when a picture is a copy. Leave one out.")
    kept = dict(before)
    words = Expected({(n, p): w for n, p, w in kept.pop("expected")})
    if fpr is not None:
        kept["threshold"] = None
    given = {"threshold": threshold, "fpr": fpr, "set_fpr": set_fpr}
    given |= {"frequent": frequent, "fdr": fdr}
    rules = Rules(**kept | {name: value for name, value in given.items() if value is not None})
    return score(folder, rules, words if expected is None else expected, trust_control)


def score(
    folder: Path,
    rules: Rules,
    expected: Expected | Path | None,
    trust_control: bool | None = None,
) -> dict[str, Any]:
    """Writes `generations`, `features` and `findings.parquet` and `results.json`.

    Arguments:
        folder: A folder in which everything was observed.
        rules: When a feature counts as shown and as frequent.
        expected: What the user expects, or the file that says so.
        trust_control: As of `score_intent`; None = as before.

    Returns:
        `results.json`.
    """
    evidence, known = read_table(folder, "evidence"), read_table(folder, "known")
    calibration, asked = read_table(folder, "calibration"), read_table(folder, "prompts")
    if not isinstance(expected, Expected):
        expected = Expected() if expected is None else read_expected(expected, _nameable(known))
    picture = image_threshold(calibration, evidence, rules)
    thresholds = {
        row["feature"]: picture
        if row["kind"] == "image"
        else set_threshold(row["pictures"], calibration, rules)
        for row in known
    }
    shown = features_shown(evidence, known, thresholds)
    prompts = [Prompt(r["id"], r["text"], tuple(r["entities"]), r["kind"]) for r in asked]
    scene = Scene(
        prompts,
        {r["text"]: dict(zip(r["named"], r["named_by"], strict=True)) for r in asked},
        {row["feature"]: row for row in known},
        by_text(evidence, shown),
        thresholds,
        rules,
        expected,
    )
    generations = _generations(tellings(prompts), evidence, shown)
    originals = {r["nearest"]: r["original"] for r in evidence if r.get("original")}
    control = control_of(folder, trust_control)
    found, withheld = _judgeable(find(scene), control)
    findings = _illustrated(found, generations, scene.known, originals)
    write_rows(folder / "generations.parquet", generations, GENERATIONS)
    write_rows(folder / "features.parquet", _features(scene, originals), FEATURES)
    write_rows(folder / "findings.parquet", findings, FINDINGS)
    return _results(folder, scene, evidence, findings, generations, picture, control, withheld)


def _judgeable(
    findings: Sequence[dict[str, Any]], control: Control | None
) -> tuple[list[dict[str, Any]], int]:
    """The findings that the control can judge, and how many it cannot.

    Classes and phrases are judged by what comes under unrelated prompts. That a single training
    picture comes again is judged by pairs of training pictures, and needs no other prompts.
    """
    if control is None or not control.is_shut:
        return list(findings), 0
    kept = [
        row
        for row in findings
        if row["recurs"] or (row["kind"] == "image" and row["type"] == "not memorized")
    ]
    return kept, len(findings) - len(kept)


def _nameable(known: Sequence[Mapping[str, Any]]) -> set[str]:
    names = {row["feature"] for row in known} | {row["name"] for row in known}
    return names | {id for row in known for id in row["images"]}


def _generations(
    told: Sequence[Telling],
    evidence: Sequence[Mapping[str, Any]],
    shown: Sequence[Sequence[str]],
) -> list[dict[str, Any]]:
    """A row a generation and what it was drawn for."""
    texts: dict[str, list[dict[str, Any]]] = {}
    for row, features in zip(evidence, shown, strict=True):
        texts.setdefault(row["text"], []).append({**row, "features": list(features)})
    return [
        {"kind": one.role, "prompt": one.prompt, "entity": one.entity, **row}
        for one in told
        for row in texts[one.text]
    ]


def _illustrated(
    findings: Sequence[dict[str, Any]],
    generations: Sequence[Mapping[str, Any]],
    known: Mapping[str, Mapping[str, Any]],
    originals: Mapping[str, str],
) -> list[dict[str, Any]]:
    """The findings with the generations that show them, the most alike first, in order."""
    own: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for row in generations:
        if row["kind"] == "prompt":
            for feature in row["features"]:
                own.setdefault((row["prompt"], feature), []).append(row)
    rows = []
    for finding in findings:
        some = own.get((finding["prompt"], finding["feature"]), [])
        best = sorted(some, key=lambda row: (-row["similarity"], row["repeat"]))
        rows.append(
            {
                **finding,
                "best_similarity": best[0]["similarity"] if best else None,
                "pictures": [row["picture"] for row in best[:PICTURES]],
                "original": best[0]["original"]
                if best
                else _original(known[finding["feature"]], originals),
            }
        )
    return sorted(
        rows,
        key=lambda row: (
            TYPES.index(row["type"]),
            -(row["frequency"] or 0.0),
            row["prompt"],
            row["feature"],
        ),
    )


def _original(feature: Mapping[str, Any], originals: Mapping[str, str]) -> str | None:
    """The first of a feature's pictures that any generation came nearest to."""
    return next((originals[id] for id in feature["pictures"] if id in originals), None)


def _features(scene: Scene, originals: Mapping[str, str]) -> list[dict[str, Any]]:
    """Those that any generation shows or any prompt names."""
    seen = {feature for shown in scene.shown.values() for feature in shown.counts}
    seen |= {feature for named in scene.named.values() for feature in named}
    rows = []
    for id in sorted(seen):
        feature, threshold = scene.known[id], scene.thresholds[id]
        rows.append(
            {
                **feature,
                "copies": len(feature["images"]),
                "threshold": threshold.value,
                "rate": threshold.rate,
                "calibrated_on": threshold.calibrated_on,
                "original": _original(feature, originals),
                "note": threshold.note,
            }
        )
    return rows


def _results(
    folder: Path,
    scene: Scene,
    evidence: Sequence[Mapping[str, Any]],
    findings: Sequence[Mapping[str, Any]],
    generations: Sequence[Mapping[str, Any]],
    picture: Threshold,
    control: Control | None,
    withheld: int,
) -> dict[str, Any]:
    asked = [prompt for prompt in scene.asked if scene.shown[prompt.text].n]
    failed = sum(row["status"] != "ok" for row in evidence)
    expected = [[name, prompt, word] for (name, prompt), word in scene.expected.words.items()]
    training = read_ours(
        folder / "training.json", 'Run the same "solidmark intent" again.', quarantined=dict
    )
    figures = count_findings(findings, len(asked), failed)
    found = brought(
        scene,
        figures,
        findings,
        generations,
        picture,
        failed=failed,
        broken=len(training["quarantined"]),
        control=control,
        withheld=withheld,
    )
    return write_results(
        folder,
        read_manifest(folder),
        figures,
        failed=failed,
        verdict=judge_intent(found),
        scoring={**asdict(scene.rules), "expected": sorted(expected)},
        calibration={
            "threshold": picture.value,
            "rate": picture.rate,
            "pairs": picture.calibrated_on,
            "note": picture.note,
        },
        prompts=len(scene.asked),
        unrelated=found.unrelated,
        generations=len(evidence),
        quarantined=training["quarantined"],
        measures={MEASURE: training["likeness"]},
        control=None if control is None else control.to_json(),
        withheld=withheld,
        reach=found.reach,
        files=("generations.parquet", "features.parquet", "findings.parquet"),
    )
