"""A page is data: what it says first, and its sections. One template draws them all.

Text is plain text, which the template escapes. What is drawn is Markup of `report`'s own drawings.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from markupsafe import Markup

from solidmark.page.drawing import Drawing
from solidmark.page.pictures import Picture
from solidmark.runs import Verdict

NOTHING = Markup("")


@dataclass(frozen=True)
class Cell:
    """One figure: the value, and the facts without which it says nothing."""

    value: str
    facts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Shown:
    """A picture with what it is.

    Arguments:
        picture: The picture; None on a page without pictures, an empty one where there is none.
        what: Under it.
        id: Of which image, for those who do not see it.
        outlined: Whether it stands out.
        over: What is drawn over it.
    """

    picture: Picture | None
    what: str
    id: str = ""
    outlined: bool = False
    over: Markup = NOTHING


@dataclass(frozen=True)
class Line:
    """A line of a table.

    Arguments:
        name: What it is.
        meaning: Its unit and direction, or what it means.
        cells: A cell a column; None where it does not apply.
        anchor: Its place in the glossary.
        tone: The colour of a badge that the name stands in; empty for none.
        picture: A small picture before the name.
    """

    name: str
    cells: tuple[Cell | None, ...]
    meaning: str = ""
    anchor: str = ""
    tone: str = ""
    picture: Shown | None = None


@dataclass(frozen=True)
class Table:
    """A table of figures.

    Arguments:
        title: Above it.
        heads: The names of the columns with what stands under each, the first one's too.
        lines: The lines.
        notes: What must be known of these figures, folded.
    """

    title: str
    heads: tuple[Cell, ...]
    lines: tuple[Line, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Reading:
    """What one measure says of an image.

    Arguments:
        title: The measure; empty where there is only one.
        facts: Names and values.
        named: Whether it names the image.
        drawings: Small drawings, below one another.
        said: What else it says.
    """

    title: str
    facts: tuple[tuple[str, str], ...] = ()
    named: bool = False
    drawings: tuple[Markup, ...] = ()
    said: str = ""


@dataclass(frozen=True)
class Card:
    """An image, a pair, a group or a prompt.

    Arguments:
        name: Its id.
        captions: What is told of it: a word for what it is (may be empty), and the text.
        pictures: The pictures side by side.
        strip: Further pictures, small.
        readings: What the measures say.
        flags: What must be known of it.
        named: Whether it is named.
        badge: A word and its colour.
        pair: Where people may judge it: of which split it is, and the ids of both pictures.
        more: How many further pictures there are.
    """

    name: str
    captions: tuple[tuple[str, str], ...] = ()
    pictures: tuple[Shown, ...] = ()
    strip: tuple[Shown, ...] = ()
    readings: tuple[Reading, ...] = ()
    flags: tuple[str, ...] = ()
    named: bool = False
    badge: tuple[str, str] | None = None
    pair: tuple[str, ...] = ()
    more: int = 0


@dataclass(frozen=True)
class Cards:
    """Cards that belong together.

    Arguments:
        title: Above them; empty for the first ones.
        cards: The cards, in their order.
        said: How to read them.
        folded: Whether they open with a click.
        wide: Whether each takes the width of the page.
        numbered: Whether their place is said.
        before: How many stand in the lists before it.
    """

    title: str
    cards: tuple[Card, ...]
    said: tuple[str, ...] = ()
    folded: bool = False
    wide: bool = False
    numbered: bool = True
    before: int = 0


@dataclass(frozen=True)
class Section:
    """A part of a page.

    Arguments:
        anchor: Its id in the page.
        title: Above it.
        said: Sentences.
        warnings: Sentences that must not be passed over.
        tables: Tables of figures.
        folded: Whether it opens with a click: what is for reference, not for the first look.
        link: Its name in the navigation; the title when empty.
    """

    kind: ClassVar[str] = "note"
    anchor: str
    title: str
    said: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()
    folded: bool = False
    link: str = ""


@dataclass(frozen=True)
class Note(Section):
    """Sentences, and points of a list."""

    points: tuple[str, ...] = ()


@dataclass(frozen=True)
class Figures(Section):
    """Tables alone."""

    kind = "figures"


@dataclass(frozen=True)
class Plots(Section):
    """Drawings, in groups that have a title each."""

    kind = "plots"
    groups: tuple[tuple[str, tuple[Drawing, ...]], ...] = ()

    @property
    def drawings(self) -> tuple[Drawing, ...]:
        return tuple(one for _, some in self.groups for one in some)


@dataclass(frozen=True)
class Gallery(Section):
    """Cards, in lists.

    Arguments:
        empty: What is said where there are none.
    """

    kind = "gallery"
    lists: tuple[Cards, ...] = ()
    empty: str = ""


@dataclass(frozen=True)
class Judging(Section):
    """Where people judge the pairs that the page shows; one a page."""

    kind = "judging"


@dataclass(frozen=True)
class Rows(Section):
    """All rows, to be sorted and searched; one a page.

    Arguments:
        table: As `rows.table_of_rows` makes it.
        file: Where all of them lie.
    """

    kind = "rows"
    table: Mapping[str, Any] = field(default_factory=dict)
    file: str = "scores.parquet"


@dataclass(frozen=True)
class Glossary(Section):
    """How to read the numbers: an anchor, a word and its meaning each."""

    kind = "glossary"
    words: tuple[tuple[str, str, str], ...] = ()


@dataclass(frozen=True)
class Made(Section):
    """What was left out (its sentences and tables), what else lies in the folder, how it was made.

    Arguments:
        files: What else lies in the folder, and what for.
        command: What made it.
        seed: From which seed.
        parts: Names and values, in parts that open with a click.
    """

    kind = "made"
    files: tuple[tuple[str, str], ...] = ()
    command: str = ""
    seed: object = None
    parts: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = ()


@dataclass(frozen=True)
class Page:
    """A page.

    Arguments:
        command: What made the run.
        question: What the page answers.
        subjects: What was looked at: names and values.
        verdict: The answer.
        sections: What follows, in the order of the page.
        proof: Two or three cards that prove the verdict, right under its headline.
        notes: What must be read with the verdict, such as how the model was opened.
        private: Who may see the page, in its last line; what fits its pictures when empty.
    """

    command: str
    question: str
    subjects: tuple[tuple[str, str], ...]
    verdict: Verdict
    sections: Sequence[Section]
    proof: Cards | None = None
    notes: tuple[str, ...] = ()
    private: str = ""

    @property
    def drawings(self) -> tuple[Drawing, ...]:
        """All its drawings, which lie as files beside it too."""
        return tuple(d for one in self.sections if isinstance(one, Plots) for d in one.drawings)

    @property
    def words(self) -> frozenset[str]:
        """The anchors of its glossary: to what else nothing can lead."""
        some = [one.words for one in self.sections if isinstance(one, Glossary)]
        return frozenset(anchor for words in some for anchor, _, _ in words)

    @property
    def rows(self) -> Rows | None:
        """The section of all rows, which needs a script."""
        return next((one for one in self.sections if isinstance(one, Rows)), None)

    @property
    def is_judged(self) -> bool:
        """Whether people may judge its pairs, which needs a script too."""
        return any(isinstance(one, Judging) for one in self.sections)
