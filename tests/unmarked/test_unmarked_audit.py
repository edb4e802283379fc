"""An audit without marks, from the command line to the page, on models whose answer is known."""

import json
import shutil
from collections.abc import Callable
from contextlib import chdir
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from solidmark import api
from solidmark.cli import main
from solidmark.data import open_data, to_picture
from solidmark.errors import BadInput, RunConflict
from solidmark.measures.unmarked import Part, Unmarked, audit_unmarked
from solidmark.runs import open_results, read_manifest
from solidmark.verdicts.together import SCOPE

SMALL = "--mode L --device cpu -n 64 --seed 0"
CHEAP = "--measure signals --measure nearest"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Digits that a model was trained on, others, and others of another kind."""
    here = tmp_path_factory.mktemp("unmarked")
    digits = open_data("digits", resolution=8)
    order = np.random.default_rng(0).permutation(len(digits))
    for name, numbers in (("photos", order[:64]), ("control", order[64:128])):
        (here / name).mkdir()
        for number in numbers:
            to_picture(digits[int(number)].image).save(here / name / f"{number:04d}.png")
    (here / "negative").mkdir()
    for path in (here / "control").iterdir():
        pixels = 255 - np.asarray(Image.open(path))
        Image.fromarray(pixels).save(here / "negative" / path.name)
    return here


Audit = Callable[..., Path]


@pytest.fixture(scope="module")
def audit(data: Path) -> Audit:
    """Makes an audit by the command line, each once."""
    done: dict[str, Path] = {}

    def make(model: str, options: str = CHEAP, held_out: str = "control") -> Path:
        name = f"{model}-{held_out}-{len(options)}"
        if name not in done:
            with chdir(data):
                line = f"audit {model} photos {name} --held-out {held_out} {SMALL} {options}"
                assert main(line.split()) == 0
            done[name] = data / name
        return done[name]

    return make


FULL = (
    "--measure signals --measure nearest --measure inpaint --measure invmm --invmm-budget 12000 "
    "--limit 20"
)


def test_a_memorizer_is_seen_by_every_measure_and_all_stand_on_one_page(audit: Audit) -> None:
    folder = audit("memorizer", FULL)
    verdict = open_results(folder).judged
    assert verdict.state == "memorized"
    assert SCOPE in verdict.details
    assert [one.name for one in verdict.findings] == ["signals", "nearest", "inpaint", "invmm"]
    states = {one.name: one.state for one in verdict.findings}
    assert states["signals"] == "hint"
    assert states["nearest"] == states["inpaint"] == "memorized"
    page = (folder / "report.html").read_text()
    for name in states:
        assert (folder / name / "report.html").is_file()
        assert f"{name}/report.html" in page
        assert "an audit of 4 such measures" in open_results(folder / name).judged.rule
    assert page.count("<html") == 1
    assert "data:image" in page


@pytest.mark.parametrize("model", ["average", "gaussian"])
def test_a_model_that_knows_only_moments_is_not_named(model: str, audit: Audit) -> None:
    """`gaussian` of 64 images in 64 dimensions lies in their span, which leaves a trace at most."""
    folder = audit(model)
    verdict = open_results(folder).judged
    assert verdict.state in (("not-seen",) if model == "average" else ("not-seen", "hint"))
    assert verdict.naming == ()
    states = {one.name: one.state for one in verdict.findings}
    assert states["nearest"] != "memorized"


@pytest.mark.parametrize("model", ["memorizer", "average"])
def test_a_control_of_another_kind_shuts_the_verdict(model: str, audit: Audit) -> None:
    verdict = open_results(audit(model, CHEAP, "negative")).judged
    assert verdict.state == "cannot-be-judged"
    assert verdict.finding == "other_kind"
    assert "another kind" in verdict.headline
    named = (audit(model, CHEAP, "negative") / "named.csv").read_text()
    assert len(named.splitlines()) == 1


def test_it_costs_what_was_planned(
    data: Path, audit: Audit, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = audit("memorizer", FULL)
    capsys.readouterr()
    with chdir(data):
        line = f"audit memorizer photos new --held-out control {SMALL} {FULL} --dry-run --json"
        assert main(line.split()) == 0
        assert not Path("new").exists()
    plan = json.loads(capsys.readouterr().out)["plan"]
    figures = open_results(folder).figures
    spent = {one.measure: one.value for one in figures if one.statistic == "network_calls"}
    planned = {
        name: float(said.split(", ")[1].split(" ")[0].replace(",", ""))
        for name, said in plan["measures"].items()
    }
    assert set(planned) == set(spent)
    for name, calls in spent.items():
        assert calls is not None
        if name == "invmm":
            assert 0 < calls <= planned[name]
        else:
            assert calls == planned[name]


def test_a_limit_is_what_the_budget_is_spent_on(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Inpainting of all 128 images is more than it leaves, and of four a side is not."""
    measures = {}
    for limit in ("", "--limit 4"):
        with chdir(data):
            line = f"audit memorizer photos new --held-out control {SMALL} --budget 20000 {limit}"
            assert main([*line.split(), "--dry-run", "--json"]) == 0
        measures[limit] = json.loads(capsys.readouterr().out)["plan"]["measures"]
    assert "inpaint" not in measures[""]
    assert measures["--limit 4"]["inpaint"] == "8 images, 4,000 network calls"


