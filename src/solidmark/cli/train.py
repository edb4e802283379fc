"""`solidmark train MARKED OUT`."""

from pathlib import Path
from typing import Annotated, Any

import typer

from solidmark.cli import closing
from solidmark.cli.answering import answer
from solidmark.cli.following import after_training
from solidmark.cli.options import (
    Config,
    Device,
    DryRun,
    Json,
    Out,
    at_least,
    one_of,
    options,
    require_free,
    require_marked,
    resolve_device,
    save_config,
    show_plan,
)
from solidmark.errors import BadInput

PRESETS = (
    "digits-demo",
    "tiny-t2i",
    "sd-finetune",
    "sd-lora",
    "sd-pretrain",
    "ddpm-32",
    "ddpm-64",
    "solidmark-stl10",
    "solidmark-celeba",
)
NETWORK = (
    "prediction_type",
    "schedule",
    "num_train_timesteps",
    "class_conditional",
    "block_out_channels",
    "layers_per_block",
    "attention_levels",
    "mid_attention",
    "attention_head_dim",
    "norm_num_groups",
    "dropout",
)
"""What a base has already."""

TINY = "tiny-t2i"
LISTS = ("block_out_channels", "attention_levels", "checkpoint_at")
OURS = ("marked", "out", "preset", "resume_from_checkpoint", "dataloader_num_workers", "device")

Number = int | None
Real = float | None


def _recipe_option(text: str, metavar: str | None = None) -> Any:
    """An option that overrides the preset where it is given."""
    return typer.Option(None, help=text, metavar=metavar, show_default=False)


