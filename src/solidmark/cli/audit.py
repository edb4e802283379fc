"""`solidmark audit` and `solidmark observe`, which is its first half."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from solidmark.cards.asked import Hashed, Sized
from solidmark.cards.option import Choice
from solidmark.cli import closing
from solidmark.cli.asked import Asked
from solidmark.cli.command import command
from solidmark.cli.following import after_observing
from solidmark.cli.invert import Preset
from solidmark.cli.invmm import BudgetOf
from solidmark.cli.opening import Model
from solidmark.cli.options import FailOn, Out, Pictures, TrustControl, Whole
from solidmark.cli.question import OWNERS, QUESTION, question_of
from solidmark.cli.subjects import MarkedFolder, Trained, counts
from solidmark.errors import BadInput

if TYPE_CHECKING:
    from solidmark.measures.audit import Question
    from solidmark.measures.invmm import InvMM

FDR = 0.05
"""The false-discovery rate of an audit, and of the inversion in it."""

BY_KEY = ("solidmark", "invmm")
"""The measures of marked images."""
MEASURES = (*BY_KEY, "signals", "nearest", "inpaint")

OF_KEYS = ("epochs", "reader", "repeats", "ceiling", "perturb", "mitigation", "split", *OWNERS)
"""Options that say nothing to images without keys."""
WITHOUT_KEYS = ("number", "budget", "resolution", "mode", "window", "trust_control", "hash_ids")
"""Options that say nothing to marked images."""


@command(*QUESTION, matter=("reader",))
def observe(asked: Asked, model: Model, marked: MarkedFolder, out: Out) -> None:
    """Ask the model about every image, and keep what it answers.

    The slow half of an audit, on its own. "solidmark score" goes on, without the model.

    Example: solidmark observe model/ marked/ audit/ --reader blend --reader outpaint
    """
    question = question_of(asked, model, marked)
    if asked.dry_run:
        return _show_plan(asked, question)
    from solidmark.measures.audit import observe as ask

    ask(question)
    asked.save()
    closing.then(*after_observing(out))
    evidence = str(out / "evidence.parquet")
    asked.answer({"evidence": evidence}, evidence)


@command(*QUESTION, Sized, Hashed, matter=("reader", "held_out"))
def audit(
    asked: Asked,
    model: Model,
    marked: Trained,
    out: Out,
    held_out: Annotated[str | None, "DATA"] = None,
    measure: Annotated[list[str], "--measure", Choice("measure", MEASURES)] = [],
    number: Annotated[Whole, "--number", "-n"] = None,
    budget: Annotated[str | None, "NUMBER|MINUTESm|HOURSh"] = None,
    trust_control: TrustControl = False,
    invmm_preset: Preset = "quick",
    invmm_budget: BudgetOf = None,
    epochs: Annotated[Path | None, "--epochs", "FOLDER"] = None,
    images: Pictures = True,
    fail_on: FailOn = [],
) -> None:
    """Say which training images a model has memorized.

    Observe, score and report in one: OUT/report.html is the page, OUT/results.json the numbers,
    OUT/scores.parquet a row an image. Images without marks are audited with --held-out, by what
    "solidmark choose" names: a folder a measure, one page, one verdict.

    Example: solidmark audit model/ marked/ audit/

    Arguments:
        held_out: Of images without marks: those of the same kind that the model never saw.
        measure: Of marked images: solidmark (keys, always), and invmm beside it (inverts the
            images, those first whose keys are read best, into OUT/invmm). Of others: signals,
            nearest, inpaint, invmm, or when not given those that fit. May be given again.
        number: Of images without marks: how many images are drawn; three a training image and
            5,000 at most when not given.
        budget: Of images without marks: what all measures may cost, in network calls (200000), or
            the time of InvMM (30m, 2h).
        epochs: A folder of checkpoints, each of which is asked: pipelines in place of MODEL, LoRAs
            (of diffusers, kohya) added to it. OUT/report.html then draws the curve of the training.
    """
    if held_out is not None:
        return _without_marks(asked, model, marked, held_out)
    _refuse(asked, WITHOUT_KEYS, "says nothing to marked images")
    question = question_of(asked, model, Path(marked))
    if epochs is not None:
        return _watch(asked, question, epochs)
    inverted = _invmm_of(asked, question)
    if asked.dry_run:
        return _show_plan(asked, question)
    from solidmark.measures.audit import observe as ask
    from solidmark.measures.audit import score
    from solidmark.measures.invmm.beside import invert_and_score
    from solidmark.reporting import write_report
    from solidmark.runs import Processes, open_results

    ask(question)
    processes = Processes.here()
    if processes.is_main:
        score(out)
    lines: list[str] = []
    if inverted is not None:
        processes.wait()  # Whose keys are read best is known now.
        invert_and_score(inverted, fdr=FDR, pictures=images)
        if processes.is_main:
            write_report(inverted.out, images=images)
            lines.append(f"InvMM: {open_results(inverted.out).judged.headline}")
            score(out)
    return asked.page(*lines)


def _watch(asked: Asked, question: "Question", epochs: Path) -> None:
    """Every checkpoint of a training in place of one model."""
    if "invmm" in asked.values["measure"]:
        raise BadInput("--epochs asks for keys. Leave --measure invmm or it out.")
    from solidmark.measures.watch import checkpoints_in, gather, watch_checkpoints
    from solidmark.runs import Processes, open_results

    if asked.dry_run:
        return _show_plan(asked, question, checkpoints=len(checkpoints_in(epochs)))
    watch_checkpoints(question, epochs)
    if Processes.here().is_main:
        gather(question.out)
        asked.page(open_results(question.out).judged.details[0])


def _without_marks(asked: Asked, model: str, images: str, held_out: str) -> None:
    """Audits images that carry no keys."""
    from solidmark.marks import find_marked

    _refuse(asked, OF_KEYS, "says nothing to images without keys")
    if find_marked(images) is not None:
        raise BadInput(f'"{images}" is marked, with its own held-out half. Leave --held-out out.')
    if "solidmark" in asked.values["measure"]:
        raise BadInput(
            f'"{images}" carries no keys, so --measure solidmark has nothing to read. Mark the '
            "images and train on them, or leave it out."
        )
    from solidmark.choosing import choose_unmarked
    from solidmark.measures.unmarked import Unmarked, audit_unmarked, plan_unmarked

    chosen = asked.fill(
        choose_unmarked, images=images, measures=tuple(asked.values["measure"]) or None
    )
    sized = {name: asked.values[name] or chosen.sized.get(name) for name in ("resolution", "mode")}
    wanted = asked.fill(
        Unmarked,
        images=images,
        parts=chosen.parts_within(asked.values["invmm_budget"]),
        preset=asked.values["invmm_preset"],
        **sized,
    )
    left_out = {one.name: why for one, why in chosen.choice.left_out if one.name in MEASURES}
    if asked.dry_run:
        plans = plan_unmarked(wanted)
        found = {one.name: str(one) for one in plans}
        total = sum(one.calls or 0 for one in plans)
        return asked.plan(measures=found, network_calls=f"{total:,.0f}", left_out=left_out)
    audit_unmarked(wanted)
    lines = [f"Not asked: {name}. {why}" for name, why in left_out.items()]
    return asked.page(*lines, with_details=True)


def _refuse(asked: Asked, options: Sequence[str], why: str) -> None:
    """Refuses options that would change nothing, and nobody would know."""
    for name in options:
        if asked.typed(name):
            raise BadInput(f"--{name.replace('_', '-')} {why}. Leave it out.")


def _invmm_of(asked: Asked, question: "Question") -> "InvMM | None":
    """The inversion of the images of an audit, where it is asked for."""
    measures, budget = asked.values["measure"], asked.values["invmm_budget"]
    for name in measures:
        if name not in BY_KEY:
            raise BadInput(
                f"An audit of marked images has the measures {' and '.join(BY_KEY)}. For {name} "
                f'use "solidmark {name}", or give --held-out and images without marks.'
            )
    if "invmm" not in measures:
        if budget is not None:
            raise BadInput("--invmm-budget is for --measure invmm. Add that, or leave it out.")
        return None
    if "solidmark" not in measures:
        raise BadInput(
            'An audit reads keys: add --measure solidmark, or use "solidmark invmm", which does '
            "not need them."
        )
    if question.mitigations:
        raise BadInput("InvMM asks the model without --mitigation. Leave one of both out.")
    if question.perturb:
        raise BadInput("InvMM inverts the pictures as they are. Leave --perturb or it out.")
    question.open_images().require_one_size("audit --measure invmm")
    from solidmark.measures.invmm import Budget, InvMM
    from solidmark.measures.invmm.inversion import PRESETS

    return asked.fill(
        InvMM,
        images=str(question.marked),
        out=question.out / "invmm",
        inversion=PRESETS[asked.values["invmm_preset"]],
        triage="solidmark",
        audit=question.out,
        budget=None if budget is None else Budget.parse(budget),
        batch_size=None,  # Of images that are inverted at a time: another number.
    )


def _show_plan(asked: Asked, question: "Question", checkpoints: int = 1) -> None:
    marked = question.open_images()
    question.open_model(marked)
    images = counts(marked, question.splits, question.limit)
    sizes = [list(size) for size in marked.marked_sizes]
    asked.plan(
        images=images,
        evaluations=checkpoints * sum(images.values()) * question.repeats * len(question.readers),
        **({"marked_size": sizes[0]} if len(sizes) == 1 else {"marked_sizes": sizes}),
        **({} if checkpoints == 1 else {"checkpoints": checkpoints}),
    )
