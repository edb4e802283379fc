"""The pages that a person can read and defend, and their figures."""

from solidmark.report.halves import inpainting_verdict, write_inpaint_report
from solidmark.report.intents import IntentVerdict, intent_verdict, write_intent_report
from solidmark.report.inversions import (
    InversionSection,
    InversionVerdict,
    inversion_section,
    inversion_verdict,
    write_inversions_report,
)
from solidmark.report.made import is_stale
from solidmark.report.pairs import (
    Closeness,
    MeasureVerdict,
    closeness_verdict,
    write_nearest_report,
)
from solidmark.report.signals import (
    SignalsSection,
    SignalsVerdict,
    signals_section,
    signals_verdict,
    write_signals_report,
)

__all__ = [
    "Closeness",
    "IntentVerdict",
    "InversionSection",
    "InversionVerdict",
    "MeasureVerdict",
    "SignalsSection",
    "SignalsVerdict",
    "closeness_verdict",
    "inpainting_verdict",
    "intent_verdict",
    "inversion_section",
    "inversion_verdict",
    "is_stale",
    "signals_section",
    "signals_verdict",
    "write_inpaint_report",
    "write_intent_report",
    "write_inversions_report",
    "write_nearest_report",
    "write_signals_report",
]
