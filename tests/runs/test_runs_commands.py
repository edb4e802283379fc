"""Command lines that are shown can be copied, and do nothing to the terminal."""

import subprocess

import pytest

from solidmark.runs import command_line, path_word

WORDS = [
    "plain",
    "two words",
    "it's",
    '"$HOME" `x` \\',
    "line\nbreak",
    "colour\x1b[31m' \\ of a terminal",
    "\u202eturned round",
    "\x9b31m",
    "kein Müll",
    "half \udcff of a name",
    "",
]


@pytest.mark.parametrize("word", WORDS)
def test_a_shell_reads_back_the_words(word: str) -> None:
    line = command_line("mark", word, "end").removeprefix("solidmark ")
    script = f"printf '%s\\0' {line}".encode("utf-8", "surrogateescape")
    said = subprocess.run(["bash", "-c", script], capture_output=True, check=True).stdout
    found = [part.decode("utf-8", "surrogateescape") for part in said.split(b"\0")[:-1]]
    assert found == ["mark", word, "end"]


@pytest.mark.parametrize("word", WORDS)
def test_nothing_in_them_acts_upon_a_terminal(word: str) -> None:
    assert command_line("mark", word).isprintable()


def test_a_path_is_no_option() -> None:
    assert path_word("-x") == "./-x"
    assert path_word("x-") == "x-"
