"""The pages that a person can read and defend, and their figures."""

from solidmark.report.halves import inpainting_verdict, write_inpaint_report
from solidmark.report.pairs import (
    Closeness,
    MeasureVerdict,
    closeness_verdict,
    write_nearest_report,
)
from solidmark.report.verdict import ReaderVerdict, Verdict, verdict
from solidmark.report.writing import write_report

__all__ = [
    "Closeness",
    "MeasureVerdict",
    "ReaderVerdict",
    "Verdict",
    "closeness_verdict",
    "inpainting_verdict",
    "verdict",
    "write_inpaint_report",
    "write_nearest_report",
    "write_report",
]
