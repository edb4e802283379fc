"""The page of a `signals` run: what each cheap signal says of the images, side by side."""

from solidmark.report.signals.page import write_signals_report
from solidmark.report.signals.section import SignalsSection, signals_section

__all__ = [
    "SignalsSection",
    "signals_section",
    "write_signals_report",
]
