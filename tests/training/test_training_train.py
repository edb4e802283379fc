"""Training end to end: what is written, who can open it, and what is never read."""

import shutil
from pathlib import Path

import pytest
import torch
from rounding import TRAINED
from safetensors.torch import load_file

from solidmark.errors import BadInput, RunConflict, WrongKeys
from solidmark.marks import open_marked
from solidmark.runs import read_json, read_manifest, write_json
from solidmark.training import Recipe, train
from training.folders import losses, mark, small

WEIGHTS = "unet/diffusion_pytorch_model.safetensors"


@pytest.fixture(scope="module")
def trained(marked: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("trained") / "out"
    recipe = small(num_train_epochs=40, prediction_type="v_prediction", checkpoint_at=(2, 40))
    train(marked, out, recipe, device="cpu", config={"preset": "none"})
    return out


def test_the_model_opens_in_plain_diffusers_and_generates(trained: Path) -> None:
    from diffusers import DDPMPipeline

    pipeline = DDPMPipeline.from_pretrained(trained / "model", use_safetensors=True)
    pipeline.set_progress_bar_config(disable=True)
    generator = torch.Generator().manual_seed(0)
    images = pipeline(
        batch_size=2, num_inference_steps=4, generator=generator, output_type="numpy"
    ).images
    assert images.shape == (2, 12, 12, 1)
    assert pipeline.scheduler.config.prediction_type == "v_prediction"
    assert pipeline.scheduler.config.beta_schedule == "squaredcos_cap_v2"


def test_the_loss_goes_down(trained: Path) -> None:
    values = losses(trained)
    assert len(values) == 40 * 3
    assert sum(values[-30:]) < 0.8 * sum(values[:30])
    assert (trained / "loss.svg").read_text().startswith("<?xml")


def test_the_manifest_tells_what_was_done(trained: Path, marked: Path) -> None:
    manifest = read_json(trained / "manifest.json")
    assert manifest["command"] == "train"
    assert manifest["finished"] is True
    assert manifest["config"]["preset"] == "none"
    assert manifest["config"]["prediction_type"] == "v_prediction"
    prints = open_marked(marked).fingerprints("trained")
    assert manifest["fingerprints"] == {"marked": prints["keys"], "metadata": prints["metadata"]}
    assert (manifest["images"], manifest["steps"], manifest["quarantined"]) == (9, 120, 0)


def test_weights_are_kept_at_the_epochs_asked_for(trained: Path) -> None:
    assert [path.name for path in sorted((trained / "epochs").iterdir())] == [
        "epoch-0002",
        "epoch-0040",
    ]
    early = read_json(trained / "epochs" / "epoch-0002" / "solidmark.json")
    assert (early["epoch"], early["step"]) == (2, 6)
    assert early["pattern"] == {"name": "border", "thickness": 2}
    first, last, end = (
        (trained / name / WEIGHTS).read_bytes()
        for name in ("epochs/epoch-0002", "epochs/epoch-0040", "model")
    )
    assert first != last
    assert last == end


def test_the_held_out_images_are_never_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import solidmark.marks.marked as reading

    marked = mark(tmp_path / "marked")
    shutil.rmtree(marked / "held_out")
    opened: list[str] = []
    read = reading.read_image

    def note(path: Path, channels: int) -> torch.Tensor:
        opened.append(path.parent.name)
        return read(path, channels)

    monkeypatch.setattr(reading, "read_image", note)
    train(marked, tmp_path / "out", small(num_train_epochs=1), device="cpu")
    assert opened == ["train"] * 9


def test_a_damaged_image_is_named_and_left_out(tmp_path: Path) -> None:
    marked = mark(tmp_path / "marked")
    source = open_marked(marked)
    victim = sorted((marked / "train").glob("*.png"))[2]
    victim.write_bytes(victim.read_bytes()[:60])
    train(marked, tmp_path / "out", small(num_train_epochs=1), device="cpu")
    manifest = read_json(tmp_path / "out" / "manifest.json")
    assert (manifest["images"], manifest["quarantined"]) == (8, 1)
    row = read_json(tmp_path / "out" / "quarantine.jsonl")
    assert row["id"] == source.ids("trained")[2]
    assert victim.name in row["reason"]


def test_an_image_that_was_changed_stops_the_training(tmp_path: Path) -> None:
    marked = mark(tmp_path / "marked")
    one, other = sorted((marked / "train").glob("*.png"))[:2]
    shutil.copy(one, other)
    with pytest.raises(WrongKeys):
        train(marked, tmp_path / "out", small(), device="cpu")


def test_classes_reach_the_network(with_classes: Path, tmp_path: Path) -> None:
    from diffusers import UNet2DModel

    recipe = small(num_train_epochs=2, class_conditional=True, ema_decay=0.0)
    out = train(with_classes, tmp_path / "out", recipe, device="cpu")
    unet = UNet2DModel.from_pretrained(out / "unet", use_safetensors=True).eval()
    assert unet.config.num_class_embeds == 3
    assert unet.config.in_channels == 3
    image, step = torch.zeros(1, 3, 12, 12), torch.tensor([500])
    with torch.no_grad():
        answers = [unet(image, step, class_labels=torch.tensor([k])).sample for k in (0, 1)]
    assert not torch.equal(*answers)
    assert read_json(out / "solidmark.json")["classes"] == ["class 0", "class 1", "class 2"]


def test_classes_that_are_not_there_are_asked_for(marked: Path, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="has no classes"):
        train(marked, tmp_path / "out", small(class_conditional=True), device="cpu")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("kind", ["epsilon", "sample"])
def test_every_prediction_type_learns(marked: Path, tmp_path: Path, kind: str) -> None:
    recipe = small(num_train_epochs=30, prediction_type=kind)
    train(marked, tmp_path / "out", recipe, device="cpu")
    values = losses(tmp_path / "out")
    assert sum(values[-20:]) < 0.8 * sum(values[:20])


@pytest.mark.rounding
def test_accumulated_passes_are_one_large_batch(marked: Path, tmp_path: Path) -> None:
    whole = small(train_batch_size=8, adam_epsilon=1e-3)
    cut = small(train_batch_size=2, gradient_accumulation_steps=4, adam_epsilon=1e-3)
    one = load_file(train(marked, tmp_path / "one", whole, device="cpu") / WEIGHTS)
    two = load_file(train(marked, tmp_path / "two", cut, device="cpu") / WEIGHTS)
    for name, weight in one.items():
        torch.testing.assert_close(two[name], weight, **TRAINED)


def test_bfloat16_trains_and_saves_float32(marked: Path, tmp_path: Path) -> None:
    recipe = small(num_train_epochs=2, mixed_precision="bf16")
    weights = load_file(train(marked, tmp_path / "out", recipe, device="cpu") / WEIGHTS)
    assert {tensor.dtype for tensor in weights.values()} == {torch.float32}
    exact = small(num_train_epochs=2)
    other = load_file(train(marked, tmp_path / "exact", exact, device="cpu") / WEIGHTS)
    assert not torch.equal(weights["conv_in.weight"], other["conv_in.weight"])
    torch.testing.assert_close(
        weights["conv_in.weight"], other["conv_in.weight"], rtol=0, atol=1e-2
    )


def test_flips_are_recorded_where_the_audit_looks(marked: Path, tmp_path: Path) -> None:
    recipe = small(max_train_steps=2, random_flip=True)
    out = train(marked, tmp_path / "out", recipe, device="cpu")
    assert read_json(out / "solidmark.json")["random_flip"] is True
    assert read_json(tmp_path / "out" / "manifest.json")["config"]["random_flip"] is True
    assert len(losses(tmp_path / "out")) == 2


@pytest.mark.parametrize(
    ("recipe", "device", "message"),
    [
        (small(block_out_channels=(8, 8, 8, 8)), "cpu", "multiples of 8"),
        (small(mixed_precision="fp16"), "cpu", "needs a CUDA device"),
        (small(), "gpu9", '"gpu9" cannot be used here'),
        (small(max_train_steps=2, checkpoint_at=(1,)), "cpu", "max_train_steps ends after"),
        (small(learning_rate=1e30, max_grad_norm=0.0), "cpu", "the training has diverged"),
    ],
)
def test_what_cannot_be_trained_is_said(
    marked: Path, tmp_path: Path, recipe: Recipe, device: str, message: str
) -> None:
    with pytest.raises(BadInput, match=message):
        train(marked, tmp_path / "out", recipe, device=device)


def test_a_marking_that_is_not_finished_is_refused(marked: Path, tmp_path: Path) -> None:
    copy = tmp_path / "marked"
    shutil.copytree(marked, copy)
    manifest = read_manifest(copy) | {"finished": False}
    write_json(copy / "manifest.json", manifest)
    with pytest.raises(RunConflict, match="is not finished"):
        train(copy, tmp_path / "out", small(), device="cpu")
