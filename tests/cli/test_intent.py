"""`intent`, as it is typed."""

import json
from pathlib import Path

import pytest

from cli.conftest import Run, write_digits

QUICK = ["--steps", 2, "--per-prompt", 4, "--device", "cpu"]


@pytest.fixture(scope="module")
def captioned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Digits with captions, and the same in frames."""
    from solidmark.cli import main

    here = tmp_path_factory.mktemp("captioned")
    write_digits(here / "digits", 12)
    colours, things = ("red", "blue", "green"), ("dog", "cat", "tree", "boat")
    lines = [
        {"file_name": f"digit-{n:02d}.png", "text": f"a {colours[n % 3]} {things[n // 3]}"}
        for n in range(12)
    ]
    (here / "digits" / "metadata.jsonl").write_text("\n".join(map(json.dumps, lines)))
    mark = ["mark", here / "digits", here / "marked", "--mode", "L", "--thickness", 2]
    assert main([str(word) for word in [*mark, "--held-out", 0]]) == 0
    (here / "expected.csv").write_text("image,expected\ndigit-00.png,no\n")
    return here


def test_types_are_counted_and_the_page_is_named(captioned: Path, tmp_path: Path, run: Run) -> None:
    out = tmp_path / "intent"
    words = ["intent", "memorizer", captioned / "marked", out, *QUICK, "--limit", 3]
    planned = run(*words, "--dry-run", "--json").json["plan"]
    assert (planned["prompts"], planned["unrelated_prompts"]) == (3, 9)
    assert planned["generations"] == 4 * planned["texts"]
    assert planned["network_calls"] == 2 * planned["generations"]
    assert not out.exists()
    answer = run(*words)
    assert answer.code == 0, answer.err
    said = answer.out.splitlines()
    results = json.loads((out / "results.json").read_text())
    assert said[0] == results["verdict"]["headline"]
    details = results["verdict"]["details"]
    assert said[1 : 1 + len(details)] == details
    assert any("unintended in 3 prompts" in one for one in details)
    assert said[-1] == f"The page: {out / 'report.html'}"
    assert (out / "report.html").is_file()
    again = run(
        "intent", "memorizer", captioned / "marked", out, "--config", out / "config.yaml", "--json"
    )
    assert again.code == 0, again.err
    assert again.json["prompts"] == 3
    from solidmark.data import open_data

    drawn = open_data(out / "pictures" / "generations", mode="L")[0].image
    assert drawn.shape == (1, 8, 8), "without the frame"


def test_it_is_scored_again(captioned: Path, tmp_path: Path, run: Run) -> None:
    out = tmp_path / "intent"
    assert run("intent", "memorizer", captioned / "digits", out, "--mode", "L", *QUICK).code == 0
    found = run(
        "score", out, "--threshold", 0.99, "--expected", captioned / "expected.csv", "--json"
    )
    assert found.code == 0, found.err
    assert found.json["scoring"]["threshold"] == 0.99
    assert {row["split"] for row in found.json["rows"]} >= {"all", "not expected"}
    assert run("score", out, "--frequent", 0.5, "--json").json["scoring"]["threshold"] == 0.99
    for wrong in (
        ["--delta", 0.1],
        ["--fpr", 0.1, "--fpr", 0.2],
        ["--fpr", 0.1, "--threshold", 0.5],
    ):
        answer = run("score", out, *wrong)
        assert answer.code == 2
        assert answer.err.count("\n") == 1
    other = run("score", captioned / "marked", "--frequent", 0.5)
    assert other.code == 2
    assert "--frequent says nothing to the results of" in other.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--threshold", "close"], "--threshold takes a similarity in [-1, 1] or auto"),
        (["--threshold", "2"], "a similarity in [-1, 1]"),
        (["--frequent", "0"], "--frequent must be"),
        (["--fpr", "1"], "--fpr must be"),
        (["--prompts", "none.txt"], 'no file of prompts "none.txt"'),
        (["--feature-file", "none.json"], "none.json"),
        (["--caption", "a", "--prompts", "none.txt"], "Leave one out"),
        (["--caption", ""], "is no prompt"),
        (["--similarity", "l3"], 'no similarity "l3"'),
        (["--steps", "0"], "--steps must be"),
        (["--text-encoder", "/no/such/encoder"], "sentence encoder"),
    ],
)
def test_what_is_wrong_is_one_line(
    captioned: Path, tmp_path: Path, run: Run, words: list[str], said: str
) -> None:
    answer = run(
        "intent", "gaussian", captioned / "digits", tmp_path / "out", "--mode", "L", *QUICK, *words
    )
    assert answer.code == 2
    assert answer.err.startswith("Error: ")
    assert answer.err.count("\n") == 1
    assert said in answer.err
    assert not (tmp_path / "out").exists()
