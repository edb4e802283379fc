"""What pictures become on their way to a frame, and what `mark` and others say of it."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from solidmark.data import open_data
from solidmark.marks import open_marked

from .conftest import Run


def photos(folder: Path, height: int, width: int, count: int = 12, top: int = 256) -> Path:
    """Grey pictures, each its own; of 16 bits where they have more than 256 values."""
    folder.mkdir()
    noise = np.random.default_rng(0)
    kind = np.uint8 if top <= 256 else np.uint16
    for number in range(count):
        values = noise.integers(0, top, (height, width)).astype(kind)
        Image.fromarray(values).save(folder / f"{number:02}.png")
    return folder


def manifest(out: Path) -> dict[str, object]:
    return dict(json.loads((out / "manifest.json").read_text()))


@pytest.mark.parametrize(
    ("size", "options", "thickness"),
    [
        ((28, 28), (), 2),
        ((48, 64), (), 4),
        ((30, 33), (), 2),  # No frame makes both even; as thin as 1/16 all the same.
        ((48, 64), ("--thickness", 7), 7),
        ((48, 64), ("--pattern", "border"), 4),
    ],
)
def test_a_frame_is_as_thick_as_the_images_call_for(
    tmp_path: Path, run: Run, size: tuple[int, int], options: tuple[object, ...], thickness: int
) -> None:
    answer = run("mark", photos(tmp_path / "photos", *size), tmp_path / "out", *options)
    assert answer.code == 0
    marked = open_marked(tmp_path / "out")
    height, width = (side + 2 * thickness for side in size)
    assert marked.marked_size == (height, width)
    assert f"{height} x {width} after, grey." in answer.out
    # The same command again finds the folder whole, and says the same.
    again = run("mark", tmp_path / "photos", tmp_path / "out", *options)
    assert (again.code, again.out) == (0, answer.out)


def test_a_square_in_the_middle_has_its_published_side(tmp_path: Path, run: Run) -> None:
    run("mark", photos(tmp_path / "photos", 40, 40), tmp_path / "out", "--pattern", "center")
    assert manifest(tmp_path / "out")["pattern"] == {"name": "center", "size": 16}


def test_the_plan_and_the_marking_choose_one_frame(tmp_path: Path, run: Run) -> None:
    planned = json.loads(run("plan", "--images", 50, "--resolution", "24x40", "--json").out)
    run("mark", photos(tmp_path / "photos", 24, 40), tmp_path / "out")
    assert open_marked(tmp_path / "out").marked_size == tuple(planned["frame"]["marked_size"])
    assert "--resolution 24x40" in planned["command"]


def test_scans_that_come_out_narrow_are_said_and_a_window_mends_them(
    tmp_path: Path, run: Run
) -> None:
    source = photos(tmp_path / "scans", 16, 16, top=3224)
    answer = run("mark", source, tmp_path / "dark")
    sentence = "12 images of more than 8 bits came out in fewer than 32 of 256 grey levels"
    assert sentence in answer.out
    assert answer.out.count("grey levels") == 1
    assert manifest(tmp_path / "dark")["lost"] == {"narrow": 12}
    answer = run("mark", source, tmp_path / "mended", "--window", "0:3223")
    assert "grey levels" not in answer.out
    expected = np.asarray(Image.open(source / "00.png"), dtype=float) / 3223
    found = open_data(source, window="0:3223")[0].image.numpy()[0]
    # Half a level of 255 is what rounding takes.
    assert np.abs(found - expected).max() <= 0.5 / 255 + 1e-6
    refused = run("mark", source, tmp_path / "no", "--window", "dark")
    assert (refused.code, refused.err.count("\n")) == (2, 1)
    assert "LOW:HIGH" in refused.err


def test_another_window_is_another_run(tmp_path: Path, run: Run) -> None:
    source = photos(tmp_path / "scans", 16, 16, top=3224)
    assert run("mark", source, tmp_path / "out").code == 0
    refused = run("mark", source, tmp_path / "out", "--window", "used")
    assert refused.code == 2
    assert "window" in refused.err


def test_a_crop_that_drops_much_is_said(tmp_path: Path, run: Run) -> None:
    source = photos(tmp_path / "wide", 16, 32)
    sentence = "cutting out the centre drops more than a fifth of 12 images: --resolution"
    assert sentence in run("mark", source, tmp_path / "square", "--resolution", 16).out
    kept = run("mark", source, tmp_path / "kept", "--resolution", "16x32")
    assert "fifth" not in kept.out
    assert manifest(tmp_path / "kept")["size"] == [1, 16, 32]


def test_other_commands_say_what_was_lost_once(tmp_path: Path, run: Run) -> None:
    source = photos(tmp_path / "scans", 16, 16, top=3224)
    answer = run("duplicates", source, tmp_path / "out")
    assert answer.code == 0
    assert len(re.findall("12 images of more than 8 bits", answer.out)) == 1
    answer = run("duplicates", source, tmp_path / "used", "--window", "used")
    assert "more than 8 bits" not in answer.out


def test_grey_is_kept_and_colour_among_grey_is_quarantined(tmp_path: Path, run: Run) -> None:
    source = photos(tmp_path / "photos", 16, 16, count=40)
    colours = np.random.default_rng(1).integers(0, 256, (16, 16, 3)).astype(np.uint8)
    Image.fromarray(colours).save(source / "01.png")
    answer = run("mark", source, tmp_path / "out")
    assert manifest(tmp_path / "out")["size"] == [1, 16, 16]
    (line,) = (tmp_path / "out" / "quarantine.jsonl").read_text().splitlines()
    assert json.loads(line)["id"] == "01.png"
    assert "--mode RGB" in json.loads(line)["reason"]
    assert "Could not be read: 1 image" in answer.out
