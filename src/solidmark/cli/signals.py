"""`solidmark signals MODEL IMAGES OUT`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from solidmark.cards import SIGNALS, briefly
from solidmark.cli.answering import FailOn, answer
from solidmark.cli.judging import judged
from solidmark.cli.opening import AUTO, BatchSize, Model, opened, opening_of, require_model
from solidmark.cli.options import (
    Fdr,
    Fprs,
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
    within,
)
from solidmark.cli.searching import sized
from solidmark.cli.sharing import shares
from solidmark.cli.subjects import Trained, subjects

if TYPE_CHECKING:
    from solidmark.signals import Measuring

Names = Annotated[
    list[str],
    typer.Option(
        "--signal",
        metavar="NAME",
        help=f"{briefly(SIGNALS)}; may be given again. All that the model can be asked for when "
        "not given.",
        callback=one_of("signal", tuple(SIGNALS)),
    ),
]
HeldOut = Annotated[
    str | None,
    typer.Option(
        metavar="DATA",
        help="Images of the same kind that the model never saw: no value means anything without. "
        "Those of a marked folder are taken when not given.",
    ),
]
Draws = Annotated[
    int,
    typer.Option(
        help="Noises of an image or prompt, for spread, magnitude and magnitude-path.",
        callback=at_least(1),
    ),
]
Times = Annotated[
    int,
    typer.Option(
        help="Levels of noise, for loss and image-magnitude: so many calls, and twice as many.",
        callback=at_least(1),
    ),
]
PathSteps = Annotated[
    int,
    typer.Option(
        help="How many of the first of 50 sampling steps magnitude-path averages.",
        callback=within("1 to 50", lambda number: 1 <= number <= 50),
    ),
]
PathGuidance = Annotated[
    float,
    typer.Option(
        help="The scale of guidance along that path.",
        callback=within("0 or more", lambda number: 0 <= number < float("inf")),
    ),
]
SpreadT = Annotated[
    float,
    typer.Option(
        help="The time at which spread asks: little noise, as its authors do.",
        callback=below_one,
    ),
]


@shares(subjects, sized, opened, ended)
def signals(
    context: typer.Context,
    model: Model,
    images: Trained,
    out: Out,
    signal: Names = list(SIGNALS),
    held_out: HeldOut = None,
    draws: Draws = 4,
    times: Times = 8,
    path_steps: PathSteps = 5,
    path_guidance: PathGuidance = 7.5,
    spread_t: SpreadT = 0.01,
    fpr: Fprs = None,
    fdr: Fdr = 0.05,
    trust_control: TrustControl = False,
    pictures: Pictures = True,
    batch_size: BatchSize = AUTO,
    fail_on: FailOn = [],
    **asked: Any,
) -> None:
    """Measure cheap signals of memorization, image by image.

    A few network calls an image: which ones to look at first, before anything expensive. Writes
    OUT/signals.parquet, scores.parquet, results.json and report.html.

    Example: solidmark signals model/ marked/ signals/ --signal loss --limit 500
    """
    measuring = _measuring(context.params)
    if asked["dry_run"]:
        return _show_plan(context, measuring)
    from solidmark.pages import write_report
    from solidmark.runs import Processes
    from solidmark.scores import FPRS
    from solidmark.signals import measure_signals, score_signals

    measure_signals(measuring)
    if not Processes.here().is_main:
        return None
    results = score_signals(measuring.out, fprs=fpr or FPRS, fdr=fdr, trust_control=trust_control)
    save_config(context, measuring.out)
    page = write_report(measuring.out, images=pictures)
    verdict = judged(measuring.out)
    lines = [f"{one.title}: {one.headline}" for one in verdict.findings]
    reasons: dict[str, list[str]] = {}
    for name, why in results["left_out"].items():
        reasons.setdefault(why, []).append(name)
    lines += [f"Left out: {', '.join(names)}. {why}" for why, names in reasons.items()]
    return answer(
        results,
        asked["json"],
        *lines,
        f"The page: {page}",
        verdict=verdict,
        fail_on=fail_on,
    )


def _measuring(asked: dict[str, Any]) -> "Measuring":
    out = Path(asked["out"])  # Older typers leave it as text.
    require_free(out, "signals")
    require_model(asked["model"])
    from solidmark.signals import Measuring

    same = (
        *("model", "images", "held_out", "draws", "times", "limit", "batch_size", "seed"),
        *("caption", "resolution", "mode", "window"),
    )
    return Measuring(
        **{name: asked[name] for name in same},
        out=out,
        signals=tuple(asked["signal"]),
        steps=asked["path_steps"],
        guidance=asked["path_guidance"],
        t=asked["spread_t"],
        splits=tuple(asked["split"]),
        opening=opening_of(asked),
    )


def _show_plan(context: typer.Context, measuring: "Measuring") -> None:
    from solidmark.signals.measuring import able

    subjects = measuring.open_subjects()
    model = measuring.open_model(subjects)
    found, left_out = able(measuring.open_signals(), model, subjects)
    show_plan(
        context,
        images={split: len(subjects.ids(split)) for split in subjects.splits},
        network_calls_per_value={name: one.card.network_calls for name, one in found.items()},
        left_out=left_out,
        device_found=measuring.opening.device,
    )
