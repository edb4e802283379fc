"""How many images `solidmark provenance` needs, and how often it is wrong where none was used.

    python benchmarks/provenance.py OUT > benchmarks/provenance.md

Trains the networks of `fitted.py`, measures the signals of all their images once, and asks the test
of the set about random choices of them. The same call resumes. Training takes
hours; where the networks are there, it is a quarter of an hour.
"""

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

import numpy as np
import pyarrow.parquet as pq
import torch
from fitted import CASES
from naming_cases import Case

from solidmark.cards import PROVENANCE
from solidmark.control.gate import measured, sides_of
from solidmark.measures.signals import Measuring, measure_signals
from solidmark.runs import read_manifest
from solidmark.scores.control import LEVEL
from solidmark.scores.kinds import tell_apart
from solidmark.scores.provenance import least_used, trace_of

SIZES = (20, 50, 100, 200, 500)
REPETITIONS = 200
REFITS = 199
NULLS = 1000
NULL_REFITS = 99
"""p is a multiple of 1 / 100: both levels are met exactly."""

ALPHAS = (0.05, 0.01)
EPOCHS = {"digits-512-0": (25, 50, 200), "digits-512-56-0": (50, 200), "digits-64": (100, 400)}
SHARES = (0.0, 0.25, 0.5, 1.0)


@dataclass(frozen=True)
class Pictures:
    """The images of a network.

    Arguments:
        signals: Their names.
        values: By split, with shape (N, K), high = trained on.
        looks: By split, the features of the gate by family.
        seed: Of the choices.
    """

    signals: tuple[str, ...]
    values: dict[str, np.ndarray]
    looks: dict[str, dict[str, np.ndarray]]
    seed: int


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    lines = list(HEAD)
    for case in CASES:
        case.make(asked.out)
        for epoch in EPOCHS[case.name]:
            found = pictures_of(case, epoch, asked.out)
            lines += [f"## {case.name}, {epoch} epochs", ""]
            for part in (power, alone, shares, nulls):
                lines += [*part(found), ""]
                sys.stderr.write("\n".join(lines[-12:]) + "\n")
    sys.stdout.write("\n".join(lines[:-1]) + "\n")


HEAD = (
    "# Was a set used for training",
    "",
    "`python benchmarks/provenance.py OUT`. Networks of the recipe `digits-demo` (0.5 M weights, "
    "v-prediction, 12 x 12 + 2 px, in the frames that they were trained in), trained on as many "
    f"digits as the name says; as many are held out. Signals: {', '.join(PROVENANCE)}; 34 network "
    f"calls an image, measured once. Used: {REPETITIONS} random choices of n trained and n "
    f"held-out images, each tested with {REFITS} permutations (the command takes 999), and in "
    "percent how many have p at most 5 % / 1 %; choices of 500 of 512 are nearly one choice. Not "
    f"used: both sides are held-out images, {NULLS:,} choices with {NULL_REFITS} permutations; the "
    "gate of the command looks at those of which p is low. Errors (one standard deviation): up to "
    "3.5 % of the first; 0.7 % at 5 % and 0.3 % at 1 % of the second.",
    "",
)


def pictures_of(case: Case, epoch: int, out: Path) -> Pictures:
    """The signals of all images of a network, and what the gate sees of them."""
    folder = out / "provenance" / f"{case.name}-{epoch}"
    network, marked = str(case.network(out, epoch)), str(case.marked(out))
    asked = Measuring(network, marked, folder, signals=PROVENANCE)
    run = measure_signals(asked)
    cards = read_manifest(run.folder)["signals"]
    rows = pq.read_table(folder / "signals.parquet").to_pylist()
    known: dict[tuple[str, str], dict[str, float]] = {}
    content: dict[str, tuple[str, str]] = {}
    for row in rows:
        sign = -1 if cards[row["signal"]]["direction"] == "low" else 1
        image = content.setdefault(row["content"], (row["split"], row["id"]))
        if image == (row["split"], row["id"]):
            known.setdefault(image, {})[row["signal"]] = sign * row["value"]
    values, looks = {}, {}
    for split, side in zip(("trained", "held_out"), sides_of(asked.open_subjects()), strict=True):
        ids = [id for one, id in known if one == split]
        values[split] = np.array([[known[split, id][name] for name in cards] for id in ids])
        looks[split] = measured([side.read(id).image for id in ids])
    return Pictures(tuple(cards), values, looks, crc32(folder.name.encode()))


