"""Inverting images and writing all that belongs to it, for `invmm` and for `audit`."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from solidmark.measures.invmm import InvMM

SIGNAL_CALLS = 76
"""The most network calls of the cheap signals of an image."""
CheapSignals = Annotated[
    bool | None,
    typer.Option(
        "--signals/--no-signals",
        help="Measure the cheap signals of the same images too, for the table beside InvMM: up to "
        f"{SIGNAL_CALLS} network calls an image. When not given they are, unless there is a "
        "--budget, which does not count them.",
    ),
]


def inverted_and_scored(
    wanted: "InvMM",
    *,
    fdr: float,
    signals: bool | None = None,
    pictures: bool,
    trust_control: bool | None = None,
) -> tuple[dict[str, Any], str]:
    """Inverts, scores and writes the page, with the cheap signals in OUT/signals.

    Every process of a launch must come here; the results are those of the first alone.

    Arguments:
        wanted: The images, and how.
        fdr: The false-discovery rate at which images are named.
        signals: Whether the cheap signals are measured; None where there is no budget.
        pictures: Whether pictures of the data may stand on the pages.
        trust_control: Whether images are named although the held-out ones are of another kind;
            None = as the folder was scored before.

    Returns:
        What is in `results.json`, and where the page is; nothing in the other processes.
    """
    from solidmark.measures.invmm import invert, score_invmm
    from solidmark.reporting import write_report
    from solidmark.runs import Processes

    invert(wanted)
    if wanted.budget is None if signals is None else signals:
        _measure(wanted, fdr, pictures, trust_control)
    if not Processes.here().is_main:
        return {}, ""
    results = score_invmm(wanted.out, fdr=fdr, trust_control=trust_control)
    return results, str(write_report(wanted.out, images=pictures))


def _measure(wanted: "InvMM", fdr: float, pictures: bool, trust: bool | None) -> None:
    from solidmark.measures.signals import Measuring, measure_signals, score_signals
    from solidmark.reporting import write_report
    from solidmark.runs import Processes

    same = ("model", "images", "held_out", "splits", "limit", "seed", "caption", "resolution")
    measuring = Measuring(
        **{name: getattr(wanted, name) for name in (*same, "mode", "window", "opening")},
        out=wanted.out / "signals",
    )
    measure_signals(measuring)
    if Processes.here().is_main:
        score_signals(measuring.out, fdr=fdr, trust_control=trust)
        write_report(measuring.out, images=pictures)
