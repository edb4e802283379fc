"""Every command says and writes what it did when it was frozen.

A difference is no fault by itself. Whoever means it writes the files anew, `python -m
tests.golden`, looks at the diff of git, and says in the commit what it shows, and why.
"""

import re

import pytest
from painting import Painted

from solidmark.cli.main import COMMANDS
from solidmark.page import drawing
from solidmark.runs import VERDICTS

from .comparing import close, differences, same
from .freezing import hushed, json_lines
from .pages import page_lines
from .runs import RUNS, needed
from .world import FROZEN, World


@pytest.fixture
def painted_exactly(monkeypatch: pytest.MonkeyPatch) -> None:
    """The files of every figure are made, of every kind of page with what a run finds."""
    if isinstance(drawing.painted, Painted):
        monkeypatch.setattr(drawing, "painted", drawing.painted.exactly)


@pytest.mark.usefixtures("painted_exactly")
@pytest.mark.parametrize("name", RUNS)
def test_a_run_says_and_writes_the_same(name: str, world: World) -> None:
    frozen = (FROZEN / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    found = list(differences(frozen, world.lines(name), RUNS[name].tolerance))
    assert not found, "\n".join([f"{name} is not what was frozen:", *found[:80]])


def test_nothing_is_frozen_that_no_run_makes() -> None:
    assert {path.stem for path in FROZEN.iterdir()} == set(RUNS)


def test_no_command_and_no_verdict_is_left_out() -> None:
    lines = [line for run in RUNS.values() for line in run.lines]
    assert set(COMMANDS) <= {line.split()[0] for line in lines}
    text = "\n".join(path.read_text(encoding="utf-8") for path in FROZEN.iterdir())
    assert set(re.findall("^verdict state: (.+)$", text, re.MULTILINE)) >= set(VERDICTS)


def test_a_run_comes_after_what_it_reads() -> None:
    names = list(RUNS)
    for name in names:
        assert all(names.index(other) < names.index(name) for other in needed(name))
    assert needed("compare") == ["audit-border", "audit-gaussian", "audit-segments"]
    assert needed("report") == ["score"]


@pytest.mark.parametrize(
    ("old", "new", "alike"),
    [
        ("0.06849", "0.06850", True),  # The border between two of the last digits.
        ("1.000", "0.9999", True),
        ("0.5000", "0.5020", False),
        ("0.5000", "0.5009", True),
        ("1.010e-45", "1.150e-45", True),  # exp(-103): 2e-3 of 103 is 0.2.
        ("1.010e-45", "1.400e-45", False),
        ("2.000e-05", "2.050e-05", False),
        ("0.0", "1.000e-08", True),
        ("0.0", "0.0001000", False),
        ("7", "8", False),
        ("7", "7.000", False),
        ("−0.92", "−0.93", True),
        ("−0.92", "0.92", False),
        ("1,234", "1,235", False),
    ],
)
def test_numbers_may_round_and_counts_may_not(old: str, new: str, alike: bool) -> None:
    assert close(old, new) is alike
    assert close(new, old) is alike
    assert same(f"p = {old} of it", f"p = {new} of it") is alike
    assert list(differences([old], [new])) == ([] if alike else [f"- {old}", f"+ {new}"])


def test_words_are_the_same_or_they_are_not() -> None:
    frozen = ["Memorized", "p = 0.0020", "end"]
    assert list(differences(frozen, frozen)) == []
    assert list(differences(frozen, ["A hint", *frozen[1:]])) == ["- Memorized", "+ A hint"]
    assert list(differences(frozen, frozen[:2])) == ["- end"]
    assert list(differences(frozen, [*frozen, "more"])) == ["+ more"]
    assert same("digit-03-2e0c.png", "digit-04-2e0c.png") is False


def test_a_page_is_read_aloud() -> None:
    page = """<head><title>no</title><style>p {}</style></head><h2>Of <b>it</b></h2>
    <p>Not &lt;seen&gt; in\n  <span>all</span>.</p><img alt="a picture"><svg><text>0.1</text></svg>
    <dl><dt>p</dt><dd>0.04</dd></dl><h3>Versions</h3><p>torch 9</p><h4>of it</h4><p>no</p>
    <h2>Rows</h2><table><tr><th>One<small>unit</small></th><td>2</td></tr></table>
    <script>let no = 1;</script><ul><li>a</li><li>b</li></ul>"""
    first = ["# Of it", "Not <seen> in all.", "[a picture]", "p: 0.04"]
    rows = ["# Rows", "| One unit | 2", "a", "b"]
    assert list(page_lines(page)) == [*first, *rows]
    assert list(page_lines(page, ["Rows"])) == first


def test_results_are_a_line_each() -> None:
    note = "so much is said of these rows that it stands below them, " * 5
    rows = [
        {"n": 4, "value": 0.25, "note": note},
        {"n": 4, "value": 1e-9, "note": note, "p": 0.0},
        {"n": 4, "value": None, "note": None, "p": 1},
    ]
    found = list(json_lines("", {"rows": rows, "seed": 0, "memory": {"peak": 1}}, {"memory"}))
    table = ["0.2500|(1)|", "1.000e-09|(1)|0.0", "-|-|1", f"(1) {note.strip()}"]
    assert found == ["rows: 3 rows", "all: n=4", "value|note|p", *table, "seed: 0"]


def test_a_machine_is_not_frozen() -> None:
    assert hushed("Asked with 1,628 MiB.") == "Asked with ...."
    assert hushed("torch: 2.13.0+cpu, 12 of 0.25") == "torch: ..., 12 of 0.25"
    assert hushed("keys: 60fe894748ee5f45 12") == "keys: ... 12"
    assert hushed("digit-00-e1e5cb4e454d.png") == "digit-00-e1e5cb4e454d.png"
