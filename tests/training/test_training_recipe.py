"""Recipes and presets: what they refuse, and that each builds a network that runs."""

import json
from dataclasses import replace

import pytest
import torch

from solidmark.errors import BadInput, UnknownName
from solidmark.training import PRESETS, Recipe, build_scheduler, build_unet, preset
from solidmark.training.state import learning_rates
from training.folders import small

BAD = [
    ({"learning_rate": 0}, "learning_rate must be a number above 0, not 0"),
    ({"learning_rate": "1e-4"}, "not '1e-4'"),
    ({"learning_rate": float("nan")}, "not nan"),
    ({"num_train_epochs": 0}, "num_train_epochs must be a whole number from 1"),
    ({"train_batch_size": True}, "not True"),
    ({"ema_decay": 1.0}, r"ema_decay must be a number in \[0, 1\)"),
    ({"random_flip": 1}, "random_flip must be true or false"),
    ({"checkpointing_steps": -1}, "a whole number from 0"),
    ({"max_train_steps": 0}, "max_train_steps must be None or a whole number from 1"),
    ({"checkpoint_at": [4]}, "names epoch 4, but num_train_epochs is 3"),
    ({"checkpoint_at": 4}, "must be a list"),
    ({"checkpoint_at": (0,)}, "Each of checkpoint_at must be a whole number from 1"),
    ({"block_out_channels": ()}, "is empty"),
    ({"block_out_channels": (6, 8)}, "has 6, which 4 groups"),
    ({"attention_levels": (2,)}, "names level 2"),
    ({"attention_levels": (0,), "attention_head_dim": 3}, "heads of 3"),
    ({"mid_attention": True}, "16 channels, which heads of 64"),
    ({"lr_scheduler": "polynomial", "learning_rate": 1e-8}, "above 1e-07"),
    ({"lora_rank": 4}, "lora_rank is for latent models"),
    ({"from_scratch": True}, "from_scratch is for latent models"),
    ({"caption": "a dog"}, "caption is for latent models"),
    ({"caption_dropout": 0.1}, "caption_dropout is for latent models"),
    ({"base": "sd", "lora_rank": 4, "from_scratch": True}, "Leave out from_scratch"),
    ({"base": "sd", "class_conditional": True}, "class_conditional is for models of pixels"),
    ({"base": "sd", "lora_rank": -1}, "lora_rank must be a whole number from 0"),
    ({"base": "sd", "lora_alpha": 0}, "lora_alpha must be a whole number from 1"),
    ({"base": "sd", "caption_dropout": 1.0}, r"caption_dropout must be a number in \[0, 1\)"),
    ({"snr_gamma": -1}, "snr_gamma must be a number from 0"),
    ({"gradient_checkpointing": 1}, "gradient_checkpointing must be true or false"),
]


@pytest.mark.parametrize(("changes", "message"), BAD)
def test_a_bad_value_is_named(changes: dict[str, object], message: str) -> None:
    with pytest.raises(BadInput, match=message) as caught:
        small(**changes)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["lr_scheduler", "mixed_precision", "prediction_type", "schedule"])
def test_a_misspelt_choice_is_named(name: str) -> None:
    with pytest.raises(UnknownName, match=f'There is no {name} "konstant"'):
        small(**{name: "konstant"})


def test_a_recipe_survives_json() -> None:
    recipe = small(checkpoint_at=(1, 3), attention_levels=())
    assert Recipe.from_json(json.loads(json.dumps(recipe.to_json()))) == recipe
    with pytest.raises(UnknownName, match='Did you mean "learning_rate"'):
        Recipe.from_json({"learning_rat": 1})


def test_the_rate_warms_up_and_decays() -> None:
    rate = learning_rates(small(lr_warmup_steps=10, learning_rate=0.5), 110)
    assert [rate(0), rate(5), rate(10), rate(60)] == pytest.approx([0, 0.25, 0.5, 0.25])
    assert rate(110) == pytest.approx(0)
    flat = learning_rates(small(lr_scheduler="constant_with_warmup", lr_warmup_steps=4), 110)
    assert flat(100) == pytest.approx(2e-3)
    root = learning_rates(small(lr_scheduler="polynomial", lr_power=0.5, lr_warmup_steps=0), 100)
    assert root(75) == pytest.approx(1e-3, rel=1e-3)


