"""`solidmark audit` and `solidmark observe`, which is its first half."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from solidmark.cli.options import (
    Config,
    Device,
    DryRun,
    Json,
    Seed,
    resolve_device,
    save_config,
    show,
    show_plan,
)

if TYPE_CHECKING:
    from solidmark.audit import Question
    from solidmark.readers import Reader


class ReaderName(StrEnum):
    ENERGY = "energy"
    OUTPAINT = "outpaint"
    PROBE = "probe"


class PrecisionName(StrEnum):
    FP32 = "fp32"
    BF16 = "bf16"
    FP16 = "fp16"


Model = Annotated[
    str,
    typer.Argument(
        help="Diffusers pipeline folder, folder of solidmark train, hub id, or a control: "
        "memorizer, gaussian."
    ),
]
MarkedFolder = Annotated[Path, typer.Argument(help="Folder of solidmark mark.")]
Out = Annotated[Path, typer.Argument(help="Folder to write.")]
Readers = Annotated[
    list[ReaderName], typer.Option("--reader", help="How keys are read; may be given again.")
]
Splits = Annotated[
    list[str], typer.Option("--split", help="trained, held_out; may be given again.")
]
Limit = Annotated[int | None, typer.Option(help="At most so many images a split, drawn at random.")]
Repeats = Annotated[int, typer.Option(help="Evaluations an image (readers that draw noise).")]
Ceiling = Annotated[
    bool, typer.Option(help="Point the readers at a perfect memorizer too, for comparison.")
]
BatchSize = Annotated[int, typer.Option(help="Images a network call.")]
Precision = Annotated[PrecisionName, typer.Option(help="What the network computes in.")]
Candidates = Annotated[int, typer.Option(help="Energy: how many keys are tried.")]
EnergyT = Annotated[
    float | None, typer.Option(help="Energy: the time, in (0, 1); chosen without keys otherwise.")
]
FrameWeight = Annotated[float, typer.Option(help="Energy: weight of the frame's pixels.")]
Steps = Annotated[int, typer.Option(help="Outpaint: sampling steps.")]
JumpLength = Annotated[int, typer.Option(help="Outpaint: RePaint's jump length.")]
JumpCount = Annotated[int, typer.Option(help="Outpaint: RePaint's passes; 1 = as published.")]
Eta = Annotated[float, typer.Option(help="Outpaint: 1 = ancestral (DDPM), 0 = DDIM.")]
Start = Annotated[float, typer.Option(help="Outpaint: where sampling begins, in (0, 1].")]
ProbeT = Annotated[
    float | None, typer.Option(help="Probe: the time, in (0, 1); chosen without keys otherwise.")
]


def observe(
    context: typer.Context,
    model: Model,
    marked: MarkedFolder,
    out: Out,
    reader: Readers = [ReaderName.ENERGY],  # noqa: B006
    split: Splits = ["trained", "held_out"],  # noqa: B006
    limit: Limit = None,
    repeats: Repeats = 1,
    ceiling: Ceiling = True,
    batch_size: BatchSize = 64,
    energy_candidates: Candidates = 9,
    energy_t: EnergyT = None,
    energy_frame_weight: FrameWeight = 0.1,
    outpaint_steps: Steps = 250,
    outpaint_jump_length: JumpLength = 10,
    outpaint_jump_count: JumpCount = 1,
    outpaint_eta: Eta = 1.0,
    outpaint_start: Start = 1.0,
    probe_t: ProbeT = None,
    seed: Seed = 0,
    device: Device = "auto",
    precision: Precision = PrecisionName.FP32,
    config: Config = None,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Ask the model about every image and keep what it answers; "solidmark score" goes on.

    Example: solidmark observe model/ marked/ audit/ --reader energy --reader outpaint
    """
    question = _question(context)
    if dry_run:
        return _show_plan(context, question)
    from solidmark.audit import observe as ask

    ask(question)
    save_config(context, out)
    show({"evidence": str(out / "evidence.parquet")}, json, f"{out / 'evidence.parquet'}")


def audit(
    context: typer.Context,
    model: Model,
    marked: MarkedFolder,
    out: Out,
    reader: Readers = [ReaderName.ENERGY],  # noqa: B006
    split: Splits = ["trained", "held_out"],  # noqa: B006
    limit: Limit = None,
    repeats: Repeats = 1,
    ceiling: Ceiling = True,
    batch_size: BatchSize = 64,
    energy_candidates: Candidates = 9,
    energy_t: EnergyT = None,
    energy_frame_weight: FrameWeight = 0.1,
    outpaint_steps: Steps = 250,
    outpaint_jump_length: JumpLength = 10,
    outpaint_jump_count: JumpCount = 1,
    outpaint_eta: Eta = 1.0,
    outpaint_start: Start = 1.0,
    probe_t: ProbeT = None,
    images: Annotated[bool, typer.Option(help="Show pictures on the page.")] = True,
    seed: Seed = 0,
    device: Device = "auto",
    precision: Precision = PrecisionName.FP32,
    config: Config = None,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Say which training images a model has memorized: observe, score and report in one.

    Example: solidmark audit model/ marked/ audit/
    """
    question = _question(context)
    if dry_run:
        return _show_plan(context, question)
    from solidmark.audit import observe as ask
    from solidmark.audit import score
    from solidmark.report import verdict, write_report
    from solidmark.runs import Processes

    ask(question)
    if not Processes.here().is_main:
        return None
    results = score(out)
    page = write_report(out, images=images)
    save_config(context, out)
    show(results, json, verdict(results["rows"]).headline, f"The page: {page}")


def _question(context: typer.Context) -> "Question":
    from solidmark.audit import Question

    asked: dict[str, Any] = context.params
    return Question(
        model=asked["model"],
        marked=asked["marked"],
        out=asked["out"],
        readers=tuple(_reader(name, asked) for name in asked["reader"]),
        splits=tuple(asked["split"]),
        limit=asked["limit"],
        repeats=asked["repeats"],
        ceiling=asked["ceiling"],
        batch_size=asked["batch_size"],
        seed=asked["seed"],
        device=resolve_device(asked["device"]),
        precision=asked["precision"].value,
    )


def _reader(name: ReaderName, asked: dict[str, Any]) -> "Reader":
    """A reader, with the options that carry its name."""
    from solidmark.readers import READERS

    prefix = f"{name.value}_"
    fields = {key.removeprefix(prefix): asked[key] for key in asked if key.startswith(prefix)}
    return READERS[name.value](**fields)


def _show_plan(context: typer.Context, question: "Question") -> None:
    marked = question.open_images()
    question.open_model(marked)
    images = {
        split: min(len(marked.ids(split)), question.limit or len(marked.ids(split)))
        for split in question.splits
    }
    show_plan(context, images=images, device_found=question.device)
