"""One verb a command, each a few lines over the function of the same name."""

from solidmark.cli.main import main

__all__ = ["main"]
