"""`python -m solidmark`, which is also what `torchrun -m solidmark` starts."""

import sys

from solidmark.cli import main

if __name__ == "__main__":
    sys.exit(main())
