"""`solidmark invmm MODEL IMAGES OUT`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from solidmark.cli.invert import (
    Checked,
    ChecksBy,
    Clip,
    Every,
    Guidances,
    Improvement,
    Margin,
    Preset,
    PromptOf,
    Rate,
    Samples,
    SamplingSteps,
    ScreenSteps,
    Steps,
    Tau,
    TimesOf,
    WeightStep,
    Window,
    inversion_of,
    similarity_threshold,
)
from solidmark.cli.nearest import ImageMode, Resolution
from solidmark.cli.options import (
    Config,
    Device,
    DryRun,
    Fdr,
    Json,
    Out,
    Seed,
    at_least,
    one_of,
    save_config,
    show,
    show_plan,
    within,
)
from solidmark.cli.question import (
    AttentionSlicing,
    BaseConfig,
    Caption,
    Limit,
    Loras,
    LoraScale,
    Model,
    Offload,
    Precision,
    Splits,
    TextPrecision,
    VaePrecision,
    opening_of,
)

if TYPE_CHECKING:
    from solidmark.invmm import InvMM

TRIAGES = ("none", "solidmark", "energy", "loss", "magnitude", "spread")

Images = Annotated[
    str,
    typer.Argument(
        metavar="IMAGES",
        help="What the model was trained on: a folder of solidmark mark, whose held-out half is "
        "the control, or any data that solidmark mark takes.",
    ),
]
HeldOut = Annotated[
    str | None,
    typer.Option(
        metavar="DATA",
        help="Images of the same kind that the model never saw; those of a marked folder are "
        "taken when not given. Without them there are no p-values.",
    ),
]
Similarity = Annotated[
    str,
    typer.Option(
        metavar="NAME",
        help="By what drawn pictures are compared with the image: l2, patched-l2, or an embedder "
        "as solidmark nearest takes it, such as sscd:FILE for natural photos.",
    ),
]
SimilarityThreshold = Annotated[
    Any,
    typer.Option(
        "--threshold",
        metavar="auto|NUMBER",
        parser=str,
        help="From which similarity on a picture shows the image; auto is calibrated on unrelated "
        "pairs of the trained images.",
        callback=similarity_threshold,
    ),
]
ThresholdRate = Annotated[
    float,
    typer.Option(
        "--fpr",
        help="Of --threshold auto: the share of unrelated pairs that may pass.",
        callback=within("above 0 and below 1", lambda number: 0 < number < 1),
    ),
]
Restarts = Annotated[
    int,
    typer.Option(
        help="Attempts an image, for an interval of its KL; the first of all images go first.",
        callback=at_least(1),
    ),
]
Triage = Annotated[
    str,
    typer.Option(
        metavar="NAME",
        help="Who is inverted first: none (by chance), solidmark and energy (how well the key of a "
        "marked image is read), loss, magnitude, spread (cheap signals). Blind to the split.",
        callback=one_of("triage", TRIAGES),
    ),
]
AuditFolder = Annotated[
    Path | None,
    typer.Option(
        "--audit",
        metavar="FOLDER",
        help="Of --triage solidmark: an audit of these images, whose p-values are taken.",
    ),
]
BudgetOf = Annotated[
    str | None,
    typer.Option(
        metavar="NUMBER|MINUTESm|HOURSh",
        help="Stop after so many network calls (20000), or after so long (30m, 2h). What was not "
        "tried is counted, and called nothing.",
    ),
]
AtATime = Annotated[
    int, typer.Option(help="Images that are inverted at a time.", callback=at_least(1))
]
CallSize = Annotated[
    int,
    typer.Option(
        help="Noise samples a network call; halved where they do not fit into the memory.",
        callback=at_least(1),
    ),
]


def invmm(
    context: typer.Context,
    model: Model,
    images: Images,
    out: Out,
    held_out: HeldOut = None,
    preset: Preset = "quick",
    steps: Steps = None,
    samples: Samples = None,
    rate: Rate = None,
    every: Every = None,
    window: Window = None,
    improvement: Improvement = None,
    weight_step: WeightStep = None,
    checked: Checked = None,
    sampling_steps: SamplingSteps = None,
    guidance: Guidances = [],
    clip: Clip = None,
    prompt: PromptOf = None,
    tau: Tau = None,
    checks: ChecksBy = None,
    screen_steps: ScreenSteps = None,
    margin: Margin = None,
    times: TimesOf = None,
    similarity: Similarity = "l2",
    threshold: SimilarityThreshold = "auto",
    fpr: ThresholdRate = 0.001,
    fdr: Fdr = 0.05,
    restarts: Restarts = 1,
    triage: Triage = "none",
    audit: AuditFolder = None,
    budget: BudgetOf = None,
    batch_size: AtATime = 32,
    call_size: CallSize = 256,
    split: Splits = ["trained", "held_out"],
    limit: Limit = None,
    resolution: Resolution = None,
    mode: ImageMode = None,
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
    pictures: Annotated[
        bool,
        typer.Option(
            "--images/--no-images", help="Show pictures of the data and their captions on the page."
        ),
    ] = True,
    config: Config = None,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Look for the noise that gives each training image back.

    The closer to pure noise it may stay, the better the image is memorized (InvMM). That takes
    hundreds to thousands of network calls an image: give a --triage and a --budget for large sets.
    Writes OUT/evidence.parquet, scores.parquet, results.json and report.html.

    Example: solidmark invmm model/ marked/ inverted/ --triage energy --budget 2h
    """
    asked = _invmm_of(context.params)
    if dry_run:
        return _show_plan(context, asked)
    from solidmark.invmm import headline, invert, score_invmm
    from solidmark.report import write_report
    from solidmark.runs import Processes

    invert(asked)
    if not Processes.here().is_main:
        return None
    results = score_invmm(asked.out, fdr=fdr)
    save_config(context, asked.out)
    page = write_report(asked.out, images=pictures)
    return show(results, json, headline(results), f"The page: {page}")


def _invmm_of(asked: dict[str, Any]) -> "InvMM":
    from solidmark.invmm import Budget, InvMM

    same = (
        *("model", "images", "held_out", "similarity", "threshold", "fpr", "restarts", "triage"),
        *("batch_size", "call_size", "limit", "resolution", "mode", "seed", "caption"),
    )
    return InvMM(
        **{name: asked[name] for name in same},
        out=Path(asked["out"]),  # Older typers leave it as text.
        audit=None if asked["audit"] is None else Path(asked["audit"]),
        inversion=inversion_of(asked),
        budget=None if asked["budget"] is None else Budget.parse(asked["budget"]),
        splits=tuple(asked["split"]),
        opening=opening_of(asked),
    )


def _show_plan(context: typer.Context, asked: "InvMM") -> None:
    from solidmark.diffusion.model import GRADIENT_COST

    subjects = asked.open_subjects()
    asked.open_prompts(asked.open_model(subjects))
    images = {split: len(subjects.ids(split)) for split in subjects.splits}
    inversion = asked.inversion
    descent = round(GRADIENT_COST * inversion.steps * inversion.samples)
    show_plan(
        context,
        images=images,
        attempts=sum(images.values()) * asked.restarts,
        network_calls_of_an_image_that_never_comes_back=f"{descent:,} and those of the checks",
        budget=str(asked.budget or "no limit"),
        device_found=asked.opening.device,
    )
