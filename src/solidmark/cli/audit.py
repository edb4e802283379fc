"""`solidmark audit` and `solidmark observe`, which is its first half."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from solidmark.cli.options import Config, DryRun, Json, save_config, show, show_plan
from solidmark.cli.question import asks, question_of

if TYPE_CHECKING:
    from solidmark.audit import Question


@asks
def observe(
    context: typer.Context,
    config: Config = None,
    dry_run: DryRun = False,
    json: Json = False,
    **asked: Any,
) -> None:
    """Ask the model about every image, and keep what it answers.

    The slow half of an audit, on its own. "solidmark score" goes on, without the model.

    Example: solidmark observe model/ marked/ audit/ --reader blend --reader outpaint
    """
    question = question_of(context)
    if dry_run:
        return _show_plan(context, question)
    from solidmark.audit import observe as ask

    ask(question)
    save_config(context, question.out)
    evidence = str(question.out / "evidence.parquet")
    show({"evidence": evidence}, json, evidence)


@asks
def audit(
    context: typer.Context,
    images: Annotated[
        bool, typer.Option(help="Show pictures of the data and their captions on the page.")
    ] = True,
    config: Config = None,
    dry_run: DryRun = False,
    json: Json = False,
    **asked: Any,
) -> None:
    """Say which training images a model has memorized.

    Observe, score and report in one: OUT/report.html is the page, OUT/results.json the numbers,
    OUT/scores.parquet a row an image.

    Example: solidmark audit model/ marked/ audit/
    """
    question = question_of(context)
    if dry_run:
        return _show_plan(context, question)
    from solidmark.audit import observe as ask
    from solidmark.audit import score
    from solidmark.report import write_report
    from solidmark.runs import Processes

    ask(question)
    if not Processes.here().is_main:
        return None
    results = score(question.out)
    page = write_report(question.out, images=images)
    save_config(context, question.out)
    show(results, json, headline(question.out, results), f"The page: {page}")


def headline(folder: Path, results: dict[str, Any]) -> str:
    """The verdict in a sentence, as it stands on the page."""
    from solidmark.report import verdict
    from solidmark.report.folder import open_audit
    from solidmark.report.tables import reasons

    return verdict(results["rows"], reasons(open_audit(folder))).headline


def _show_plan(context: typer.Context, question: "Question") -> None:
    marked = question.open_images()
    question.open_model(marked)
    images = {
        split: min(len(marked.ids(split)), question.limit or len(marked.ids(split)))
        for split in question.splits
    }
    show_plan(
        context,
        images=images,
        evaluations=sum(images.values()) * question.repeats * len(question.readers),
        marked_size=list(marked.marked_size),
        device_found=question.opening.device,
    )
