"""The options of how a model is opened, and asked."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from solidmark.cards import MITIGATIONS, briefly
from solidmark.cli.options import Device, Seed, at_least, one_of, resolve_device
from solidmark.errors import BadInput

if TYPE_CHECKING:
    from solidmark.mitigations import Mitigation
    from solidmark.models import Opening

PRECISIONS = ("fp32", "bf16", "fp16")
AUTO = 64

Model = Annotated[
    str,
    typer.Argument(
        metavar="MODEL",
        help="A diffusers pipeline folder, a folder of solidmark train, a .safetensors file, a "
        "name on the Hugging Face hub, or a control: memorizer (knows every image), gaussian "
        "(knows none), average (knows the mean and variance of each pixel), average-per-caption "
        "(knows those of each caption, or class).",
    ),
]
Mitigations = Annotated[
    list[str],
    typer.Option(
        "--mitigation",
        metavar="NAME[:PRESET][:NUMBER]",
        help="What is done to captions or classes before the model is told: "
        f"{briefly(MITIGATIONS)}; rt, cwr and rna take a number of repeats and the presets paper "
        "and dcr; may be given again, applied in this order.",
    ),
]


def _batch_size(value: Any) -> int:
    """A number of images, or `auto`: as many as fit, from 64 downwards."""
    if str(value) == "auto":
        return AUTO
    try:
        return int(str(value))
    except ValueError:
        raise BadInput(f'--batch-size takes a whole number or auto, not "{value}".') from None


BatchSize = Annotated[
    int,
    typer.Option(
        metavar="NUMBER|auto",
        parser=_batch_size,
        help="Images a network call; halved where they do not fit into the memory. auto is 64.",
        callback=at_least(1),
    ),
]


def _precision(said: str) -> Any:
    return typer.Option(metavar="NAME", help=said, callback=one_of("precision", PRECISIONS))


Precision = Annotated[str, _precision("What the network computes in: fp32, bf16, fp16.")]
VaePrecision = Annotated[
    str, _precision("What the autoencoder computes in: its errors are errors of the keys.")
]
TextPrecision = Annotated[str, _precision("What the text encoders compute in.")]
Loras = Annotated[
    list[str],
    typer.Option(
        "--lora",
        metavar="PATH",
        help="LoRA weights to add, a .safetensors file or a folder (peft or kohya); may be given "
        "again.",
    ),
]
LoraScale = Annotated[float, typer.Option(help="What the weights of --lora are multiplied with.")]
Offload = Annotated[
    bool,
    typer.Option(
        "--offload",
        help="Keep text encoders and autoencoder on the CPU while they are not needed.",
    ),
]
AttentionSlicing = Annotated[
    bool,
    typer.Option("--attention-slicing", help="Compute attention in parts: slower, less memory."),
]
BaseConfig = Annotated[
    str | None,
    typer.Option(
        metavar="FOLDER|ID",
        help="Of a .safetensors file: the pipeline folder or hub name whose configuration it has; "
        "what diffusers takes it for when not given.",
    ),
]
PredictionType = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="Of a .safetensors file: what its network predicts (epsilon, v_prediction, sample); "
        "what it says itself, or its configuration, when not given.",
    ),
]


def told(mitigation: Mitigations = [], batch_size: BatchSize = AUTO) -> None:
    """What a model is told, and how many images at a time."""


def opened(
    seed: Seed = 0,
    device: Device = "auto",
    precision: Precision = "fp32",
    vae_precision: VaePrecision = "fp32",
    text_precision: TextPrecision = "fp32",
    lora: Loras = [],
    lora_scale: LoraScale = 1.0,
    offload: Offload = False,
    attention_slicing: AttentionSlicing = False,
    base_config: BaseConfig = None,
    prediction: PredictionType = None,
) -> None:
    """The seed, and how a model is opened."""


def require_model(model: str) -> None:
    """Fails before torch is imported where there is no model, or what is there cannot be one.

    Raises:
        NotFound: When nothing is there.
        UnsafeCheckpoint: When it is a pickle.
        BadInput: When it is not a model that can be opened.
    """
    from solidmark.models import is_latent

    is_latent(model)


def opening_of(asked: dict[str, Any]) -> "Opening":
    """How a command line opens its model."""
    from solidmark.models import Opening

    return Opening(
        device=resolve_device(asked["device"]),
        precision=asked["precision"],
        vae_precision=asked["vae_precision"],
        text_precision=asked["text_precision"],
        loras=tuple(asked["lora"]),
        lora_scale=asked["lora_scale"],
        offload=asked["offload"],
        attention_slicing=asked["attention_slicing"],
        base_config=asked["base_config"],
        prediction=asked["prediction"],
    )


def mitigations_of(asked: dict[str, Any]) -> "tuple[Mitigation, ...]":
    """What is done to prompts before the model of a command line is told."""
    from solidmark.mitigations import parse

    return tuple(parse(text) for text in asked["mitigation"])
