"""SSCD's file format: the network by hand, and files that are refused."""

import hashlib
import os
import pickle
import zipfile
from pathlib import Path

import embedders
import numpy as np
import pytest
import torch
from embedders import images
from PIL import Image as Picture

from solidmark.data import to_picture
from solidmark.embed import open_embedder, open_sscd
from solidmark.errors import BadInput, NotFound, UnsafeCheckpoint


@pytest.fixture
def script(tmp_path: Path) -> Path:
    return embedders.save_script(embedders.descriptor(), tmp_path / "sscd.torchscript.pt")


@pytest.mark.parametrize("side", [16, 40])
def test_the_row_is_the_networks_answer_to_the_authors_squares(script: Path, side: int) -> None:
    """Skewed, bilinear, ImageNet's mean and spread, as their `skew_320`."""
    expected = []
    for image in images():
        picture = to_picture(image).convert("RGB").resize((side, side), Picture.Resampling.BILINEAR)
        values = np.asarray(picture).astype(np.float64) / 255
        values = (values - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
        with torch.no_grad():
            row = embedders.descriptor()(torch.tensor(values).permute(2, 0, 1)[None].float())[0]
        expected.append(row / row.norm())
    made = open_embedder(f"sscd:{script}@{side}").embed(images())
    assert torch.allclose(made, torch.stack(expected), atol=1e-5)


def test_the_card_names_file_weights_and_size(script: Path) -> None:
    card = open_sscd(str(script)).card
    assert (card.name, card.model, card.input_size, card.dimensions) == (
        "sscd",
        str(script),
        288,
        6,
    )
    assert card.weights == hashlib.sha256(script.read_bytes()).hexdigest()[:16]
    assert "288 x 288 RGB, bilinear" in card.preparation


def test_without_a_file_it_says_where_to_get_one() -> None:
    with pytest.raises(BadInput, match=r"sscd_disc_mixup.torchscript.pt and write sscd:FILE"):
        open_embedder("sscd")


def test_a_file_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"There is no file .*Download the network: https://dl"):
        open_sscd(str(tmp_path / "sscd.pt"))


class Planted:
    """Runs a command when it is unpickled."""

    def __init__(self, command: str) -> None:
        self.command = command

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, (self.command,)


@pytest.mark.parametrize("kind", ["pickle", "checkpoint", "text"])
def test_what_would_be_unpickled_is_refused(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "sscd.pt"
    planted = Planted(f"touch {tmp_path / 'ran'}")
    if kind == "checkpoint":
        torch.save(embedders.descriptor().state_dict(), path)
    else:
        path.write_bytes(pickle.dumps(planted) if kind == "pickle" else b"hello")
    with pytest.raises(UnsafeCheckpoint, match="is no TorchScript"):
        open_sscd(str(path))
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("part", ["data.pkl", "constants.pkl"])
def test_torchs_reader_runs_nothing_that_is_planted_in_an_archive(
    part: str, script: Path, tmp_path: Path
) -> None:
    path = tmp_path / "planted.pt"
    planted = pickle.dumps(Planted(f"touch {tmp_path / 'ran'}"), protocol=2)
    with zipfile.ZipFile(script) as old, zipfile.ZipFile(path, "w") as new:
        for name in old.namelist():
            new.writestr(name, planted if name.endswith(f"/{part}") else old.read(name))
    with pytest.raises(UnsafeCheckpoint, match=r'names the type "posix.system"'):
        open_sscd(str(path))
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("network", [embedders.Saver(), embedders.Reader()])
def test_a_program_that_reaches_for_files_is_refused(
    network: torch.nn.Module, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = embedders.save_script(network, tmp_path / "sscd.pt")
    with pytest.raises(
        UnsafeCheckpoint, match=r'calls "aten::(save|from_file)", which no network needs'
    ):
        open_sscd(str(path), 32)
    assert not (tmp_path / "stolen.pt").exists()


def test_a_network_that_does_not_fit_the_size_says_so(script: Path) -> None:
    with pytest.raises(BadInput, match=r"cannot embed 2 x 2 pixels .* Use another size"):
        open_sscd(str(script), 2)
