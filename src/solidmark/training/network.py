"""The network and the scheduler of a recipe, and the pipeline folder that both are saved in.

Both are stock diffusers classes, so that the folder opens anywhere with
`DDPMPipeline.from_pretrained`.
"""

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from solidmark.cards.recipe import Recipe
from solidmark.diffusion import DiscreteSchedule
from solidmark.errors import BadInput
from solidmark.late import Tensor, torch
from solidmark.models.finding import FACTS
from solidmark.randomness import seeded
from solidmark.runs import move_folder, write_json
from solidmark.training.loss import DenoisingLoss, call_unet
from solidmark.training.task import Task

BETAS = {"cosine": "squaredcos_cap_v2", "linear": "linear"}


def check_size(recipe: Recipe, size: tuple[int, int]) -> None:
    """Checks that the levels of the network can halve the images.

    Arguments:
        size: Height and width of the marked images, in pixels.

    Raises:
        BadInput: When they cannot.
    """
    levels = len(recipe.block_out_channels)
    unit = 2 ** (levels - 1)
    if size[0] % unit or size[1] % unit:
        fits = " x ".join(str(-(-side // unit) * unit) for side in size)
        raise BadInput(
            f"The marked images have {size[0]} x {size[1]} pixels, and {levels} levels "
            f"(block_out_channels) need multiples of {unit}. Mark again with a thickness or a "
            f"resolution that gives {fits}, or use fewer levels."
        )


def build_unet(recipe: Recipe, channels: int, size: tuple[int, int], classes: int) -> Any:
    """Builds the `UNet2DModel` of a recipe, with weights that are a function of its seed.

    Arguments:
        recipe: The recipe.
        channels: Of the images, 1 or 3.
        size: Height and width of the marked images, in pixels.
        classes: How many classes it is told; 0 = unconditional.

    Raises:
        BadInput: When the images cannot be halved as often as the levels ask.
    """
    from diffusers import UNet2DModel

    check_size(recipe, size)
    levels = range(len(recipe.block_out_channels))
    kinds = ["Attn" if level in recipe.attention_levels else "" for level in levels]
    with seeded(recipe.seed, "weights"):
        return UNet2DModel(
            sample_size=size[0] if size[0] == size[1] else size,
            in_channels=channels,
            out_channels=channels,
            down_block_types=tuple(f"{kind}DownBlock2D" for kind in kinds),
            up_block_types=tuple(f"{kind}UpBlock2D" for kind in reversed(kinds)),
            block_out_channels=recipe.block_out_channels,
            layers_per_block=recipe.layers_per_block,
            dropout=recipe.dropout,
            attention_head_dim=recipe.attention_head_dim,
            norm_num_groups=recipe.norm_num_groups,
            add_attention=recipe.mid_attention,
            num_class_embeds=classes or None,
        )


def build_scheduler(recipe: Recipe) -> Any:
    """Builds the `DDPMScheduler` of a recipe."""
    from diffusers import DDPMScheduler

    return DDPMScheduler(
        num_train_timesteps=recipe.num_train_timesteps,
        beta_schedule=BETAS[recipe.schedule],
        prediction_type=recipe.prediction_type,
    )


def pixel_task(recipe: Recipe, unet: Any) -> Task:
    """Denoising pixels, saved as a `DDPMPipeline`."""
    scheduler = build_scheduler(recipe)
    schedule = DiscreteSchedule(scheduler.alphas_cumprod)
    loss = DenoisingLoss(schedule, recipe.prediction_type, call_unet, recipe.snr_gamma)

    def save(folder: Path, weights: Mapping[str, Tensor], facts: Mapping[str, Any]) -> None:
        from diffusers import DDPMPipeline

        pipeline = DDPMPipeline(unet=twin(unet, weights), scheduler=scheduler)
        save_whole(folder, pipeline.save_pretrained, facts)

    return Task("training", loss, save, recipe.num_train_timesteps, live=lambda: (unet, scheduler))


def twin(network: Any, weights: Mapping[str, Tensor]) -> Any:
    """A network of the same kind with other weights, free of what a trainer has patched.

    Arguments:
        weights: Under the names of its `state_dict`.
    """
    with torch.random.fork_rng(devices=[]):
        other = type(network).from_config(network.config)
    other.load_state_dict(weights)
    return other


def save_whole(folder: Path, write: Callable[[Path], Any], facts: Mapping[str, Any]) -> None:
    """Saves a folder, whole or not at all.

    Arguments:
        folder: Where; what is there is replaced.
        facts: Written beside it as `solidmark.json`: what an audit must know of the training.
    """
    temporary = folder.with_name(f".{folder.name}.tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    write(temporary)
    write_json(temporary / FACTS, facts)
    move_folder(temporary, folder)
