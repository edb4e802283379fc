"""`solidmark signals MODEL IMAGES OUT`."""

from typing import TYPE_CHECKING, Annotated, Any

from solidmark import cards
from solidmark.cards.asked import Hashed, Sized
from solidmark.cards.option import Choice
from solidmark.cli.asked import Asked
from solidmark.cli.command import command
from solidmark.cli.opening import AUTO, BatchSize, Handed, Model, Opened
from solidmark.cli.options import FailOn, Fdr, Fprs, Out, Pictures, TrustControl
from solidmark.cli.searching import HeldOut
from solidmark.cli.subjects import Subjects, Trained

if TYPE_CHECKING:
    from solidmark.measures.signals import Measuring

OPTIONS = [one for card in cards.SIGNALS.values() for one in card.options]
SIGNALS = tuple(cards.SIGNALS)


@command(OPTIONS, Subjects, Sized, Hashed, Opened, Handed, matter=("signal", "held_out"))
def signals(
    asked: Asked,
    model: Model,
    images: Trained,
    out: Out,
    signal: Annotated[list[str], "--signal", Choice("signal", SIGNALS)] = list(cards.USUAL_SIGNALS),
    held_out: HeldOut = None,
    fpr: Fprs = None,
    fdr: Fdr = 0.05,
    trust_control: TrustControl = False,
    pictures: Pictures = True,
    batch_size: BatchSize = AUTO,
    fail_on: FailOn = [],
) -> None:
    """Measure cheap signals of memorization, image by image.

    A few network calls an image: which ones to look at first, before anything expensive. Writes
    OUT/signals.parquet, scores.parquet, results.json and report.html.

    Example: solidmark signals model/ marked/ signals/ --signal loss --limit 500

    Arguments:
        signal: {signals}; may be given again. All but bright-ending that the model can
            be asked for when not given.
    """
    from solidmark.measures.signals import Measuring, measure_signals, score_signals

    measuring = asked.fill(Measuring, **called(asked))
    if asked.dry_run:
        return show_plan(asked, measuring)
    from solidmark.runs import Processes
    from solidmark.scores import FPRS

    measure_signals(measuring)
    if not Processes.here().is_main:
        return None
    results = asked.fill(score_signals, fprs=fpr or FPRS)
    reasons: dict[str, list[str]] = {}
    for name, why in results["left_out"].items():
        reasons.setdefault(why, []).append(name)
    lines = [f"Left out: {', '.join(names)}. {why}" for why, names in reasons.items()]
    return asked.page(*lines, one_by_one=True)


def called(asked: Asked) -> dict[str, Any]:
    """The options of signals that the command line calls otherwise."""
    return {one.name: asked.values[one.called] for one in OPTIONS if one.called}


def show_plan(asked: Asked, measuring: "Measuring") -> None:
    """Says which signals would be measured, of how many images."""
    from solidmark.measures.signals.measuring import able

    subjects = measuring.open_subjects()
    model = measuring.open_model(subjects)
    found, left_out = able(measuring.open_signals(), model, subjects)
    asked.plan(
        images={split: len(subjects.ids(split)) for split in subjects.splits},
        network_calls_per_value={name: one.card.network_calls for name, one in found.items()},
        left_out=left_out,
    )
