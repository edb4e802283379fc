"""`solidmark compare`, and the option `--mitigation` of `audit`."""

import html
import json
import re
import shutil
from contextlib import chdir
from pathlib import Path

import pyarrow.parquet as parquet
import pytest
import tiny

from cli.conftest import AUDIT, Run
from solidmark.cli import main
from solidmark.measures.audit.comparing import cells as cells_of
from solidmark.mitigations import MITIGATIONS
from solidmark.perturbations import PERTURBATIONS
from solidmark.runs import figure_from, read_manifest
from solidmark.scores.written import p_number


@pytest.fixture(autouse=True)
def _here(world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(world)


@pytest.fixture(scope="module")
def known(world: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An audit of the same images, of a model that knows them."""
    out = tmp_path_factory.mktemp("known") / "other"
    with chdir(world):
        assert main(["audit", "memorizer", "marked", str(out), *AUDIT]) == 0
    return out


@pytest.fixture
def other(known: Path, tmp_path: Path) -> Path:
    """A copy of it, which a test may change."""
    return Path(shutil.copytree(known, tmp_path / "other"))


def test_two_audits_are_compared(run: Run, other: Path) -> None:
    answer = run("compare", "audit", other, "--delta", "0.1")
    assert answer.code == 0, answer.err
    heads, *rows, differs, headline = answer.out.splitlines()
    assert differs.startswith("Differs: ")
    assert heads.split()[:3] == ["reader", "split", "what"]
    assert len(rows) == 10
    assert ["blend", "trained", "within", "0.1"] in [row.split()[:4] for row in rows]
    found = run("compare", "audit", other, "--json").json
    assert (found["first"], found["second"]) == ("audit", str(other))
    (row,) = [
        row for row in found["rows"] if row["statistic"] == "distance" and row["split"] == "trained"
    ]
    assert row["n"] == 8
    assert row["second"] < 0.1 < row["first"]
    assert row["ci_high"] < 0
    assert row["p_value"] < 0.05
    assert found["verdict"]["headline"] == headline
    assert set(found["verdict"]["others"]) == {"first", "second"}


def test_without_a_folder_nothing_is_written(run: Run, world: Path, other: Path) -> None:
    before = sorted(world.rglob("*"))
    assert run("compare", "audit", other).code == 0
    assert sorted(world.rglob("*")) == before


def test_a_comparison_has_a_page(run: Run, other: Path, tmp_path: Path) -> None:
    out = tmp_path / "changed"
    line = ["compare", "audit", other, "--out", out]
    said = run(*line, "--json").json
    assert said["report"] == str(out / "report.html")
    kept = json.loads((out / "results.json").read_text())
    assert kept["verdict"] == said["verdict"]
    assert run("inspect", out, "--json").json["verdict"] == said["verdict"]
    assert [row["value"] for row in kept["rows"]] == [row["value"] for row in said["rows"]]
    changes = parquet.read_table(out / "changes.parquet").to_pylist()
    assert len(changes) == len({(row["reader"], row["split"], row["id"]) for row in changes})
    assert all(row["second"] - row["first"] == row["difference"] for row in changes)
    page = html.unescape((out / "report.html").read_text())
    assert said["verdict"]["headline"] in " ".join(re.sub(r"<[^>]*>", "", page).split())
    for side in ("first", "second"):
        assert said["verdict"]["others"][side]["headline"] in page
    trained = [row for row in changes if row["split"] == "trained"]
    trained.sort(key=lambda row: (-abs(row["difference"]), row["id"]))
    shown = re.findall(r'<bdi class="id">([^<]+)</bdi>', page.partition('id="images"')[2])
    assert shown == [row["id"] for row in trained]
    assert page.count("<img") == len(trained) + 3
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    assert run(*line).code == 0
    assert {path: path.read_bytes() for path in before} == before
    assert run("report", out, "--no-images").code == 0
    assert "<img" not in (out / "report.html").read_text()
    answer = run("compare", other, "audit", "--out", out)
    assert (answer.code, answer.err.count("\n")) == (2, 1)
    assert "another run" in answer.err


def test_a_page_says_what_it_cannot_show(
    run: Run, world: Path, other: Path, tmp_path: Path
) -> None:
    out = tmp_path / "changed"
    assert run("compare", "audit", other, "--out", out).code == 0
    manifest = read_manifest(out)
    manifest["config"]["marked"] = "gone"
    (out / "manifest.json").write_text(json.dumps(manifest))
    assert run("report", out).code == 0
    page = html.unescape((out / "report.html").read_text())
    assert 'The pictures cannot be shown: The marked folder "gone" is no longer there.' in page
    (out / "changes.parquet").write_bytes(b"PAR1 and then nothing")
    answer = run("report", out)
    assert (answer.code, answer.err.count("\n")) == (2, 1)
    assert "not a readable table" in answer.err


def test_no_number_of_the_table_is_zero_that_is_not(run: Run, other: Path) -> None:
    answer = run("compare", "audit", other, "--json").json
    for row in answer["rows"]:
        cells = cells_of(figure_from(row | {"p_value": 2e-308, "ci_low": -1e-9, "ci_high": 2e-7}))
        assert "< 1e-300" in cells
        assert "-1.0e-09 to +2.0e-07" in cells
        for place, name in ((3, "first"), (4, "second"), (5, "value")):
            assert row[name] is None or (float(cells[place]) == 0) == (row[name] == 0)
    p_values = [row["p_value"] for row in answer["rows"] if row["p_value"] is not None]
    lines = run("compare", "audit", other).out.splitlines()
    assert p_values
    assert all(any(f"  {p_number(p)}  " in line for line in lines) for p in p_values)


def test_what_cannot_be_compared_is_one_line(run: Run, world: Path, tmp_path: Path) -> None:
    assert run("audit", "gaussian", "other-seed", tmp_path / "seed", *AUDIT).code == 0
    torn = Path(shutil.copytree("audit", tmp_path / "torn"))
    (torn / "scores.parquet").write_bytes(b"PAR1 and then nothing")
    for words, said in (
        (["audit", tmp_path / "seed"], "were observed with different keys"),
        (["audit", "no-energies"], "has no scores.parquet"),
        (["marked", "audit"], "has no scores.parquet"),
        (["audit", "nowhere"], "nowhere"),
        (["audit", torn], "is not a readable table"),
    ):
        answer = run("compare", *words)
        assert answer.code == 2, words
        assert answer.err.count("\n") == 1
        assert said in answer.err


def test_the_help_names_every_mitigation_and_perturbation(run: Run) -> None:
    text = run("audit", "--help-all").out
    for name in (*MITIGATIONS, *PERTURBATIONS):
        assert f"{name} (" in " ".join(text.split())


@pytest.fixture(scope="module")
def pictures(world: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Marked images with captions, and a tiny Stable Diffusion beside them."""
    from PIL import Image

    here = tmp_path_factory.mktemp("text")
    (here / "photos").mkdir()
    lines = []
    for number in range(8):
        Image.effect_noise((24, 24), 50 + number).convert("RGB").save(here / f"photos/{number}.png")
        lines.append(f'{{"file_name": "{number}.png", "text": "a red dog {number}"}}\n')
    (here / "photos" / "metadata.jsonl").write_text("".join(lines))
    tiny.stable_diffusion(here / "model")
    with chdir(here):
        words = ["--thickness", "4", "--pattern", "border", "--held-out", "0.5", "--seed", "1"]
        assert main(["mark", "photos", "marked", *words]) == 0
    return here


@pytest.mark.parametrize("text", ["gni:0.5", "rt:dcr:1", "cwr", "rna", "wen:0.001"])
def test_a_mitigation_changes_what_is_read(
    text: str, run: Run, pictures: Path, tmp_path: Path
) -> None:
    line = ["audit", pictures / "model", pictures / "marked"]
    probe = ["--reader", "probe", *AUDIT]
    if not (pictures / "plain").exists():
        answer = run(*line, pictures / "plain", *probe)
        assert answer.code == 0, answer.err
    answer = run(*line, tmp_path / "out", *probe, "--mitigation", text, "--json")
    assert answer.code == 0, answer.err
    name = text.split(":")[0]
    (kept,) = answer.json["config"]["mitigations"]
    assert kept["name"] == name
    page = (tmp_path / "out" / "report.html").read_text()
    assert f"mitigations.0.name</bdi></dt><dd><bdi>{name}</bdi>" in page
    found = run("compare", pictures / "plain", tmp_path / "out", "--json").json["rows"]
    moved = [row["value"] for row in found if row["statistic"] == "distance"]
    assert all(abs(difference) > 1e-9 for difference in moved)
    again = run(*line, tmp_path / "out", *probe)
    assert again.code == 2
    assert "another run" in again.err


def test_a_dry_run_shows_the_mitigations_and_checks_them(
    run: Run, pictures: Path, tmp_path: Path
) -> None:
    line = ["audit", pictures / "model", pictures / "marked", tmp_path / "out", "--dry-run"]
    both = ["--mitigation", "rt:2", "--mitigation", "gni:0.1"]
    answer = run(*line, *both, "--json")
    assert answer.json["options"]["mitigation"] == ["rt:2", "gni:0.1"]
    assert "rt:2" in run(*line, *both).out
    assert not (tmp_path / "out").exists()
    for words, said in (
        ([*line, "--mitigation", "gnu"], 'no mitigation "gnu". Did you mean "gni"?'),
        ([*line, "--mitigation", "gni:-1"], "0 or more, not -1"),
        (["audit", "gaussian", "marked", "OUT", "--mitigation", "gni"], "told nothing"),
        (["audit", "model", "marked", "OUT", "--mitigation", "rna"], "told nothing"),
    ):
        answer = run(*words)
        assert answer.code == 2, words
        assert answer.err.count("\n") == 1
        assert said in answer.err
