"""`solidmark audit` and `solidmark observe`, which is its first half."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from solidmark.cli import closing
from solidmark.cli.answering import FailOn, answer
from solidmark.cli.following import after_observing
from solidmark.cli.invert import Preset
from solidmark.cli.inverting import inverted_and_scored
from solidmark.cli.invmm import BudgetOf
from solidmark.cli.judging import judged
from solidmark.cli.options import Pictures, one_of, save_config, show_plan
from solidmark.cli.question import asks, question_of
from solidmark.cli.subjects import counts
from solidmark.errors import BadInput

if TYPE_CHECKING:
    from solidmark.audit import Question
    from solidmark.invmm import InvMM

FDR = 0.05
"""The false-discovery rate of an audit, and of the inversion in it."""

MEASURES = ("solidmark", "invmm")

Measures = Annotated[
    list[str],
    typer.Option(
        "--measure",
        metavar="NAME",
        help="solidmark (keys, always), and invmm beside it (inverts the images, those first "
        "whose keys are read best, into OUT/invmm); may be given again.",
        callback=one_of("measure", MEASURES),
    ),
]


@asks
def observe(context: typer.Context, **asked: Any) -> None:
    """Ask the model about every image, and keep what it answers.

    The slow half of an audit, on its own. "solidmark score" goes on, without the model.

    Example: solidmark observe model/ marked/ audit/ --reader blend --reader outpaint
    """
    question = question_of(context)
    if asked["dry_run"]:
        return _show_plan(context, question)
    from solidmark.audit import observe as ask

    ask(question)
    save_config(context, question.out)
    closing.then(*after_observing(question.out))
    evidence = str(question.out / "evidence.parquet")
    answer({"evidence": evidence}, asked["json"], evidence)


@asks
def audit(
    context: typer.Context,
    measure: Measures = ["solidmark"],
    invmm_preset: Preset = "quick",
    invmm_budget: BudgetOf = None,
    images: Pictures = True,
    fail_on: FailOn = [],
    **asked: Any,
) -> None:
    """Say which training images a model has memorized.

    Observe, score and report in one: OUT/report.html is the page, OUT/results.json the numbers,
    OUT/scores.parquet a row an image.

    Example: solidmark audit model/ marked/ audit/
    """
    question = question_of(context)
    inverted = _invmm_of(context, question)
    if asked["dry_run"]:
        return _show_plan(context, question)
    from solidmark.audit import observe as ask
    from solidmark.audit import score
    from solidmark.pages import write_report
    from solidmark.runs import Processes

    ask(question)
    processes = Processes.here()
    results = score(question.out) if processes.is_main else {}
    lines: list[str] = []
    if inverted is not None:
        processes.wait()  # Whose keys are read best is known now.
        found, _ = inverted_and_scored(inverted, fdr=FDR, signals=None, pictures=images)
        if processes.is_main:
            lines.append(f"InvMM: {found['verdict']['headline']}")
            results = score(question.out)
    if not processes.is_main:
        return None
    page = write_report(question.out, images=images)
    save_config(context, question.out)
    verdict = judged(question.out)
    said = (verdict.headline, *lines, f"The page: {page}")
    answer(results, asked["json"], *said, verdict=verdict, fail_on=fail_on)


def _invmm_of(context: typer.Context, question: "Question") -> "InvMM | None":
    """The inversion of the images of an audit, where it is asked for."""
    asked: dict[str, Any] = context.params
    if "invmm" not in asked["measure"]:
        if asked["invmm_budget"] is not None:
            raise BadInput("--invmm-budget is for --measure invmm. Add that, or leave it out.")
        return None
    if "solidmark" not in asked["measure"]:
        raise BadInput(
            'An audit reads keys: add --measure solidmark, or use "solidmark invmm", which does '
            "not need them."
        )
    if question.mitigations:
        raise BadInput("InvMM asks the model without --mitigation. Leave one of both out.")
    from solidmark.inversion import PRESETS
    from solidmark.invmm import Budget, InvMM

    budget = asked["invmm_budget"]
    return InvMM(
        model=question.model,
        images=str(question.marked),
        out=question.out / "invmm",
        inversion=PRESETS[asked["invmm_preset"]],
        triage="solidmark",
        audit=question.out,
        budget=None if budget is None else Budget.parse(budget),
        splits=question.splits,
        limit=question.limit,
        seed=question.seed,
        caption=question.caption,
        opening=question.opening,
    )


def _show_plan(context: typer.Context, question: "Question") -> None:
    marked = question.open_images()
    question.open_model(marked)
    images = counts(marked, question.splits, question.limit)
    show_plan(
        context,
        images=images,
        evaluations=sum(images.values()) * question.repeats * len(question.readers),
        marked_size=list(marked.marked_size),
        device_found=question.opening.device,
    )
