"""Strikes all stages and prints the table: `python -m tests.faults > benchmarks/faults.md`.

In parts: `python -m tests.faults --only mark train 2> one.log`, and so on, and then `python -m
tests.faults together one.log other.log` for one page.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.faults.campaign import campaign, one_page

if __name__ == "__main__":
    one_page() if sys.argv[1:2] == ["together"] else campaign()
