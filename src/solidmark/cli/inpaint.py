"""`solidmark inpaint MODEL MARKED OUT`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from solidmark.cli.answering import FailOn, answer
from solidmark.cli.ask import PASTES
from solidmark.cli.generate import SamplingGuidance, SamplingSteps
from solidmark.cli.judging import judged
from solidmark.cli.opening import Model, mitigations_of, opened, opening_of, require_model, told
from solidmark.cli.options import (
    Fdr,
    Fprs,
    Out,
    Pictures,
    TrustControl,
    at_least,
    ended,
    one_of,
    require_free,
    require_marked,
    save_config,
    show_plan,
)
from solidmark.cli.sharing import shares
from solidmark.cli.subjects import MarkedFolder, counts, subjects

if TYPE_CHECKING:
    from solidmark.generating import Inpainting

HALVES = ("left", "right", "top", "bottom")
FRAMES = ("hidden", "shown")

HiddenHalf = Annotated[
    str,
    typer.Option(
        metavar="NAME",
        help="Which half is hidden and drawn anew: left, right, top, bottom.",
        callback=one_of("half", HALVES),
    ),
]
FrameSeen = Annotated[
    str,
    typer.Option(
        metavar="NAME",
        help="hidden: the frame is drawn anew too, since its key would tell the model which image "
        "is meant; shown: it is known, as in training.",
        callback=one_of("frame", FRAMES),
    ),
]
Draws = Annotated[
    int, typer.Option(help="How often each image is inpainted.", callback=at_least(1))
]
Lowest = Annotated[
    int,
    typer.Option(
        help="So many of the closest draws are averaged for inpainting-lowest.",
        callback=at_least(1),
    ),
]
InpaintingEta = Annotated[
    float, typer.Option(help="1 = ancestral sampling (DDPM), 0 = deterministic (DDIM).")
]
JumpLength = Annotated[
    int,
    typer.Option(
        help="Models of pixels: steps that a RePaint jump goes back.", callback=at_least(1)
    ),
]
JumpCount = Annotated[
    int,
    typer.Option(
        help="Models of pixels: RePaint's passes over each step; 1 = no jumps.",
        callback=at_least(1),
    ),
]
PasteWhat = Annotated[
    str,
    typer.Option(
        metavar="NAME",
        help="Models of latents: what is pasted over the known half: latents at every step, or "
        "pixels (decoded and encoded again) every --every steps.",
        callback=one_of("way to paste", PASTES),
    ),
]
Every = Annotated[
    int,
    typer.Option(
        help="Of --paste pixels: steps from one pasting to the next.", callback=at_least(1)
    ),
]


@shares(subjects, told, opened, ended)
def inpaint(
    context: typer.Context,
    model: Model,
    marked: MarkedFolder,
    out: Out,
    half: HiddenHalf = "left",
    frame: FrameSeen = "hidden",
    draws: Draws = 100,
    lowest: Lowest = 10,
    steps: SamplingSteps = 50,
    eta: InpaintingEta = 1.0,
    guidance: SamplingGuidance = 1.0,
    jump_length: JumpLength = 10,
    jump_count: JumpCount = 1,
    paste: PasteWhat = "latents",
    every: Every = 10,
    fpr: Fprs = None,
    fdr: Fdr = 0.05,
    trust_control: TrustControl = False,
    images: Pictures = True,
    fail_on: FailOn = [],
    **asked: Any,
) -> None:
    """Hide half of each image, and let the model draw it.

    The inpainting attack of Carlini et al. (2023), trained images against held-out ones. Writes
    OUT/evidence.parquet, scores.parquet, results.json and report.html.

    Example: solidmark inpaint model/ marked/ inpainted/ --draws 20 --limit 50
    """
    inpainting = _inpainting(context.params)
    if asked["dry_run"]:
        return _show_plan(context, inpainting)
    from solidmark.generating import inpaint as ask
    from solidmark.nearest.attack import score_inpainting
    from solidmark.pages import write_report
    from solidmark.runs import Processes
    from solidmark.scores import FPRS

    ask(inpainting)
    if not Processes.here().is_main:
        return None
    results = score_inpainting(
        inpainting.out, lowest=lowest, fprs=fpr or FPRS, fdr=fdr, trust_control=trust_control
    )
    save_config(context, inpainting.out)
    page = write_report(inpainting.out, images=images)
    verdict = judged(inpainting.out)
    lines = [f"{one.title}: {one.headline}" for one in verdict.findings]
    return answer(
        results,
        asked["json"],
        *lines,
        f"The page: {page}",
        verdict=verdict,
        fail_on=fail_on,
    )


def _inpainting(asked: dict[str, Any]) -> "Inpainting":
    marked, out = Path(asked["marked"]), Path(asked["out"])  # Older typers leave them as text.
    require_marked(marked)
    require_free(out, "inpaint")
    require_model(asked["model"])
    from solidmark.generating import Inpainting

    same = (
        *("model", "half", "frame", "draws", "steps", "eta", "guidance", "jump_length"),
        *("jump_count", "paste", "every", "limit", "batch_size", "seed", "caption"),
    )
    return Inpainting(
        **{name: asked[name] for name in same},
        marked=marked,
        out=out,
        splits=tuple(asked["split"]),
        opening=opening_of(asked),
        mitigations=mitigations_of(asked),
    )


def _show_plan(context: typer.Context, inpainting: "Inpainting") -> None:
    marked = inpainting.open_marked()
    inpainting.open_model(marked)
    images = counts(marked, inpainting.splits, inpainting.limit)
    show_plan(
        context,
        images=images,
        draws=sum(images.values()) * inpainting.draws,
        marked_size=list(marked.marked_size),
        device_found=inpainting.opening.device,
    )
