"""The half that asks: who is asked with which noise, and what is kept of it."""

import json
import os
import signal
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import tiny
import torch
from forked_signals import measure
from forking import start

from solidmark.data import Sample, content_hash, to_picture
from solidmark.errors import BadInput, MissingCapability, NotFound, RunConflict, UnknownName
from solidmark.marks import Marked, Marking, Segments, mark_dataset, open_marked
from solidmark.measures.signals import Measuring, measure_signals
from solidmark.measures.signals.kinds import Loss, Magnitude
from solidmark.models import PixelModel, open_model
from solidmark.randomness import generator
from solidmark.subjects import open_subjects

CAPTIONS = ("a red dog", "a blue cat", "the small tree")


class Captioned:
    """Pictures in colour that share three captions; two are there twice."""

    def __init__(self, count: int) -> None:
        self.ids = [f"picture-{number:02d}" for number in range(count)]

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, index: int) -> Sample:
        number = index - 2 if index in (6, 7) else index
        noise = torch.Generator().manual_seed(number)
        image = torch.randint(256, (3, 12, 12), generator=noise) / 255
        return Sample(self.ids[index], image, content_hash(image), CAPTIONS[number % 3])


@pytest.fixture
def captioned(tmp_path: Path) -> Marked:
    marking = Marking(
        Segments(2, 4), seed=0, held_out=0.0, keys_per_copy="independent", near_duplicates=False
    )
    mark_dataset(Captioned(8), tmp_path / "captioned", marking, {"count": 8})
    return open_marked(tmp_path / "captioned")


def evidence(out: Path, **which: object) -> list[dict[str, Any]]:
    rows = pq.read_table(out / "signals.parquet").to_pylist()
    return [row for row in rows if which.items() <= row.items()]


def values(out: Path, name: str) -> dict[str, float]:
    return {row["id"]: row["value"] for row in evidence(out, signal=name)}


def write_pictures(folder: Path, numbers: range) -> Path:
    folder.mkdir()
    for number in numbers:
        noise = torch.Generator().manual_seed(number)
        image = torch.randint(256, (1, 8, 8), generator=noise) / 255
        to_picture(image).save(folder / f"{number}.png")
    return folder


def test_the_values_are_those_of_the_signal(
    make_marked: Callable[..., Marked], save_unet: Callable[..., Path], tmp_path: Path
) -> None:
    marked, model = make_marked(12), str(save_unet(12))
    out = tmp_path / "out"
    asked = Measuring(model, str(marked.folder), out, ("loss", "spread"), times=2, batch_size=5)
    assert measure_signals(asked).finished
    rows = evidence(out)
    assert [(row["signal"], row["split"], row["id"]) for row in rows] == [
        (name, split, id)
        for name in ("loss", "spread")
        for split in ("held_out", "trained")
        for id in sorted(marked.ids(split))
    ]
    bare = open_model(model)
    for row in evidence(out, signal="loss"):
        sample = marked.sample(row["id"])
        noise = [generator(0, row["id"], purpose="signal loss")]
        assert row["value"] == pytest.approx(float(Loss(2).measure(bare, [sample], noise)))
        assert row["network_calls"] == 2
        shown = sample.image[:, 2:10, 2:10]
        assert row["content"] == content_hash(shown)
        assert row["contrast"] == pytest.approx(float(shown.double().std(correction=0)))
        assert (row["status"], row["note"], row["prompt"]) == ("ok", "", None)
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["signals"]["loss"]["direction"] == "low"
    kept = json.loads((out / "pictures" / "index.json").read_text())
    assert sorted(kept["trained"]) == sorted(marked.ids("trained"))
    for own in kept["trained"].values():
        assert (out / own["picture"]).is_file()


