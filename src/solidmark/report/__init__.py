"""The pages that a person can read and defend, and their figures."""

from solidmark.report.halves import write_inpaint_report
from solidmark.report.inversions import InversionSection, inversion_section
from solidmark.report.made import is_stale
from solidmark.report.pairs import write_nearest_report

__all__ = [
    "InversionSection",
    "inversion_section",
    "is_stale",
    "write_inpaint_report",
    "write_nearest_report",
]
