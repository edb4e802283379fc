"""Folders of generations: on the models that know everything and nothing, and under kills."""

import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tiny
import torch
from forked_generating import draw_images
from forking import run_together, start
from rounding import LEVEL

from solidmark.data import open_data
from solidmark.diffusion import DiscreteSchedule
from solidmark.errors import BadInput, MissingCapability, RunConflict
from solidmark.generating import Generation, generate
from solidmark.marks import Marked
from solidmark.mitigations import parse
from solidmark.models import PixelModel


def images(out: Path, mode: Any = "L") -> torch.Tensor:
    found = open_data(out, mode=mode)
    return torch.stack([found[number].image for number in range(len(found))])


def lines(out: Path) -> list[dict]:
    return [json.loads(line) for line in (out / "metadata.jsonl").read_text().splitlines()]


def files(out: Path) -> dict[str, bytes]:
    paths = [*out.glob("images/*"), out / "metadata.jsonl"]
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in paths}


def nearest(found: torch.Tensor, known: torch.Tensor) -> torch.Tensor:
    """The root mean square to the nearest of the known images, by hand."""
    apart = (found.flatten(1)[:, None] - known.flatten(1)[None]).square().mean(2).sqrt()
    return apart.min(1).values


def test_the_memorizer_draws_its_training_images_and_the_gaussian_does_not(
    make_marked: Callable[..., Marked], tmp_path: Path
) -> None:
    marked = make_marked(64, side=12, digits=True)
    known = torch.stack([marked.sample(id).image for id in marked.ids("trained")])
    apart = {}
    for name in ("memorizer", "gaussian"):
        run = generate(Generation(name, tmp_path / name, number=40, marked=marked.folder))
        assert run.finished
        assert run.manifest["images"] == 40
        assert run.manifest["failed"] == {}
        assert run.manifest["network_calls_per_image"] == 50
        apart[name] = nearest(images(tmp_path / name), known)
    assert (apart["memorizer"] < 1e-3).float().mean() > 0.9
    assert apart["gaussian"].min() > 0.1


def test_what_is_drawn_is_an_image_folder(
    make_marked: Callable[..., Marked], tmp_path: Path
) -> None:
    marked = make_marked(16)
    out = tmp_path / "out"
    generate(Generation("memorizer", out, number=3, steps=5, marked=marked.folder, seed=7))
    assert open_data(out).ids == ["000000", "000001", "000002"]
    first = {"file_name": "images/000000.png", "id": "000000", "seed": 7}
    assert lines(out)[0] == first
    assert images(out).shape == (3, 1, 12, 12)
    cropped = tmp_path / "cropped"
    generate(
        Generation("memorizer", cropped, number=3, steps=5, marked=marked.folder, crop=True, seed=7)
    )
    assert torch.equal(images(cropped), marked.pattern.crop(images(out)))


@pytest.mark.rounding
def test_an_image_is_the_same_in_any_batch_and_among_any_number(
    save_unet: Callable[..., Path], tmp_path: Path
) -> None:
    model = str(save_unet(12))
    drawn = {}
    for batch, number in ((1, 9), (8, 9), (8, 5)):
        out = tmp_path / f"{batch}-{number}"
        generate(Generation(model, out, number=number, steps=6, eta=0.5, batch_size=batch))
        drawn[batch, number] = images(out)
    torch.testing.assert_close(drawn[1, 9], drawn[8, 9], atol=LEVEL, rtol=0)
    torch.testing.assert_close(drawn[8, 5], drawn[8, 9][:5], atol=LEVEL, rtol=0)
    assert nearest(drawn[8, 9][1:], drawn[8, 9][:1]).min() > 0.05


