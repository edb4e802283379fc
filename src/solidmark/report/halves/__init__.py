"""The page of an `inpaint` run: hidden halves of images beside what the model drew there."""

from solidmark.report.halves.page import write_inpaint_report

__all__ = ["write_inpaint_report"]
