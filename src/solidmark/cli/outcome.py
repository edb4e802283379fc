"""How a command ends.

Exit codes: 0 = done; 1 = a fault of ours, with a trace; 2 = something the user can mend, in one
line; 3 = `guard` refuses an image, or the verdict is one that `--fail-on` names; 130 = interrupted.
"""

REFUSED = 3
"""The exit code of an answer that must not pass unseen."""

CODES = """Exit codes: 0 = done; 1 = a fault of ours; 2 = something you can mend, said in one line;
3 = guard refuses an image, or the verdict is one that --fail-on names; 130 = interrupted."""
