"""The blocks of code in the documents, and what is said above them of how they are run.

A comment above a block says why it is not run, or what is put in the place of something in it so
that it takes seconds:

    <!-- not run: it needs a GPU -->
    <!-- run with: epochs = 600 -> epochs = 1 -->
"""

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = (
    *("README.md", "CONTRIBUTING.md"),
    *sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").rglob("*.md")),
)
RUN = ("sh", "python")
_BLOCK = re.compile(
    r"((?:^ *<!-- (?:not run|run with): .*? -->\n)*)^( *)```(\w*)[^\n]*\n(.*?)^ *```$",
    re.MULTILINE | re.DOTALL,
)
_SAID = re.compile(r"<!-- (not run|run with): (.*?) -->")


@dataclass(frozen=True)
class Block:
    """A fenced block of a document.

    Arguments:
        page: The document, relative to the repository.
        line: Where its code begins.
        language: What stands behind the fence, "" for none.
        code: The code as it is run.
        reason: Why it is not run, or None.
    """

    page: str
    line: int
    language: str
    code: str
    reason: str | None

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def blocks_of(page: str) -> list[Block]:
    """All fenced blocks of a document.

    Arguments:
        page: The document, relative to the repository.
    """
    text = (ROOT / page).read_text(encoding="utf-8")
    found = []
    for match in _BLOCK.finditer(text):
        code, reason = match[4], None
        for how, words in _SAID.findall(match[1]):
            if how == "not run":
                reason = words
                continue
            old, _, new = words.partition(" -> ")
            if old not in code:
                raise ValueError(f"{page}: a block has no {old!r} to be run with {new!r}.")
            code = code.replace(old, new)
        line = text.count("\n", 0, match.start(4)) + 1
        found.append(Block(page, line, match[3], code, reason))
    return found


BLOCKS = [block for page in PAGES for block in blocks_of(page)]
