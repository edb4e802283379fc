"""Which readers name which images: by segments, by epochs, on digits and colour, with flips.

    python benchmarks/naming.py OUT > benchmarks/naming.md

Trains the networks of `naming_cases.py`, one after the other, asks every reader, and mixes trained
with held-out images to see who is named. The same call resumes. About four hours on one core.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import torch
from naming_cases import CASES, Case
from scipy import stats

from solidmark.audit import Question, observe, score
from solidmark.readers import Blend, Energy, Gradient, Linear, Outpaint, Probe, Reader
from solidmark.scores import p_values, q_values

FDR = 0.01
MIXED = 1000
"""Images of a mixture, of which one in `RATIOS` was trained on."""
RATIOS = (20, 200)
REPETITIONS = 100
NULLS = 5000
"""Held-out p-values at the last epoch: the keys of the held-out images drawn again and again."""
SAMPLED = 128
"""Trained and held-out images that Outpaint, which costs 27 times as much, is asked about."""

RESAMPLED = Outpaint(steps=50, jump_length=10, jump_count=6)
"""RePaint's walk in 250 network calls."""
THOROUGH = ("digits-1024", "digits-16", "digits-1", "land-16")
"""Where the dear readers besides Outpaint are asked too."""


@dataclass(frozen=True)
class Found:
    """What one reader found with one network.

    Arguments:
        reader: Its name in the tables.
        calls: Network calls an image.
        trained: The p-values of the trained images.
        null: Those of the held-out images, each under many keys drawn for it.
    """

    reader: str
    calls: float
    trained: np.ndarray
    null: np.ndarray

    @property
    def rank_z(self) -> float:
        return float((0.5 - self.trained.mean()) * np.sqrt(12 * len(self.trained)))

    def share_below(self, rate: float) -> float:
        return float((self.trained <= rate).mean())

    def mixtures(self, ratio: int) -> tuple[np.ndarray, np.ndarray]:
        """The share of the trained that is named, and of the names that is false, by mixture."""
        random = np.random.default_rng(ratio)
        count = MIXED // ratio
        named, false = [], []
        for _ in range(REPETITIONS):
            rows = [
                random.choice(self.trained, count, replace=False),
                random.choice(self.null, MIXED - count, replace=len(self.null) < MIXED),
            ]
            hits = q_values(np.concatenate(rows)) <= FDR
            named.append(hits[:count].mean())
            false.append(hits[count:].sum() / max(1, hits.sum()))
        return np.array(named), np.array(false)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    out = parser.parse_args().out
    torch.set_num_threads(1)
    found: dict[tuple[str, int], list[Found]] = {}
    for case in CASES:
        case.make(out)
        for epoch in case.epochs:
            found[case.name, epoch] = list(ask(case, epoch, out))
            sys.stderr.write(f"{case.name} {epoch}\n")
    sys.stdout.write("\n".join(page(found)) + "\n")


def ask(case: Case, epoch: int, out: Path) -> Iterator[Found]:
    """Asks all readers about a network; evidence that is there already is not asked for again."""
    last = epoch == case.epochs[-1]
    questions: list[tuple[str, tuple[Reader, ...], int | None]] = [
        ("", (Blend(), Gradient(), Linear()) if case.segments > 1 else (Energy(), Probe()), None)
    ]
    if last:
        questions.append(("outpaint", (Outpaint(),), SAMPLED))
    if last and case.name in THOROUGH:
        questions.append(("resampled", (RESAMPLED,), SAMPLED))
        if case.segments > 1:
            questions.append(("coordinates", (Energy(candidates=5),), SAMPLED))
    for name, readers, limit in questions:
        folder = out / "audit" / f"{case.name}-{epoch}-{name}".rstrip("-")
        network = str(case.network(out, epoch))
        marked = case.marked(out)
        if not (folder / "results.json").is_file():
            observe(Question(network, marked, folder, readers, limit=limit, ceiling=False))
            score(folder)
        rows = json.loads((folder / "results.json").read_text())["rows"]
        calls = {row["reader"]: row["network_calls_per_image"] for row in rows}
        for reader in readers:
            title = f"outpaint, {name}" if name == "resampled" else reader.name
            trained, null = p_values_of(folder, reader.name, NULLS if last else MIXED)
            yield Found(title, calls[reader.name], trained, null)


