"""The page of an `intent` run: one file that needs nothing else."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from markupsafe import Markup

from solidmark.report.control import control_part
from solidmark.report.groups.sheet import plural
from solidmark.report.intents import words
from solidmark.report.intents.cards import board, shown_id, shown_name
from solidmark.report.intents.run import TYPES, IntentRun, open_intent_run
from solidmark.report.numbers import percent, percents
from solidmark.report.rendering import write_page
from solidmark.report.tables import flat, script_json

PRIVATE = ("caption", "captions")
"""Options that hold words of prompts."""

FDR = 0.05
"""Of results that name none."""

SPLITS = ("expected", "not expected", "not said")


def write_intent_report(folder: Path, *, images: bool = True, top: int = 48) -> Path:
    """Writes `report.html` into the folder of an `intent` run: the board of its findings.

    The page is one file: it asks nothing of any network, runs no code but its own, and holds the
    pictures it shows. The same folder gives the same bytes.

    Arguments:
        folder: The folder of the run.
        images: Whether pictures, prompts, and names of classes and phrases may stand on the page.
            Without them it can be shown to people who must not see the data; ids stay.
        top: How many prompts of each type are shown.

    Returns:
        The page.

    Raises:
        NotFound: When a file is missing.
        RunConflict: When the run is not finished, or of another command.
        BadInput: When one of its files cannot be read.
    """
    run = open_intent_run(folder)
    return write_page(folder, "intents.html", _context(run, images, top), images=images, top=top)


def _context(run: IntentRun, images: bool, top: int) -> dict[str, Any]:
    results, scoring = run.results, run.scoring
    fdr = float(scoring.get("fdr") or FDR)
    table = _table(run, images, fdr)
    config = {k: v for k, v in run.config.items() if images or k not in PRIVATE}
    rules = {k: v for k, v in scoring.items() if k != "expected"}
    quarantined = results.get("quarantined") or {}
    return {
        "run": run,
        "config": config,
        "verdict": run.verdict,
        "control": control_part(run.folder, results, images, False, words.SIDES),
        "withheld": bool(results.get("withheld")),
        "words": words,
        "counts": [_counts(run, type) for type in TYPES],
        "splits": SPLITS if run.overruled else (),
        "sections": board(run, images, top),
        "overruled": _overruled(run, images),
        "fdr": f"{fdr:g}",
        "table": table,
        "table_json": Markup(script_json(table)),
        "quarantined": list(quarantined.items()),
        "made": [
            ("Configuration", list(flat(config))),
            ("Rules", list(flat(rules))),
            ("Calibration", list(flat(run.calibration))),
            ("Measures", list(flat(results.get("measures") or {}))),
            ("Fingerprints", list(flat(results.get("fingerprints") or {}))),
        ],
    }


def _counts(run: IntentRun, type: str) -> tuple[str, tuple[str, ...]]:
    """A line of the table of counts: the type, and its cells."""
    row = run.row(type)
    cells = [
        f"{int(row.get('count') or 0):,} of {int(row.get('n') or 0):,}",
        f"{int(row.get('prompts') or 0):,} of {run.judged:,}",
        "–" if row.get("value") is None else percent(row["value"]),
        "–" if row.get("ci_low") is None else percents(row["ci_low"], row["ci_high"]),
    ]
    if run.overruled:
        cells += [f"{int(run.row(type, split).get('count') or 0):,}" for split in SPLITS]
    return type, tuple(cells)


def _overruled(run: IntentRun, images: bool) -> list[tuple[str, list[tuple[str, str, str]]]]:
    """What the user's file says of memorized findings: type, feature and prompt of each."""
    lists = []
    for word in ("no", "yes"):
        rows = [
            (row["type"], shown_name(row, images), shown_id(row, images))
            for row in run.findings
            if row["expected"] == word and row["type"] != "not memorized"
        ]
        if rows:
            title = f"{words.WORDS[word].capitalize()}: {plural(len(rows), 'finding')}"
            lists.append((title, rows))
    return lists


def _table(run: IntentRun, images: bool, fdr: float) -> dict[str, Any]:
    """All findings for the table of the page."""
    columns = [
        ("place", "No.", "whole"),
        ("type", "Type", "choice"),
        ("expected", "User's word", "choice"),
        ("prompt", "Prompt", "text"),
        *([("text", "Text", "text")] * images),
        ("name", "Feature", "text"),
        ("kind", "Kind", "choice"),
        ("count", "Shown", "whole"),
        ("n", "Of", "whole"),
        ("frequency", "Frequency", "number"),
        ("unrelated_frequency", "Unrelated", "number"),
        *([("entity", "Entity", "text")] * images),
        ("p_value", "p", "number"),
        ("q_value", "q", "number"),
        ("recurs_p", "p of coming back", "number"),
        ("best_similarity", "Likeness", "number"),
    ]
    searched = ["prompt", "name", *(["text", "entity"] * images)]
    return {
        "total": len(run.findings),
        "fdr": fdr,
        "order": "first findings",
        "sort": "place",
        "searched": searched,
        "searched_words": "prompt or feature",
        "choices": [
            {"name": "type", "label": "Type"},
            {"name": "kind", "label": "Kind"},
            {"name": "expected", "label": "User's word"},
        ],
        "names": {
            "type": dict(words.LABELS),
            "kind": dict(words.KINDS),
            "expected": {**words.WORDS, "none": "not said"},
        },
        "columns": [{"name": name, "label": label, "kind": kind} for name, label, kind in columns],
        "rows": [
            [_cell(row, name, place, images) for name, _, _ in columns]
            for place, row in enumerate(run.findings, 1)
        ],
    }


def _cell(row: Mapping[str, Any], name: str, place: int, images: bool) -> Any:
    if name == "place":
        return place
    if name == "expected":
        return row["expected"] or "none"
    if name == "prompt":
        return shown_id(row, images)
    if name == "name":
        return shown_name(row, images)
    value = row[name]
    return float(f"{value:.6g}") if isinstance(value, float) else value
