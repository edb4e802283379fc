"""Which device `auto` means, and whether a device is there."""

from importlib.util import spec_from_file_location
from pathlib import Path

import pytest
import torch

from solidmark.errors import BadInput
from solidmark.runs import check_device, devices, usual_device


@pytest.fixture
def built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Lets the torch that is installed be one that was built for something."""

    def build(notes: str | None) -> None:
        if notes is not None:
            (tmp_path / "version.py").write_text(notes)
        spec = spec_from_file_location("torch", tmp_path / "__init__.py")
        monkeypatch.setattr(devices.importlib.util, "find_spec", lambda name: spec)
        monkeypatch.setattr(devices.sys, "platform", "linux")

    return build


def test_the_usual_device_is_the_one_that_torch_finds() -> None:
    usual = usual_device()
    assert usual.split(":")[0] == (
        "cuda"
        if torch.cuda.is_available()
        else "mps"
        if torch.backends.mps.is_available()
        else "cpu"
    )
    check_device(usual)


@pytest.mark.parametrize(
    "notes", ["cuda = '12.4'\nhip = None", "cuda = None\nhip = '6.1'", "hip = None", None]
)
def test_torch_is_asked_where_it_may_know_a_gpu(
    built, notes: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    built(notes)
    monkeypatch.setenv("LOCAL_RANK", "3")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert usual_device() == "cuda:3"


def test_torch_is_not_asked_where_it_can_know_none(built, monkeypatch: pytest.MonkeyPatch) -> None:
    built("cuda = None\nhip = None")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: pytest.fail("it was asked"))
    assert usual_device() == "cpu"


def test_a_device_that_is_not_there_is_refused() -> None:
    check_device("cpu")
    with pytest.raises(BadInput, match='The device "cuda:99" cannot be used here'):
        check_device("cuda:99")
