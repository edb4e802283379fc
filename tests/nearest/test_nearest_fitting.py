"""An embedder fitted to one's own images: from a folder of pictures to distances of a run."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from solidmark.data import open_data, to_picture
from solidmark.embed import open_own
from solidmark.errors import BadInput, RunConflict
from solidmark.measures.nearest import Comparison, nearest
from solidmark.measures.nearest.fitting import Fitting, fit_own, fitted_lines
from solidmark.runs import find, open_results, read_manifest

QUICK: dict[str, Any] = {"steps": 2, "batch_size": 16, "dimensions": 8, "side": 16}


def digits(folder: Path, count: int, first: int = 0) -> Path:
    folder.mkdir()
    data = open_data("digits", resolution=16, limit=5 * (first + count))
    for number in range(first, first + count):
        to_picture(data[5 * number].image).save(folder / f"{number:03d}.png")
    return folder


def test_each_picture_counts_once_and_what_cannot_be_read_is_counted(tmp_path: Path) -> None:
    photos = digits(tmp_path / "photos", 20)
    shutil.copy(photos / "003.png", photos / "copy.png")
    (photos / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n nothing more")
    manifest = fit_own(Fitting(str(photos), tmp_path / "own", **QUICK)).manifest
    assert (manifest["images"], manifest["quarantined"]) == (20, 1)
    assert manifest["finds"]["n"] == 20
    assert manifest["finds"]["chance"] == 1 / 20
    said = fitted_lines(manifest)
    assert "Fitted to 20 different images, seen at 16 pixels." in said[0]
    assert any("few" in line for line in said)
    again = fit_own(Fitting(str(photos), tmp_path / "own", **QUICK))
    assert again.manifest == read_manifest(tmp_path / "own", "fit")
    with pytest.raises(RunConflict):
        fit_own(Fitting(str(photos), tmp_path / "own", **QUICK | {"steps": 3}))


def test_the_side_is_that_of_the_smallest_image_within_limits(tmp_path: Path) -> None:
    for name, sides, side in (("a", (20, 40), 20), ("b", (100, 90), 64), ("c", (8, 9), 16)):
        folder = tmp_path / name
        folder.mkdir()
        for number in range(10):
            grey = Image.new("L", sides, 20 * number)
            grey.putpixel((number % 8, 0), 255)
            grey.save(folder / f"{number}.png")
        quick = QUICK | {"side": None}
        manifest = fit_own(Fitting(str(folder), tmp_path / f"own-{name}", **quick)).manifest
        assert manifest["side"] == side == open_own(str(tmp_path / f"own-{name}")).shape.side


def test_too_few_images_are_refused_and_leave_the_folder_free(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="holds 7 images"):
        fit_own(Fitting(str(digits(tmp_path / "few", 7)), tmp_path / "own", **QUICK))
    same = tmp_path / "same"
    same.mkdir()
    for number in range(9):
        Image.new("L", (16, 16), 99).save(same / f"{number}.png")
    with pytest.raises(BadInput, match="holds 1 different images"):
        fit_own(Fitting(str(same), tmp_path / "own", **QUICK))
    assert not (tmp_path / "own" / "manifest.json").exists()


def test_a_fitted_network_is_a_distance_and_says_which_it_was(tmp_path: Path) -> None:
    training = digits(tmp_path / "training", 24)
    other = digits(tmp_path / "other", 24, first=24)
    drawn = digits(tmp_path / "drawn", 12)
    fit_own(Fitting(str(other), tmp_path / "own", **QUICK))
    word = f"own:{tmp_path / 'own'}"
    out = tmp_path / "near"
    asked = Comparison(
        str(drawn), str(training), out, (word,), str(other), mode="L", cache=tmp_path / "cache"
    )
    nearest(asked)
    results = open_results(out)
    weights = open_own(str(tmp_path / "own")).card.weights
    assert results.fingerprints["own"] == weights
    assert {one.measure for one in results.figures} >= {"own"}
    assert find(results.figures, "augmented", measure="own")
    (closest,) = find(results.figures, "closest", "generated", "own")
    assert closest.value == pytest.approx(1, abs=1e-5)  # The same pictures.
    control = json.loads((out / "control.json").read_text())
    assert "embedding" not in json.dumps(control), "it would tell its own images from others"
    torch.manual_seed(0)
    shutil.rmtree(tmp_path / "own")
    fit_own(Fitting(str(other), tmp_path / "own", **QUICK | {"seed": 1}))
    with pytest.raises(RunConflict, match="own"):
        nearest(asked)
