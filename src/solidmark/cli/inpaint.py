"""`solidmark inpaint MODEL MARKED OUT`."""

from typing import TYPE_CHECKING

from solidmark.cards.asked import Hashed, Inpainted, Sized
from solidmark.cli.asked import Asked
from solidmark.cli.command import command
from solidmark.cli.opening import Handed, Model, Opened, Told
from solidmark.cli.options import FailOn, Fdr, Fprs, Out, Pictures, Positive, TrustControl
from solidmark.cli.searching import HeldOut
from solidmark.cli.subjects import Subjects, Trained

if TYPE_CHECKING:
    from solidmark.measures.inpaint import Inpainting


@command(
    *(Inpainted, Subjects, Sized, Hashed, Told, Opened, Handed),
    matter=("held_out", "draws", "steps"),
)
def inpaint(
    asked: Asked,
    model: Model,
    marked: Trained,
    out: Out,
    held_out: HeldOut = None,
    lowest: Positive = 10,
    fpr: Fprs = None,
    fdr: Fdr = 0.05,
    trust_control: TrustControl = False,
    images: Pictures = True,
    fail_on: FailOn = [],
) -> None:
    """Hide half of each image, and let the model draw it.

    The inpainting attack of Carlini et al. (2023), trained images against held-out ones. Writes
    OUT/evidence.parquet, scores.parquet, results.json and report.html.

    Example: solidmark inpaint model/ marked/ inpainted/ --draws 20 --limit 50

    Arguments:
        lowest: So many of the closest draws are averaged for inpainting-lowest.
    """
    from solidmark.measures.inpaint import Inpainting
    from solidmark.measures.inpaint import inpaint as ask

    inpainting = asked.fill(Inpainting, images=marked)
    if asked.dry_run:
        return _show_plan(asked, inpainting)
    from solidmark.measures.inpaint.scoring import score_inpainting
    from solidmark.runs import Processes
    from solidmark.scores import FPRS

    ask(inpainting)
    if not Processes.here().is_main:
        return None
    asked.fill(score_inpainting, fprs=fpr or FPRS)
    return asked.page(one_by_one=True)


def _show_plan(asked: Asked, inpainting: "Inpainting") -> None:
    subjects = inpainting.open_subjects()
    inpainting.open_model(subjects)
    images = {split: len(subjects.ids(split)) for split in subjects.splits}
    draws = sum(images.values()) * inpainting.draws
    marked = subjects.marked
    size = {} if marked is None else {"marked_size": list(marked.marked_size)}
    asked.plan(images=images, draws=draws, **size)
