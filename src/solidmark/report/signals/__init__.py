"""The page of a `signals` run: what each cheap signal says of the images, side by side."""

from solidmark.report.signals.page import write_signals_report
from solidmark.report.signals.section import SignalsSection, signals_section
from solidmark.report.signals.verdict import SignalsVerdict, signals_verdict

__all__ = [
    "SignalsSection",
    "SignalsVerdict",
    "signals_section",
    "signals_verdict",
    "write_signals_report",
]
