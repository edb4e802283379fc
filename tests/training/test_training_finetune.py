"""Fine-tuning a latent model: all of its denoiser, a LoRA beside it, a fresh one in its place."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from solidmark.diffusion import Model
from solidmark.errors import BadInput, NotFound
from solidmark.marks import open_marked
from solidmark.models import Opening, open_model
from solidmark.runs import fingerprint, read_json
from solidmark.training import read_latest, train
from training.folders import losses, mark, mark_captioned, tuned

WEIGHTS = "unet/diffusion_pytorch_model.safetensors"
VAE = "vae/diffusion_pytorch_model.safetensors"
TEXT = "text_encoder/model.safetensors"
LORA = "pytorch_lora_weights.safetensors"


def answer(model: Model, marked: Path) -> torch.Tensor:
    """What a model makes of the first marked image under some noise."""
    source = open_marked(marked)
    sample = source.sample(source.ids("trained")[0])
    noise = torch.randn(1, 4, 6, 6, generator=torch.Generator().manual_seed(0))
    z_t = model.encode(sample.image[None]) + noise
    return model.denoise(z_t, 0.3, model.condition([sample]))


@pytest.fixture(scope="module")
def full(captioned: Path, base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("full") / "out"
    before = fingerprint(base)
    recipe = tuned(base, num_train_epochs=12, checkpoint_at=(1,), learning_rate=6e-3)
    assert train(captioned, out, recipe, device="cpu") == out / "model"
    assert fingerprint(base) == before
    return out


@pytest.fixture(scope="module")
def lora(captioned: Path, base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("lora") / "out"
    before = fingerprint(base)
    train(captioned, out, tuned(base, lora_rank=2, lora_alpha=6, learning_rate=0.02), device="cpu")
    assert fingerprint(base) == before
    return out


def test_a_tuned_model_opens_in_plain_diffusers_and_draws(full: Path) -> None:
    from diffusers import StableDiffusionPipeline

    pipe = StableDiffusionPipeline.from_pretrained(
        full / "model", use_safetensors=True, local_files_only=True
    )
    pipe.set_progress_bar_config(disable=True)
    images = pipe("a red dog", num_inference_steps=2, height=24, width=24, output_type="np").images
    assert images.shape == (1, 24, 24, 3)


def test_only_the_denoiser_has_changed(full: Path, base: Path) -> None:
    for name in (VAE, TEXT):
        ours, theirs = load_file(full / "model" / name), load_file(base / name)
        assert ours.keys() == theirs.keys()
        assert all(torch.equal(ours[key], theirs[key]) for key in ours)
    ours, theirs = load_file(full / "model" / WEIGHTS), load_file(base / WEIGHTS)
    assert {k: t.shape for k, t in ours.items()} == {k: t.shape for k, t in theirs.items()}
    changed = [key for key in ours if not torch.equal(ours[key], theirs[key])]
    assert len(changed) > 0.9 * len(ours)


@pytest.mark.parametrize("where", ["", "model", "epochs/epoch-0001"])
def test_a_tuned_model_opens_and_answers_otherwise(
    full: Path, base: Path, captioned: Path, where: str
) -> None:
    before, after = (answer(open_model(str(path)), captioned) for path in (base, full / where))
    assert bool(after.isfinite().all())
    assert (before - after).abs().max() > 1e-3


def test_the_loss_falls(full: Path) -> None:
    values = losses(full)
    assert len(values) == 36
    assert sum(values[-9:]) < 0.8 * sum(values[:9])


def test_the_facts_tell_what_an_audit_must_know(full: Path, base: Path, captioned: Path) -> None:
    facts = read_json(full / "model" / "solidmark.json")
    assert facts["recipe"]["base"] == str(base)
    assert (facts["step"], facts["epoch"]) == (36, 12)
    assert facts["pattern"] == {"name": "border", "thickness": 4}
    assert facts["marked"] == open_marked(captioned).manifest["keys"]
    manifest = read_json(full / "manifest.json")
    assert manifest["fingerprints"]["base"] == facts["base_print"] == fingerprint(base)
    assert manifest["images"] == 9
    assert not (full / "latents").exists()


def test_a_lora_is_matrices_beside_the_attention_and_nothing_else(lora: Path) -> None:
    assert {path.name for path in (lora / "model").iterdir()} == {LORA, "solidmark.json"}
    matrices = load_file(lora / "model" / LORA)
    assert {min(tensor.shape) for tensor in matrices.values()} == {2}
    layers = {name.split(".lora.")[0].split(".attn")[-1][2:] for name in matrices}
    assert layers == {"to_q", "to_k", "to_v", "to_out.0"}
    assert all(bool(tensor.any()) for tensor in matrices.values())
    count = sum(tensor.numel() for tensor in matrices.values())
    assert read_json(lora / "manifest.json")["parameters"] == count
    state = read_latest(lora / "checkpoints")
    assert state is not None
    assert sum(tensor.numel() for tensor in state.tensors["network"].values()) == count


def test_a_lora_is_one_of_plain_diffusers(lora: Path, base: Path, captioned: Path) -> None:
    from diffusers import StableDiffusionPipeline

    from solidmark.models.pipelines import to_model

    pipe = StableDiffusionPipeline.from_pretrained(base, use_safetensors=True)
    before = answer(to_model(pipe, torch.device("cpu")), captioned)
    pipe.load_lora_weights(lora / "model")
    assert pipe.unet.peft_config["default_0"].lora_alpha == 6
    after = answer(to_model(pipe, torch.device("cpu")), captioned)
    assert (before - after).abs().max() > 1e-3
    for where in (lora, lora / "model"):
        ours = answer(open_model(str(where)), captioned)
        torch.testing.assert_close(ours, after)
    added = open_model(str(base), Opening(loras=(str(lora),)))
    torch.testing.assert_close(answer(added, captioned), after)


def test_a_lora_names_its_base_wherever_it_is_opened(
    captioned: Path, base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(base.parent)
    out = train(captioned, tmp_path / "out", tuned(base.name, lora_rank=1), device="cpu")
    monkeypatch.chdir(tmp_path)
    facts = read_json(out / "solidmark.json")
    assert facts["base"] == str(base.resolve())
    open_model("out")
    (out / "solidmark.json").write_text(json.dumps({**facts, "base": str(tmp_path / "gone")}))
    with pytest.raises(NotFound, match=r'no model "/.*gone"'):
        open_model("out")
    (out / "solidmark.json").unlink()
    with pytest.raises(BadInput, match="LoRA weights alone"):
        open_model("out")


def test_a_fresh_denoiser_is_a_function_of_the_seed(
    captioned: Path, base: Path, tmp_path: Path
) -> None:
    found = {}
    for name, seed in (("one", 1), ("same", 1), ("other", 2)):
        recipe = tuned(base, from_scratch=True, seed=seed, learning_rate=1e-9, adam_weight_decay=0)
        found[name] = train(captioned, tmp_path / name, recipe, device="cpu")
    weights = {name: load_file(path / WEIGHTS)["conv_in.weight"] for name, path in found.items()}
    assert torch.equal(weights["one"], weights["same"])
    assert not torch.allclose(weights["one"], weights["other"], atol=1e-3)
    assert not torch.allclose(
        weights["one"], load_file(base / WEIGHTS)["conv_in.weight"], atol=1e-3
    )
    for part in (VAE, TEXT):
        assert (found["one"] / part).read_bytes() == (found["other"] / part).read_bytes()
        ours, theirs = load_file(found["one"] / part), load_file(base / part)
        assert all(torch.equal(ours[key], theirs[key]) for key in theirs)


PLAIN = {"num_train_epochs": 1, "adam_epsilon": 1e-3}


@pytest.fixture(scope="module")
def plainly(
    captioned: Path, base: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[int, dict[str, torch.Tensor]]:
    """What training without any option gives, by the rank of the LoRA."""
    here = tmp_path_factory.mktemp("plainly")
    return {
        rank: load_file(
            train(captioned, here / f"{rank}", tuned(base, **PLAIN, lora_rank=rank), device="cpu")
            / (LORA if rank else WEIGHTS)
        )
        for rank in (0, 2)
    }


@pytest.mark.parametrize(
    "changes",
    [
        {"ema_decay": 0.9},
        {"mixed_precision": "bf16"},
        {"gradient_checkpointing": True},
        {"snr_gamma": 5.0},
        {"gradient_accumulation_steps": 2, "train_batch_size": 2},
    ],
    ids=lambda changes: next(iter(changes)),
)
@pytest.mark.parametrize("rank", [0, 2])
def test_the_options_of_training_work_on_a_base(
    captioned: Path,
    base: Path,
    plainly: dict[int, dict[str, torch.Tensor]],
    tmp_path: Path,
    changes: dict[str, object],
    rank: int,
) -> None:
    """Each trains, and each but the last two changes the result as much as it should."""
    recipe = tuned(base, **{**PLAIN, "lora_rank": rank, **changes})
    out = train(captioned, tmp_path / "changed", recipe, device="cpu")
    one, two = plainly[rank], load_file(out / (LORA if rank else WEIGHTS))
    assert {tensor.dtype for tensor in two.values()} == {torch.float32}
    worst = max(float((one[key] - two[key]).abs().max()) for key in one)
    same = "gradient_checkpointing" in changes or "gradient_accumulation_steps" in changes
    assert worst < 1e-5 if same else 1e-7 < worst < 1e-2


def test_captions_are_asked_for_and_one_for_all_mends_it(base: Path, tmp_path: Path) -> None:
    marked = mark_captioned(tmp_path / "marked", captions=False)
    with pytest.raises(BadInput, match='"--caption"') as caught:
        train(marked, tmp_path / "out", tuned(base), device="cpu")
    assert "\n" not in str(caught.value)
    # The same folder can be named again.
    recipe = tuned(base, caption="a picture", num_train_epochs=1)
    assert (train(marked, tmp_path / "out", recipe, device="cpu") / WEIGHTS).is_file()


def test_images_that_do_not_fit_are_refused_in_a_line(
    marked: Path, base: Path, captioned: Path, tmp_path: Path
) -> None:
    with pytest.raises(BadInput, match="Mark again with --mode RGB") as grey:
        train(marked, tmp_path / "out", tuned(base, caption="x"), device="cpu")
    odd = mark(tmp_path / "odd", channels=3, side=10, captions=True)
    with pytest.raises(BadInput, match=r"multiples of [48] pixels, .* 14 x 14") as size:
        train(odd, tmp_path / "out", tuned(base), device="cpu")
    for caught in (grey, size):
        assert "\n" not in str(caught.value)
    # The folder is not taken by what could not be done.
    train(captioned, tmp_path / "out", tuned(base, num_train_epochs=1), device="cpu")


def test_a_base_that_has_changed_is_refused(captioned: Path, base: Path, tmp_path: Path) -> None:
    import shutil

    from solidmark.errors import RunConflict

    copy = tmp_path / "base"
    shutil.copytree(base, copy)
    recipe = tuned(copy, num_train_epochs=1)
    train(captioned, tmp_path / "out", recipe, device="cpu")
    (copy / "README.md").write_text("Another one.")
    with pytest.raises(RunConflict, match="content of base"):
        train(captioned, tmp_path / "out", recipe, device="cpu")
    state = tmp_path / "out" / "checkpoints" / "checkpoint-00000003"
    with pytest.raises(BadInput, match=r"of another training \(base_print"):
        train(captioned, tmp_path / "new", recipe, device="cpu", resume_from_checkpoint=state)


def test_what_is_no_latent_pipeline_is_refused(captioned: Path, tmp_path: Path) -> None:
    from diffusers import DDPMPipeline, DDPMScheduler, UNet2DModel

    unet = UNet2DModel(
        sample_size=8,
        block_out_channels=(8,),
        norm_num_groups=4,
        down_block_types=("DownBlock2D",),
        up_block_types=("UpBlock2D",),
        add_attention=False,
    )
    DDPMPipeline(unet, DDPMScheduler()).save_pretrained(tmp_path / "pixels")
    with pytest.raises(BadInput, match="not a latent pipeline"):
        train(captioned, tmp_path / "out", tuned(tmp_path / "pixels"), device="cpu")
    with pytest.raises(NotFound, match='no model "nowhere"'):
        train(captioned, tmp_path / "out", tuned("nowhere"), device="cpu")
    assert not (tmp_path / "out" / "manifest.json").exists()
