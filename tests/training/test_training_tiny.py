"""tiny-t2i: autoencoder, tokenizer and text encoder first, then the denoiser; all of it small."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from rounding import TRAINED
from safetensors.torch import load_file

from solidmark.errors import BadInput
from solidmark.marks import open_marked
from solidmark.models import open_model
from solidmark.runs import read_json
from solidmark.training import train, trainer
from solidmark.training.autoencoder import Reconstruction, build_autoencoder
from solidmark.training.batches import Plan, Steps
from solidmark.training.captions import build_tokenizer
from solidmark.training.pictures import load_training_set
from training.folders import kept, losses, mark_captioned, shorten_parts, tiny_t2i
from training.several import train_in_two

PARTS = ("vae", "text_encoder", "tokenizer")


@pytest.fixture(autouse=True, scope="module")
def _few_steps() -> Iterator[None]:
    restore = shorten_parts()
    yield
    restore()


@pytest.fixture(scope="module")
def trained(_few_steps: None, captioned: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("tiny") / "out"
    train(captioned, out, tiny_t2i(), device="cpu")
    return out


def bytes_of(folder: Path) -> dict[str, bytes]:
    """The parts that are trained before the denoiser."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for part in PARTS
        for path in sorted((folder / part).iterdir())
    }


def test_it_is_an_ordinary_stable_diffusion_that_draws(trained: Path, captioned: Path) -> None:
    from diffusers import StableDiffusionPipeline

    pipe = StableDiffusionPipeline.from_pretrained(
        trained / "model", use_safetensors=True, local_files_only=True
    )
    pipe.set_progress_bar_config(disable=True)
    images = pipe("a red dog", num_inference_steps=2, height=24, width=24, output_type="np").images
    assert images.shape == (1, 24, 24, 3)
    assert pipe.scheduler.config.prediction_type == "v_prediction"
    model, source = open_model(str(trained)), open_marked(captioned)
    samples = [source.sample(id) for id in source.ids("trained")[:3]]
    z = model.encode(torch.stack([sample.image for sample in samples]))
    assert z.shape == (3, 4, 6, 6)
    assert model.denoise(z, 0.2, model.condition(samples)).shape == z.shape
    # About the size of the noise: that is what the scaling factor is for.
    assert 0.5 < float(z.std()) < 2


def test_three_trainings_are_told_of(trained: Path, captioned: Path) -> None:
    for name, steps in (("autoencoder", 4), ("text", 4), ("", 6)):
        manifest = read_json(trained / name / "manifest.json")
        assert (manifest["finished"], manifest["steps"]) == (True, steps)
        assert len(losses(trained / name)) == steps
    facts = read_json(trained / "model" / "solidmark.json")
    assert facts["recipe"]["base"] == "tiny-t2i"
    assert not (trained / "latents").exists()
    assert str(trained) not in "".join(
        path.read_text() for path in (trained / "model").rglob("*.json")
    )


def test_the_same_seed_gives_the_same_bytes_and_another_one_others(
    trained: Path, captioned: Path, tmp_path: Path
) -> None:
    train(captioned, tmp_path / "same", tiny_t2i(), device="cpu")
    assert kept(tmp_path / "same") == kept(trained)
    other = train(captioned, tmp_path / "other", tiny_t2i(seed=1), device="cpu")
    one, two = (
        load_file(p / "vae" / "diffusion_pytorch_model.safetensors")
        for p in (trained / "model", other)
    )
    assert not torch.equal(one["encoder.conv_in.weight"], two["encoder.conv_in.weight"])


@pytest.mark.parametrize("stop", [2, 5, 7, 9])
def test_it_goes_on_where_it_was_stopped_in_any_of_the_three(
    trained: Path, captioned: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stop: int
) -> None:
    """Without any chance to tidy up, as after a kill: an exception between two steps."""
    step, done = trainer.Training._step, 0

    def stopped(self: trainer.Training, *given: Any) -> None:
        nonlocal done
        done += 1
        if done == stop:
            raise MemoryError
        step(self, *given)

    with monkeypatch.context() as patched:
        patched.setattr(trainer.Training, "_step", stopped)
        with pytest.raises(MemoryError):
            train(captioned, tmp_path / "out", tiny_t2i(), device="cpu")
    train(captioned, tmp_path / "out", tiny_t2i(), device="cpu")
    assert kept(tmp_path / "out") == kept(trained)


