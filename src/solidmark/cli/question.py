"""The options of a question to a model, which `solidmark audit` and `solidmark observe` share."""

import inspect
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from solidmark.cli.ask import (
    BlendFrameWeight,
    BlendSteps,
    BlendT,
    BlendWeight,
    Candidates,
    EnergyT,
    Eta,
    FrameWeight,
    GradientSteps,
    GradientT,
    GradientWeight,
    JumpCount,
    JumpLength,
    LatentEta,
    LatentEvery,
    LatentGuidance,
    LatentPaste,
    LatentSteps,
    LinearT,
    LinearWeight,
    ProbeT,
    RecallDraws,
    RecallGuidance,
    RecallT,
    Start,
    Steps,
    StepSize,
)
from solidmark.cli.options import (
    Device,
    Out,
    Seed,
    at_least,
    one_of,
    require_marked,
    resolve_device,
)
from solidmark.errors import BadInput

if TYPE_CHECKING:
    from solidmark.audit import Question
    from solidmark.marks import Marked
    from solidmark.models import Opening
    from solidmark.readers import Reader

READERS = (
    "blend",
    "energy",
    "gradient",
    "latent-outpaint",
    "linear",
    "outpaint",
    "probe",
    "recall",
)
SPLITS = ("trained", "held_out")
PRECISIONS = ("fp32", "bf16", "fp16")
AUTO = 64

Model = Annotated[
    str,
    typer.Argument(
        metavar="MODEL",
        help="A diffusers pipeline folder, a folder of solidmark train, a .safetensors file, a "
        "name on the Hugging Face hub, or a control: memorizer (knows every image), gaussian "
        "(knows none).",
    ),
]
MarkedFolder = Annotated[
    Path,
    typer.Argument(
        metavar="MARKED", help="Folder of solidmark mark that the model was trained on."
    ),
]
Readers = Annotated[
    list[str],
    typer.Option(
        "--reader",
        metavar="NAME",
        help="How keys are read: energy (one grey), blend (segments), gradient and linear (its two "
        "halves: strong and weak memory), outpaint and latent-outpaint (the paper's, for models of "
        "pixels and of latents), recall (pure noise and the caption: four calls), probe (one call "
        "an image); may be given again. When not given, energy for one grey and blend for "
        "segments, with recall beside it for models on latents and images with captions.",
        callback=one_of("reader", READERS),
    ),
]
Splits = Annotated[
    list[str],
    typer.Option(
        "--split",
        metavar="NAME",
        help="Which images are asked about: trained, held_out; may be given again.",
        callback=one_of("split", SPLITS),
    ),
]
Limit = Annotated[
    int | None,
    typer.Option(help="At most so many images a split, drawn at random.", callback=at_least(1)),
]
Repeats = Annotated[
    int,
    typer.Option(
        help="Evaluations an image; only outpaint, which draws noise, gains by more than one.",
        callback=at_least(1),
    ),
]
Ceiling = Annotated[
    bool,
    typer.Option(help="Ask a perfect memorizer too: a reader that sees nothing there is blind."),
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
Precision = Annotated[
    str,
    typer.Option(
        metavar="NAME",
        help="What the network computes in: fp32, bf16, fp16.",
        callback=one_of("precision", PRECISIONS),
    ),
]
VaePrecision = Annotated[
    str,
    typer.Option(
        metavar="NAME",
        help="What the autoencoder computes in: its errors are errors of the keys.",
        callback=one_of("precision", PRECISIONS),
    ),
]
TextPrecision = Annotated[
    str,
    typer.Option(
        metavar="NAME",
        help="What the text encoders compute in.",
        callback=one_of("precision", PRECISIONS),
    ),
]
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
Caption = Annotated[
    str | None,
    typer.Option(metavar="TEXT", help="The prompt of images that have no caption."),
]
Mitigations = Annotated[
    list[str],
    typer.Option(
        "--mitigation",
        metavar="NAME[:PRESET][:NUMBER]",
        help="What is done to captions or classes before the model is told: gni (noise on their "
        "embedding, strength 0.1), rt (random tokens), cwr (words again), rna (random numbers), "
        "wen (embedding optimised to a target magnitude, 4); rt, cwr and rna take a number of "
        "repeats and the presets paper and dcr; may be given again, applied in this order.",
    ),
]


def _options(
    model: Model,
    marked: MarkedFolder,
    out: Out,
    reader: Readers = [],
    split: Splits = ["trained", "held_out"],
    limit: Limit = None,
    repeats: Repeats = 1,
    ceiling: Ceiling = True,
    batch_size: BatchSize = AUTO,
    blend_linear_weight: BlendWeight = 0.2,
    blend_steps: BlendSteps = 4,
    blend_t: BlendT = None,
    blend_frame_weight: BlendFrameWeight = 0.1,
    energy_candidates: Candidates = 9,
    energy_t: EnergyT = None,
    energy_frame_weight: FrameWeight = 0.1,
    gradient_steps: GradientSteps = 4,
    gradient_step_size: StepSize = 0.3,
    gradient_t: GradientT = None,
    gradient_frame_weight: GradientWeight = 0.1,
    latent_outpaint_steps: LatentSteps = 100,
    latent_outpaint_guidance: LatentGuidance = 3.0,
    latent_outpaint_every: LatentEvery = 10,
    latent_outpaint_paste: LatentPaste = "pixels",
    latent_outpaint_eta: LatentEta = 0.0,
    linear_t: LinearT = None,
    linear_frame_weight: LinearWeight = 0.1,
    outpaint_steps: Steps = 250,
    outpaint_jump_length: JumpLength = 10,
    outpaint_jump_count: JumpCount = 1,
    outpaint_eta: Eta = 1.0,
    outpaint_start: Start = 1.0,
    probe_t: ProbeT = None,
    recall_draws: RecallDraws = 4,
    recall_guidance: RecallGuidance = 1.0,
    recall_t: RecallT = 0.999,
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
    caption: Caption = None,
    mitigation: Mitigations = [],
) -> None:
    """The options and their defaults, as typer reads them."""


def asks(command: Callable[..., None]) -> Callable[..., None]:
    """Gives a command the options of a question, between its context and its own.

    Typer learns options from signatures. The command itself takes them as keywords, since all it
    needs is in the context.
    """
    context, *own = inspect.signature(command).parameters.values()
    shared = inspect.signature(_options).parameters.values()
    kept = [parameter for parameter in own if parameter.kind is not parameter.VAR_KEYWORD]
    command.__signature__ = inspect.Signature([context, *shared, *kept])  # type: ignore[attr-defined]
    command.__annotations__ = {p.name: p.annotation for p in [context, *shared, *kept]}
    return command


def question_of(context: typer.Context) -> "Question":
    """The question that a command line asks."""
    asked: dict[str, Any] = context.params
    marked, out = Path(asked["marked"]), Path(asked["out"])  # Older typers leave them as text.
    require_marked(marked)
    from solidmark.audit import Question
    from solidmark.mitigations import parse

    return Question(
        model=asked["model"],
        marked=marked,
        out=out,
        readers=_readers(context, marked),
        splits=tuple(asked["split"]),
        limit=asked["limit"],
        repeats=asked["repeats"],
        ceiling=asked["ceiling"],
        batch_size=asked["batch_size"],
        seed=asked["seed"],
        caption=asked["caption"],
        mitigations=tuple(parse(text) for text in asked["mitigation"]),
        opening=opening_of(asked),
    )


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
    )


