"""`solidmark train MARKED OUT`."""

from pathlib import Path
from typing import Annotated, Any

import typer

from solidmark.cli.options import (
    Config,
    Device,
    DryRun,
    Json,
    Out,
    at_least,
    one_of,
    options,
    require_marked,
    resolve_device,
    save_config,
    show,
    show_plan,
)
from solidmark.errors import BadInput

PRESETS = ("digits-demo", "ddpm-32", "ddpm-64", "solidmark-stl10", "solidmark-celeba")
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
        str,
        typer.Option(
            metavar="NAME",
            help="Where options come from that are not given: digits-demo, ddpm-32, ddpm-64, "
            "solidmark-stl10 or solidmark-celeba. --dry-run shows them.",
            callback=one_of("preset", PRESETS),
        ),
    ] = "ddpm-32",
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
    """Train a diffusion model from scratch on marked images.

    OUT/model is a plain diffusers pipeline. Options that are not given come from the preset; the
    same command again resumes. Any other trainer that takes MARKED/train as its image folder
    serves as well.

    Example: solidmark train marked/ model/ --preset ddpm-64
    """
    overrides = {
        name: _numbers(name, value) if name in LISTS else value
        for name, value in options(context).items()
        if name not in OURS
    }
    require_marked(marked)
    from solidmark.training import preset as find_preset
    from solidmark.training import train as train_model

    recipe = find_preset(preset, **overrides)
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
    return show({"model": str(folder)}, json, f"The model: {folder}")


def _numbers(name: str, text: Any) -> tuple[int, ...]:
    """Whole numbers with commas between them."""
    try:
        return tuple(int(part) for part in str(text).replace(" ", "").split(",") if part)
    except ValueError as error:
        option = name.replace("_", "-")
        raise BadInput(f'--{option} takes whole numbers such as 32,64, not "{text}".') from error
