"""`solidmark provenance MODEL SUSPECT OUT`."""

from typing import Annotated

from solidmark.cards import PROVENANCE
from solidmark.cards.asked import Hashed, Sized
from solidmark.cards.option import Choice
from solidmark.cli.asked import Asked
from solidmark.cli.command import command
from solidmark.cli.opening import AUTO, BatchSize, Handed, Model, Opened
from solidmark.cli.options import FailOn, Out, Pictures, TrustControl, Whole
from solidmark.cli.signals import OPTIONS, SIGNALS, called, show_plan


@command(OPTIONS, Sized, Hashed, Opened, Handed, matter=("signal", "held_out", "trust_control"))
def provenance(
    asked: Asked,
    model: Model,
    images: Annotated[str, "SUSPECT"],
    out: Out,
    held_out: Annotated[str, "--held-out", "DATA"],
    signal: Annotated[list[str], "--signal", Choice("signal", SIGNALS)] = list(PROVENANCE),
    limit: Whole = None,
    caption: Annotated[str | None, "TEXT"] = None,
    trust_control: TrustControl = False,
    pictures: Pictures = True,
    batch_size: BatchSize = AUTO,
    fail_on: FailOn = [],
) -> None:
    """Say whether a set of images was used for training.

    One test over the set, from signals of several kinds; how much of it was used, at least. It
    needs no marks, but images of the same kind that were certainly not used. Writes OUT/signals,
    scores.parquet, results.json and report.html.

    Example: solidmark provenance model/ photos/ provenance/ --held-out control/

    Arguments:
        images: The images in question; any data that solidmark mark takes, without marks.
        held_out: Images of the same kind that were certainly not used.
        signal: {signals}; may be given again.
        limit: At most so many images a side, drawn at random.
        caption: The prompt of images that have no caption.
    """
    from solidmark.measures.provenance import Provenance, ask_provenance, score_provenance

    asking = asked.fill(Provenance, **called(asked))
    if asked.dry_run:
        return show_plan(asked, asking)
    from solidmark.runs import Processes

    ask_provenance(asking)
    if not Processes.here().is_main:
        return None
    asked.fill(score_provenance)
    return asked.page(with_details=True)
