"""`audit_unmarked`: asks one measure after the other, each a run of its own, and judges them."""

from solidmark.errors import EmptyTable
from solidmark.generating import generate
from solidmark.measures.inpaint import inpaint
from solidmark.measures.invmm import invert
from solidmark.measures.nearest import nearest
from solidmark.measures.signals import measure_signals
from solidmark.measures.unmarked.configuration import Part, Unmarked
from solidmark.measures.unmarked.scoring import score_unmarked
from solidmark.runs import Processes, Run


def audit_unmarked(asked: Unmarked) -> Run:
    """Asks a model about images without marks, by several measures.

    Each measure is a run in a folder of its own. The same call goes on where it was stopped, and
    asks none again that is finished.

    Arguments:
        asked: The model, the images, and the measures.

    Returns:
        The run, with the results of all measures in its folder.

    Raises:
        NotFound: When the model or the images are not there.
        BadInput: When model and images do not fit.
        RunConflict: When the folder holds another run.
    """
    subjects = asked.open_subjects()
    asked.open_model(subjects)  # What does not fit shows before anything is asked.
    run = asked.open_folder(subjects)
    for part in asked.parts:
        _ask(asked, part)
    if Processes.here().is_main:
        score_unmarked(
            asked.out, fdr=asked.fdr, trust_control=asked.trust_control, manifest=run.manifest
        )
        if not run.finished:
            run.finish()
    Processes.here().wait()
    return run


def _ask(asked: Unmarked, part: Part) -> None:
    if part.name == "signals":
        measure_signals(asked.measuring(part))
    elif part.name == "inpaint":
        inpaint(asked.inpainting(part))
    elif part.name == "invmm":
        invert(asked.inversion(part))
    else:
        # A control is made of all the images, however many are asked about.
        subjects = asked.open_subjects()
        model = asked.open_model(subjects)
        _, height, width = subjects.size
        generate(asked.generation(part, model, (height, width)), model, subjects.fingerprint())
        try:
            nearest(asked.comparison(part))
        except EmptyTable:
            return  # It stands in the verdict that nothing could be scored.
