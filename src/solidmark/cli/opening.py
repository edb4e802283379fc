"""The options of how a model is opened, and asked."""

from dataclasses import dataclass, field
from typing import Annotated, Any

import typer

from solidmark.cards.option import Choice
from solidmark.cli.options import Device, Seed
from solidmark.cli.told import argument
from solidmark.errors import BadInput

PRECISIONS = ("fp32", "bf16", "fp16")
AUTO = 64

Model = Annotated[
    str,
    argument(
        "A diffusers pipeline folder, a folder of solidmark train, a .safetensors file, a name on "
        "the Hugging Face hub, or a control: memorizer (knows every image), gaussian (knows none), "
        "average (knows the mean and variance of each pixel), average-per-caption (knows those of "
        "each caption, or class).",
        "MODEL",
    ),
]
Precision = Annotated[str, Choice("precision", PRECISIONS)]
Fitting = Annotated[str, Choice("precision", ("auto", *PRECISIONS))]


def _batch_size(value: Any) -> int:
    """A number of images, or `auto`: as many as fit, from 64 downwards."""
    if str(value) == "auto":
        return AUTO
    try:
        number = int(str(value))
    except ValueError:
        raise BadInput(f'--batch-size takes a whole number or auto, not "{value}".') from None
    if number < 1:
        raise BadInput(f"--batch-size must be 1 or more, not {number}.")
    return number


BatchSize = Annotated[
    int,
    typer.Option(
        metavar="NUMBER|auto",
        parser=_batch_size,
        help="Images a network call; fewer where they do not fit into the memory. auto is 64.",
    ),
]


@dataclass(frozen=True)
class Told:
    """What a model is told, and how many images at a time.

    Arguments:
        mitigation: What is done to captions or classes before the model is told: {mitigations}; rt,
            cwr and rna take a number of repeats and the presets paper and dcr; may be given again,
            applied in this order.
    """

    mitigation: Annotated[list[str], "--mitigation", "NAME[:PRESET][:NUMBER]"] = field(
        default_factory=list
    )
    batch_size: BatchSize = AUTO


@dataclass(frozen=True)
class Opened:
    """The seed, and how a model is opened.

    Arguments:
        precision: What the network computes in: fp32, bf16, fp16. auto is fp32 on the CPU, on
            another device what fits there with the largest images that the model draws; a run that
            goes on keeps what it has.
        vae_precision: What the autoencoder computes in: its errors are errors of the keys.
        text_precision: What the text encoders compute in; auto as of --precision.
        lora: LoRA weights to add, a .safetensors file or a folder (peft or kohya); may be given
            again.
        lora_scale: What the weights of --lora are multiplied with.
        offload: Keep text encoders and autoencoder on the CPU while they are not needed; where
            neither is given, when they do not fit.
        attention_slicing: Compute attention in parts: slower, less memory.
        base_config: Of a .safetensors file: the pipeline folder or hub name whose configuration it
            has; what diffusers takes it for when not given.
        prediction: Of a .safetensors file: what its network predicts (epsilon, v_prediction,
            sample); what it says itself, or its configuration, when not given.
    """

    seed: Seed = 0
    device: Device = "auto"
    precision: Fitting = "auto"
    vae_precision: Precision = "fp32"
    text_precision: Fitting = "auto"
    lora: Annotated[list[str], "--lora", "PATH"] = field(default_factory=list)
    lora_scale: float = 1.0
    offload: Annotated[bool | None, "--offload/--no-offload"] = None
    attention_slicing: Annotated[bool, "--attention-slicing"] = False
    base_config: Annotated[str | None, "FOLDER|ID"] = None
    prediction: Annotated[str | None, "NAME"] = None


@dataclass(frozen=True)
class Handed:
    """Who does the work.

    Arguments:
        engine: Who does the work: serial (this process), torchrun (those that torchrun or
            accelerate launch has started), processes:NUMBER (so many on this machine, for work on
            processors), ray (the workers of the Ray cluster at RAY_ADDRESS, or of a Ray that is
            started here) or ray:ADDRESS; auto is one of the first two. The numbers are the same.
    """

    engine: Annotated[str, "NAME"] = "auto"
