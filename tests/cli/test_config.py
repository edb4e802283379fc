"""What all commands have in common: `--config`, `--dry-run`, `--json`, and how they end."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from breaking import held

from cli.conftest import AUDIT, MARK, TINY, Run
from solidmark import cli
from solidmark.runs import read_manifest


@pytest.fixture(autouse=True)
def _here(world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(world)


def config(path: Path, **values: object) -> Path:
    path.write_text(yaml.safe_dump(values))
    return path


def plan(run: Run, *words: object) -> dict:
    answer = run(*words, "--dry-run")
    assert answer.code == 0, answer.err
    return dict(yaml.safe_load(answer.out))


def test_a_configuration_is_the_whole_command_line(run: Run, tmp_path: Path) -> None:
    file = config(
        tmp_path / "audit.yaml",
        **{"model": "model", "marked": "marked", "out": "somewhere", "batch-size": 3},
        **{"reader": ["energy", "probe"], "energy_candidates": 5, "--outpaint-eta": 0.5},
        **{"split": "trained", "ceiling": False, "device": "cpu", "limit": None},
    )
    found = plan(run, "audit", "--config", file)
    assert found["command"] == "audit"
    assert found["model"] == "model"
    assert found["out"] == "somewhere"
    assert found["batch_size"] == 3
    assert found["reader"] == ["energy", "probe"]
    assert found["split"] == ["trained"]
    assert found["outpaint_eta"] == 0.5
    assert found["ceiling"] is False
    assert "limit" not in found


def test_the_command_line_goes_first(run: Run, tmp_path: Path) -> None:
    file = config(tmp_path / "mark.yaml", data="elsewhere", out="there", thickness=3, held_out=0.25)
    found = plan(run, "mark", "--config", file, "photos", "here", "--thickness", 2)
    assert (found["data"], found["out"], found["thickness"]) == ("photos", "here", 2)
    assert found["held_out"] == 0.25


def test_lists_may_be_lists(run: Run, tmp_path: Path) -> None:
    file = config(
        tmp_path / "train.yaml",
        **{"preset": "digits-demo", "block_out_channels": [8, 16], "attention_levels": []},
        **{"norm_num_groups": 4, "checkpoint_at": 5},
    )
    found = plan(run, "train", "marked", "OUT", "--config", file)
    assert found["block_out_channels"] == "8,16"
    answer = run("train", "marked", "OUT", "--config", file, "--dry-run", "--json")
    assert answer.json["plan"]["recipe"]["block_out_channels"] == [8, 16]
    assert answer.json["plan"]["recipe"]["attention_levels"] == []
    assert answer.json["plan"]["recipe"]["checkpoint_at"] == [5]


def test_an_empty_configuration_changes_nothing(run: Run, tmp_path: Path) -> None:
    (tmp_path / "empty.yaml").write_text("# nothing yet\n")
    line = ["mark", "photos", "OUT"]
    assert plan(run, *line, "--config", tmp_path / "empty.yaml") == plan(run, *line)


@pytest.mark.parametrize("folder", ["marked", "audit"])
def test_the_configuration_beside_a_result_gives_the_same_run(
    folder: str, run: Run, tmp_path: Path, world: Path
) -> None:
    kept = world / folder / "config.yaml"
    command = yaml.safe_load(kept.read_text())["command"]
    before = {p: p.read_bytes() for p in (world / folder).rglob("*") if p.is_file()}
    assert run(command, "--config", kept).code == 0  # The same run: nothing is left to do.
    assert {p: p.read_bytes() for p in (world / folder).rglob("*") if p.is_file()} == before
    again = tmp_path / "again"
    assert run(command, "--config", kept, "--out", again).code == 2  # OUT is no option.
    values = yaml.safe_load(kept.read_text()) | {"out": str(again)}
    assert run(command, "--config", config(tmp_path / "again.yaml", **values)).code == 0
    for name in ("keys.parquet", "evidence.parquet", "scores.parquet"):
        if (world / folder / name).is_file():
            assert (again / name).read_bytes() == (world / folder / name).read_bytes()


@pytest.mark.parametrize(
    ("line", "counts"),
    [
        (["mark", "photos", "OUT", *MARK, "--resolution", "8"], {"images": 16, "held_out": 8}),
        (["train", "marked", "OUT", *TINY], {"images": 8, "marked_size": [12, 12]}),
        (["audit", "model", "marked", "OUT"], {"images": {"trained": 8, "held_out": 8}}),
        (["observe", "gaussian", "marked", "OUT", "--limit", "3"], {"evaluations": 6}),
        (["demo", "OUT"], {"images": 128, "held_out": 64}),
        (["demo", "OUT", "--text"], {"images": 128, "marked_size": [64, 64]}),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_a_dry_run_writes_nothing(line: list[str], counts: dict, run: Run, world: Path) -> None:
    before = sorted(world.rglob("*"))
    answer = run(*line, "--dry-run")
    assert answer.code == 0, answer.err
    assert answer.err == ""
    assert "nothing was written" in answer.out
    resolved = yaml.safe_load(answer.out)
    assert resolved["command"] == line[0]
    assert resolved["out"] == "OUT"
    as_json = run(*line, "--dry-run", "--json").json
    assert as_json["options"] == resolved
    assert counts.items() <= as_json["plan"].items()
    assert sorted(world.rglob("*")) == before


@pytest.mark.parametrize(
    "line",
    [
        ["audit", "model", "marked", "OUT", "--device", "cuda:7"],
        ["audit", "large-model", "marked", "OUT"],
        ["train", "marked", "OUT", *TINY, "--block-out-channels", "8,8,8,8"],
        ["train", "marked", "OUT", *TINY, "--class-conditional"],
        ["mark", "photos", "OUT", "--pattern", "center", "--resolution", "8"],
    ],
    ids=" ".join,
)
def test_a_dry_run_finds_what_would_fail(line: list[str], run: Run) -> None:
    assert run(*line, "--dry-run").code == 2


def test_json_is_the_whole_of_stdout(run: Run, tmp_path: Path, world: Path) -> None:
    marked = run("mark", "photos", tmp_path / "marked", *MARK, "--json").json
    assert (marked["trained"], marked["held_out"]) == (8, 8)
    model = run("train", tmp_path / "marked", tmp_path / "model", *TINY, "--json").result
    assert model == {"model": str(tmp_path / "model" / "model")}
    line = [tmp_path / "model", tmp_path / "marked", tmp_path / "audit", *AUDIT, "--json"]
    assert run("observe", *line).result == {"evidence": str(tmp_path / "audit/evidence.parquet")}
    results = run("audit", *line).json
    assert results == held(tmp_path / "audit" / "results.json")
    again = run("score", tmp_path / "audit", "--json").json
    assert {name: again[name] for name in results} == results
    page = run("report", tmp_path / "audit", "--json").result
    assert page == {"report": str(tmp_path / "audit" / "report.html")}
    manifest = run("inspect", tmp_path / "audit", "--json").result
    assert manifest == read_manifest(tmp_path / "audit")


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (["inspect", "marked", "--json"], 0),
        (["train", "marked", "OUT", *TINY, "--json"], 0),
        (["audit", "flow-model", "marked", "OUT", "--device", "cpu"], 2),
    ],
    ids=["inspect", "train", "audit"],
)
def test_a_process_of_its_own_says_the_same(
    line: list[str], code: int, world: Path, tmp_path: Path
) -> None:
    """`python -m solidmark`: the libraries below put nothing on stdout, and no noise on stderr."""
    words = [str(tmp_path / "OUT") if word == "OUT" else word for word in line]
    done = subprocess.run(
        [sys.executable, "-m", "solidmark", *words], capture_output=True, text=True, cwd=world
    )
    assert done.returncode == code
    assert done.stderr.count("\n") == (code == 2), done.stderr
    if code:
        assert done.stdout == ""
    else:
        assert json.loads(done.stdout)


def test_a_reader_that_goes_away_is_no_fault(world: Path) -> None:
    line = f'"{sys.executable}" -m solidmark inspect marked | true; exit ${{PIPESTATUS[0]}}'
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, cwd=world)
    assert done.returncode in (0, 1)
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr


def test_underscores_are_dashes(run: Run) -> None:
    one = plan(run, "train", "marked", "OUT", *TINY, "--train_batch_size", 3, "--learning_rate=0.1")
    two = plan(run, "train", "marked", "OUT", *TINY, "--train-batch-size", 3, "--learning-rate=0.1")
    assert one == two
    assert (one["train_batch_size"], one["learning_rate"]) == (3, 0.1)
    assert plan(run, "mark", "twice", "a_b", "--id_column", "file_name")["id_column"] == "file_name"


@pytest.mark.parametrize("where", ["solidmark.reporting.score", "solidmark.runs.read_manifest"])
def test_ctrl_c_is_130_and_says_how_to_go_on(
    where: str, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*arguments: object, **options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(where, interrupted)
    answer = run("score" if "score" in where else "inspect", "audit")
    assert answer.code == 130
    assert answer.out == ""
    assert answer.err == "Interrupted. Run the same command again to go on.\n"


def test_a_fault_of_ours_keeps_its_trace(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*arguments: object) -> None:
        raise AssertionError("ours")

    monkeypatch.setattr("solidmark.runs.read_manifest", broken)
    with pytest.raises(AssertionError, match="ours"):
        run("inspect", "audit")


def test_the_entry_points_are_one() -> None:
    import solidmark.__main__

    assert solidmark.__main__.main is cli.main


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("thickness: true", 'takes a value, not "True"'),
        (f"thickness: {'9' * 5000}", "not readable YAML"),
        (f"thickness: 1{':59' * 60}", "below 2^63"),
        ("pattern: &a [*a]", "pattern"),
    ],
)
def test_values_that_no_command_line_has(text: str, message: str, run: Run, tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(text)
    answer = run("mark", "digits", tmp_path / "out", "--config", path)
    assert answer.code == 2
    assert message in answer.err
    assert answer.err.count("\n") == 1
