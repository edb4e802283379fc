"""The page of an `inpaint` run: hidden halves of images beside what the model drew there."""

from solidmark.report.halves.page import write_inpaint_report
from solidmark.report.halves.verdict import inpainting_verdict

__all__ = ["inpainting_verdict", "write_inpaint_report"]
