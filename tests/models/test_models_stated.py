"""What a single file says of itself: it is opened so, and what contradicts itself is one line."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import diffusers
import pytest
import torch
from original import save_original
from safetensors.torch import load_file, save_file

from solidmark.errors import BadInput, UnknownName
from solidmark.models import LatentModel, Opening, open_model

Folder = Callable[[str], Path]
Save = Callable[..., Path]
SPEC = "modelspec."


@pytest.fixture(scope="module")
def weights(
    tiny_folder: Folder, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, torch.Tensor]:
    pipe = diffusers.StableDiffusionPipeline.from_pretrained(tiny_folder("sd"), safety_checker=None)
    return load_file(save_original(pipe, tmp_path_factory.mktemp("single") / "model.safetensors"))


@pytest.fixture
def save(weights: dict[str, torch.Tensor], tmp_path: Path) -> Save:
    """Saves the file with marks (empty tensors) and a header."""

    def saved(*marks: str, **header: str) -> Path:
        path = tmp_path / "model.safetensors"
        metadata = {name.replace("spec_", SPEC): value for name, value in header.items()}
        save_file(weights | {name: torch.empty(0) for name in marks}, path, metadata or None)
        return path

    return saved


def opened(path: Path, base: Path, **options: Any) -> LatentModel:
    model = open_model(str(path), Opening(base_config=str(base), **options))
    assert isinstance(model, LatentModel)
    return model


@pytest.mark.parametrize(
    ("marks", "header", "prediction"),
    [
        ((), {}, "epsilon"),
        (("v_pred",), {}, "v_prediction"),
        ((), {"spec_prediction_type": "v"}, "v_prediction"),
        ((), {"spec_prediction_type": "V-Prediction"}, "v_prediction"),
        ((), {"spec_prediction_type": "epsilon"}, "epsilon"),
        ((), {"spec_prediction_type": "x0"}, "sample"),
        ((), {"spec_architecture": "stable-diffusion-v2-768-v"}, "v_prediction"),
        ((), {"spec_architecture": "stable-diffusion-v2-512"}, "epsilon"),
        ((), {"ss_v_parameterization": "True"}, "v_prediction"),
        (("v_pred",), {"spec_prediction_type": "v"}, "v_prediction"),
    ],
)
def test_a_file_predicts_what_it_says(
    marks: tuple[str, ...], header: dict[str, str], prediction: str, save: Save, tiny_folder: Folder
) -> None:
    model = opened(save(*marks, **header), tiny_folder("sd"))
    plain = opened(save(), tiny_folder("sd"))
    assert model.prediction == prediction
    assert torch.equal(model.schedule.alphas_cumprod, plain.schedule.alphas_cumprod)
    # What is expected of the image follows from the output of the same network.
    z = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(1))
    told = torch.zeros(1, 12, 16)
    alpha, sigma = model.schedule(0.6)
    with torch.no_grad():
        said = plain.network(z, 600.0, encoder_hidden_states=told).sample
    expected = {
        "epsilon": (z - sigma * said) / alpha,
        "v_prediction": alpha * z - sigma * said,
        "sample": said,
    }[prediction]
    condition = type(model.family.embed([""]))({"embeds": told})  # type: ignore[attr-defined]
    torch.testing.assert_close(model.denoise(z, 0.6, condition), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("marks", [("v_pred", "ztsnr"), ("ztsnr",)])
@pytest.mark.parametrize("kind", ["DDIMScheduler", "PNDMScheduler", "EulerDiscreteScheduler"])
def test_a_schedule_that_ends_in_noise(
    marks: tuple[str, ...], kind: str, save: Save, tiny_folder: Folder, tmp_path: Path
) -> None:
    """It is that of diffusers, computed here from the paper, whatever scheduler the base has."""
    base = Path(shutil.copytree(tiny_folder("sd"), tmp_path / "base"))
    scheduler = getattr(diffusers, kind)(
        beta_schedule="scaled_linear",
        beta_start=0.00085,
        beta_end=0.012,
        steps_offset=1,
        **({"clip_sample": False} if kind == "DDIMScheduler" else {}),
    )
    scheduler.save_pretrained(base / "scheduler")
    index = (base / "model_index.json").read_text()
    (base / "model_index.json").write_text(index.replace("DDIMScheduler", kind))
    model = opened(save(*marks), base)
    root = scheduler.alphas_cumprod.double().sqrt()
    rescaled = ((root - root[-1]) * root[0] / (root[0] - root[-1])).square()
    assert model.prediction == "v_prediction"
    torch.testing.assert_close(model.schedule.alphas_cumprod, rescaled, rtol=2e-4, atol=1e-6)
    assert bool(
        model.denoise(torch.randn(1, 4, 8, 8), 1.0, model.family.embed(["a"])).isfinite().all()
    )  # type: ignore[attr-defined]


def test_a_file_that_differs_from_its_configuration_is_followed_and_it_is_said(
    save: Save, tiny_folder: Folder, capsys: pytest.CaptureFixture[str]
) -> None:
    model = opened(save("v_pred"), tiny_folder("sd"))
    assert len(model.notes) == 1
    assert 'v_prediction by the key "v_pred"' in model.notes[0]
    assert "(epsilon)" in model.notes[0]
    assert capsys.readouterr().err == model.notes[0] + "\n"
    agreed = opened(save("v_pred"), tiny_folder("sd-v"))
    assert (agreed.prediction, agreed.notes) == ("v_prediction", ())
    other = opened(save(spec_prediction_type="epsilon"), tiny_folder("sd-v"))
    assert other.prediction == "epsilon"
    assert "(v_prediction)" in other.notes[0]


@pytest.mark.parametrize(
    ("marks", "header", "both"),
    [
        (("v_pred",), {"spec_prediction_type": "epsilon"}, 'the key "v_pred", epsilon by "model'),
        (("ztsnr",), {"spec_prediction_type": "epsilon"}, 'by "modelspec.prediction_type", v_pred'),
        (
            (),
            {"spec_prediction_type": "eps", "spec_architecture": "stable-diffusion-v2-768-v"},
            'v_prediction by "modelspec.architecture"',
        ),
    ],
)
def test_a_file_that_contradicts_itself_is_one_line_until_somebody_decides(
    marks: tuple[str, ...], header: dict[str, str], both: str, save: Save, tiny_folder: Folder
) -> None:
    path = save(*marks, **header)
    with pytest.raises(BadInput, match=f"{both}.*--prediction") as raised:
        opened(path, tiny_folder("sd"))
    assert "\n" not in str(raised.value)
    for decided in ("epsilon", "v_prediction"):
        model = opened(path, tiny_folder("sd"), prediction=decided)
        assert model.prediction == decided
        assert any("as asked" in note for note in model.notes)
    ends = opened(path, tiny_folder("sd"), prediction="v_prediction").schedule(1.0)[0]
    assert (ends == 0) == ("ztsnr" in marks)


def test_the_user_decides_where_a_file_is_silent(save: Save, tiny_folder: Folder) -> None:
    model = opened(save(), tiny_folder("sd"), prediction="v_prediction")
    assert (model.prediction, model.notes) == ("v_prediction", ())
    with pytest.raises(UnknownName, match='no prediction "v"'):
        opened(save(), tiny_folder("sd"), prediction="v")
    with pytest.raises(BadInput, match="--prediction is what is predicted"):
        open_model(str(tiny_folder("sd")), Opening(prediction="epsilon"))


@pytest.mark.parametrize(
    ("marks", "header", "message"),
    [
        (("edm_mean", "edm_std"), {}, "as EDM does it"),
        (("v_pred", "edm_vpred.sigma_max"), {}, "as EDM does it"),
        ((), {"spec_prediction_type": "score"}, 'predicts "score"'),
        ((), {"spec_prediction_type": "flow"}, "flow_prediction.*not that of a flow"),
        ((), {"spec_architecture": "stable-diffusion-xl-v1-base"}, "StableDiffusionXLPipeline"),
        ((), {"spec_architecture": "flux-1-dev"}, "is a FluxPipeline"),
        ((), {"spec_architecture": "stable-diffusion-v1/lora"}, "A LoRA goes to --lora"),
        ((), {"spec_architecture": "stable-diffusion-v1-textual-inversion"}, "no whole model"),
        ((), {"spec_architecture": "stable-diffusion-v1/control-net"}, "no whole model"),
        ((), {"spec_architecture": "stable-diffusion-xl-v1-refiner"}, "no whole model"),
    ],
)
def test_what_a_file_says_that_cannot_be_is_one_line(
    marks: tuple[str, ...], header: dict[str, str], message: str, save: Save, tiny_folder: Folder
) -> None:
    with pytest.raises(BadInput, match=message) as raised:
        opened(save(*marks, **header), tiny_folder("sd"))
    assert "\n" not in str(raised.value)


def test_the_size_that_a_file_was_made_for(save: Save, tiny_folder: Folder) -> None:
    """Width first, as ModelSpec has it."""
    model = opened(save(spec_resolution="64x48"), tiny_folder("sd"))
    assert model.sample_size == (48, 64)
    assert "48 x 64 pixels" in model.notes[0]
    same = opened(save(spec_resolution="32x32"), tiny_folder("sd"))
    assert (same.sample_size, same.notes) == ((32, 32), ())


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ({"spec_timestep_range": "500,999"}, "times 500,999 only"),
        ({"spec_encoder_layer": "2"}, "layer 2 of its text encoder"),
        ({"spec_architecture": "somebodys-own"}, 'is a "somebodys-own"'),
    ],
)
def test_what_is_not_followed_is_said(
    header: dict[str, str], said: str, save: Save, tiny_folder: Folder
) -> None:
    assert said in opened(save(**header), tiny_folder("sd")).notes[0]
    usual = {"spec_timestep_range": "0,1000", "spec_encoder_layer": "1"}
    usual |= {"spec_architecture": "stable-diffusion-v1", "spec_resolution": "any"}
    assert opened(save(**usual), tiny_folder("sd")).notes == ()


def test_a_lora_for_another_prediction_is_said(tiny_folder: Folder, tmp_path: Path) -> None:
    name = "unet.down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q"
    matrices = {
        f"{name}.lora_A.weight": torch.rand(1, 8),
        f"{name}.lora_B.weight": torch.rand(8, 1),
    }
    path = tmp_path / "lora.safetensors"
    save_file(matrices, path, {f"{SPEC}prediction_type": "v"})
    for base, count in (("sd", 1), ("sd-v", 0)):
        model = open_model(str(tiny_folder(base)), Opening(loras=(str(path),)))
        assert isinstance(model, LatentModel)
        assert len(model.notes) == count
        assert all("network that predicts v_prediction" in note for note in model.notes)


@pytest.mark.parametrize(
    ("part", "changes", "said"),
    [
        ("vae/config.json", {"scaling_factor": 0.13025}, "scaling_factor 0.13025 (mostly 0.18215)"),
        ("scheduler/scheduler_config.json", {"beta_end": 0.02}, "beta_end 0.02 (mostly 0.012)"),
        (
            "scheduler/scheduler_config.json",
            {"beta_schedule": "linear"},
            "beta_schedule linear (mostly scaled_linear)",
        ),
        (
            "scheduler/scheduler_config.json",
            {"prediction_type": "v_prediction"},
            "prediction_type v_prediction (mostly epsilon)",
        ),
    ],
)
def test_a_configuration_that_fits_in_shape_only_is_said(
    part: str, changes: dict[str, Any], said: str, save: Save, tiny_folder: Folder, tmp_path: Path
) -> None:
    base = Path(shutil.copytree(tiny_folder("sd"), tmp_path / "base"))
    assert opened(save(), base).notes == ()
    held = json.loads((base / part).read_text())
    (base / part).write_text(json.dumps(held | changes))
    (note,) = opened(save(), base).notes
    assert said in note
    confirmed = opened(save(spec_prediction_type="v"), base).notes
    assert any(said in note for note in confirmed) == ("prediction" not in said)
