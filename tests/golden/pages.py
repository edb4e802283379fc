"""The visible text of a page in reading order, as lines."""

from collections.abc import Collection, Iterator
from html.parser import HTMLParser

WITHIN = {"a", "abbr", "b", "bdi", "code", "em", "i", "small", "span", "strong", "sub", "sup"}
WITHIN |= {"img", "td", "th", "time", "tspan", "dd"}
"""Elements that begin no line."""

VOID = {"meta", "link", "img", "br", "input", "hr", "path", "rect", "line", "circle", "use"}
UNSEEN = {"script", "style", "head", "svg"}
"""What is not read. Above and below a plot stand its title and what it says."""

HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6", "summary")
ELSEWHERE = {"Calibration", "Configuration", "Versions", "Fingerprints"}
"""Headings of what says nothing of the code, or stands in the results."""


class Reading(HTMLParser):
    """Reads a page aloud.

    Arguments:
        page: The HTML.
    """

    def __init__(self, page: str) -> None:
        super().__init__()
        self.lines: list[tuple[str, str]] = []
        self._open: list[str] = []
        self._line = ""
        self.feed(page)
        self.close()
        self._end("")

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag not in WITHIN:
            self._end(self._open[-1] if self._open else "")
        if tag in ("td", "th"):
            self._line += " | "
        elif {"td", "th"} & set(self._open):
            self._line += " "
        if tag == "dd":
            self._line += ": "
        if tag == "img":
            self._line += f" [{given.get('alt') or ''}] "
        if tag == "svg" and given.get("aria-label"):
            self._line += f" [{given['aria-label']}] "
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in self._open:
            return
        while self._open:
            last = self._open.pop()
            if last not in WITHIN - {"dd"} and last != "dt":
                self._end(last)
            if last == tag:
                break

    def handle_data(self, data: str) -> None:
        if not UNSEEN & set(self._open):
            self._line += data

    def _end(self, tag: str) -> None:
        line = " ".join(self._line.split())
        self._line = ""
        if line:
            self.lines.append((tag, line))


def page_lines(page: str, unsaid: Collection[str] = ()) -> Iterator[str]:
    """The lines that a reader sees, headings with a # before them.

    Arguments:
        page: The HTML.
        unsaid: Headings that are left out, with all that stands below them.
    """
    hidden = ""  # The heading below which nothing is read.
    for tag, line in Reading(page).lines:
        if tag in HEADINGS and (not hidden or HEADINGS.index(tag) <= HEADINGS.index(hidden)):
            hidden = tag if line in ELSEWHERE or line in unsaid else ""
        if not hidden:
            yield f"# {line}" if tag in HEADINGS else line
