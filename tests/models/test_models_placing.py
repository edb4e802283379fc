"""In what a model is opened where nobody says it: exact where it fits; else it is said."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from solidmark.models import Opening, placing
from solidmark.models.placing import OPEN, SHARE, left_open, placed
from solidmark.runs import CURE

Folder = Callable[[str], Path]

HALF = {"precision": "bf16", "text_precision": "bf16"}
CARD = Opening(device="cuda")


@pytest.fixture(autouse=True)
def _a_card(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(placing, "_half", lambda device: "bf16")
    monkeypatch.setattr(placing, "check_device", lambda device: None)


@pytest.fixture
def on(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Opening]:
    """Opens a model on a card with so much room."""

    def opened(where: Path | str, free: float | None, left: Any = OPEN, **how: Any) -> Opening:
        monkeypatch.setattr(placing, "free_bytes", lambda device: free)
        kept = how.pop("kept", None)
        return placed(str(where), Opening(**{"device": "cuda", **how}), left, kept)

    return opened


def needed(where: Path, **way: Any) -> float:
    """What must be free for it."""
    return placing._needed(where, Opening(**{"device": "cuda", **way})) / SHARE + 1


@pytest.mark.parametrize("family", ["sd", "sdxl", "sd3", "flux-dev", "pixart-sigma"])
def test_the_most_exact_way_that_fits_is_taken(
    family: str,
    tiny_folder: Folder,
    on: Callable[..., Opening],
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = tiny_folder(family)
    capsys.readouterr()  # What saving it said.
    ways = ({}, HALF, {**HALF, "offload": True})
    rooms = [needed(folder, **way) for way in ways]
    assert rooms == sorted(rooms, reverse=True)
    for way, room in zip(ways, rooms, strict=True):
        assert on(folder, room) == Opening(**{"device": "cuda", **way})
        said = capsys.readouterr().err
        if not way:
            assert said == ""
            continue
        assert said.count("\n") == 1
        assert "network bf16, text encoders bf16" in said
        assert ("on the CPU while not needed" in said) == ("offload" in way)
        assert all(option in said for option in ("--precision", "--text-precision", "--offload"))
        assert CURE not in said


def test_where_no_way_fits_the_smallest_is_taken_and_it_is_said(
    tiny_folder: Folder, on: Callable[..., Opening], capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tiny_folder("sd")
    capsys.readouterr()
    found = on(folder, 1)
    assert found == Opening(**{"device": "cuda", "offload": True, **HALF})
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert said.strip().endswith(CURE)


@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_on_the_cpu_nothing_changes(
    device: str,
    tiny_folder: Folder,
    on: Callable[..., Opening],
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = tiny_folder("sd")
    capsys.readouterr()
    assert on(folder, 1, device=device) == Opening(device=device)
    assert capsys.readouterr().err == ""


def test_what_is_said_is_done(tiny_folder: Folder, on: Callable[..., Opening]) -> None:
    folder = tiny_folder("sd")
    assert on(folder, 1, ()) == CARD
    assert on(folder, 1, ["offload"]) == Opening(device="cuda", offload=True)
    found = on(folder, 1, ["text_precision", "offload"], precision="fp16")
    assert (found.precision, found.text_precision, found.offload) == ("fp16", "bf16", True)
    assert not on(folder, 1, ["precision", "text_precision"]).offload


def test_a_run_that_goes_on_keeps_what_it_has(
    tiny_folder: Folder, on: Callable[..., Opening], capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever is free by now; what is said still goes first."""
    folder = tiny_folder("sd")
    capsys.readouterr()
    kept = {"precision": "fp16", "text_precision": "fp32", "offload": True, "seed": 3}
    assert on(folder, 2**40, kept=kept) == Opening(
        device="cuda", precision="fp16", text_precision="fp32", offload=True
    )
    assert on(folder, 2**40, ["offload"], kept=kept) == Opening(device="cuda", offload=True)
    assert on(folder, 1, device="cpu", kept=kept).precision == "fp16"
    assert capsys.readouterr().err == ""
    broken = {"precision": ["fp16"], "text_precision": 7, "offload": "yes"}
    assert on(folder, 2**40, kept=broken) == CARD


def test_what_cannot_be_judged_is_left_as_it_is(
    tiny_folder: Folder,
    save_unet: Callable[..., Path],
    on: Callable[..., Opening],
    tmp_path: Path,
) -> None:
    """A control, a network of pixels, what is broken, a device that says nothing."""
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "model_index.json").write_text("{")
    for where in ("memorizer", save_unet(), tmp_path / "broken", "nowhere"):
        assert on(where, 1) == CARD
    assert on(tiny_folder("sd"), None) == CARD


def test_a_single_file_is_judged_by_its_weights(
    tiny_folder: Folder, on: Callable[..., Opening], tmp_path: Path
) -> None:
    path = tiny_folder("sd") / "unet" / "diffusion_pytorch_model.safetensors"
    assert on(path, needed(path)) == CARD
    assert on(path, needed(path) / 2).precision == "bf16"


@pytest.mark.parametrize(
    ("values", "left"),
    [
        ({}, [*OPEN]),
        (
            {"precision": "auto", "text_precision": "fp32", "offload": None},
            ["precision", "offload"],
        ),
        ({"precision": "fp32", "text_precision": "auto", "offload": False}, ["text_precision"]),
    ],
)
def test_what_is_left_open(values: dict[str, object], left: list[str]) -> None:
    assert left_open(values) == left