def test_classes_reach_the_network(
    make_marked: Callable[..., Marked],
    save_unet: Callable[..., Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    marked = make_marked(12)  # Classes 0, 1 and 2.
    model = str(save_unet(12, num_class_embeds=3))
    told: list[int] = []
    denoise = PixelModel.denoise

    def watched(self: PixelModel, z_t: Any, t: float, condition: Any) -> Any:
        if t > 0.99:
            told.extend(condition.tensors["classes"].tolist())
        return denoise(self, z_t, t, condition)

    monkeypatch.setattr(PixelModel, "denoise", watched)
    out = tmp_path / "own"
    generate(Generation(model, out, number=7, steps=3, batch_size=4))
    assert told == [0, 1, 2, 0, 1, 2, 0]
    assert [line["class"] for line in lines(out)] == ["0", "1", "2", "0", "1", "2", "0"]

    told.clear()
    out = tmp_path / "theirs"
    generate(Generation(model, out, marked=marked.folder, per_prompt=2, limit=3, steps=3))
    ids = sorted(marked.ids("trained"))[:3]
    classes = [marked.sample(id).class_index for id in ids for _ in range(2)]
    assert told == classes
    assert [line["prompt_id"] for line in lines(out)] == [id for id in ids for _ in range(2)]
    assert [line["class"] for line in lines(out)] == [str(number) for number in classes]
    pair = images(out)[:2]
    assert nearest(pair[1:], pair[:1]) > 0.01, "two images of a prompt have noise of their own"


def test_captions_reach_the_network(make_marked: Callable[..., Marked], tmp_path: Path) -> None:
    model = str(tiny.stable_diffusion(tmp_path / "model"))
    marked = make_marked(8, side=12, channels=3)
    shared = {"number": 2, "steps": 4, "resolution": 16, "batch_size": 2}

    def draw(name: str, **options: Any) -> torch.Tensor:
        out = tmp_path / name
        generate(Generation(model, out, **{**shared, **options}))
        return images(out, "RGB")

    dog, cat = draw("dog", caption="a red dog"), draw("cat", caption="a small blue cat")
    assert not torch.equal(dog, cat)
    guided = draw("guided", caption="a red dog", guidance=7.0)
    assert not torch.equal(dog, guided)
    noisy = draw("noisy", caption="a red dog", mitigations=(parse("gni:1.0"),))
    assert not torch.equal(dog, noisy)
    assert lines(tmp_path / "dog")[0]["text"] == "a red dog"
    found = draw("trained", marked=marked.folder, resolution=None, number=None, per_prompt=1)
    assert found.shape == (4, 3, 16, 16)
    ids = sorted(marked.ids("trained"))
    told = [(line["prompt_id"], line["text"]) for line in lines(tmp_path / "trained")]
    assert told == [(id, marked.sample(id).caption) for id in ids]


def test_numbers_that_are_not_finite_are_named_and_not_written(
    save_unet: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    decode = PixelModel.decode

    def broken(self: PixelModel, latents: torch.Tensor) -> torch.Tensor:
        found = decode(self, latents)
        found[0, 0, 0, 0] = torch.nan
        return found

    monkeypatch.setattr(PixelModel, "decode", broken)
    out = tmp_path / "out"
    run = generate(Generation(str(save_unet(12)), out, number=4, steps=2, batch_size=2))
    assert sorted(run.manifest["failed"]) == ["000000", "000002"]
    assert "not finite" in run.manifest["failed"]["000000"]
    assert run.manifest["images"] == 2
    assert open_data(out).ids == ["000001", "000003"]
    assert sorted(path.name for path in (out / "images").iterdir()) == ["000001.png", "000003.png"]


@pytest.mark.rounding
def test_what_does_not_fit_is_drawn_in_parts(
    save_unet: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = str(save_unet(12))
    generate(Generation(model, tmp_path / "whole", number=6, steps=3, batch_size=6))
    denoise = PixelModel.denoise

    def narrow(self: PixelModel, z_t: torch.Tensor, t: float, condition: Any) -> torch.Tensor:
        if len(z_t) > 2:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory")
        return denoise(self, z_t, t, condition)

    monkeypatch.setattr(PixelModel, "denoise", narrow)
    run = generate(Generation(model, tmp_path / "parts", number=6, steps=3, batch_size=6))
    assert run.manifest["memory"]["batch_size"] == 1
    torch.testing.assert_close(
        images(tmp_path / "parts"), images(tmp_path / "whole"), atol=LEVEL, rtol=0
    )


def test_a_schedule_is_the_models_own(save_unet: Callable[..., Path]) -> None:
    model = Generation(str(save_unet(12)), Path("out")).open_model(None)
    assert isinstance(model.schedule, DiscreteSchedule)


def test_what_cannot_be_drawn_is_refused_before_anything_is_written(
    make_marked: Callable[..., Marked], save_unet: Callable[..., Path], tmp_path: Path
) -> None:
    marked, other = make_marked(8).folder, make_marked(8, side=6, name="other").folder
    plain = str(save_unet(12))
    classes = str(save_unet(12, name="classes", num_class_embeds=2))
    sizeless = str(save_unet(12, name="sizeless", sample_size=None))
    latent = str(tiny.stable_diffusion(tmp_path / "latent"))
    flux = str(tiny.flux(tmp_path / "flux"))
    cases: list[tuple[type[Exception], str, dict[str, Any]]] = [
        (BadInput, "built for 12 x 12", {"model": plain, "resolution": 16}),
        (BadInput, "built for 12 x 12", {"model": plain, "marked": other}),
        (BadInput, "does not say for which size", {"model": sizeless}),
        (BadInput, "multiples of 4", {"model": latent, "caption": "dog", "resolution": 18}),
        (BadInput, "draws from captions", {"model": latent}),
        (BadInput, "classes 0 to 1", {"model": classes, "marked": marked}),
        (BadInput, "marked images", {"model": "memorizer"}),
        (MissingCapability, "neither captions nor classes", {"model": plain, "caption": "dog"}),
        (MissingCapability, "from classes, not", {"model": classes, "caption": "dog"}),
        (MissingCapability, "guidance", {"model": classes, "guidance": 2.0}),
        (
            MissingCapability,
            "guidance",
            {"model": flux, "caption": "dog", "guidance": 2.0, "resolution": 16},
        ),
        (BadInput, "at the most", {"model": classes, "per_prompt": 2, "number": 5}),
    ]
    for error, words, options in cases:
        with pytest.raises(error, match=words):
            generate(Generation(out=tmp_path / "out", **options))
        assert not (tmp_path / "out").exists(), words


@pytest.mark.parametrize(
    ("words", "options"),
    [
        ("--number", {"number": 0}),
        ("--per-prompt", {"per_prompt": 0}),
        ("--batch-size", {"batch_size": 0}),
        ("--steps", {"steps": 1001}),
        ("--eta", {"eta": 1.5}),
        ("--guidance", {"guidance": -1.0}),
        ("--marked", {"crop": True}),
        ("Leave one out", {"marked": Path("x"), "resolution": 8}),
        ("--data", {"label_column": "x"}),
    ],
)
def test_bad_options_are_refused(words: str, options: dict[str, Any]) -> None:
    with pytest.raises(BadInput, match=words):
        Generation("model", Path("out"), **options)


def test_another_question_is_refused_and_the_same_one_is_done(
    save_unet: Callable[..., Path], tmp_path: Path
) -> None:
    model, out = str(save_unet(12)), tmp_path / "out"
    generate(Generation(model, out, number=2, steps=2))
    before = files(out)
    generate(Generation(model, out, number=2, steps=2))
    assert files(out) == before
    with pytest.raises(RunConflict, match="seed"):
        generate(Generation(model, out, number=2, steps=2, seed=1))


@pytest.mark.slow
def test_a_killed_generation_resumes_to_the_same_bytes(
    save_unet: Callable[..., Path], tmp_path: Path
) -> None:
    model, out = save_unet(12), tmp_path / "killed"
    draw_images(model, tmp_path / "whole", 24)
    for least in (1, 4, 9):
        process = start(draw_images, model, out, 24)
        deadline = time.monotonic() + 120
        while len(list(out.glob("images/*.png"))) < least and time.monotonic() < deadline:
            time.sleep(0.01)
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        assert process.exitcode == -signal.SIGKILL, "it was done before it was killed"
        assert not (out / "metadata.jsonl").exists()
    draw_images(model, out, 24)
    assert files(out) == files(tmp_path / "whole")
    assert len(files(out)) == 25


@pytest.mark.slow
def test_two_processes_draw_the_images_of_one(
    save_unet: Callable[..., Path], tmp_path: Path
) -> None:
    model = save_unet(12)
    run_together(2, draw_images, model, tmp_path / "two", 10)
    assert len(list((tmp_path / "two" / "ledger").glob("ledger-*.sqlite"))) == 2
    draw_images(model, tmp_path / "one", 10)
    assert files(tmp_path / "two") == files(tmp_path / "one")
