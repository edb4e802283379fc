"""Fine-tuning every family: it learns, is saved as what it was, and opens again."""

from pathlib import Path

import pytest
import tiny
import torch
from safetensors.torch import load_file

from solidmark.errors import BadInput, MissingCapability
from solidmark.models import LatentModel, open_model
from solidmark.runs import read_json
from solidmark.training import train
from training.folders import losses, tuned

BUILDERS = {
    "sdxl": tiny.stable_diffusion_xl,
    "sd3": tiny.stable_diffusion_3,
    "flux": tiny.flux,
    "dit": tiny.dit,
    "pixart": tiny.pixart,
}
WITH_LORA = ("sdxl", "sd3", "flux")


@pytest.fixture(scope="module")
def bases(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("bases")
    return {name: build(folder / name) for name, build in BUILDERS.items()}


@pytest.mark.parametrize("name", BUILDERS)
def test_a_family_is_tuned_and_opens_as_what_it_was(
    bases: dict[str, Path], captioned: Path, tmp_path: Path, name: str
) -> None:
    base = bases[name]
    dropout = 0.0 if name == "flux" else 0.2  # Flux was never trained without captions.
    recipe = tuned(base, num_train_epochs=10, learning_rate=6e-3, caption_dropout=dropout)
    out = train(captioned, tmp_path / "out", recipe, device="cpu")
    values = losses(tmp_path / "out")
    assert sum(values[-9:]) < 0.9 * sum(values[:9])
    before, after = open_model(str(base)), open_model(str(tmp_path / "out"))
    assert isinstance(before, LatentModel)
    assert isinstance(after, LatentModel)
    assert after.prediction == before.prediction
    assert [after.schedule(t) for t in (0, 0.3, 1)] == [before.schedule(t) for t in (0, 0.3, 1)]
    assert (out / "model_index.json").read_bytes() == (base / "model_index.json").read_bytes()
    for path in base.glob("*/*.safetensors"):
        part = path.relative_to(base)
        ours, theirs = load_file(out / part), load_file(path)
        same = all(torch.equal(ours[key], theirs[key]) for key in theirs)
        assert same == (part.parent.name not in ("unet", "transformer"))


@pytest.mark.parametrize("name", WITH_LORA)
def test_a_lora_of_a_family_opens(
    bases: dict[str, Path], captioned: Path, tmp_path: Path, name: str
) -> None:
    recipe = tuned(bases[name], num_train_epochs=1, lora_rank=2, lora_alpha=3)
    train(captioned, tmp_path / "out", recipe, device="cpu")
    opened = open_model(str(tmp_path / "out"))
    assert isinstance(opened, LatentModel)
    held = load_file(tmp_path / "out" / "model" / "pytorch_lora_weights.safetensors")
    downs = {key: tensor for key, tensor in held.items() if ".down." in key or "_A." in key}
    ups = [held[key.replace(".down.", ".up.").replace("_A.", "_B.")] for key in downs]
    file = [1.5 * up @ down for up, down in zip(ups, downs.values(), strict=True)]
    added = [
        module.scaling[name] * module.lora_B[name].weight @ a.weight
        for module in opened.network.modules()
        for name, a in getattr(module, "lora_A", {}).items()
    ]
    assert len(added) == len(file) > 0
    # alpha / r = 3 / 2; a strength that is one rounding of float32 off is the same strength.
    assert sorted(float(p.abs().sum()) for p in added) == pytest.approx(
        sorted(float(t.abs().sum()) for t in file), rel=1e-5
    )


@pytest.mark.parametrize("name", ["dit", "pixart"])
def test_a_lora_that_diffusers_could_not_add_is_refused_at_once(
    bases: dict[str, Path], captioned: Path, tmp_path: Path, name: str
) -> None:
    with pytest.raises(MissingCapability, match="has no LoRA"):
        train(captioned, tmp_path / "out", tuned(bases[name], lora_rank=2), device="cpu")
    assert not (tmp_path / "out" / "manifest.json").exists()


def test_min_snr_is_refused_for_a_flow_before_anything_is_encoded(
    bases: dict[str, Path], captioned: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from solidmark.training import latents

    monkeypatch.setattr(latents, "_encode", None)
    with pytest.raises(BadInput, match="snr_gamma"):
        train(captioned, tmp_path / "out", tuned(bases["sd3"], snr_gamma=5.0), device="cpu")
    assert not any((tmp_path / "out").iterdir())


def test_flux_cannot_be_trained_without_captions(
    bases: dict[str, Path], captioned: Path, tmp_path: Path
) -> None:
    with pytest.raises(MissingCapability, match="caption_dropout of 0"):
        train(captioned, tmp_path / "out", tuned(bases["flux"], caption_dropout=0.1), device="cpu")
    recipe = tuned(bases["flux"], num_train_epochs=1)
    train(captioned, tmp_path / "out", recipe, device="cpu")
    assert read_json(tmp_path / "out" / "manifest.json")["finished"] is True
