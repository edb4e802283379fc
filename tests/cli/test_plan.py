"""`solidmark plan`: what it prints can be run, and bad input is one line."""

import inspect
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest
import tiny

from cli.conftest import Run
from solidmark.cli.mark import mark
from solidmark.cli.plan import plan
from solidmark.measures.audit.planning import HELD_OUT
from solidmark.scores import COUNTS

BASE = "plan --images 10000 --resolution 256"

CASES = {
    "no images": ("plan --resolution 64", '"solidmark plan" needs --images', "--help"),
    "no size": ("plan --images 100", '"solidmark plan" needs --resolution', "--help"),
    "an argument": (f"{BASE} photos", 'no place for "photos"', "solidmark plan --help"),
    "one image": ("plan --images 1 --resolution 64", "--images must be 2 or more, not 1"),
    "word for images": (
        "plan --images many --resolution 64",
        '--images takes a whole number, not "many"',
    ),
    "size of 0": ("plan --images 100 --resolution 0", '"0" pixels is no image'),
    "odd size": ("plan --images 100 --resolution 299", "299 x 299", "--resolution 296"),
    "share of 0": (f"{BASE} --share 0", "--share must be above 0 and at most 1, not 0"),
    "share above 1": (f"{BASE} --share 50", "at most 1, not 50"),
    "share of no image": (f"{BASE} --share 1e-5", "less than one image", "at least 0.00011"),
    "rate of 1": (f"{BASE} --fdr 1", "--fdr must be above 0 and below 1, not 1"),
    "all held out": (f"{BASE} --held-out 1", "--held-out", "below 1, not 1"),
    "nearly all held out": (
        "plan --images 4 --resolution 64 --held-out 0.9",
        "--held-out 0.9 leaves none of 4 images",
    ),
    "thickness of 0": (f"{BASE} --thickness 0", "--thickness must be 1 or more, not 0"),
    "count of 0": (f"{BASE} --count 0", "--count must be from 1 to 256, not 0"),
    "too many greys": (
        "plan --images 100 --resolution 8 --thickness 1 --count 40",
        "36 pixels, too few for 40 greys",
        "thicker",
    ),
    "multiple of 0": (f"{BASE} --multiple 0", "--multiple must be 1 or more, not 0"),
    "a model without data": (f"{BASE} --model model", "--model and --data go together"),
    "data without a model": (f"{BASE} --data photos", "--model and --data go together"),
    "a multiple beside a model": (
        f"{BASE} --model model --data photos --multiple 8",
        "--multiple is a property of the network",
    ),
    "misspelt": (f"{BASE} --thicknes 4", '"--thicknes"', '"--thickness"?'),
}


@pytest.mark.parametrize("name", CASES)
def test_bad_input_is_one_line(name: str, run: Run) -> None:
    line, *expected = CASES[name]
    answer = run(*line.split())
    assert answer.code == 2
    assert answer.out == ""
    assert answer.err.startswith("Error: ")
    assert answer.err.count("\n") == 1
    assert answer.err.endswith((".\n", "?\n")), answer.err
    for words in expected:
        assert words in answer.err, answer.err


