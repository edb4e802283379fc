"""`solidmark invmm MODEL IMAGES OUT`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from solidmark.cli.answering import FailOn, answer
from solidmark.cli.invert import inversion_of, inverted, similarity_threshold
from solidmark.cli.inverting import SIGNAL_CALLS, CheapSignals, inverted_and_scored
from solidmark.cli.judging import judged
from solidmark.cli.opening import Model, opened, opening_of, require_model
from solidmark.cli.options import (
    Fdr,
    Out,
    Pictures,
    TrustControl,
    at_least,
    below_one,
    ended,
    one_of,
    require_free,
    save_config,
    show_plan,
)
from solidmark.cli.searching import sized
from solidmark.cli.sharing import shares
from solidmark.cli.subjects import Trained, subjects

if TYPE_CHECKING:
    from solidmark.invmm import InvMM

TRIAGES = ("none", "solidmark", "energy", "loss", "magnitude", "spread")

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
        callback=below_one,
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
        help="Spend at most so many network calls (20000), the triage included, or stop after so "
        "long (30m, 2h). What was not tried is counted, and called nothing.",
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


@shares(subjects, sized, inverted, opened, ended)
def invmm(
    context: typer.Context,
    model: Model,
    images: Trained,
    out: Out,
    held_out: HeldOut = None,
    similarity: Similarity = "l2",
    threshold: SimilarityThreshold = "auto",
    fpr: ThresholdRate = 0.001,
    fdr: Fdr = 0.05,
    trust_control: TrustControl = False,
    restarts: Restarts = 1,
    triage: Triage = "none",
    audit: AuditFolder = None,
    budget: BudgetOf = None,
    batch_size: AtATime = 32,
    call_size: CallSize = 256,
    signals: CheapSignals = None,
    pictures: Pictures = True,
    fail_on: FailOn = [],
    **asked: Any,
) -> None:
    """Look for the noise that gives each training image back.

    The closer to pure noise it may stay, the better the image is memorized (InvMM). That takes
    hundreds to thousands of network calls an image: give a --triage and a --budget for large sets.
    Writes OUT/evidence.parquet, scores.parquet, results.json and report.html, and OUT/signals.

    Example: solidmark invmm model/ marked/ inverted/ --triage energy --budget 2h
    """
    wanted = _invmm_of(context.params)
    if asked["dry_run"]:
        return _show_plan(context, wanted)
    results, page = inverted_and_scored(
        wanted, fdr=fdr, signals=signals, pictures=pictures, trust_control=trust_control
    )
    if not results:  # Another process of the launch has them.
        return None
    save_config(context, wanted.out)
    verdict = judged(wanted.out)
    return answer(
        results,
        asked["json"],
        *(f"{one.title}: {one.headline}" for one in verdict.findings),
        f"The page: {page}",
        verdict=verdict,
        fail_on=fail_on,
    )


def _invmm_of(asked: dict[str, Any]) -> "InvMM":
    out = Path(asked["out"])  # Older typers leave it as text.
    require_free(out, "invmm")
    require_model(asked["model"])
    from solidmark.invmm import Budget, InvMM

    same = (
        *("model", "images", "held_out", "similarity", "threshold", "fpr", "restarts", "triage"),
        *("batch_size", "call_size", "limit", "resolution", "mode", "window", "seed", "caption"),
    )
    return InvMM(
        **{name: asked[name] for name in same},
        out=out,
        audit=None if asked["audit"] is None else Path(asked["audit"]),
        inversion=inversion_of(asked),
        budget=None if asked["budget"] is None else Budget.parse(asked["budget"]),
        splits=tuple(asked["split"]),
        opening=opening_of(asked),
    )


def _show_plan(context: typer.Context, asked: "InvMM") -> None:
    from solidmark.diffusion.model import GRADIENT_COST
    from solidmark.invmm import Budget
    from solidmark.invmm.triage import require_audit, require_triage
    from solidmark.runs import Processes

    (asked.budget or Budget()).require(asked.inversion.most_calls(), Processes.here().count)
    subjects = asked.open_subjects()
    require_audit(asked, subjects)
    model = asked.open_model(subjects)
    asked.open_prompts(model)
    require_triage(asked, subjects, model)
    images = {split: len(subjects.ids(split)) for split in subjects.splits}
    inversion = asked.inversion
    descent = round(GRADIENT_COST * inversion.steps * inversion.samples)
    show_plan(
        context,
        images=images,
        attempts=sum(images.values()) * asked.restarts,
        network_calls_of_a_round_of_an_image=f"{inversion.most_calls():,.0f} at most",
        network_calls_of_an_image_that_never_comes_back=f"{descent:,} and those of the checks",
        budget=str(asked.budget or "no limit"),
        signals=_signals_of(context.params["signals"], asked, sum(images.values())),
        device_found=asked.opening.device,
    )


def _signals_of(wanted: bool | None, asked: "InvMM", images: int) -> str:
    """What the cheap signals take, which no budget counts."""
    if asked.budget is None if wanted is None else wanted:
        beside = " beside the budget" if asked.budget is not None else ""
        return f"up to {SIGNAL_CALLS * images:,} network calls{beside}"
    return "none"