def test_the_same_command_goes_on_and_asks_nothing_again(
    data: Path, audit: Audit, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = audit("average")
    before = {p: p.stat().st_mtime_ns for p in whole.rglob("ledger*/*") if p.is_file()}
    with chdir(data):
        line = f"audit average photos {whole.name} --held-out control {SMALL} {CHEAP}"
        assert main(line.split()) == 0
    assert before == {p: p.stat().st_mtime_ns for p in whole.rglob("ledger*/*") if p.is_file()}
    # Stopped after the first measure: the others are made, and the answer is the same.
    torn = data / "torn"
    shutil.copytree(whole, torn)
    for name in ("nearest", "generated"):
        shutil.rmtree(torn / name)
    (torn / "results.json").unlink()
    manifest = read_manifest(torn)
    (torn / "manifest.json").write_text(json.dumps({**manifest, "finished": False}))
    with chdir(data):
        assert main([*line.replace(whole.name, "torn").split()]) == 0
    assert open_results(torn).judged == open_results(whole).judged


def test_another_question_into_the_same_folder_is_refused(data: Path, audit: Audit) -> None:
    whole = audit("average")
    asked = Unmarked(
        *("average", str(data / "photos"), whole),
        held_out=str(data / "control"),
        parts=(Part("signals"),),
        mode="L",
    )
    with pytest.raises(RunConflict):
        audit_unmarked(asked)


def test_scored_anew_the_verdict_of_all_follows(data: Path, audit: Audit) -> None:
    folder = data / "scored"
    shutil.copytree(audit("memorizer", CHEAP, "negative"), folder)
    assert open_results(folder).judged.state == "cannot-be-judged"
    # One measure alone, and then all of them.
    assert main(["score", str(folder / "nearest"), "--trust-control"]) == 0
    assert open_results(folder / "nearest").judged.state == "memorized"
    assert "an audit of 2 such measures" in open_results(folder / "nearest").judged.rule
    assert open_results(folder).judged.finding == "other_kind"
    assert main(["score", str(folder), "--trust-control"]) == 0
    assert open_results(folder).judged.state == "memorized"


def test_pages_without_pictures_are_so_everywhere(data: Path, audit: Audit) -> None:
    folder = data / "shown"
    shutil.copytree(audit("memorizer", FULL), folder)
    assert main(["report", str(folder), "--no-images"]) == 0
    for page in folder.rglob("report.html"):
        assert "data:image" not in page.read_text(), page


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("--reader blend", "--reader"),
        ("--split trained", "--split"),
        ("--measure solidmark", "no keys"),
        ("--measure nothing", "no measure"),
        ("--budget 1", "No measure without marks"),
    ],
)
def test_what_says_nothing_without_keys_is_refused(
    options: str, said: str, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with chdir(data):
        line = f"audit memorizer photos new --held-out control {options}"
        assert main(line.split()) == 2
        assert not Path("new").exists()
    assert said in capsys.readouterr().err


def test_images_without_marks_need_held_out_ones(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with chdir(data):
        assert main(["audit", "memorizer", "photos", "new"]) == 2
    assert "--held-out" in capsys.readouterr().err


def test_from_python(data: Path, audit: Audit, tmp_path: Path) -> None:
    found = api.audit(
        "memorizer",
        data / "photos",
        tmp_path / "audit",
        held_out=data / "control",
        measures=["signals", "nearest"],
        number=64,
        mode="L",
    )
    assert found.verdict.state == "memorized"
    assert found.page.is_file()
    assert {row["measure"] for row in found.rows} == {"signals", "nearest"}
    assert found.named
    with pytest.raises(BadInput):
        api.audit("memorizer", data / "photos", tmp_path / "b", held_out=data / "control", budget=1)
