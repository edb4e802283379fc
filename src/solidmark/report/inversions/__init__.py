"""The page of an `invmm` run: images beside what the noise that was found for them gives."""

from solidmark.report.inversions.page import write_inversions_report
from solidmark.report.inversions.section import InversionSection, inversion_section

__all__ = ["InversionSection", "inversion_section", "write_inversions_report"]