def test_a_prompt_is_asked_once_and_an_image_each_time(captioned: Marked, tmp_path: Path) -> None:
    folder = tiny.stable_diffusion(tmp_path / "model")
    out = tmp_path / "out"
    names = ("magnitude", "image-magnitude")
    asked = Measuring(
        str(folder), str(captioned.folder), out, names, draws=2, times=2, splits=("trained",)
    )
    measure_signals(asked)
    rows = evidence(out, signal="magnitude")
    assert {row["prompt"] for row in rows} == set(CAPTIONS)
    for caption in CAPTIONS:
        of_prompt = [row for row in rows if row["prompt"] == caption]
        assert len({row["value"] for row in of_prompt}) == 1
        assert [row["network_calls"] for row in of_prompt] == [4] + [0] * (len(of_prompt) - 1)
        sample = captioned.sample(of_prompt[0]["id"])
        noise = [generator(0, caption, purpose="signal magnitude")]
        alone = Magnitude(2).measure(open_model(str(folder)), [sample], noise)
        assert of_prompt[0]["value"] == pytest.approx(float(alone), rel=1e-3)
    found = values(out, "image-magnitude")
    assert len(set(found.values())) == 8


@pytest.mark.parametrize("size", [1, 3])
@pytest.mark.rounding
def test_the_batch_does_not_matter(size: int, captioned: Marked, tmp_path: Path) -> None:
    model = str(tiny.stable_diffusion(tmp_path / "model"))
    asked = Measuring(
        model, str(captioned.folder), tmp_path / "8", draws=1, times=1, steps=2, batch_size=8
    )
    measure_signals(asked)
    measure_signals(replace(asked, out=tmp_path / "own", batch_size=size))
    for name in asked.signals:
        one, other = (values(tmp_path / out, name) for out in ("8", "own"))
        assert one == pytest.approx(other, rel=1e-3), name
    # Another seed, other noise; the same seed, the same bytes.
    measure_signals(replace(asked, out=tmp_path / "again"))
    same = [(tmp_path / out / "signals.parquet").read_bytes() for out in ("8", "again")]
    assert same[0] == same[1]
    measure_signals(replace(asked, out=tmp_path / "other", seed=1))
    for name in asked.signals:
        one, other = (values(tmp_path / out, name) for out in ("8", "other"))
        # SimA alone draws nothing.
        assert not set(one.values()) & set(other.values()) or name == "sima", name


OF_FORMULAS = ["loss", "fixed-loss", "sima", "flipd"]
"""What a model without a network can be asked for."""


def test_what_the_model_cannot_be_asked_for_is_left_out(
    make_marked: Callable[..., Marked], tmp_path: Path
) -> None:
    marked = str(make_marked(8).folder)
    run = measure_signals(Measuring("memorizer", marked, tmp_path / "out", times=1))
    assert list(run.manifest["signals"]) == OF_FORMULAS
    assert set(run.manifest["left_out"]) == {
        "spread",
        "magnitude",
        "magnitude-path",
        "image-magnitude",
        "anisotropy",
        "sharpness",
        "attention-entropy",
    }
    assert "activations" in run.manifest["left_out"]["spread"]
    assert {row["signal"] for row in evidence(tmp_path / "out")} == set(OF_FORMULAS)
    with pytest.raises(MissingCapability, match="no such signal"):
        measure_signals(Measuring("gaussian", marked, tmp_path / "none", ("spread",)))
    assert not (tmp_path / "none").exists()


def test_plain_folders_are_asked_about_too(save_unet: Callable[..., Path], tmp_path: Path) -> None:
    trained = write_pictures(tmp_path / "trained", range(6))
    held_out = write_pictures(tmp_path / "held out", range(4, 10))
    out = tmp_path / "out"
    asked = Measuring(
        str(save_unet(8)), str(trained), out, ("loss",), held_out=str(held_out), times=1, mode="L"
    )
    measure_signals(asked)
    assert len(evidence(out, split="trained", status="ok")) == 6
    assert len(evidence(out, split="held_out", status="ok")) == 6
    # Twins have the same pixels and noise of their own: their ids are those of two folders.
    subjects = open_subjects(str(trained), mode="L")
    measure_signals(replace(asked, out=tmp_path / "alone", held_out=None), subjects)
    assert {row["split"] for row in evidence(tmp_path / "alone")} == {"trained"}
    with pytest.raises(RunConflict, match="another run"):
        measure_signals(replace(asked, times=2))