def test_no_key_can_be_in_the_parts(tmp_path: Path) -> None:
    """The same pictures under other keys are other images, and lead to the same parts."""
    found = []
    for seed in (0, 1):
        marked = mark_captioned(tmp_path / f"marked-{seed}", 6, seed=seed, held_out=0.0)
        source = open_marked(marked)
        images = torch.stack([source.sample(id).image for id in source.ids("trained")])
        out = tmp_path / f"out-{seed}"
        train(marked, out, tiny_t2i(num_train_epochs=1), device="cpu")
        model = (out / "model" / "unet" / "diffusion_pytorch_model.safetensors").read_bytes()
        found.append((images, bytes_of(out / "base"), bytes_of(out / "model"), model))
    one, two = found
    assert len(one[0]) == 6
    assert not torch.equal(one[0], two[0])
    assert torch.equal(one[0][..., 4:-4, 4:-4], two[0][..., 4:-4, 4:-4])
    assert one[1:3] == two[1:3]
    assert one[3] != two[3]


def test_frames_are_painted_anew_each_time(captioned: Path) -> None:
    source = open_marked(captioned)
    data = load_training_set(source, False)
    steps = Steps(data, Plan.of(tiny_t2i(num_train_epochs=60), len(data.ids)), 1)
    loss = Reconstruction(source.pattern)
    greys = []
    for step in range(180):
        batch = steps[step][0]
        shown = loss.reframed(batch)
        images = batch.images.float() / 255
        assert torch.equal(source.pattern.crop(shown), source.pattern.crop(images))
        greys.append(source.pattern.read(shown))
    keys = torch.cat(greys).flatten()
    assert torch.equal((keys * 255).round() / 255, keys)
    # All greys, each about as often.
    assert torch.histc(keys, 4, 0, 1).min() > 0.2 * len(keys)


def test_the_autoencoder_counts_error_and_divergence() -> None:
    network = build_autoencoder(0)
    images = torch.rand(2, 3, 16, 16) * 2 - 1
    with torch.no_grad():
        found, divergence = network(images, torch.zeros(2, 3, 16, 16))
        posterior = network.vae.encode(images).latent_dist
        torch.testing.assert_close(found, network.vae.decode(posterior.mode()).sample)
    mean, var = posterior.mean, posterior.var
    expected = 0.5 * (mean**2 + var - 1 - var.log()).sum((1, 2, 3))
    torch.testing.assert_close(divergence, expected)


def test_the_tokenizer_knows_captions_in_any_language() -> None:
    captions = ["a red dog", "a red cat", "Café au lait", "赤い犬", "it's 7 o'clock"]
    tokenizer = build_tokenizer(captions)
    ids = [tokenizer(text).input_ids for text in captions]
    assert len({tuple(found) for found in ids}) == len(captions)
    unknown = tokenizer.unk_token_id
    for text, found in zip(captions, ids, strict=True):
        assert found[0] == tokenizer.bos_token_id
        assert found[-1] == tokenizer.eos_token_id
        assert unknown not in found[1:-1]
        said = tokenizer.decode(found, skip_special_tokens=True)
        assert said.replace(" ", "") == text.lower().replace(" ", "")
    # Words that were seen are one token, others are spelt.
    assert len(tokenizer("red dog").input_ids) == 4
    assert len(tokenizer("zebra").input_ids) > 4
    again = build_tokenizer(captions[::-1])
    assert json.loads(again.backend_tokenizer.to_str()) == json.loads(
        tokenizer.backend_tokenizer.to_str()
    )


@pytest.mark.slow
def test_two_processes_train_the_parts_of_one(
    trained: Path, captioned: Path, tmp_path: Path
) -> None:
    """Captions are told apart within the whole pass, not within the share of a process."""
    train_in_two(captioned, tmp_path / "two", tiny_t2i())
    assert read_json(tmp_path / "two" / "manifest.json")["processes"] == 2
    for path in sorted((trained / "model").glob("*/*.safetensors")):
        one = load_file(path)
        two = load_file(tmp_path / "two" / "model" / path.parent.name / path.name)
        for name, weight in one.items():
            torch.testing.assert_close(two[name], weight, **TRAINED)
    for part in ("autoencoder", "text"):
        assert losses(tmp_path / "two" / part) == pytest.approx(losses(trained / part), rel=1e-4)


@pytest.mark.parametrize(
    ("changes", "options", "message"),
    [
        ({"channels": 1}, {}, "Mark again with --mode RGB"),
        ({"side": 17}, {}, "multiples of 8 pixels, the marked images have 25 x 25"),
        ({"captions": False}, {}, '"--caption"'),
        ({}, {"attention_levels": (), "mid_attention": False}, "told captions by its attention"),
    ],
    ids=["grey", "size", "captions", "attention"],
)
def test_what_it_cannot_be_trained_on_is_said(
    tmp_path: Path, changes: dict[str, Any], options: dict[str, Any], message: str
) -> None:
    marked = mark_captioned(tmp_path / "marked", **changes)
    with pytest.raises(BadInput, match=message) as caught:
        train(marked, tmp_path / "out", tiny_t2i(**options), device="cpu")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out" / "manifest.json").exists()
