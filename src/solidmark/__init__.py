"""Which of its training images has a diffusion model memorized, how strongly, how sure are we?

The command line is `solidmark`; every command is a function of the same name:

- `solidmark.marks.mark_dataset`, `solidmark.training.train`
- `solidmark.measures.audit.observe`, `solidmark.measures.audit.score`
- `solidmark.pages.write_report`
"""

__version__ = "0.1.0"