def test_what_is_broken_is_a_failed_row_and_the_rest_goes_on(
    make_marked: Callable[..., Marked],
    save_unet: Callable[..., Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    marked = make_marked(8)
    gone = sorted(marked.ids("trained"))[1]
    (path,) = (marked.folder / "train").glob(f"{gone}*.png")
    path.write_bytes(b"nothing")
    denoise = PixelModel.denoise

    def broken(self: PixelModel, *asked: Any) -> torch.Tensor:
        found = denoise(self, *asked)
        found[0] = torch.nan
        return found

    monkeypatch.setattr(PixelModel, "denoise", broken)
    out = tmp_path / "out"
    asked = Measuring(str(save_unet(12)), str(marked.folder), out, ("loss",), times=1)
    measure_signals(asked)
    rows = {(row["split"], row["id"]): row for row in evidence(out)}
    assert len(rows) == 8
    failed = {name: row for name, row in rows.items() if row["status"] == "failed"}
    assert "broken" in failed.pop(("trained", gone))["note"]
    (first,) = failed.values()
    assert first["note"] == "The numbers of the model are not finite."
    assert first["value"] is None
    assert first["network_calls"] == 1
    good = [row["value"] for row in rows.values() if row["status"] == "ok"]
    assert len(good) == 6
    assert np.isfinite(good).all()


@pytest.mark.parametrize(
    ("error", "options"),
    [
        (UnknownName, {"signals": ("los",)}),
        (BadInput, {"signals": ()}),
        (BadInput, {"splits": ("held_out",)}),
        (BadInput, {"draws": 0}),
        (BadInput, {"times": 0}),
        (BadInput, {"steps": 0}),
        (BadInput, {"t": 1.0}),
        (BadInput, {"limit": 0}),
    ],
)
def test_bad_options_are_refused(error: type[Exception], options: dict[str, Any]) -> None:
    with pytest.raises(error):
        Measuring("model", "images", Path("out"), **options)


def test_images_that_are_not_there_are_missed_before_anything_is_written(tmp_path: Path) -> None:
    asked = Measuring("memorizer", str(tmp_path / "nowhere"), tmp_path / "out")
    with pytest.raises(NotFound):
        measure_signals(asked)
    assert not (tmp_path / "out").exists()


def test_a_killed_run_resumes_to_the_same_bytes(
    make_marked: Callable[..., Marked], save_unet: Callable[..., Path], tmp_path: Path
) -> None:
    marked, model = make_marked(12).folder, save_unet(12)

    def table(out: str) -> bytes:
        return (tmp_path / out / "signals.parquet").read_bytes()

    def done(out: str) -> int:
        import sqlite3

        count = 0
        for path in (tmp_path / out / "ledger").glob("*.sqlite"):
            try:
                query = "SELECT count(*) FROM rows WHERE name LIKE 'signal %'"
                # Read-only: whoever closes it last must not tidy up behind the one that writes.
                with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
                    count += connection.execute(query).fetchone()[0]
            except sqlite3.OperationalError:
                continue
        return count

    measure(model, marked, tmp_path / "whole")
    process = start(measure, model, marked, tmp_path / "killed")
    deadline = time.monotonic() + 120
    while done("killed") < 4 and time.monotonic() < deadline:
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    assert process.exitcode == -signal.SIGKILL, "it was done before it was killed"
    assert 4 <= done("killed") < 24
    measure(model, marked, tmp_path / "killed")
    assert table("killed") == table("whole")
