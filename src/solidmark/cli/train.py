"""`solidmark train MARKED OUT`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from solidmark.cards.option import at_least
from solidmark.cli import closing
from solidmark.cli.asked import Asked
from solidmark.cli.command import command
from solidmark.cli.following import after_training
from solidmark.cli.options import Device, Out, options, resolve_device
from solidmark.cli.told import Choice
from solidmark.errors import BadInput

PRESETS = (
    *("digits-demo", "tiny-t2i", "sd-finetune", "sd-lora", "sd-pretrain", "ddpm-32", "ddpm-64"),
    *("solidmark-stl10", "solidmark-celeba"),
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
Name = Annotated[str | None, "NAME"]
Several = Annotated[str | None, "LIST"]


@dataclass(frozen=True)
class Overrides:
    """What is given of a recipe, instead of what its preset has.

    Arguments:
        base: Fine-tune this: a folder of a latent pipeline, a name on the Hugging Face hub, or
            tiny-t2i, a tiny text-to-image model that trains its own autoencoder and text encoder.
        from_scratch: Keep the autoencoder and the encoders of the base, and forget its denoiser.
        lora_rank: Train a LoRA of this rank beside the base; 0 = all of its denoiser.
        lora_alpha: Of the LoRA; as large as the rank when not given.
        caption: The prompt of images that have no caption.
        caption_dropout: Share of images shown without their caption.
        snr_gamma: Min-SNR weighting of the loss; 5 in its paper, 0 = none.
        gradient_checkpointing: Compute activations twice, to save memory.
        num_train_epochs: How often each image is seen.
        max_train_steps: Stop after so many steps instead.
        train_batch_size: Images of one pass, over all processes together.
        gradient_accumulation_steps: Passes of one optimizer step.
        learning_rate: Of AdamW, at its highest.
        lr_scheduler: constant, constant_with_warmup, cosine, cosine_with_restarts, linear or
            polynomial.
        lr_warmup_steps: Steps of linear warm-up.
        adam_beta1: Of AdamW.
        adam_beta2: Of AdamW.
        adam_weight_decay: Of AdamW.
        adam_epsilon: Of AdamW.
        max_grad_norm: Where the gradient is clipped; 0 = nowhere.
        ema_decay: Of the moving average that is saved; 0 = none.
        mixed_precision: no, bf16 or fp16.
        prediction_type: What the network predicts: epsilon, v_prediction or sample.
        schedule: The noise schedule: cosine or linear.
        num_train_timesteps: Steps of the noise schedule.
        class_conditional: Tell the network the class of an image.
        block_out_channels: Channels of each level of the U-Net, such as 32,64.
        layers_per_block: Residual blocks of a level.
        attention_levels: Levels with self-attention, counted from 0, such as 1,2.
        mid_attention: Self-attention in the middle.
        attention_head_dim: Channels of an attention head.
        norm_num_groups: Groups of the group norms.
        dropout: In the residual blocks.
        random_flip: Mirror picture and frame together, half of the time; recorded.
        checkpointing_steps: Steps between states to resume from; 0 = none.
        checkpointing_epochs: Epochs between them; 0 = none.
        checkpoint_at: Epochs whose weights are kept for an audit, such as 50,100.
        seed: The same seed gives the same network.
    """

    base: Annotated[str | None, "MODEL"] = None
    from_scratch: bool | None = None
    lora_rank: Number = None
    lora_alpha: Number = None
    caption: Annotated[str | None, "TEXT"] = None
    caption_dropout: Real = None
    snr_gamma: Real = None
    gradient_checkpointing: bool | None = None
    num_train_epochs: Number = None
    max_train_steps: Number = None
    train_batch_size: Number = None
    gradient_accumulation_steps: Number = None
    learning_rate: Real = None
    lr_scheduler: Name = None
    lr_warmup_steps: Number = None
    adam_beta1: Real = None
    adam_beta2: Real = None
    adam_weight_decay: Real = None
    adam_epsilon: Real = None
    max_grad_norm: Real = None
    ema_decay: Real = None
    mixed_precision: Name = None
    prediction_type: Name = None
    schedule: Name = None
    num_train_timesteps: Number = None
    class_conditional: bool | None = None
    block_out_channels: Several = None
    layers_per_block: Number = None
    attention_levels: Several = None
    mid_attention: bool | None = None
    attention_head_dim: Number = None
    norm_num_groups: Number = None
    dropout: Real = None
    random_flip: bool | None = None
    checkpointing_steps: Number = None
    checkpointing_epochs: Number = None
    checkpoint_at: Several = None
    seed: Number = None


@command(
    Overrides,
    matter=(
        *("preset", "base", "lora_rank", "num_train_epochs", "max_train_steps"),
        *("train_batch_size", "learning_rate"),
    ),
)
def train(
    asked: Asked,
    marked: Annotated[Path, "MARKED"],
    out: Out,
    preset: Annotated[str | None, Choice("preset", PRESETS)] = None,
    resume_from_checkpoint: Annotated[str, "FOLDER"] = "latest",
    dataloader_num_workers: Annotated[int, at_least(0)] = 0,
    device: Device = "auto",
) -> None:
    """Train a model on marked images, from scratch or from a base.

    OUT/model is a plain diffusers pipeline, or with --lora-rank a LoRA for one. Options that are
    not given come from the preset; the same command again resumes. Any other trainer that takes
    MARKED/train as its image folder serves as well.

    Example: solidmark train marked/ model/ --preset ddpm-64

    Arguments:
        marked: Folder of solidmark mark.
        preset: Where options come from that are not given: digits-demo, ddpm-32, ddpm-64,
            solidmark-stl10, solidmark-celeba; for latent models sd-finetune, sd-lora, sd-pretrain,
            tiny-t2i. --dry-run shows them. [default: ddpm-32; with --base sd-finetune, sd-lora with
            --lora-rank, sd-pretrain with --from-scratch]
        resume_from_checkpoint: A checkpoint folder, latest, or none to begin anew.
        dataloader_num_workers: Processes that prepare batches in the background.
    """
    from solidmark.training import preset as find_preset
    from solidmark.training import train as train_model

    overrides = {
        name: _numbers(name, value) if name in LISTS else value
        for name, value in options(asked.context).items()
        if name not in OURS
    }
    preset = preset or _default_preset(overrides)
    recipe = find_preset(preset, **overrides)
    _require_fitting(recipe.base, overrides)
    device = resolve_device(device)
    if asked.dry_run:
        from solidmark.marks import open_marked
        from solidmark.training import check_fit

        source = open_marked(marked)
        check_fit(recipe, source)
        return asked.plan(
            images=len(source.ids("trained", marked=None)),
            marked_size=list(source.marked_size),
            device_found=device,
            recipe=recipe.to_json(),
        )
    resumed = None if resume_from_checkpoint == "none" else resume_from_checkpoint
    folder = train_model(
        marked,
        out,
        recipe,
        device=device,
        resume_from_checkpoint=resumed,
        num_workers=dataloader_num_workers,
        config={"preset": preset},
    )
    asked.save()
    closing.then(*after_training(out, marked))
    return asked.answer({"model": str(folder)}, f"The model: {folder}")


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
