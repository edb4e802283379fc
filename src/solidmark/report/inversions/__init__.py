"""The page of an `invmm` run: images beside what the noise that was found for them gives."""

from solidmark.report.inversions.page import write_inversions_report
from solidmark.report.inversions.section import InversionSection, inversion_section
from solidmark.report.inversions.verdict import InversionVerdict, inversion_verdict

__all__ = [
    "InversionSection",
    "InversionVerdict",
    "inversion_section",
    "inversion_verdict",
    "write_inversions_report",
]
