"""`python -m solidmark`, which is also what `torchrun -m solidmark` starts."""

import sys

from solidmark.cli import main
from solidmark.cli.outcome import REFUSED
from solidmark.runs import Processes

if __name__ == "__main__":
    code = main()
    if code in (0, REFUSED):  # A process that failed must not wait for the others.
        Processes.here().leave()
    sys.exit(code)
