"""How long a row takes to score, exactly and with the screen before it, and how near both are.

No model: `python benchmarks/scoring.py` writes the table of benchmarks/scoring.md. Readings know
nothing of the keys, but for the share of rows that is told; 64 keys are exchanged.
"""

import argparse
import sys
import time

import numpy as np

from solidmark.scores import additive, statistic_p_values
from solidmark.scores.screen import screened_p_values

PEERS = 64
SETTINGS = ((16, 2000, 0.0), (16, 2000, 0.5), (64, 400, 0.0), (64, 400, 0.5))


def _nothing(costs: np.ndarray, *_: np.ndarray) -> np.ndarray:
    return np.full(len(costs), np.nan)


def _row(keys: int, rows: int, memorized: float) -> str:
    generator = np.random.default_rng(keys)
    pool = generator.integers(0, 256, (PEERS, keys)) / 255
    key = pool[generator.integers(0, PEERS, rows)]
    read = generator.random((rows, keys))
    known = generator.random(rows) < memorized
    read[known] = (key[known] + 0.2 * generator.standard_normal((known.sum(), keys))).clip(0, 1)
    levels = np.rint(255 * pool).astype(int)
    weights = np.stack([np.bincount(column, minlength=256) for column in levels.T]).astype(float)
    seconds, found = {}, {}
    for name, screen in (("exact", _nothing), ("screened", screened_p_values)):
        additive.screened_p_values = screen  # type: ignore[assignment]
        start = time.process_time()
        found[name] = statistic_p_values("l1", key, read, weights=weights)
        seconds[name] = time.process_time() - start
    exact, screened = found["exact"], found["screened"]
    off = np.abs(screened / exact - 1)
    cells = (
        f"{keys}",
        f"{100 * memorized:.0f} %",
        f"{100 * (screened != exact).mean():.0f} %",
        f"{seconds['exact'] / seconds['screened']:.1f}",
        f"{rows / seconds['screened']:,.0f}",
        f"{100 * off[exact >= 0.02].max():.2f} %",
        "yes" if (off[exact < 0.0198] == 0).all() else "no",
    )
    return f"| {' | '.join(cells)} |"


def main() -> None:
    argparse.ArgumentParser(description=__doc__).parse_args()
    head = ("greys", "memorized", "screened", "times as fast", "rows a second", "furthest", "same")
    sys.stdout.write(f"| {' | '.join(head)} |\n|{'---|' * len(head)}\n")
    for setting in SETTINGS:
        sys.stdout.write(_row(*setting) + "\n")


if __name__ == "__main__":
    main()
