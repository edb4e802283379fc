"""The page that a person can read and defend, and its figures."""

from solidmark.report.page import write_report
from solidmark.report.verdict import ReaderVerdict, Verdict, verdict

__all__ = ["ReaderVerdict", "Verdict", "verdict", "write_report"]