def train(
    context: typer.Context,
    marked: Annotated[Path, typer.Argument(metavar="MARKED", help="Folder of solidmark mark.")],
    out: Out,
    preset: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Where options come from that are not given: digits-demo, ddpm-32, ddpm-64, "
            "solidmark-stl10, solidmark-celeba; for latent models sd-finetune, sd-lora, "
            "sd-pretrain, tiny-t2i. --dry-run shows them.  [default: ddpm-32; with --base "
            "sd-finetune, sd-lora with --lora-rank, sd-pretrain with --from-scratch]",
            callback=one_of("preset", PRESETS),
            show_default=False,
        ),
    ] = None,
    base: str | None = _recipe_option(
        "Fine-tune this: a folder of a latent pipeline, a name on the Hugging Face hub, or "
        "tiny-t2i, a tiny text-to-image model that trains its own autoencoder and text encoder.",
        "MODEL",
    ),
    from_scratch: bool | None = _recipe_option(
        "Keep the autoencoder and the encoders of the base, and forget its denoiser."
    ),
    lora_rank: Number = _recipe_option(
        "Train a LoRA of this rank beside the base; 0 = all of its denoiser."
    ),
    lora_alpha: Number = _recipe_option("Of the LoRA; as large as the rank when not given."),
    caption: str | None = _recipe_option("The prompt of images that have no caption.", "TEXT"),
    caption_dropout: Real = _recipe_option("Share of images shown without their caption."),
    snr_gamma: Real = _recipe_option("Min-SNR weighting of the loss; 5 in its paper, 0 = none."),
    gradient_checkpointing: bool | None = _recipe_option(
        "Compute activations twice, to save memory."
    ),
    num_train_epochs: Number = _recipe_option("How often each image is seen."),
    max_train_steps: Number = _recipe_option("Stop after so many steps instead."),
    train_batch_size: Number = _recipe_option("Images of one pass, over all processes together."),
    gradient_accumulation_steps: Number = _recipe_option("Passes of one optimizer step."),
    learning_rate: Real = _recipe_option("Of AdamW, at its highest."),
    lr_scheduler: str | None = _recipe_option(
        "constant, constant_with_warmup, cosine, cosine_with_restarts, linear or polynomial.",
        "NAME",
    ),
    lr_warmup_steps: Number = _recipe_option("Steps of linear warm-up."),
    adam_beta1: Real = _recipe_option("Of AdamW."),
    adam_beta2: Real = _recipe_option("Of AdamW."),
    adam_weight_decay: Real = _recipe_option("Of AdamW."),
    adam_epsilon: Real = _recipe_option("Of AdamW."),
    max_grad_norm: Real = _recipe_option("Where the gradient is clipped; 0 = nowhere."),
    ema_decay: Real = _recipe_option("Of the moving average that is saved; 0 = none."),
    mixed_precision: str | None = _recipe_option("no, bf16 or fp16.", "NAME"),
    prediction_type: str | None = _recipe_option(
        "What the network predicts: epsilon, v_prediction or sample.", "NAME"
    ),
    schedule: str | None = _recipe_option("The noise schedule: cosine or linear.", "NAME"),
    num_train_timesteps: Number = _recipe_option("Steps of the noise schedule."),
    class_conditional: bool | None = _recipe_option("Tell the network the class of an image."),
    block_out_channels: str | None = _recipe_option(
        "Channels of each level of the U-Net, such as 32,64.", "LIST"
    ),
    layers_per_block: Number = _recipe_option("Residual blocks of a level."),
    attention_levels: str | None = _recipe_option(
        "Levels with self-attention, counted from 0, such as 1,2.", "LIST"
    ),
    mid_attention: bool | None = _recipe_option("Self-attention in the middle."),
    attention_head_dim: Number = _recipe_option("Channels of an attention head."),
    norm_num_groups: Number = _recipe_option("Groups of the group norms."),
    dropout: Real = _recipe_option("In the residual blocks."),
    random_flip: bool | None = _recipe_option(
        "Mirror picture and frame together, half of the time; recorded."
    ),
    checkpointing_steps: Number = _recipe_option("Steps between states to resume from; 0 = none."),
    checkpointing_epochs: Number = _recipe_option("Epochs between them; 0 = none."),
    checkpoint_at: str | None = _recipe_option(
        "Epochs whose weights are kept for an audit, such as 50,100.", "LIST"
    ),
    seed: Number = _recipe_option("The same seed gives the same network."),
    resume_from_checkpoint: Annotated[
        str,
        typer.Option(metavar="FOLDER", help="A checkpoint folder, latest, or none to begin anew."),
    ] = "latest",
    dataloader_num_workers: Annotated[
        int,
        typer.Option(
            help="Processes that prepare batches in the background.", callback=at_least(0)
        ),
    ] = 0,
    device: Device = "auto",
    config: Config = None,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Train a model on marked images, from scratch or from a base.

    OUT/model is a plain diffusers pipeline, or with --lora-rank a LoRA for one. Options that are
    not given come from the preset; the same command again resumes. Any other trainer that takes
    MARKED/train as its image folder serves as well.

    Example: solidmark train marked/ model/ --preset ddpm-64
    """
    overrides = {
        name: _numbers(name, value) if name in LISTS else value
        for name, value in options(context).items()
        if name not in OURS
    }
    require_marked(marked)
    require_free(out, "train")
    preset = preset or _default_preset(overrides)
    from solidmark.training import preset as find_preset
    from solidmark.training import train as train_model

    recipe = find_preset(preset, **overrides)
    _require_fitting(recipe.base, overrides)
    if dry_run:
        from solidmark.marks import open_marked
        from solidmark.training import check_fit

        source = open_marked(marked)
        check_fit(recipe, source)
        images = len(source.ids("trained", marked=None))
        return show_plan(
            context,
            images=images,
            marked_size=list(source.marked_size),
            device_found=resolve_device(device),
            recipe=recipe.to_json(),
        )
    folder = train_model(
        marked,
        out,
        recipe,
        device=resolve_device(device),
        resume_from_checkpoint=None if resume_from_checkpoint == "none" else resume_from_checkpoint,
        num_workers=dataloader_num_workers,
        config={"preset": preset},
    )
    save_config(context, out)
    closing.then(*after_training(out, marked))
    return answer({"model": str(folder)}, json, f"The model: {folder}")


def _default_preset(asked: dict[str, Any]) -> str:
    """The preset of what is to be trained, when none is named."""
    if "base" not in asked:
        return "ddpm-32"
    if asked["base"] == TINY:
        return TINY
    if asked.get("lora_rank"):
        return "sd-lora"
    return "sd-pretrain" if asked.get("from_scratch") else "sd-finetune"


def _require_fitting(base: str | None, asked: dict[str, Any]) -> None:
    """An option that a base has already would change nothing, and nobody would know."""
    if base in (None, TINY):
        return
    for name in NETWORK:
        if name in asked:
            raise BadInput(
                f"--{name.replace('_', '-')} is for a network that is built anew, and a base has "
                "one. Leave it out."
            )


def _numbers(name: str, text: Any) -> tuple[int, ...]:
    """Whole numbers with commas between them."""
    try:
        return tuple(int(part) for part in str(text).replace(" ", "").split(",") if part)
    except ValueError as error:
        option = name.replace("_", "-")
        raise BadInput(f'--{option} takes whole numbers such as 32,64, not "{text}".') from error
