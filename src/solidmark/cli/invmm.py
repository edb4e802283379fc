"""`solidmark invmm MODEL IMAGES OUT`."""

from typing import TYPE_CHECKING, Annotated

from solidmark.cards.asked import Hashed, Inverted, Sized
from solidmark.cli.asked import Asked
from solidmark.cli.command import command
from solidmark.cli.invert import DESCENT, inversion_of
from solidmark.cli.opening import Handed, Model, Opened
from solidmark.cli.options import FailOn, Fdr, Out, Pictures, TrustControl
from solidmark.cli.searching import HeldOut, Likeness
from solidmark.cli.subjects import Subjects, Trained
from solidmark.cli.told import option

if TYPE_CHECKING:
    from solidmark.measures.invmm import InvMM

SIGNAL_CALLS = 76
"""The most network calls of the cheap signals of an image."""

CheapSignals = Annotated[
    bool | None,
    option(
        "Measure the cheap signals of the same images too, for the table beside InvMM: up to "
        f"{SIGNAL_CALLS} network calls an image. When not given they are, unless there is a "
        "--budget, which does not count them."
    ),
]
BudgetOf = Annotated[
    str | None,
    option(
        "Spend at most so many network calls (20000), the triage included, or stop after so long "
        "(30m, 2h). What was not tried is counted, and called nothing.",
        "NUMBER|MINUTESm|HOURSh",
    ),
]


@command(
    *(Inverted, DESCENT, Subjects, Sized, Hashed, Opened, Handed),
    matter=("held_out", "similarity", "threshold", "triage", "budget", "preset"),
)
def invmm(
    asked: Asked,
    model: Model,
    images: Trained,
    out: Out,
    held_out: HeldOut = None,
    threshold: Likeness = "auto",
    fdr: Fdr = 0.05,
    trust_control: TrustControl = False,
    budget: BudgetOf = None,
    signals: CheapSignals = None,
    pictures: Pictures = True,
    fail_on: FailOn = [],
) -> None:
    """Look for the noise that gives each training image back.

    The closer to pure noise it may stay, the better the image is memorized (InvMM). That takes
    hundreds to thousands of network calls an image: give a --triage and a --budget for large sets.
    Writes OUT/evidence.parquet, scores.parquet, results.json and report.html, and OUT/signals.

    Example: solidmark invmm model/ marked/ inverted/ --triage energy --budget 2h

    Arguments:
        threshold: From which similarity on a picture shows the image; auto is calibrated on
            unrelated pairs of the trained images.
    """
    from solidmark.measures.invmm import Budget, InvMM

    limit = None if budget is None else Budget.parse(budget)
    wanted = asked.fill(InvMM, inversion=inversion_of(asked), budget=limit)
    if asked.dry_run:
        return _show_plan(asked, wanted)
    from solidmark.measures.invmm.beside import invert_and_score

    asked.fill(invert_and_score, wanted=wanted)
    return asked.page(one_by_one=True)


def _show_plan(asked: Asked, wanted: "InvMM") -> None:
    from solidmark.diffusion.model import GRADIENT_COST
    from solidmark.measures.invmm import Budget
    from solidmark.measures.invmm.triage import require_audit, require_triage
    from solidmark.runs import Processes

    (wanted.budget or Budget()).require(wanted.inversion.most_calls(), Processes.here().count)
    subjects = wanted.open_subjects()
    require_audit(wanted, subjects)
    model = wanted.open_model(subjects)
    wanted.open_prompts(model)
    require_triage(wanted, subjects, model)
    images = {split: len(subjects.ids(split)) for split in subjects.splits}
    inversion = wanted.inversion
    descent = round(GRADIENT_COST * inversion.steps * inversion.samples)
    asked.plan(
        images=images,
        attempts=sum(images.values()) * wanted.restarts,
        network_calls_of_a_round_of_an_image=f"{inversion.most_calls():,.0f} at most",
        network_calls_of_an_image_that_never_comes_back=f"{descent:,} and those of the checks",
        budget=str(wanted.budget or "no limit"),
        signals=_signals_of(asked.values["signals"], wanted, sum(images.values())),
    )


def _signals_of(named: bool | None, wanted: "InvMM", images: int) -> str:
    """What the cheap signals take, which no budget counts."""
    if wanted.budget is None if named is None else named:
        beside = " beside the budget" if wanted.budget is not None else ""
        return f"up to {SIGNAL_CALLS * images:,} network calls{beside}"
    return "none"
