"""What the page of an audit shows of the `invmm` run in its folder."""

from solidmark.report.inversions.section import InversionSection, inversion_section

__all__ = ["InversionSection", "inversion_section"]
