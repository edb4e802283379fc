"""The inpainting attack, the half that asks: who sees what, and what is kept of it."""

import json
import os
import signal
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import tiny
import torch
from forked_generating import fill
from forking import run_together, start

from solidmark.errors import BadInput, MissingCapability, UnknownName
from solidmark.marks import Border, Center, Marked, Segments, read_image
from solidmark.measures.inpaint import Inpainting, hidden_half, inpaint
from solidmark.models import LatentModel, PixelModel


def evidence(out: Path) -> list[dict]:
    return pq.read_table(out / "evidence.parquet").to_pylist()


@pytest.mark.parametrize("half", ["left", "right", "top", "bottom"])
@pytest.mark.parametrize("pattern", [Border(2), Segments(2, 4), Center(2)])
def test_half_of_the_picture_is_hidden_and_nothing_of_the_frame(pattern: Any, half: str) -> None:
    size = pattern.marked_size(8, 10)
    hidden = hidden_half(pattern, size, half)  # type: ignore[arg-type]
    first = 0 if isinstance(pattern, Center) else 2
    rows, columns = slice(first, first + 8), slice(first, first + 10)
    parts = {
        "left": (rows, slice(first, first + 5)),
        "right": (rows, slice(first + 5, first + 10)),
        "top": (slice(first, first + 4), columns),
        "bottom": (slice(first + 4, first + 8), columns),
    }
    expected = torch.zeros(size, dtype=torch.bool)
    expected[parts[half]] = True
    expected &= ~pattern.mask(*size)
    assert torch.equal(hidden, expected)
    # Two halves are the whole picture, once.
    other = {"left": "right", "right": "left", "top": "bottom", "bottom": "top"}[half]
    rest = hidden_half(pattern, size, other)  # type: ignore[arg-type]
    assert torch.equal(hidden ^ rest, ~pattern.mask(*size))


def test_the_distances_are_those_of_the_pictures(
    make_marked: Callable[..., Marked], tmp_path: Path
) -> None:
    marked = make_marked(12, side=8)
    out = tmp_path / "out"
    inpaint(Inpainting("gaussian", str(marked.folder), out, draws=5, steps=5, batch_size=7))
    rows = evidence(out)
    assert [(row["split"], row["id"]) for row in rows] == [
        (split, id) for split in ("held_out", "trained") for id in sorted(marked.ids(split))
    ]
    for row in rows:
        assert row["draws"] == len(row["distances"]) == 5
        assert row["network_calls"] == 25
        truth = marked.sample(row["id"]).image.numpy()[:, 2:10, 2:6]
        drawn = read_image(out / row["picture"], 1).numpy()[:, 2:10, 2:6]
        best = np.sqrt(((drawn - truth) ** 2).mean())
        assert row["best_draw"] == int(np.argmin(row["distances"]))
        assert min(row["distances"]) == pytest.approx(best, abs=2e-3), "8 bits are kept"
        assert row["contrast"] == pytest.approx(truth.std(), abs=1e-6)
        assert len(set(row["distances"])) == 5, "each draw has noise of its own"
    contents = dict(
        zip(*(marked.keys[c].to_pylist() for c in ("id", "source_content")), strict=True)
    )
    assert [row["content"] for row in rows] == [contents[row["id"]] for row in rows]
    about = json.loads((out / "manifest.json").read_text())
    assert (about["picture"], about["hidden"]) == ([2, 2, 10, 10], [2, 2, 6, 10])
    # The known half stays, and of the pictures only the best ones do.
    first = read_image(out / rows[0]["picture"], 1)[:, 2:10, 6:10]
    assert torch.equal(first, marked.sample(rows[0]["id"]).image[:, 2:10, 6:10])
    kept = {path.relative_to(out).as_posix() for path in out.rglob("*.png")}
    assert kept == {row["picture"] for row in rows}


