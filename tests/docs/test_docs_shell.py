"""Every command line in the documents is one that the program takes."""

from pathlib import Path

import pytest

from . import blocks, shelling

LINES = [
    pytest.param(line, block.page, id=f"{block}: {line[:60]}")
    for block in blocks.BLOCKS
    if block.language == "sh" and block.reason is None
    for line in shelling.lines_of(block)
]


@pytest.mark.parametrize(("line", "page"), LINES)
def test_a_line_of_the_documents_is_taken(line: str, page: str, here: Path) -> None:
    if not shelling.is_ours(line):
        assert shelling.is_there(line), "Say above the block why it is not run."
        return
    before = {path.name for path in here.iterdir()}
    assert shelling.ask(line, page) in (0, 3)
    assert {path.name for path in here.iterdir()} - before <= {"compared", "cache"}


def test_no_command_hides_in_a_block_that_is_not_run() -> None:
    """A block without a language holds what a program has said."""
    for block in blocks.BLOCKS:
        if block.language not in blocks.RUN:
            said = [line for line in block.code.splitlines() if line.startswith("solidmark ")]
            assert not said, str(block)


def test_what_is_not_run_says_why() -> None:
    assert all(block.reason is None or len(block.reason) > 10 for block in blocks.BLOCKS)
