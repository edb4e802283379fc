"""`solidmark guard INDEX IMAGE...`."""

from pathlib import Path
from typing import Annotated, get_args

from solidmark.cards.asked import Way
from solidmark.cards.option import BELOW_ONE, Choice
from solidmark.cli.asked import Asked
from solidmark.cli.command import Said, command
from solidmark.cli.opening import Handed
from solidmark.cli.options import Device, Memory


@command(Handed, ends=Said)
def guard(
    asked: Asked,
    index: Annotated[Path, "INDEX"],
    image: Annotated[list[str], "IMAGE..."],
    fpr: Annotated[float | None, "--fpr", "NUMBER", BELOW_ONE] = None,
    threshold: Annotated[list[str], "--threshold", "NAME=VALUE"] = [],
    every: Annotated[bool, "--all/--any"] = False,
    search: Annotated[Way, Choice("search", get_args(Way))] = "auto",
    memory: Memory = 2**30,
    device: Device = "auto",
) -> None:
    """Stop images that are too close to a training image.

    Says of each whether it may pass: pass, REFUSE or UNREAD. Exit code: 0 when all images pass; 3
    when any is refused, or cannot be read among others that can, or the search finds too little to
    let any pass; 2 when nothing can be judged.

    Example: solidmark guard index/ generated/

    Arguments:
        index: Folder of solidmark index.
        image: Image files or folders of images, any number.
        fpr: The rate at which each distance refuses images that are no copies; the first one of the
            index when not given.
        threshold: Refuse by this number instead: within this distance (l2 and its kin), or from
            this similarity on (embedders); may be given again.
        every: Refuse an image only when all distances do, or when any does.
        search: How the vectors of embedders are searched for: as the index was built (auto),
            exact, or approximate.
    """
    from solidmark.measures.guard import open_index, outcome_of, parse_thresholds

    opened = asked.fill(
        open_index,
        folder=index,
        thresholds=parse_thresholds(threshold),
        rule="all" if every else "any",
    )
    said = opened.screen_all(image)
    verdict = outcome_of(said, opened.searched)
    more = len(said) > 1 or bool(verdict.details)
    lines = [one.line for one in said] + [verdict.headline, *verdict.details] * more
    result = {"images": [opened.to_json(one) for one in said]}
    result["search"] = [one.to_json() for one in opened.searched]
    asked.answer(result, *lines, verdict=verdict, fail_on=("refused", "cannot-be-judged"))
