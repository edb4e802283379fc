"""An audit without marks of models of latents, from the command line to the page."""

import json
from collections.abc import Callable
from contextlib import chdir
from pathlib import Path

import pytest
import tiny

from solidmark.cli import main
from solidmark.runs import open_results, read_manifest
from unmarked.latent import SIDE, memorizing_model, write_pictures

ALL = ("signals", "nearest", "inpaint", "invmm")
EVERY = " ".join(f"--measure {name}" for name in ALL) + " --invmm-budget 2000"
CHEAP = "--device cpu --limit 4 -n 8"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Untrained models with weights drawn at random, images of their size, and larger ones."""
    here = tmp_path_factory.mktemp("latent")
    for name, first, side in (
        ("photos", 0, 32),
        ("control", 24, 32),
        ("large", 0, 48),
        ("large-control", 24, 48),
    ):
        write_pictures(here / name, first, 24, side)
    tiny.stable_diffusion(here / "told")
    tiny.dit(here / "by-class")
    return here


Ask = Callable[[str], Path]


@pytest.fixture
def ask(world: Path) -> Ask:
    """Runs an audit by its command line, in the folder of all."""

    def run(line: str) -> Path:
        with chdir(world):
            assert main(["audit", *line.split()]) == 0
        return world / line.split()[2]

    return run


@pytest.mark.parametrize("model", ["told", "by-class"])
def test_a_model_of_random_weights_is_never_said_to_memorize(
    model: str, world: Path, ask: Ask, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever it is told, by all measures, at the cost that was planned."""
    line = f"{model} photos OUT --held-out control {CHEAP} {EVERY}"
    ask(line.replace("OUT", f"new-{model}") + " --dry-run --json")
    assert not (world / f"new-{model}").exists()
    plan = json.loads(capsys.readouterr().out.splitlines()[-1])["plan"]
    folder = ask(line.replace("OUT", f"of-{model}"))
    results = open_results(folder)
    verdict = results.judged
    assert verdict.state not in ("memorized", "do-not-trust")
    assert {one.name for one in verdict.findings} == set(ALL)
    assert all(one.state != "memorized" for one in verdict.findings)
    assert (folder / "report.html").is_file()
    spent = {one.measure: one.value for one in results.figures if one.statistic == "network_calls"}
    assert set(plan["measures"]) == set(spent)
    for name, said in plan["measures"].items():
        planned = float(said.split(", ")[1].split(" ")[0].replace(",", ""))
        spends = spent[name]
        assert spends is not None
        assert 0 < spends <= planned
        assert spends == planned or said.endswith("at most")


def test_images_of_another_size_become_that_of_the_model(ask: Ask, world: Path) -> None:
    measures = "--measure signals --measure nearest --measure inpaint"
    folder = ask(f"told large resized --held-out large-control {CHEAP} {measures}")
    assert read_manifest(folder)["config"]["resolution"] in (32, "32", "32x32")
    assert open_results(folder).judged.state not in ("memorized", "failed")


def test_one_caption_for_all_where_there_is_none(world: Path, ask: Ask) -> None:
    for name in ("photos", "control"):
        bare = world / f"bare-{name}"
        bare.mkdir()
        for path in (world / name).glob("*.png"):
            (bare / path.name).write_bytes(path.read_bytes())
    line = f"told bare-photos OUT --held-out bare-control {CHEAP} --measure nearest"
    with chdir(world):
        assert main(["audit", *line.replace("OUT", "uncaptioned").split()]) == 2
    assert not (world / "uncaptioned").exists()
    folder = ask(line.replace("OUT", "captioned") + " --measure signals --caption dog")
    rows = (folder / "generated" / "metadata.jsonl").read_text(encoding="utf-8").splitlines()
    assert {json.loads(row)["text"] for row in rows} == {"dog"}


@pytest.mark.slow
def test_a_latent_model_that_has_its_images_by_heart_is_said_to_memorize(
    tmp_path: Path, world: Path
) -> None:
    photos = write_pictures(tmp_path / "photos", 0, 16)
    write_pictures(tmp_path / "control", 16, 32)
    memorizing_model(tmp_path / "model", photos)
    asked = "--measure signals --measure nearest --measure inpaint --device cpu -n 48"
    with chdir(tmp_path):
        assert main(f"audit model photos out --held-out control {asked}".split()) == 0
    verdict = open_results(tmp_path / "out").judged
    assert verdict.state == "memorized"
    states = {one.name: one.state for one in verdict.findings}
    assert states["nearest"] == "memorized"
    assert read_manifest(tmp_path / "out")["config"]["resolution"] in (None, SIDE)
