"""What both pages have: a sentence, a table of figures, groups of pictures."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from solidmark.report.groups.run import GroupRun
from solidmark.report.pictures import Picture
from solidmark.report.rendering import write_page
from solidmark.report.tables import how_made
from solidmark.runs import Verdict
from solidmark.scores.written import number as number
from solidmark.scores.written import plural as plural

LARGEST = 144
"""The longer side of a picture in the page, in pixels."""


@dataclass(frozen=True)
class Member:
    """A picture of a group.

    Arguments:
        id: Of the image.
        facts: What is said under it.
        picture: The picture; None on a page without pictures.
        stands_out: Whether it is framed.
    """

    id: str
    facts: str
    picture: Picture | None
    stands_out: bool = False


@dataclass(frozen=True)
class Group:
    """Pictures that belong together.

    Arguments:
        name: Its name.
        caption: The text that belongs to it; empty on a page without pictures.
        facts: Names and values.
        members: Those that are shown.
        more: How many are not.
        flag: What must be known of it.
    """

    name: str
    caption: str
    facts: tuple[tuple[str, str], ...]
    members: tuple[Member, ...]
    more: int = 0
    flag: str = ""


@dataclass(frozen=True)
class Figures:
    """A table of figures.

    Arguments:
        title: Above it.
        heads: The names of the columns.
        lines: A name, what it means, and a cell for each column after the first.
    """

    title: str
    heads: tuple[str, ...]
    lines: tuple[tuple[str, str, tuple[str, ...]], ...]


@dataclass(frozen=True)
class Sheet:
    """A page.

    Arguments:
        command: What made the run.
        question: What the page answers.
        subject: What was looked at: a name and a value.
        verdict: The answer.
        figures: The tables.
        heading: Above the groups.
        introduction: What is shown of them, and how to read it.
        groups: The groups.
        empty: What is said where there are none.
        files: What else lies in the folder, and what for.
        glossary: An anchor, a word and its meaning.
        left_out: How many images count nowhere, and why.
    """

    command: str
    question: str
    subject: tuple[str, str]
    verdict: Verdict
    figures: tuple[Figures, ...]
    heading: str
    introduction: str
    groups: tuple[Group, ...]
    empty: str
    files: tuple[tuple[str, str], ...]
    glossary: tuple[tuple[str, str, str], ...]
    left_out: str


def write_sheet(run: GroupRun, sheet: Sheet, images: bool, top: int) -> Path:
    """Writes `report.html`: one file that asks nothing of any network and runs no code.

    Arguments:
        run: The run.
        sheet: What the page says.
        images: Whether pictures and captions may stand on it.
        top: How many groups it was asked to show.
    """
    results = run.results
    context: Mapping[str, Any] = {
        "sheet": sheet,
        "verdict": sheet.verdict,
        "sections": how_made(results),
        "seed": results.get("seed", "not known"),
    }
    return write_page(run.folder, "groups.html", context, images=images, top=top)


def interval(row: Mapping[str, Any]) -> str:
    """The 95 % interval of an aggregate, or the end that it has; a dash where it has none."""
    low, high = row.get("ci_low"), row.get("ci_high")
    if low is None:
        return "–" if high is None else f"at most {number(high)}"
    return f"at least {number(low)}" if high is None else f"{number(low)} to {number(high)}"
