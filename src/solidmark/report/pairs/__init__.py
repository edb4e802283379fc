"""The page of a `nearest` run: generations beside the training images that they come close to."""

from solidmark.report.pairs.page import write_nearest_report
from solidmark.report.pairs.verdict import Closeness, MeasureVerdict, closeness_verdict

__all__ = ["Closeness", "MeasureVerdict", "closeness_verdict", "write_nearest_report"]