def _readers(context: typer.Context, marked: Path) -> tuple["Reader", ...]:
    """The readers that were named, else the one that fits the marks."""
    from solidmark.marks import open_marked

    asked: dict[str, Any] = context.params
    names = asked["reader"] or _usual(asked["model"], open_marked(marked))
    _require_used(context, names)
    return tuple(_reader(name, asked) for name in names)


def _usual(model: str, marked: "Marked") -> list[str]:
    """The readers that are asked when none is named."""
    from solidmark.models import is_latent
    from solidmark.readers import default_reader

    usual = [default_reader(marked.pattern).name]
    # A caption of its own tells a picture before it is drawn, which no other reader asks about.
    return [*usual, "recall"] if marked.captions > 1 and is_latent(model) else usual


def _require_used(context: typer.Context, names: Sequence[str]) -> None:
    """An option of a reader that does not read would change nothing, and nobody would know."""
    for option in context.params:
        owner = _owner(option)
        source = context.get_parameter_source(option)
        typed = source is not None and source.name == "COMMANDLINE"
        if typed and owner is not None and owner not in names:
            raise BadInput(
                f"--{option.replace('_', '-')} is an option of the reader {owner}, but "
                f"{', '.join(names)} reads. Add --reader {owner}, or leave the option out."
            )


def _reader(name: str, asked: dict[str, Any]) -> "Reader":
    """A reader, with the options that carry its name."""
    from solidmark.readers import READERS

    prefix = f"{name.replace('-', '_')}_"
    fields = {key.removeprefix(prefix): asked[key] for key in asked if _owner(key) == name}
    return READERS[name](**fields)


def _owner(option: str) -> str | None:
    """The reader whose name stands in front of an option."""
    owners = (name for name in READERS if option.startswith(f"{name.replace('-', '_')}_"))
    return next(owners, None)
