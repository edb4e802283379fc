"""`index` and `guard`, as they are typed: what they print, and their exit codes."""

import json
import shutil
from pathlib import Path

import pytest

from cli.conftest import Run, write_digits


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """`train`, and `fresh` of other digits; an index that passes them at l2 0.02."""
    monkeypatch.chdir(tmp_path)
    write_digits(tmp_path / "every", 60)
    for number, path in enumerate(sorted((tmp_path / "every").iterdir())):
        folder = tmp_path / ("train" if number < 25 else "held_out" if number < 45 else "fresh")
        folder.mkdir(exist_ok=True)
        shutil.copy(path, folder)
    return tmp_path


INDEX = ["index", "train", "index", "--held-out", "held_out", "--mode", "L", "--device", "cpu"]
INDEX += ["--cache", "cache"]


def test_an_index_says_what_it_will_refuse(here: Path, run: Run) -> None:
    words = [*INDEX, "--distance", "l2", "--distance", "phash", "--fpr", "0.1", "--fpr", "0.01"]
    plan = run(*words, "--dry-run", "--json").json["plan"]
    assert (plan["training_images"], plan["held_out_images"]) == (25, 20)
    assert not (here / "index").exists()
    answer = run(*words)
    assert answer.code == 0, answer.err
    first, l2, small, phash, _, *shares, last, data, after = answer.out.splitlines()
    assert first == "25 training images."
    assert l2.startswith("l2: a distance of 0.")
    assert "false-positive rate of 0.1 (20 held-out images: really" in l2
    assert "20 held-out images cannot show a rate of 0.01: 99 are needed." in small
    assert phash.startswith("phash: a similarity of 0.")
    assert [share.split(" of ")[-2] for share in shares] == [
        "the held-out images themselves would be refused by any",
        "the held-out images themselves would be refused by all",
    ]
    assert last == "The index: index"
    assert data.startswith('Data: "train": 25 images, 0 captions, 0 classes. "held_out": ')
    assert after == "Next: solidmark guard index IMAGE"
    again = run("index", "train", "index", "--config", here / "index" / "config.yaml", "--json")
    assert again.code == 0, again.err
    assert again.json["asked"] == ["l2", "phash"]
    assert "index" in run("inspect", "index").out


def test_the_exit_code_says_whether_all_pass(here: Path, run: Run) -> None:
    assert run(*INDEX, "--distance", "modified-l2", "--fpr", "0.05", "--pictures").code == 0
    threshold = ["--threshold", "modified-l2=0.2"]
    answer = run("guard", "index", "fresh", *threshold)
    assert answer.code == 0, answer.err
    *lines, last, data = answer.out.splitlines()
    assert data == "Data: 15 images, 0 captions, 0 classes."
    assert last == "15 images may pass."
    assert len(lines) == 15
    for line, path in zip(lines, sorted((here / "fresh").iterdir()), strict=True):
        assert line.startswith(f"pass    fresh/{path.name}: modified-l2 distance ")
        assert "refused up to 0.2000, p " in line
        assert ', nearest "digit-' in line
    copy = next((here / "train").iterdir())
    fresh = next((here / "fresh").iterdir())
    answer = run("guard", "index", fresh, copy, *threshold)
    assert answer.code == 3
    assert answer.err == ""
    assert f'\nREFUSE  {copy}: the training image "{copy.name}" itself\n' in answer.out
    assert answer.out.endswith("1 of 2 images refused.\n")
    assert run("guard", "index", copy, *threshold).out.count("\n") == 1
    answer = run("guard", "index", copy, fresh, *threshold, "--json")
    assert answer.code == 3
    assert answer.json["verdict"]["state"] == "refused"
    one, two = answer.json["images"]
    assert (one["status"], one["copy_of"], one["refused"]) == ("refused", copy.name, True)
    assert (two["status"], two["copy_of"], two["refused"]) == ("pass", None, False)
    assert Path(one["picture"]).is_file()
    assert two["closeness"]["modified-l2"]["threshold"] == 0.2
    assert json.loads(json.dumps(two)) == two


def test_what_cannot_be_read_does_not_pass(here: Path, run: Run) -> None:
    assert run(*INDEX, "--distance", "l2", "--fpr", "0.05").code == 0
    (here / "torn.png").write_bytes(b"nothing")
    words = ["guard", "index", "--threshold", "l2=0.0001"]
    answer = run(*words, "torn.png", "fresh")
    assert answer.code == 3
    assert answer.out.startswith('UNREAD  torn.png: "torn.png" is broken. It is not an image')
    assert answer.out.endswith(
        "0 of 16 images refused, 1 cannot be judged.\nData: 15 images, 0 captions, 0 classes.\n"
    )
    assert run(*words, "torn.png", "fresh", "--json").json["images"][0]["status"] == "unread"
    answer = run(*words, "torn.png")
    assert answer.code == 2
    assert answer.out == ""
    assert answer.err.startswith('Error: "torn.png" is broken.')


def test_all_refuse_less_than_any(here: Path, run: Run) -> None:
    assert run(*INDEX, "--distance", "l2", "--distance", "phash", "--fpr", "0.05").code == 0
    words = ["guard", "index", "fresh", "--threshold", "l2=0.0001", "--threshold", "phash=-1"]
    assert run(*words, "--any").out.splitlines()[-2] == "15 of 15 images refused."
    assert run(*words).code == 3
    assert run(*words, "--all").code == 0
    answer = run(*words)
    assert ": phash similarity " in answer.out
    assert "refused from -1.0000, p " in answer.out


def test_without_held_out_images(here: Path, run: Run) -> None:
    answer = run("index", "train", "index", "--distance", "l2", "--device", "cpu")
    assert answer.code == 0
    assert "Without held-out images nobody can say what is too close" in answer.out
    answer = run("guard", "index", "fresh", "--threshold", "l2=0.001")
    assert answer.code == 0
    assert ", p " not in answer.out


def test_an_index_that_was_overwritten_passes_nobody(here: Path, run: Run) -> None:
    assert run(*INDEX, "--distance", "l2", "--fpr", "0.05").code == 0
    copy = next((here / "train").iterdir())
    for name in ("null.parquet", "training"):
        path = here / "index" / name
        path = next(path.rglob("*.npy")) if path.is_dir() else path
        whole = path.read_bytes()
        path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
        answer = run("guard", "index", copy)
        assert answer.code == 2
        assert answer.err.startswith('Error: "index" is not whole: ')
        assert path.name in answer.err
        assert answer.err.count("\n") == 1
        path.write_bytes(whole)
    assert run("guard", "index", copy).code == 3