@pytest.mark.parametrize("options", ["", "--count 1", "--count 12 --held-out 0.5", "--share 0.5"])
def test_the_last_line_can_be_run(
    options: str, run: Run, world: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(world)
    said = run(*f"plan --images 100 --resolution 28 {options}".split()).out
    line = said.splitlines()[-1].strip()
    place = {"DATA": "photos", "MARKED": "planned", "SECRET": "4711"}
    words = [place.get(word, word) for word in shlex.split(line)]
    assert words.pop(0) == "solidmark"
    answer = run(*words, "--dry-run", "--json")
    assert answer.code == 0, answer.err
    planned = run(*f"plan --images 100 --resolution 28 --json {options}".split()).json
    assert planned["command"] == line
    assert answer.json["plan"]["marked_size"] == planned["frame"]["marked_size"] == [32, 32]
    marking = answer.json["options"]
    assert marking["thickness"] == planned["frame"]["thickness"]
    count = planned["frame"]["count"]
    assert marking["pattern"] == ("border" if count == 1 else "segments")
    if count > 1:
        assert marking["count"] == planned["frame"]["count"]
    assert marking["seed"] == 4711


def test_json_is_the_whole_forecast(run: Run) -> None:
    found = run(*f"{BASE} --json".split()).json
    assert found["images"] == {"trained": 9000, "held_out": 1000}
    assert found["supposed"] == {"share": 0.01, "memorized": 90, "fdr": 0.05}
    assert found["frame"]["marked_size"] == [288, 288]
    assert found["frame"]["extra_pixels"] == pytest.approx(0.2656, abs=1e-4)
    assert [row["count"] for row in found["outlook"]] == list(COUNTS)
    assert found["outlook"][0]["weakest_error"] is None
    assert found["network_calls"] == 92_000


@pytest.mark.parametrize("resolution", [28, 64, 256, 512, 1024])
def test_it_fits_a_screen_and_says_what_counts(resolution: int, run: Run) -> None:
    said = run("plan", "--images", 5000, "--resolution", resolution).out
    lines = said.splitlines()
    assert max(len(line) for line in lines[:-1]) <= 100
    assert said.count("<- this frame") == 3
    assert ("extrapolation" in said) is (resolution > 32)
    assert "nan" not in said
    assert "None" not in said


def test_warnings(run: Run) -> None:
    assert "is no multiple of 8" in run(*f"{BASE} --thickness 5".split()).out
    assert "thicker than 1/8" in run("plan", "--images", 100, "--resolution", 12).out
    small = run("plan", "--images", 100, "--resolution", 28, "--count", 120).out
    assert "2 pixels a grey are too few" in small
    solid = run(*f"{BASE} --count 1".split()).out
    assert "hardly any of 90" in solid
    assert "cannot be named" in solid


def test_few_images_suppose_one_memorized(run: Run) -> None:
    assert "if 1 of 18 are memorized" in run("plan", "--images", 20, "--resolution", 28).out


def test_the_control_is_that_of_mark() -> None:
    for command in (mark, plan):
        assert inspect.signature(command).parameters["held_out"].default == HELD_OUT


@pytest.fixture(scope="module")
def sd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.stable_diffusion(tmp_path_factory.mktemp("sd"))


def test_frames_are_tried_on_the_autoencoder_of_a_latent_model(
    sd: Path, run: Run, world: Path
) -> None:
    """A factor of 4 and a U-Net that takes any number of cells: 48 + 2 t with t = 4, 8, 12."""
    words = f"plan --images 100 --resolution 48 --model {sd} --data {world / 'photos'} --device cpu"
    found = run(*words.split(), "--json").json
    tried = found["round_trip"]["tried"]
    assert [row["thickness"] for row in tried] == [4, 8, 12]
    assert found["round_trip"]["factor"] == 4
    assert found["frame"]["multiple"] == 4
    assert found["frame"]["is_a_multiple"]
    assert f"--thickness {found['frame']['thickness']}" in found["command"]
    assert all(0 <= row["floor"] <= 1 and row["spread"] > 0 for row in tried)

    said = run(*words.split(), "--thickness", 8, "--limit", 1).out
    assert "round 1 image," in said
    assert said.count("<- this frame") == 4
    (line,) = [line for line in said.splitlines() if line.startswith("       8 px")]
    assert line.endswith("<- this frame")
    assert max(len(line) for line in said.splitlines()[:-2]) <= 100

    odd = run(*words.split(), "--thickness", 6)
    assert (odd.code, odd.err.count("\n")) == (2, 1)
    assert "--thickness 6 is no multiple of 4" in odd.err
    none = run(*words.replace("48", "47").split())
    assert (none.code, none.err.count("\n")) == (2, 1)
    assert "--resolution 48" in none.err


def test_a_model_of_pixels_has_nothing_to_try(
    save_unet: Callable[..., Path], run: Run, world: Path
) -> None:
    words = f"plan --images 100 --resolution 28 --model {save_unet(32)} --data {world / 'photos'}"
    said = run(*words.split(), "--device", "cpu").out
    assert "works on pixels" in said
    assert "Effort for 100 images by one reader, once:\n  920 network calls of " in said


@pytest.mark.parametrize("images", [100, 1_000_000])
def test_the_effort_is_that_of_all_images_by_a_few_calls(
    images: int, save_unet: Callable[..., Path], run: Run, world: Path
) -> None:
    words = f"plan --images {images} --resolution 28 --model {save_unet(32)} --device cpu --json"
    found = run(*words.split(), "--data", world / "photos").json
    effort = found["effort"]
    assert effort["network_calls"] == found["network_calls"] == pytest.approx(9.2 * images)
    assert 0 < effort["seconds_per_call"] < 60
    assert effort["hours"] == pytest.approx(
        effort["seconds_per_call"] * effort["network_calls"] / 3600
    )
    # A PNG of 32 x 32 pixels is no larger than its pixels, and a little more.
    assert 100 * images < effort["picture_bytes"] < 4000 * images
    assert effort["row_bytes"] / images > 8 * found["frame"]["count"]
    assert run(*f"plan --images {images} --resolution 28 --json".split()).json["effort"] is None