def power(found: Pictures) -> Iterator[str]:
    trained, held_out = found.values["trained"], found.values["held_out"]
    yield f"Used ({len(trained)} pictures trained on, {len(held_out)} held out):"
    yield ""
    yield "| used, n a side | p at most 5 % / 1 % |"
    yield "|---|---|"
    for n in (one for one in SIZES if one <= min(len(trained), len(held_out))):
        small = np.zeros(2)
        for number in range(REPETITIONS):
            rng = np.random.default_rng([found.seed, 6, n, number])
            some = [rng.choice(len(side), n, replace=False) for side in (trained, held_out)]
            rows = np.concatenate([trained[some[0]], held_out[some[1]]])
            p = p_value(rows, np.arange(2 * n) < n, int(rng.integers(2**31)))
            small += [p <= alpha for alpha in ALPHAS]
        five, one = 100 * small / REPETITIONS
        yield f"| {n} | {five:.1f} / {one:.1f} |"


def alone(found: Pictures) -> Iterator[str]:
    """What one signal says by itself, at one size."""
    trained, held_out = found.values["trained"], found.values["held_out"]
    yield (
        "One signal alone, of all pictures: "
        + ", ".join(
            f"`{name}` {area(trained[:, n], held_out[:, n]):.3f}"
            for n, name in enumerate(found.signals)
        )
        + " (area)."
    )


def shares(found: Pictures) -> Iterator[str]:
    """The least share that was used, where some of the suspect images were."""
    trained, held_out = found.values["trained"], found.values["held_out"]
    n = min(len(trained), len(held_out) // 2)
    yield f"Some of {n} suspect images used, {n} others held out, {REPETITIONS} choices:"
    yield ""
    yield "| used | least share, median | above the truth | detected at 1 % |"
    yield "|---|---|---|---|"
    for share in SHARES:
        bounds, seen = [], 0
        for number in range(REPETITIONS):
            rng = np.random.default_rng([found.seed, 7, number])
            order = rng.permutation(len(held_out))
            used = trained[rng.choice(len(trained), round(share * n), replace=False)]
            rest = held_out[order[: n - len(used)]]
            rows = np.concatenate([used, rest, held_out[order[-n:]]])
            suspect = np.arange(len(rows)) < n
            bounds.append(least_used(rows, suspect))
            seen += p_value(rows, suspect, int(rng.integers(2**31))) <= ALPHAS[1]
        above = sum(one > share for one in bounds) / REPETITIONS
        yield (
            f"| {share:.0%} | {np.median(bounds):.0%} | {above:.1%} | {seen / REPETITIONS:.1%} |"
        )


def nulls(found: Pictures) -> Iterator[str]:
    """Both sides held out: the test alone, and what the command would say after the gate."""
    values, looks = found.values["held_out"], found.looks["held_out"]
    yield f"Not used, {NULLS:,} choices:"
    yield ""
    yield "| not used, n a side | p at most 5 % / 1 % | the same, where the gate is open |"
    yield "|---|---|---|"
    for n in (one for one in SIZES if 2 * one <= len(values)):
        small, said = np.zeros(2), np.zeros(2)
        for number in range(NULLS):
            rng = np.random.default_rng([found.seed, 8, n, number])
            chosen = rng.choice(len(values), 2 * n, replace=False)
            suspect = np.arange(2 * n) < n
            p = p_value(values[chosen], suspect, int(rng.integers(2**31)), NULL_REFITS)
            if p > max(ALPHAS):
                continue
            told = tell_apart({name: one[chosen] for name, one in looks.items()}, suspect)
            is_open = (told.auc.p_value or 0.0) > LEVEL
            small += [p <= alpha for alpha in ALPHAS]
            said += [p <= alpha and is_open for alpha in ALPHAS]
        cells = (" / ".join(f"{100 * one / NULLS:.1f}" for one in some) for some in (small, said))
        yield f"| {n} | {' | '.join(cells)} |"


def p_value(rows: np.ndarray, suspect: np.ndarray, seed: int, refits: int = REFITS) -> float:
    found = trace_of(rows, suspect, seed=seed, permutations=refits, repeats=1)
    return found.auc.p_value or 0.0


def area(own: np.ndarray, other: np.ndarray) -> float:
    below = (other[None] < own[:, None]).mean() + (other[None] == own[:, None]).mean() / 2
    return float(below)


if __name__ == "__main__":
    main()
