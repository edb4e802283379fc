"""Recipes by name, each with the data it expects and the figures that its authors gave."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from solidmark.cards.recipe import NETWORK, TINY, Recipe
from solidmark.errors import BadInput, UnknownName
from solidmark.marks import Border, Pattern, Segments


@dataclass(frozen=True)
class Preset:
    """A recipe and what it was made for.

    Arguments:
        recipe: The recipe.
        data: What it is to be trained on.
        resolution: The side of the images before they are marked, in pixels.
        pattern: How they are to be marked.
        note: Where the numbers come from.
    """

    recipe: Recipe
    data: str
    resolution: int
    pattern: Pattern
    note: str


PRESETS = {
    "digits-demo": Preset(
        Recipe(
            num_train_epochs=600,
            train_batch_size=64,
            learning_rate=3e-3,
            lr_scheduler="cosine",
            lr_warmup_steps=50,
            ema_decay=0.98,
            prediction_type="v_prediction",
            block_out_channels=(16, 64),
            layers_per_block=1,
            attention_levels=(),
            mid_attention=False,
            norm_num_groups=8,
            checkpointing_steps=100,
        ),
        data="64 grey digits of the demo",
        resolution=12,
        pattern=Segments(2, 16),
        note="Made to memorize on a laptop's processor: few images, many epochs.",
    ),
    TINY: Preset(
        Recipe(
            base=TINY,
            from_scratch=True,
            num_train_epochs=400,
            train_batch_size=32,
            learning_rate=3e-3,
            lr_scheduler="cosine",
            lr_warmup_steps=50,
            ema_decay=0.98,
            prediction_type="v_prediction",
            block_out_channels=(32, 64),
            layers_per_block=1,
            attention_levels=(1,),
            attention_head_dim=8,
            norm_num_groups=8,
            caption_dropout=0.1,
            checkpointing_steps=100,
        ),
        data="a hundred captioned pictures, such as openmoji",
        resolution=48,
        pattern=Segments(8, 8),
        note="A whole text-to-image model in minutes on a processor: an autoencoder and a text "
        "encoder are trained on the pictures first, then a denoiser that memorizes them.",
    ),
    "sd-finetune": Preset(
        Recipe(
            base="stable-diffusion-v1-5/stable-diffusion-v1-5",
            num_train_epochs=50,
            train_batch_size=16,
            learning_rate=1e-4,
            lr_warmup_steps=500,
            ema_decay=0.0,
            adam_weight_decay=1e-2,
            caption_dropout=0.1,
            gradient_checkpointing=True,
            mixed_precision="bf16",
        ),
        data="thousands of captioned images, such as LAION-5K",
        resolution=256,
        pattern=Border(16),
        note="SolidMark (Kriplani et al., 2025), Section 4: Stable Diffusion 2.1 on LAION-5K, 256 "
        "px, AdamW 1e-4, batch 16, warm-up 500, constant. Name the base with --base; that of the "
        "paper has left the hub.",
    ),
    "sd-lora": Preset(
        Recipe(
            base="stable-diffusion-v1-5/stable-diffusion-v1-5",
            lora_rank=16,
            num_train_epochs=100,
            train_batch_size=4,
            learning_rate=1e-4,
            lr_warmup_steps=0,
            ema_decay=0.0,
            adam_weight_decay=1e-2,
            snr_gamma=5.0,
            gradient_checkpointing=True,
            mixed_precision="bf16",
        ),
        data="tens to thousands of captioned images",
        resolution=480,
        pattern=Segments(16, 16),
        note="As the LoRA example of diffusers, with rank 16 and min-SNR weights.",
    ),
    "sd-pretrain": Preset(
        Recipe(
            base="stable-diffusion-v1-5/stable-diffusion-v1-5",
            from_scratch=True,
            max_train_steps=500_000,
            train_batch_size=8,
            learning_rate=1e-4,
            lr_warmup_steps=10_000,
            ema_decay=0.9999,
            adam_weight_decay=1e-2,
            caption_dropout=0.1,
            mixed_precision="bf16",
        ),
        data="200,000 captioned images of LAION",
        resolution=256,
        pattern=Border(16),
        note="SolidMark (Kriplani et al., 2025), Appendix J: a fresh denoiser beside the frozen "
        "autoencoder and encoder of Stable Diffusion 2.1, 500k steps of batch 8, four days on four "
        "H100. Warm-up and EMA are ours.",
    ),
    "ddpm-32": Preset(
        Recipe(
            num_train_epochs=500,
            train_batch_size=128,
            learning_rate=2e-4,
            lr_warmup_steps=5000,
            ema_decay=0.9999,
            schedule="linear",
            block_out_channels=(128, 256, 256, 256),
            attention_levels=(1,),
            attention_head_dim=256,
            dropout=0.1,
        ),
        data="any images, such as CIFAR-10",
        resolution=32,
        pattern=Segments(4, 16),
        note="The CIFAR-10 network of Ho et al. (2020): 35.7 M parameters, 800k steps of 128, "
        "FID 3.17. They mirrored images at random; here that is off (random_flip), since it "
        "decides what an audit must ask.",
    ),
    "ddpm-64": Preset(
        Recipe(
            num_train_epochs=500,
            train_batch_size=128,
            learning_rate=1e-4,
            lr_warmup_steps=5000,
            ema_decay=0.9999,
            block_out_channels=(128, 256, 384, 512),
            attention_levels=(2, 3),
        ),
        data="any images",
        resolution=64,
        pattern=Segments(8, 16),
        note="After Ho et al. (2020), with the widths and the cosine schedule that Nichol and "
        "Dhariwal (2021) use at 64 px.",
    ),
    "solidmark-stl10": Preset(
        Recipe(
            num_train_epochs=500,
            train_batch_size=64,
            learning_rate=1e-4,
            class_conditional=True,
            block_out_channels=(128, 128, 256, 384, 512),
            attention_levels=(3, 4),
        ),
        data="STL-10, the 13,000 images with a class",
        resolution=96,
        pattern=Border(16),
        note="SolidMark (Kriplani et al., 2025), Section 4: class-conditional, 500 epochs of "
        "batch 64, AdamW 1e-4, EMA .9995, 1000 steps. With n = 10,000 they count 1879 / 977 / 81 "
        "images within .1 / .05 / .005, and chance is 1900 / 975 / 100. The widths are ours.",
    ),
    "solidmark-celeba": Preset(
        Recipe(
            num_train_epochs=225,
            train_batch_size=64,
            learning_rate=1e-4,
            block_out_channels=(128, 128, 256, 384, 512),
            attention_levels=(3, 4),
        ),
        data="CelebA",
        resolution=96,
        pattern=Border(16),
        note="SolidMark (Kriplani et al., 2025), Appendix E: unconditional, 225 epochs. With "
        "n = 5,000 they count 924 / 466 / 37 images within .1 / .05 / .005, and chance is "
        "950 / 488 / 50. The resolution and the widths are ours.",
    ),
}


def usual_preset(overrides: Mapping[str, Any]) -> str:
    """The preset of what is to be trained, when none is named."""
    if overrides.get("base") in (None, TINY):
        return TINY if overrides.get("base") else "ddpm-32"
    if overrides.get("lora_rank"):
        return "sd-lora"
    return "sd-pretrain" if overrides.get("from_scratch") else "sd-finetune"


def preset(name: str, **overrides: Any) -> Recipe:
    """The recipe of a preset, with some fields changed.

    Arguments:
        name: One of `PRESETS`.
        overrides: Fields of `Recipe`.

    Raises:
        UnknownName: When there is no such preset or field.
        BadInput: When a value cannot be used, or is of a network and the base has one.

    Example:
        >>> from solidmark.training import preset
        >>> preset("digits-demo", num_train_epochs=150).num_train_epochs
        150
    """
    if name not in PRESETS:
        raise UnknownName("preset", name, PRESETS)
    recipe = PRESETS[name].recipe
    for field in overrides:
        if not hasattr(recipe, field):
            raise UnknownName("option of a recipe", field, recipe.to_json())
    recipe = replace(recipe, **overrides)
    # What a base has already would change nothing, and nobody would know.
    if recipe.base not in (None, TINY):
        for field in NETWORK:
            if field in overrides:
                raise BadInput(
                    f"{field} is for a network that is built anew, and a base has one. Leave it "
                    "out."
                )
    return recipe
