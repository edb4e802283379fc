"""What a run has brought back, as the judge asks for it."""

from collections.abc import Mapping, Sequence
from typing import Any

from solidmark.measures.intent.findings import Scene, reach
from solidmark.measures.intent.shown import Threshold
from solidmark.runs import Figure
from solidmark.scores.control import Control
from solidmark.verdicts.intent import Brought

Row = Mapping[str, Any]


def brought(
    scene: Scene,
    figures: Sequence[Figure],
    findings: Sequence[Row],
    generations: Sequence[Row],
    picture: Threshold,
    *,
    failed: int,
    broken: int,
    control: Control | None,
    withheld: int,
) -> Brought:
    """Counts what decides.

    Arguments:
        picture: From which likeness a generation is a copy of a training picture.
    """
    memorized = [row for row in findings if row["type"] != "not memorized"]
    against = {row["prompt"] for row in memorized if row["intended"] == "no"}
    said = [row for row in memorized if row["expected"]]
    yes = sum(row["expected"] == "yes" for row in said)
    # What is drawn of a prompt without an entity is no answer to anybody's prompt.
    own = [
        row
        for row in generations
        if row["kind"] in ("prompt", "unrelated") and row["status"] == "ok"
    ]
    return Brought(
        figures=figures,
        against=len(against),
        asked_for=len({row["prompt"] for row in memorized} - against),
        copies=sum(any(one.startswith("image:") for one in row["features"]) for row in own),
        drawn=len(own),
        frequent=scene.rules.frequent,
        reach=reach(scene),
        expected=yes,
        unexpected=len(said) - yes,
        overruled=sum((row["expected"] == "yes") == (row["type"] == "unintended") for row in said),
        likeness=picture.value,
        rate=picture.rate,
        pairs=picture.calibrated_on,
        note=picture.note,
        unrelated=len(scene.prompts) - len(scene.asked),
        failed=failed,
        broken=broken,
        control=control,
        withheld=withheld,
    )
