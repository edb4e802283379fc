"""Strikes all stages and prints the table: `python -m tests.faults > benchmarks/faults.md`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.faults.campaign import campaign

if __name__ == "__main__":
    campaign()
