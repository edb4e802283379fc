"""The options of a question to a model, which `solidmark audit` and `solidmark observe` share."""

import inspect
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

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
    from solidmark.readers import Reader

READERS = ("blend", "energy", "gradient", "linear", "outpaint", "probe")
SPLITS = ("trained", "held_out")
PRECISIONS = ("fp32", "bf16", "fp16")

Model = Annotated[
    str,
    typer.Argument(
        metavar="MODEL",
        help="A diffusers pipeline folder, a folder of solidmark train, a name on the Hugging Face "
        "hub, or a control: memorizer (knows every image), gaussian (knows none).",
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
        "halves: strong and weak memory), outpaint (the paper's), probe (one call an image); may "
        "be given again. When not given, energy for one grey and blend for segments.",
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
BatchSize = Annotated[int, typer.Option(help="Images a network call.", callback=at_least(1))]
Precision = Annotated[
    str,
    typer.Option(
        metavar="NAME",
        help="What the network computes in: fp32, bf16, fp16.",
        callback=one_of("precision", PRECISIONS),
    ),
]
BlendWeight = Annotated[
    float,
    typer.Option(help="Blend: weight of the linear reading beside the descent's, in [0, 1]."),
]
BlendSteps = Annotated[int, typer.Option(help="Blend: steps, 2.3 network calls each.")]
BlendT = Annotated[
    float | None,
    typer.Option(
        help="Blend: the time to ask at, in (0, 1); chosen without the keys when not given."
    ),
]
BlendFrameWeight = Annotated[
    float, typer.Option(help="Blend: weight of the frame's pixels beside the image's, in [0, 1].")
]
Candidates = Annotated[int, typer.Option(help="Energy: how many keys are tried, 3 or more.")]
EnergyT = Annotated[
    float | None,
    typer.Option(
        help="Energy: the time to ask at, in (0, 1); chosen without the keys when not given."
    ),
]
FrameWeight = Annotated[
    float, typer.Option(help="Energy: weight of the frame's pixels beside the image's, in [0, 1].")
]
GradientSteps = Annotated[int, typer.Option(help="Gradient: steps, 2.3 network calls each.")]
StepSize = Annotated[
    float, typer.Option(help="Gradient: length of the first step, in grey levels.")
]
GradientT = Annotated[
    float | None,
    typer.Option(
        help="Gradient: the time to ask at, in (0, 1); chosen without the keys when not given."
    ),
]
GradientWeight = Annotated[
    float,
    typer.Option(help="Gradient: weight of the frame's pixels beside the image's, in [0, 1]."),
]
LinearT = Annotated[
    float | None,
    typer.Option(
        help="Linear: the time to ask at, in (0, 1); chosen without the keys when not given."
    ),
]
LinearWeight = Annotated[
    float, typer.Option(help="Linear: weight of the frame's pixels beside the image's, in [0, 1].")
]
Steps = Annotated[int, typer.Option(help="Outpaint: sampling steps, 1 to 1000.")]
JumpLength = Annotated[int, typer.Option(help="Outpaint: steps that a RePaint jump goes back.")]
JumpCount = Annotated[
    int, typer.Option(help="Outpaint: RePaint's passes over each step; 1 = as published.")
]
Eta = Annotated[
    float, typer.Option(help="Outpaint: 1 = ancestral sampling (DDPM), 0 = deterministic (DDIM).")
]
Start = Annotated[float, typer.Option(help="Outpaint: the time sampling begins at, in (0, 1].")]
ProbeT = Annotated[
    float | None,
    typer.Option(
        help="Probe: the time to ask at, in (0, 1); chosen without the keys when not given."
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
    batch_size: BatchSize = 64,
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
    linear_t: LinearT = None,
    linear_frame_weight: LinearWeight = 0.1,
    outpaint_steps: Steps = 250,
    outpaint_jump_length: JumpLength = 10,
    outpaint_jump_count: JumpCount = 1,
    outpaint_eta: Eta = 1.0,
    outpaint_start: Start = 1.0,
    probe_t: ProbeT = None,
    seed: Seed = 0,
    device: Device = "auto",
    precision: Precision = "fp32",
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
        device=resolve_device(asked["device"]),
        precision=asked["precision"],
    )


def _readers(context: typer.Context, marked: Path) -> tuple["Reader", ...]:
    """The readers that were named, else the one that fits the marks."""
    from solidmark.marks import open_marked
    from solidmark.readers import default_reader

    asked: dict[str, Any] = context.params
    names = asked["reader"] or [default_reader(open_marked(marked).pattern).name]
    _require_used(context, names)
    return tuple(_reader(name, asked) for name in names)


def _require_used(context: typer.Context, names: Sequence[str]) -> None:
    """An option of a reader that does not read would change nothing, and nobody would know."""
    for option in context.params:
        owner = option.split("_")[0]
        source = context.get_parameter_source(option)
        typed = source is not None and source.name == "COMMANDLINE"
        if typed and owner in READERS and owner not in names:
            raise BadInput(
                f"--{option.replace('_', '-')} is an option of the reader {owner}, but "
                f"{', '.join(names)} reads. Add --reader {owner}, or leave the option out."
            )


def _reader(name: str, asked: dict[str, Any]) -> "Reader":
    """A reader, with the options that carry its name."""
    from solidmark.readers import READERS

    prefix = f"{name}_"
    fields = {key.removeprefix(prefix): asked[key] for key in asked if key.startswith(prefix)}
    return READERS[name](**fields)
