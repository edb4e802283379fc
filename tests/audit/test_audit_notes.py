"""What must be known of how a model was opened is said at once, and stays on the page."""

import json
import shutil
from collections.abc import Callable
from html import unescape
from pathlib import Path
from typing import Any

import diffusers
import pytest
import tiny
import torch
from original import save_original
from safetensors.torch import load_file, save_file

from solidmark.marks import Marked
from solidmark.measures.audit import Question, observe, score
from solidmark.models import Opening, PixelModel
from solidmark.readers import Energy, Outpaint
from solidmark.reporting import write_report
from solidmark.subjects import opened


def notes_of(out: Path) -> tuple[list[str], str]:
    """The notes in the results of an audit, and the page."""
    score(out)
    page = write_report(out).read_text()
    return json.loads((out / "results.json").read_text())["notes"], unescape(page)


def test_a_file_that_says_otherwise_is_on_the_page(
    make_marked: Callable[..., Marked], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    marked = make_marked(4, side=12, channels=3)
    sd = tiny.stable_diffusion(tmp_path / "sd")
    pipe = diffusers.StableDiffusionPipeline.from_pretrained(sd, safety_checker=None)
    weights = load_file(save_original(pipe, tmp_path / "plain.safetensors"))
    save_file(weights | {"v_pred": torch.empty(0)}, tmp_path / "model.safetensors")
    out = tmp_path / "audit"
    question = Question(
        str(tmp_path / "model.safetensors"),
        marked.folder,
        out,
        (Energy(),),
        ceiling=False,
        opening=Opening(base_config=str(sd)),
    )
    observe(question)
    notes, page = notes_of(out)
    assert 'v_prediction by the key "v_pred"' in notes[0]
    said = capsys.readouterr().err
    for note in notes:
        assert note in said
        assert note in page


def test_answers_that_speak_against_the_configuration_are_on_the_page(
    make_marked: Callable[..., Marked],
    save_unet: Callable[..., Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A model whose network says the image, and whose scheduler says that it says the noise."""
    marked = make_marked(8)
    folder = save_unet(12)
    asked: dict[str, torch.Tensor] = {}

    def encode(self: PixelModel, images: torch.Tensor) -> torch.Tensor:
        asked["z_0"] = images * 2 - 1
        return asked["z_0"]

    def denoise(self: PixelModel, z_t: torch.Tensor, t: float, condition: Any) -> torch.Tensor:
        alpha, sigma = self.schedule(t)
        return (z_t - sigma * asked["z_0"]) / alpha  # The output z_0, taken for the noise.

    with monkeypatch.context() as patched:
        patched.setattr(PixelModel, "encode", encode)
        patched.setattr(PixelModel, "denoise", denoise)
        from solidmark.models import open_model

        found = opened.doubts(
            open_model(str(folder)), [marked.sample(id) for id in marked.ids("trained")], 0
        )
    assert "much nearer to sample" in found[0]
    monkeypatch.setattr("solidmark.measures.audit.noting.doubts", lambda *_: found)
    capsys.readouterr()
    out = tmp_path / "audit"
    observe(Question(str(folder), marked.folder, out, (Outpaint(steps=2),), ceiling=False))
    notes, page = notes_of(out)
    assert notes == list(found)
    assert found[0] in capsys.readouterr().err
    assert found[0] in page


def test_where_all_is_well_nothing_is_said(
    make_marked: Callable[..., Marked], save_unet: Callable[..., Path], tmp_path: Path
) -> None:
    out = tmp_path / "audit"
    question = Question(str(save_unet(12)), make_marked(8).folder, out, (Outpaint(steps=2),))
    observe(question)
    assert notes_of(out)[0] == []
    shutil.rmtree(out)
