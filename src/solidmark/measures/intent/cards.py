"""The cards of an `intent` run: a prompt, its generations, and what they show."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from solidmark.measures.intent.bars import bars_of, drawn
from solidmark.measures.intent.tables import read_table
from solidmark.measures.intent.types import TYPES
from solidmark.page.pictures import IN_CARD, embed
from solidmark.page.sections import Card, Reading, Shown
from solidmark.runs import Figure, Results, find, open_results, read_manifest
from solidmark.scores.written import plain, plural, short
from solidmark.verdicts.intent import TYPES as LABELS

COMMAND = "intent"
AGAIN = 'Run the same "solidmark intent" again.'

GENERATIONS = 16
"""Generations of a card, at most."""

SMALL = 112
"""The longer side of the generations beside the pairs in the page, in pixels."""

TONES: Mapping[str, str] = {
    "unintended": "memorized",
    "implicit": "unclear",
    "explicit": "plain",
    "not memorized": "plain",
}
"""The colours of the types, which never stand without the words. Green is the verdict's alone."""

SAID: Mapping[str, str] = {"yes": "expected", "no": "not expected"}
"""What the user's file says of a finding."""

KINDS: Mapping[str, str] = {
    "image": "training picture",
    "class": "class",
    "phrase": "the user's phrase",
}

Row = Mapping[str, Any]
"""A row of a table of the run."""


@dataclass(frozen=True)
class IntentRun:
    """The folder of an `intent` run.

    Arguments:
        results: What stands in `results.json`.
        findings: The rows of `findings.parquet`, in their order.
        features: Those of `features.parquet`, by feature.
        drawn: By prompt: the generations that could be used, in order.
    """

    results: Results
    findings: Sequence[Row] = field(repr=False)
    features: Mapping[str, Row] = field(repr=False)
    drawn: Mapping[str, Sequence[Row]] = field(repr=False)

    def count(self, type: str, split: str = "all") -> Figure | None:
        """The counts of a type over all kinds of features."""
        some = find(self.results.figures, type, split)
        return next((one for one in some if one.facts.get("kind") == "all"), None)

    @property
    def judged(self) -> int:
        """How many prompts have a generation that could be used."""
        found = self.count("explicit")
        return int(found.number("prompts_n") or 0) if found else 0


def open_intent(folder: Path) -> IntentRun:
    """Reads the folder of an `intent` run.

    Raises:
        NotFound: When a file is missing.
        RunConflict: When the run is not finished, or of another command.
        BadInput: When a file cannot be read.
    """
    read_manifest(folder, COMMAND)
    results = open_results(folder, AGAIN)
    findings, features, generations = (
        read_table(folder, name) for name in ("findings", "features", "generations")
    )
    drawn: dict[str, list[Row]] = {}
    for row in generations:
        if row["kind"] == "prompt" and row["status"] == "ok":
            drawn.setdefault(row["prompt"], []).append(row)
    known = [row for row in findings if row["type"] in TYPES]
    return IntentRun(results, known, {row["feature"]: row for row in features}, drawn)


def card_of(run: IntentRun, id: str, rows: Sequence[Row], images: bool) -> Card:
    """A prompt with its findings of one type."""
    several = len(rows) > 1
    numbers = {row["feature"]: str(n) if several else "" for n, row in enumerate(rows, 1)}
    all_drawn = run.drawn.get(id, ())
    shows = [[one for one in numbers if one in row["features"]] for row in all_drawn]
    order = sorted(range(len(all_drawn)), key=lambda place: (not shows[place], place))
    folder = run.results.folder
    strip = [
        Shown(
            embed(folder, all_drawn[place]["picture"], SMALL),
            " ".join(filter(None, (numbers[one] for one in shows[place]))),
            outlined=bool(shows[place]),
        )
        for place in order[:GENERATIONS]
    ]
    return Card(
        prompt_of(rows[0], images),
        (("", str(rows[0]["text"])),) if images else (),
        tuple(one for row in rows for one in _pair(run, row, numbers)) if images else (),
        tuple(strip) if images else (),
        tuple(_reading(run, row, numbers[row["feature"]], images) for row in rows),
        badge=(LABELS[rows[0]["type"]], TONES[rows[0]["type"]]),
        more=max(0, len(all_drawn) - GENERATIONS) if images else 0,
    )


def _pair(run: IntentRun, row: Row, numbers: Mapping[str, str]) -> Iterator[Shown]:
    """A training picture of a finding, and the first generation that shows it."""
    folder, feature = run.results.folder, row["feature"]
    number = numbers[feature] and f" {numbers[feature]}"
    original = row["original"] or run.features.get(feature, {}).get("original")
    yield Shown(embed(folder, original, IN_CARD), f"training picture{number}")
    own = [one["picture"] for one in run.drawn.get(row["prompt"], ()) if feature in one["features"]]
    if best := [*(row["pictures"] or ()), *own][:1]:
        yield Shown(embed(folder, best[0], IN_CARD), f"drawn{number}")


def _reading(run: IntentRun, row: Row, number: str, images: bool) -> Reading:
    """What a prompt brings, how often, and why it is of its type."""
    count = len(run.features.get(row["feature"], {}).get("images") or ())
    times = f"{count:,} times in the set" if count > 1 else "once in the set"
    of = times if row["kind"] == "image" else plural(count, "training image")
    facts = [(KINDS.get(row["kind"], row["kind"]), of)]
    if row["expected"]:
        facts.append(("user", SAID.get(row["expected"], row["expected"])))
    for name, column in (
        ("p", "p_value"),
        ("q", "q_value"),
        ("p of coming back", "recurs_p"),
        ("q of coming back", "recurs_q"),
    ):
        if row[column] is not None:
            facts.append((name, short(row[column])))
    if row["best_similarity"] is not None:
        facts.append(("best likeness", plain(row["best_similarity"], 3)))
    return Reading(
        f"{number} {name_of(row, images)}".strip(),
        tuple(facts),
        drawings=(drawn(list(bars_of(row, images))),),
        said=str(row["why"] or "") if images else "",
    )


def prompt_of(row: Row, images: bool) -> str:
    """The id of a prompt; where it is the text, it must not stand on a page without prompts."""
    hidden = not images and row["prompt"] == row["text"]
    return "a prompt without an id" if hidden else str(row["prompt"])


def name_of(row: Row, images: bool) -> str:
    """The name of a feature; only ids of images may stand on a page without prompts."""
    if images or row["kind"] == "image":
        return str(row["name"])
    return "a class" if row["kind"] == "class" else "a phrase"