def p_values_of(folder: Path, reader: str, nulls: int) -> tuple[np.ndarray, np.ndarray]:
    """The p-values of the trained, and at least `nulls` of the held-out under drawn keys."""
    table = pq.read_table(folder / "scores.parquet", filters=[("reader", "=", reader)])
    rows = table.to_pylist()
    trained = np.array([row["p_value"] for row in rows if row["split"] == "trained"])
    kept = folder / f"null-{reader}.npy"
    if not kept.is_file():
        read = np.array([row["key_read"] for row in rows if row["split"] == "held_out"])
        repeated = np.tile(read, (-(-nulls // len(read)), 1))
        keys = np.random.default_rng(0).integers(256, size=repeated.shape) / 255
        np.save(kept, p_values(np.abs(keys - repeated).mean(axis=1), repeated))
    return trained, np.load(kept)


def page(found: dict[tuple[str, int], list[Found]]) -> Iterator[str]:
    yield from (
        "# Which images are named: by segments, reader and epochs",
        "",
        "`python benchmarks/naming.py OUT`. Networks of the recipe `digits-demo` (0.5 M weights, "
        "v-prediction, 12 x 12 + 2 px), one seed. `digits-1024`: 1,024 digits trained on, 1,024 "
        f"held out; all others 256 and 256. Outpaint and Energy by coordinates: {SAMPLED} and "
        f"{SAMPLED} of them. `land`: satellite colour pictures. `flips`: picture and frame "
        "mirrored together half of the time; `-mirrored`: with a mirror-symmetric layout.",
        "",
        "Each cell: trained images with p below 1 % / below 0.1 %, which are the detections at "
        "these false-positive rates since p is exact (second table) | named at a false-discovery "
        f"rate of {FDR:.0%} in mixtures of {MIXED:,} images, of which one in 20 / one in 200 was "
        f"trained on (mean of {REPETITIONS} mixtures; keys of the held-out images drawn again). "
        "All in percent; a dot is 0. Chance: 1 / 0.1 | 0 / 0.",
        "",
    )
    for case in CASES:
        yield from by_epochs(case, found)
    yield from exactness(found)


def by_epochs(case: Case, found: dict[tuple[str, int], list[Found]]) -> Iterator[str]:
    heads = " | ".join(f"{epoch} epochs" for epoch in case.epochs)
    greys = "1 grey" if case.segments == 1 else f"{case.segments} greys"
    yield f"## {case.name}: {case.trained:,} {case.data}, {greys}"
    yield ""
    yield f"| reader | calls | {heads} | first seen |"
    yield "|---|---|" + "---|" * (len(case.epochs) + 1)
    for last in found[case.name, case.epochs[-1]]:
        cells, seen = [], "–"
        for epoch in case.epochs:
            here = [one for one in found[case.name, epoch] if one.reader == last.reader]
            cells.append(cell(here[0]) if here else "")
            # Once in a thousand by luck.
            if here and here[0].rank_z > stats.norm.isf(1e-3) and seen == "–":
                seen = f"{epoch}"
        yield f"| {last.reader} | {last.calls:g} | " + " | ".join(cells) + f" | {seen} |"
    yield ""


def cell(one: Found) -> str:
    shares = [one.share_below(0.01), one.share_below(0.001)]
    named = [one.mixtures(ratio)[0].mean() for ratio in RATIOS]
    return " \\| ".join(" / ".join(percent(v) for v in pair) for pair in (shares, named))


def percent(share: float) -> str:
    return "·" if share == 0 else f"{100 * share:.0f}" if share >= 0.095 else f"{100 * share:.1f}"


def exactness(found: dict[tuple[str, int], list[Found]]) -> Iterator[str]:
    yield from (
        "First seen: the first of these epochs after which the rank test over the trained images "
        "has p below 0.001.",
        "",
        "## Held-out images: uniform p-values, and false names",
        "",
        f"At the last epoch, {NULLS:,} p-values or more of held-out images, under keys drawn "
        "again for each. Expected: p below 0.05 / 0.01 / 0.001 in 5 / 1 / 0.1 %. False: the mean "
        f"share of names that is false over {REPETITIONS} mixtures with its standard error; "
        f"nominal at most {FDR:.0%}.",
        "",
        "| network | reader | n | p < .05 / .01 / .001, % | Kolmogorov-Smirnov p | "
        "false, 1 in 20 | false, 1 in 200 |",
        "|---|---|---|---|---|---|---|",
    )
    for case in CASES:
        for one in found[case.name, case.epochs[-1]]:
            tails = " / ".join(f"{100 * (one.null <= t).mean():.3g}" for t in (0.05, 0.01, 0.001))
            # p-values of one key are multiples of 1/256: spread evenly below, they are uniform.
            spread = one.null - np.random.default_rng(1).random(len(one.null)) / 256
            uniform = stats.kstest(spread if case.segments == 1 else one.null, "uniform")
            false = [one.mixtures(ratio)[1] for ratio in RATIOS]
            shown = " | ".join(
                f"{100 * f.mean():.2g} ± {100 * f.std() / np.sqrt(len(f)):.1g} %" for f in false
            )
            yield (
                f"| {case.name} | {one.reader} | {len(one.null):,} | {tails} | "
                f"{uniform.pvalue:.2g} | {shown} |"
            )


if __name__ == "__main__":
    main()
