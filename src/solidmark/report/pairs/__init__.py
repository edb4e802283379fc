"""The page of a `nearest` run: generations beside the training images that they come close to."""

from solidmark.report.pairs.page import write_nearest_report

__all__ = ["write_nearest_report"]
