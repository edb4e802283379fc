"""What a file or folder is, whatever it is, and what can be done with it."""

from solidmark.inspecting.looking import describe

__all__ = ["describe"]
