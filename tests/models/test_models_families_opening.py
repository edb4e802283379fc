"""Which pipelines are opened and which are refused, and what is said of their sizes."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import diffusers
import pytest
import torch
from families import PIPELINES, TOLD_CAPTIONS, said, samples
from safetensors.torch import load_file, save_file

from solidmark.errors import BadInput
from solidmark.models import LatentModel, Opening, open_model
from solidmark.models.conditions import EMBEDS, POOLED
from solidmark.models.fit import check_fit
from solidmark.models.pipelines import load_pipeline, schedule_of, to_model
from solidmark.models.vae import factor_of

CPU = torch.device("cpu")
Folder = Callable[[str], Path]
Opened = Callable[[str], LatentModel]


@pytest.mark.parametrize("name", PIPELINES)
def test_sides_are_multiples_of_what_the_network_takes(name: str, opened: Opened) -> None:
    model = opened(name)
    patches = "patch_size" in model.network.config
    assert (model.factor, model.multiple) == (4, 8 if patches else 4)
    check_fit(model, 3, (32, 40))
    with pytest.raises(BadInput, match=f"multiples of {model.multiple}"):
        check_fit(model, 3, (32, 36 if patches else 38))
    if not patches:
        condition = model.condition(samples(1, 36, 28))
        assert said(model, condition, (9, 7)).shape == (1, 4, 9, 7)


@pytest.mark.parametrize(
    ("kind", "config"),
    [
        (
            "AutoencoderTiny",
            {"encoder_block_out_channels": (8,) * 3, "num_encoder_blocks": (1,) * 3},
        ),
        (
            "AutoencoderDC",
            {
                "encoder_block_out_channels": (8, 16, 16),
                "encoder_layers_per_block": (1,) * 3,
                "encoder_block_types": "ResBlock",
                "encoder_qkv_multiscales": ((),) * 3,
            },
        ),
    ],
)
def test_the_factor_of_other_autoencoders(kind: str, config: dict[str, Any]) -> None:
    """It is what encoding does to a side."""
    theirs = {name.replace("encoder", "decoder"): value for name, value in config.items()}
    vae = getattr(diffusers, kind)(**config, **theirs, latent_channels=4).eval()
    found = vae.encode(torch.zeros(1, 3, 32, 32), return_dict=False)[0]
    assert 32 // found.shape[-1] == factor_of(vae) == 4


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("sd", {"time_cond_proj_dim": 8}),
        ("sd", {"encoder_hid_dim": 8}),
        ("sd", {"num_class_embeds": 8}),
        ("sd", {"in_channels": 9}),
        ("sd", {"addition_embed_type": "text_time"}),
        ("sdxl", {"addition_embed_type": "text"}),
        ("sdxl", {"time_cond_proj_dim": 8}),
    ],
)
def test_networks_that_want_more_are_refused(
    name: str, change: dict[str, Any], tiny_folder: Folder
) -> None:
    pipe = load_pipeline(tiny_folder(name), Opening())
    pipe.unet.register_to_config(**change)
    with pytest.raises(BadInput, match=f'"{next(iter(change))}" is'):
        to_model(pipe, CPU)


@pytest.mark.parametrize("name", TOLD_CAPTIONS)
def test_a_pipeline_without_its_text_encoder_is_refused(name: str, tiny_folder: Folder) -> None:
    pipe = load_pipeline(tiny_folder(name), Opening())
    last = "text_encoder_2" if hasattr(pipe, "text_encoder_2") else "text_encoder"
    pipe.register_modules(**{last: None})
    with pytest.raises(BadInput, match=f'has no "{last}"'):
        to_model(pipe, CPU)


def test_an_xl_with_its_second_encoder_alone_is_opened(tiny_folder: Folder, tmp_path: Path) -> None:
    """Pipelines may be saved without the first one, for networks that take one."""
    pipe = load_pipeline(tiny_folder("sdxl"), Opening())
    pipe.register_modules(text_encoder=None, tokenizer=None)
    found = to_model(pipe, CPU).condition(samples(2, 24, 32))
    theirs, _, pooled, _ = pipe.encode_prompt([s.caption for s in samples(2, 24, 32)])
    torch.testing.assert_close(found.tensors[EMBEDS], theirs)
    torch.testing.assert_close(found.tensors[POOLED], pooled)


@pytest.mark.parametrize("name", ["dit", "pixart-alpha"])
def test_folders_of_older_versions_are_opened(
    name: str, tiny_folder: Folder, tmp_path: Path, opened: Opened
) -> None:
    """The networks of DiT and PixArt were one class, which wrote down more than it used."""
    folder = shutil.copytree(tiny_folder(name), tmp_path / name)
    for path, key, value in (
        (folder / "model_index.json", "transformer", ["diffusers", "Transformer2DModel"]),
        (folder / "transformer" / "config.json", "_class_name", "Transformer2DModel"),
    ):
        path.write_text(json.dumps({**json.loads(path.read_text()), key: value}))
    weights = folder / "transformer" / "diffusion_pytorch_model.safetensors"
    more = {} if name == "dit" else {"caption_projection.y_embedding": torch.zeros(120, 32)}
    save_file({**load_file(weights), **more}, weights, metadata={"format": "pt"})
    old, new = open_model(str(folder)), opened(name)
    asked = samples(1, 32, 32)
    expected = said(new, new.condition(asked), (8, 8))
    assert torch.equal(said(old, old.condition(asked), (8, 8)), expected)


def test_flows_and_predictions_are_told_apart() -> None:
    flow = diffusers.DPMSolverMultistepScheduler(
        use_flow_sigmas=True, prediction_type="flow_prediction", flow_shift=3.0
    )
    schedule, prediction = schedule_of(flow)
    assert prediction == "flow_prediction"
    assert schedule(0.5) == pytest.approx((0.25, 0.75))
    with pytest.raises(BadInput, match="alphas_cumprod"):
        schedule_of(diffusers.EDMEulerScheduler())
    odd = diffusers.DPMSolverMultistepScheduler(prediction_type="flow_prediction")
    with pytest.raises(BadInput, match='predicts "flow_prediction"'):
        schedule_of(odd)
    linear = diffusers.FlowMatchEulerDiscreteScheduler(
        use_dynamic_shifting=True, max_shift=2.0, time_shift_type="linear"
    )
    assert schedule_of(linear)[0](0.5) == pytest.approx((1 / 3, 2 / 3))