def test_the_hidden_half_never_reaches_the_model(
    make_marked: Callable[..., Marked], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor does the key, unless it is asked to: an autoencoder looks at every pixel it is given."""
    marked = make_marked(4, side=12, channels=3, pattern=Border(2))
    model = str(tiny.stable_diffusion(tmp_path / "model"))
    seen: list[torch.Tensor] = []
    encode = LatentModel.encode

    def watched(self: LatentModel, images: torch.Tensor) -> torch.Tensor:
        seen.append(images.clone())
        return encode(self, images)

    monkeypatch.setattr(LatentModel, "encode", watched)
    question = Inpainting(model, str(marked.folder), tmp_path / "a", draws=1, steps=2, batch_size=4)
    inpaint(question)
    (first,) = seen
    assert (first[..., :8] == 0.5).all()
    assert (first[..., :2, :] == 0.5).all()
    truth = torch.stack([marked.sample(id).image for id in marked.ids("trained")])
    assert torch.equal(first[:2, :, 2:14, 8:14], truth[:, :, 2:14, 8:14])

    seen.clear()
    inpaint(replace(question, out=tmp_path / "b", frame="shown", half="bottom", paste="pixels"))
    assert (seen[0][..., 8:14, 2:14] == 0.5).all()
    frame = marked.pattern.mask(16, 16)
    assert torch.equal(seen[0][:2, :, frame], truth[:, :, frame])
    guided = replace(question, out=tmp_path / "c", guidance=3.0)
    assert inpaint(guided).manifest["finished"]
    assert evidence(tmp_path / "c")[0]["network_calls"] == 4


def test_jumps_make_both_halves_fit_and_cost_calls(
    make_marked: Callable[..., Marked], tmp_path: Path
) -> None:
    marked = make_marked(24, side=12, digits=True)
    hits = {}
    for jumps, calls in ((1, 20), (5, 60)):  # 10 of the 20 steps are walked four times more.
        out = tmp_path / str(jumps)
        inpaint(
            Inpainting("memorizer", str(marked.folder), out, draws=4, steps=20, jump_count=jumps)
        )
        rows = [row for row in evidence(out) if row["split"] == "trained"]
        assert {row["network_calls"] for row in rows} == {4 * calls}
        hits[jumps] = np.mean([np.less(row["distances"], 0.02) for row in rows])
    assert hits[5] > hits[1] > 0.2


@pytest.mark.parametrize("kind", ["pixels", "latents"])
def test_a_batch_of_one_gives_the_distances_of_a_batch_of_eight(
    kind: str,
    make_marked: Callable[..., Marked],
    save_unet: Callable[..., Path],
    tmp_path: Path,
) -> None:
    latent = kind == "latents"
    marked = make_marked(4, side=12, channels=3 if latent else 1)
    model = tiny.stable_diffusion(tmp_path / "model") if latent else save_unet(16)
    found = []
    for size in (1, 8):
        out = tmp_path / str(size)
        inpaint(Inpainting(str(model), str(marked.folder), out, draws=3, steps=4, batch_size=size))
        found.append([row["distances"] for row in evidence(out)])
    np.testing.assert_allclose(*found, atol=1e-4)


def test_what_is_broken_is_a_failed_row_and_the_rest_goes_on(
    make_marked: Callable[..., Marked],
    save_unet: Callable[..., Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    marked = make_marked(8)
    gone = marked.ids("trained")[0]
    (path,) = (marked.folder / "train").glob(f"{gone}*.png")
    path.write_bytes(b"nothing")
    decode = PixelModel.decode

    def broken(self: PixelModel, latents: torch.Tensor) -> torch.Tensor:
        found = decode(self, latents)
        found[0] = torch.nan
        return found

    monkeypatch.setattr(PixelModel, "decode", broken)
    out = tmp_path / "out"
    inpaint(Inpainting(str(save_unet(12)), str(marked.folder), out, draws=2, steps=2, batch_size=8))
    rows = {(row["split"], row["id"]): row for row in evidence(out)}
    assert rows["trained", gone]["status"] == "failed"
    assert "broken" in rows["trained", gone]["note"]
    others = [row for (_, id), row in rows.items() if id != gone]
    assert {row["status"] for row in others} == {"ok"}
    lost = [row for row in others if row["note"]]
    assert lost
    assert {row["note"] for row in lost} == {"1 of 2 draws were not finite."}
    assert all(row["draws"] == len(row["distances"]) == 1 for row in lost)


@pytest.mark.parametrize(
    ("error", "options"),
    [
        (UnknownName, {"half": "lfet"}),
        (UnknownName, {"frame": "masked"}),
        (UnknownName, {"paste": "cells"}),
        (UnknownName, {"splits": ("trian",)}),
        (BadInput, {"draws": 0}),
        (BadInput, {"steps": 0}),
        (BadInput, {"every": 0}),
        (BadInput, {"limit": 0}),
    ],
)
def test_bad_options_are_refused(error: type[Exception], options: dict[str, Any]) -> None:
    with pytest.raises(error):
        Inpainting("model", "marked", Path("out"), **options)


def test_what_cannot_be_asked_is_refused_before_anything_is_written(
    make_marked: Callable[..., Marked], save_unet: Callable[..., Path], tmp_path: Path
) -> None:
    marked = str(make_marked(8).folder)
    alone = str(make_marked(8, name="alone", held_out=0.0).folder)
    out = tmp_path / "out"
    classes = str(save_unet(12, name="classes", num_class_embeds=3))
    with pytest.raises(BadInput, match="built for 16 x 16"):
        inpaint(Inpainting(str(save_unet(16, name="large")), marked, out))
    with pytest.raises(BadInput, match="no held_out images"):
        inpaint(Inpainting("memorizer", alone, out))
    with pytest.raises(MissingCapability, match="guidance"):
        inpaint(Inpainting(classes, marked, out, guidance=2.0))
    assert not out.exists()


@pytest.mark.slow
def test_a_killed_attack_resumes_to_the_same_bytes(
    make_marked: Callable[..., Marked], save_unet: Callable[..., Path], tmp_path: Path
) -> None:
    marked, model = make_marked(8).folder, save_unet(12)

    def files(out: str) -> dict[str, bytes]:
        paths = [tmp_path / out / "evidence.parquet", *(tmp_path / out).rglob("*.png")]
        return {path.relative_to(tmp_path / out).as_posix(): path.read_bytes() for path in paths}

    fill(model, marked, tmp_path / "whole")
    for least in (1, 4, 8):
        process = start(fill, model, marked, tmp_path / "killed")
        deadline = time.monotonic() + 120
        while (
            len(list((tmp_path / "killed").rglob("*.png"))) < least and time.monotonic() < deadline
        ):
            time.sleep(0.01)
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        assert process.exitcode == -signal.SIGKILL, "it was done before it was killed"
    fill(model, marked, tmp_path / "killed")
    assert files("killed") == files("whole")
    assert len(files("whole")) == 9


@pytest.mark.slow
def test_two_processes_give_the_evidence_of_one(
    make_marked: Callable[..., Marked], save_unet: Callable[..., Path], tmp_path: Path
) -> None:
    marked, model = make_marked(6).folder, save_unet(12)
    run_together(2, fill, model, marked, tmp_path / "two")
    fill(model, marked, tmp_path / "one")
    assert evidence(tmp_path / "one") == evidence(tmp_path / "two")
