"""`solidmark guard INDEX IMAGE...`."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from solidmark import runs
from solidmark.cards.option import BELOW_ONE
from solidmark.cli.asked import Asked
from solidmark.cli.command import command
from solidmark.cli.options import Device, Json, Memory

if TYPE_CHECKING:
    from solidmark.measures.guard import Guard, Unread, Verdict


@dataclass(frozen=True)
class Ended:
    """How images are judged, and what is said of them."""

    memory: Memory = 2**30
    device: Device = "auto"
    json: Json = False


@command(ends=Ended)
def guard(
    asked: Asked,
    index: Annotated[Path, "INDEX"],
    image: Annotated[list[str], "IMAGE..."],
    fpr: Annotated[float | None, "--fpr", "NUMBER", BELOW_ONE] = None,
    threshold: Annotated[list[str], "--threshold", "NAME=VALUE"] = [],
    every: Annotated[bool, "--all/--any"] = False,
) -> None:
    """Stop images that are too close to a training image.

    Says of each whether it may pass: pass, REFUSE or UNREAD. Exit code: 0 when all images pass; 3
    when any is refused, or cannot be read among others that can; 2 when nothing can be judged.

    Example: solidmark guard index/ generated/

    Arguments:
        index: Folder of solidmark index.
        image: Image files or folders of images, any number.
        fpr: The rate at which each distance refuses images that are no copies; the first one of the
            index when not given.
        threshold: Refuse by this number instead: within this distance (l2 and its kin), or from
            this similarity on (embedders); may be given again.
        every: Refuse an image only when all distances do, or when any does.
    """
    from solidmark.errors import BadInput
    from solidmark.measures.guard import Unread, open_index, parse_thresholds

    opened = asked.fill(
        open_index,
        folder=index,
        thresholds=parse_thresholds(threshold),
        rule="all" if every else "any",
    )
    said = _judged(opened, image)
    unread = [one for one in said if isinstance(one, Unread)]
    if len(unread) == len(said):
        note = unread[0].note[:300].rstrip(".")
        if len(said) == 1:
            raise BadInput(f"{note}. Name another image, or mend it.")
        raise BadInput(
            f"None of the {len(said)} images can be judged, the first because: {note}. "
            "Name others, or mend them."
        )
    refused = sum(not isinstance(one, Unread) and one.refused for one in said)
    lines = [_line(opened, one) for one in said]
    if len(said) > 1:
        more = f", {len(unread):,} cannot be judged" if unread else ""
        lines.append(f"{refused:,} of {len(said):,} images are refused{more}.")
    judged = {"images": [_plain(opened, one) for one in said]}
    verdict = _outcome(said, refused, len(unread))
    asked.answer(judged, *lines, verdict=verdict, fail_on=("refused",))


def _outcome(said: "list[Verdict | Unread]", refused: int, unread: int) -> runs.Verdict:
    """Whether all may pass: what cannot be judged must not pass unseen."""
    count = f"{len(said):,} image{'' if len(said) == 1 else 's'}"
    if not refused and not unread:
        return runs.Verdict("passed", f"{count} may pass.", "Pass")
    more = f", {unread:,} cannot be judged" if unread else ""
    return runs.Verdict("refused", f"{refused:,} of {count} refused{more}.", "Refused")


def _judged(opened: "Guard", words: list[str]) -> "list[Verdict | Unread]":
    """The verdicts on all images, named so that a user finds them."""
    from solidmark.runs import progress

    sources = [(word, opened.open(word)) for word in words]
    found: list[Verdict | Unread] = []
    with progress("judging the images", sum(len(data) for _, data in sources)) as advance:
        for word, data in sources:
            for verdict in opened.screen(data):
                is_file = data.ids == [word]
                name = word if is_file else f"{word.rstrip('/')}/{verdict.id}"
                found.append(replace(verdict, id=name))
                advance(1)
    return found


def _line(opened: "Guard", said: "Verdict | Unread") -> str:
    """What is said of one image."""
    from solidmark.measures.guard import Unread
    from solidmark.scores.written import p_number

    if isinstance(said, Unread):
        return f"UNREAD  {said.id}: {said.note}"
    word = "REFUSE" if said.refused else "pass  "
    if said.copy_of is not None:
        return f'{word}  {said.id}: the training image "{said.copy_of}" itself'
    told = said.decisive
    if told.distance is None:
        return f"{word}  {said.id}: {told.measure} sees nothing in it, it is blank"
    if opened.index.is_similarity(told.measure):
        close = f"similarity {1 - told.distance:.4f}, refused from {1 - told.threshold:.4f}"
    else:
        close = f"distance {told.distance:.4f}, refused up to {told.threshold:.4f}"
    p_value = "" if told.p_value is None else f", p {p_number(told.p_value)}"
    low = " (of little content)" if said.low_content else ""
    return f'{word}  {said.id}: {told.measure} {close}{p_value}, nearest "{told.nearest}"{low}'


def _plain(opened: "Guard", said: "Verdict | Unread") -> dict[str, Any]:
    """The same for programs, with the picture of the nearest training image if there is one."""
    from solidmark.measures.guard import Unread

    if isinstance(said, Unread):
        return said.to_json()
    nearest = said.copy_of or said.decisive.nearest
    picture = None if nearest is None else opened.index.picture(nearest)
    return {**said.to_json(), "picture": None if picture is None else str(picture)}