@pytest.mark.parametrize("schedule", ["cosine", "linear"])
def test_the_scheduler_is_the_schedule_of_the_project(schedule: str) -> None:
    from solidmark.diffusion import beta_schedule

    scheduler = build_scheduler(small(schedule=schedule))
    expected = beta_schedule(schedule).alphas_cumprod  # type: ignore[arg-type]
    assert torch.allclose(scheduler.alphas_cumprod.double(), expected, rtol=2e-3, atol=1e-6)


OF_PIXELS = [name for name, chosen in PRESETS.items() if chosen.recipe.base is None]


@pytest.mark.parametrize("name", OF_PIXELS)
def test_a_preset_fits_its_images(name: str) -> None:
    chosen = PRESETS[name]
    side, _ = chosen.pattern.marked_size(chosen.resolution, chosen.resolution)
    channels = 1 if name == "digits-demo" else 3
    classes = 10 if chosen.recipe.class_conditional else 0
    # The preset's own shape, with as few channels a level as its groups and heads allow.
    widths = chosen.recipe.block_out_channels
    narrow = replace(
        chosen.recipe,
        block_out_channels=tuple(8 * width // min(widths) for width in widths),
        norm_num_groups=4,
        attention_head_dim=8,
    )
    unet = build_unet(narrow, channels, (side, side), classes).eval()
    images = torch.zeros(1, channels, side, side)
    labels = torch.tensor([3]) if classes else None
    with torch.no_grad():
        output = unet(images, torch.tensor([5]), class_labels=labels).sample
    assert output.shape == images.shape
    assert bool(torch.isfinite(output).all())


@pytest.mark.parametrize("name", [name for name in PRESETS if name not in OF_PIXELS])
def test_a_preset_of_a_latent_model_fits_its_images(name: str) -> None:
    """A cell of the latents of Stable Diffusion is 8 pixels, one of the tiny model 4."""
    chosen = PRESETS[name]
    recipe = chosen.recipe
    side, other = chosen.pattern.marked_size(chosen.resolution, chosen.resolution)
    assert side == other  # The example scripts of diffusers would cut it otherwise.
    levels = len(recipe.block_out_channels)
    assert side % (4 * 2 ** (levels - 1) if recipe.base == "tiny-t2i" else 8) == 0
    assert bool(recipe.lora_rank) == ("lora" in name)
    assert recipe.from_scratch == (name in ("sd-pretrain", "tiny-t2i"))


def test_the_network_of_ho_et_al_has_their_size() -> None:
    with torch.device("meta"):
        unet = build_unet(preset("ddpm-32"), 3, (40, 40), 0)
    assert sum(p.numel() for p in unet.parameters()) == pytest.approx(35.7e6, rel=0.01)


def test_a_preset_can_be_changed_and_a_wrong_name_is_answered() -> None:
    assert preset("digits-demo", num_train_epochs=7).num_train_epochs == 7
    with pytest.raises(UnknownName, match='Did you mean "digits-demo"'):
        preset("digit-demo")
    with pytest.raises(UnknownName, match='Did you mean "num_train_epochs"'):
        preset("digits-demo", num_epochs=7)


def test_weights_are_a_function_of_the_seed_and_leave_the_global_generator_alone() -> None:
    before = torch.random.get_rng_state()
    one, same, other = (build_unet(small(seed=s), 1, (12, 12), 0) for s in (1, 1, 2))
    assert torch.equal(torch.random.get_rng_state(), before)
    assert torch.equal(one.conv_in.weight, same.conv_in.weight)
    assert not torch.equal(one.conv_in.weight, other.conv_in.weight)


def test_a_size_that_cannot_be_halved_names_one_that_can() -> None:
    with pytest.raises(BadInput, match="that gives 16 x 12"):
        build_unet(small(block_out_channels=(8, 8, 8)), 1, (14, 12), 0)
