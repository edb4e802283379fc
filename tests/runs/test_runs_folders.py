"""A run folder: made, resumed, refused."""

import json
from pathlib import Path

import pytest
from forking import start

from solidmark.errors import BadInput, NotFound, RunConflict
from solidmark.runs import open_run, read_json, read_manifest, write_bytes, write_json
from solidmark.runs.lock import take

CONFIG = {"seed": 1, "name": "é", "deltas": [0.1, 0.05], "limit": None}


def test_a_new_run_says_what_was_asked_before_any_work(tmp_path: Path) -> None:
    run = open_run(tmp_path / "a" / "b", "mark", CONFIG, {"data": "abc"})
    assert not run.finished
    manifest = read_json(tmp_path / "a" / "b" / "manifest.json")
    assert manifest.pop("versions").keys() >= {"python", "solidmark", "torch"}
    assert len(manifest.pop("checksum")) == 16
    assert manifest == {
        "version": 1,
        "command": "mark",
        "config": CONFIG,
        "fingerprints": {"data": "abc"},
        "finished": False,
    }


def test_the_same_command_resumes_and_finishes(tmp_path: Path) -> None:
    open_run(tmp_path, "mark", CONFIG)
    run = open_run(tmp_path, "mark", CONFIG)
    assert not run.finished
    run.finish(rows=3)
    assert run.finished
    again = open_run(tmp_path, "mark", CONFIG)
    assert again.finished
    assert again.manifest["rows"] == 3
    assert read_manifest(tmp_path, "mark")["rows"] == 3


def test_a_bit_that_was_turned_over_in_a_manifest_is_noticed(tmp_path: Path) -> None:
    open_run(tmp_path, "mark", CONFIG | {"odd": "\x1b \udcff \u2028", 7: 0.1}).finish(rows=3)
    path = tmp_path / "manifest.json"
    text = path.read_text(encoding="utf-8")
    for old, new in (('"rows": 3', '"rows": 7'), ("0.05", "0.04"), ('"finished"', '"finishee"')):
        path.write_text(text.replace(old, new), encoding="utf-8")
        with pytest.raises(BadInput, match=r"manifest\.json"):
            read_manifest(tmp_path)
        with pytest.raises(BadInput, match=r"Put it back, or make the folder again"):
            open_run(tmp_path, "mark", CONFIG)
    # However it is written down.
    write_json(path, json.loads(text))
    path.write_text(json.dumps(json.loads(text)), encoding="utf-8")
    assert read_manifest(tmp_path, "mark")["rows"] == 3
    # One of before has none.
    kept = {name: value for name, value in json.loads(text).items() if name != "checksum"}
    path.write_text(json.dumps(kept | {"rows": 4}), encoding="utf-8")
    assert read_manifest(tmp_path, "mark")["rows"] == 4
    assert "checksum" not in read_manifest(tmp_path)


def test_a_tuple_is_the_list_that_the_manifest_holds(tmp_path: Path) -> None:
    open_run(tmp_path, "mark", {"deltas": (0.1, 0.05)})
    assert open_run(tmp_path, "mark", {"deltas": (0.1, 0.05)}).folder == tmp_path


def test_what_is_nested_is_named_by_its_own_name(tmp_path: Path) -> None:
    open_run(tmp_path, "mark", {"how": {"steps": 6, "rate": 0.1}})
    with pytest.raises(RunConflict, match=r"\(steps: there 6, here 8\)"):
        open_run(tmp_path, "mark", {"how": {"steps": 8, "rate": 0.1}})


@pytest.mark.parametrize(
    ("command", "config", "fingerprints", "message"),
    [
        ("mark", {**CONFIG, "seed": 2}, {"data": "abc"}, r"\(another seed\)"),
        ("mark", {**CONFIG, "more": 1}, {"data": "abc"}, "more: there None, here 1"),
        ("mark", {"seed": 1}, {"data": "abc"}, "deltas: there"),
        ("mark", CONFIG, {"data": "xyz"}, "the content of data: there 'abc', here 'xyz'"),
        ("mark", CONFIG, None, "the content of data"),
        ("train", CONFIG, {"data": "abc"}, 'made by "solidmark mark"'),
    ],
)
def test_another_run_is_refused_and_named(
    command: str, config: dict, fingerprints: dict, message: str, tmp_path: Path
) -> None:
    open_run(tmp_path, "mark", CONFIG, {"data": "abc"})
    before = (tmp_path / "manifest.json").read_bytes()
    with pytest.raises(RunConflict, match=message):
        open_run(tmp_path, command, config, fingerprints)
    assert (tmp_path / "manifest.json").read_bytes() == before


