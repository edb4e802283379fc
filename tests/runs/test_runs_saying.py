"""What is said to people is obeyed by no terminal, no sheet and no page."""

import json
import subprocess
import sys

import pytest

from solidmark.runs import cell, say, tame

TURNING = [*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200E, 0x200F, 0x061C]
CODES = [*(code for code in range(0x20) if code not in (9, 10)), *range(0x7F, 0xA0)]


@pytest.mark.parametrize("code", [*CODES, *TURNING])
def test_every_control_is_shown(code: int, capsys: pytest.CaptureFixture[str]) -> None:
    text = f"a{chr(code)}b"
    shown = f"a\\u{code:04x}b"
    assert tame(text) == shown
    assert cell(text) == shown
    say(text)
    say(text, error=True)
    assert capsys.readouterr() == (f"{shown}\n", f"{shown}\n")
    # JSON stays the same JSON.
    written = json.dumps({text: text}, ensure_ascii=False)
    assert json.loads(tame(written)) == {text: text}


def test_letters_of_all_scripts_are_left_alone() -> None:
    text = "Prüfung, 写真, صورة, תמונה, ภาพ, 👩🏽‍🚀 ~ ÿ\u00a0"
    assert tame(text, line=True) == text


def test_a_line_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    say("a\nError: forged\t\r\u2028\udcff")
    assert capsys.readouterr().out == "a\\nError: forged\\t\\u000d\\u2028\\udcff\n"


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@A1", " =1", "\t=1", "\r=1", "＝1", "\n@A1"])
def test_no_cell_is_a_formula(text: str) -> None:
    assert cell(text).startswith("'")
    assert not cell("a" + text).startswith("'")


def test_an_interrupt_that_python_cannot_raise_comes_again() -> None:
    code = (
        "import signal, sys, time\n"
        # Whoever runs the tests in the background has them ignore it.
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from solidmark.runs import guard_terminal\n"
        "class Deaf:\n"
        "    def __del__(self):\n"
        "        raise {error}\n"
        "guard_terminal()\n"
        "try:\n"
        "    Deaf()\n"
        "    time.sleep({seconds})\n"
        "except KeyboardInterrupt:\n"
        "    sys.exit(130)\n"
    )

    def run(error: str, seconds: float) -> tuple[int, str]:
        words = [sys.executable, "-c", code.format(error=error, seconds=seconds)]
        done = subprocess.run(words, capture_output=True, check=False)
        return done.returncode, done.stderr.decode()

    assert run("KeyboardInterrupt", 300) == (130, "")
    code_, said = run("ValueError('x\\x1b[31m')", 0.1)
    assert code_ == 0
    assert "ValueError: x\\u001b[31m" in said
    assert tame(said) == said


def test_what_python_prints_is_tame_too() -> None:
    code = (
        "import warnings\n"
        "from solidmark.runs import guard_terminal\n"
        "guard_terminal()\n"
        "warnings.warn('w\\x1b[31m\\u202e\\x9b')\n"
        "raise ValueError('e\\x1b[31m\\u202e\\x9b')\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "always", "-c", code], capture_output=True, check=False
    )
    said = done.stderr.decode()
    assert done.returncode == 1
    assert tame(said) == said
    assert "w\\u001b[31m\\u202e\\u009b" in said
    assert "ValueError: e\\u001b[31m\\u202e\\u009b" in said
