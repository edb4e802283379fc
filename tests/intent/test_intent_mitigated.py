"""Prompts asked under a mitigation: what the network is told changes, and nothing else."""

from pathlib import Path

import pytest
import tiny
from studies.told import pictures

import solidmark
from solidmark.errors import MissingCapability
from solidmark.mitigations import GaussianNoise

ASKED = {"captions": ["a red dog", "7 blue cat"], "per_prompt": 2, "steps": 2, "device": "cpu"}


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    folder = tmp_path_factory.mktemp("mitigated")
    return str(tiny.stable_diffusion(folder / "model")), pictures(folder / "noise", side=32)


def drawn(out: Path) -> dict[str, bytes]:
    folder = out / "pictures" / "generations"
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_mitigation_changes_what_is_drawn(given, tmp_path):
    model, noise = given
    folders = {}
    for name, lam in (("none", None), ("nothing", 0.0), ("noise", 3.0)):
        told = () if lam is None else (GaussianNoise(lam),)
        found = solidmark.intent(model, noise, tmp_path / name, mitigations=told, **ASKED)
        folders[name] = drawn(found.folder)
    assert folders["nothing"] == folders["none"]
    assert folders["noise"].keys() == folders["none"].keys()
    assert all(folders["noise"][one] != folders["none"][one] for one in folders["none"])
    again = solidmark.intent(
        model, noise, tmp_path / "again", mitigations=(GaussianNoise(3.0),), **ASKED
    )
    assert drawn(again.folder) == folders["noise"]


def test_who_is_told_nothing_cannot_be_mitigated(given, tmp_path):
    with pytest.raises(MissingCapability, match='"gni" changes captions or classes'):
        solidmark.intent(
            "gaussian", given[1], tmp_path / "out", mitigations=(GaussianNoise(1.0),), **ASKED
        )