def test_files_of_somebody_else_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(RunConflict, match="not made by solidmark"):
        open_run(tmp_path, "mark", CONFIG)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_runs_may_lie_in_the_folder_of_a_run_and_hidden_files_do_not_count(tmp_path: Path) -> None:
    open_run(tmp_path / "inner", "mark", CONFIG)
    (tmp_path / ".DS_Store").write_bytes(b"")
    open_run(tmp_path, "audit", {})
    assert read_manifest(tmp_path)["command"] == "audit"
    (tmp_path / "other" / "deep").mkdir(parents=True)
    with pytest.raises(RunConflict):
        open_run(tmp_path / "other", "audit", {})


def test_an_empty_folder_is_taken(tmp_path: Path) -> None:
    open_run(tmp_path, "mark", {})
    assert (tmp_path / "manifest.json").is_file()


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("")
    with pytest.raises(RunConflict, match="is a file"):
        open_run(tmp_path / "out", "mark", CONFIG)


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInput, match="cannot be written") as raised:
        open_run(tmp_path / "file" / "out", "mark", CONFIG)
    assert "\n" not in str(raised.value)


def test_a_finished_run_keeps_no_lock_of_a_process_that_was_killed(tmp_path: Path) -> None:
    open_run(tmp_path, "mark", {}).finish()
    (tmp_path / ".lock").write_text("")
    assert open_run(tmp_path, "mark", {}).finished
    assert not (tmp_path / ".lock").exists()
    # Of one that is still at work it stays.
    lock = take(tmp_path, "mark")
    child = start(open_run, tmp_path, "mark", {})
    child.join(60)
    assert child.exitcode == 0
    assert (tmp_path / ".lock").exists()
    lock.release()


def test_what_cannot_be_made_again_is_put_back_and_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = open_run(tmp_path, "audit", {})
    for name in ("a.csv", "pictures/b.png", "pictures/c.png"):
        write_bytes(tmp_path / name, b"whole")
    run.finish("a.csv", "pictures")
    (tmp_path / "a.csv").unlink()
    (tmp_path / "pictures/b.png").write_bytes(b"cut")
    (tmp_path / "pictures/c.png").unlink()
    run = open_run(tmp_path, "audit", {})
    write_bytes(tmp_path / "a.csv", b"whole")  # That can be made again.
    capsys.readouterr()
    run.finish("a.csv", "pictures")
    said = capsys.readouterr().err
    assert said.startswith('"pictures/c.png", "pictures/b.png" are missing still: ')
    assert (tmp_path / "pictures/b.png").read_bytes() == b"cut"
    assert open_run(tmp_path, "audit", {}).finished


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[]",
        b"null",
        b'"mark"',
        b"{}",
        b'{"command": "mark"}',
        b'{"command": "mark", "config": [], "fingerprints": {}, "finished": false}',
        b'{"command": "mark", "config": {}, "fingerprints": 3, "finished": false}',
        b'{"command": 3, "config": {}, "fingerprints": {}, "finished": false}',
        b'{"command": "mark", "config": {}, "fingerprints": {}}',
    ],
)
def test_a_broken_manifest_is_refused_and_kept(text: bytes, tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_bytes(text)
    with pytest.raises(BadInput, match=r"manifest\.json"):
        open_run(tmp_path, "mark", {})
    with pytest.raises(BadInput):
        read_manifest(tmp_path, "mark")
    assert (tmp_path / "manifest.json").read_bytes() == text


def test_a_folder_is_read_only_when_its_command_has_finished(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match='"solidmark mark" makes one'):
        read_manifest(tmp_path, "mark")
    with pytest.raises(NotFound, match="no manifest"):
        read_manifest(tmp_path / "nowhere")
    run = open_run(tmp_path, "mark", {})
    with pytest.raises(RunConflict, match='"solidmark mark" command again'):
        read_manifest(tmp_path, "mark")
    assert read_manifest(tmp_path)["command"] == "mark"
    run.finish()
    with pytest.raises(RunConflict, match='a folder of "solidmark train" is needed'):
        read_manifest(tmp_path, "train")


def test_an_abandoned_run_can_be_named_again(tmp_path: Path) -> None:
    open_run(tmp_path, "mark", {"seed": 1}).abandon()
    assert open_run(tmp_path, "mark", {"seed": 2}).manifest["config"] == {"seed": 2}


def test_the_same_manifest_is_the_same_file(tmp_path: Path) -> None:
    for name, config in (("a", {"x": 1, "y": 2}), ("b", {"y": 2, "x": 1})):
        open_run(tmp_path / name, "mark", config).finish(z=1, a=2)
    one, two = ((tmp_path / name / "manifest.json").read_bytes() for name in "ab")
    assert one == two


def test_no_number_that_is_none_gets_into_json(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="JSON"):
        write_json(tmp_path / "a.json", {"value": float("nan")})
    assert list(tmp_path.iterdir()) == []
    write_json(tmp_path / "a.json", {"é": "\u2028"})
    assert read_json(tmp_path / "a.json") == {"é": "\u2028"}
    assert json.loads((tmp_path / "a.json").read_bytes()) == {"é": "\u2028"}
