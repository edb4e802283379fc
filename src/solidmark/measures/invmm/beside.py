"""Inverting images with the cheap signals of the same images beside them."""

from dataclasses import fields

from solidmark.measures.invmm.configuration import InvMM
from solidmark.measures.invmm.inverting import invert
from solidmark.measures.invmm.scoring import score_invmm
from solidmark.measures.signals import Measuring, measure_signals, score_signals
from solidmark.measures.signals.page import signals_page
from solidmark.page.rendering import write_page
from solidmark.runs import Processes

TOP = 48
"""So many images are shown of the signals, as of a page that is made by itself."""


def invert_and_score(
    wanted: InvMM,
    *,
    fdr: float,
    signals: bool | None = None,
    pictures: bool = True,
    trust_control: bool | None = None,
) -> None:
    """Inverts and scores, with the cheap signals in OUT/signals.

    Every process of a launch must come here.

    Arguments:
        wanted: The images, and how.
        fdr: The false-discovery rate at which images are named.
        signals: Whether the cheap signals are measured; None where there is no budget.
        pictures: Whether pictures of the data may stand on the page of the signals.
        trust_control: Whether images are named although the held-out ones are of another kind;
            None = as the folder was scored before.
    """
    invert(wanted)
    if wanted.budget is None if signals is None else signals:
        same = {one.name for one in fields(wanted)} & {one.name for one in fields(Measuring)}
        own = {name: getattr(wanted, name) for name in same - {"out", "batch_size"}}
        measuring = Measuring(**own, out=wanted.out / "signals")
        measure_signals(measuring)
        if Processes.here().is_main:
            score_signals(measuring.out, fdr=fdr, trust_control=trust_control)
            page = signals_page(measuring.out, pictures, TOP)
            write_page(measuring.out, page, images=pictures, top=TOP)
    if Processes.here().is_main:
        score_invmm(wanted.out, fdr=fdr, trust_control=trust_control)
