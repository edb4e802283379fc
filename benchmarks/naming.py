"""Which readers name which images: by segments, by epochs, on digits and colour, with flips.

    python benchmarks/naming.py OUT > benchmarks/naming.md

Trains the networks of `naming_cases.py`, one after the other, asks every reader, and mixes trained
with held-out images to see who is named. The same call resumes. It takes hours.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

import numpy as np
import pyarrow.parquet as pq
import torch
from naming_cases import CASES, Case
from scipy import stats

from solidmark.measures.audit import Question, observe, score
from solidmark.readers import Blend, Energy, Gradient, Linear, Outpaint, Probe, Reader
from solidmark.scores import p_values, q_values
from solidmark.scores.saddlepoint import approximate_p_values

FDR = 0.01
MIXED = 1000
"""Images of a mixture, of which one in `RATIOS` was trained on."""
RATIOS = (20, 200)
REPETITIONS = 100
SCREEN = 0.002
"""Below this an approximate p-value is replaced by the exact one. With at most one image in 20
memorized nobody is named above 0.01 / 16."""
NULLS = 5000
"""Held-out p-values at the last epoch: the keys of the held-out images drawn again and again."""
SAMPLED = 128
"""Trained and held-out images that Outpaint, which costs 27 times as much, is asked about."""
ALSO = ("digits-long", 600)
"""Where Outpaint is asked before the last epoch too: Blend has named nearly all by then."""

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
        held_out: What was read of the held-out images, with shape (N, M).
    """

    reader: str
    calls: float
    trained: np.ndarray
    null: np.ndarray
    held_out: np.ndarray

    @property
    def rank_z(self) -> float:
        return float((0.5 - self.trained.mean()) * np.sqrt(12 * len(self.trained)))

    def share_below(self, rate: float) -> float:
        return float((self.trained <= rate).mean())

    def named(self, ratio: int) -> float:
        """The share of the trained that is named, over mixtures with the drawn p-values."""
        random = np.random.default_rng(ratio)
        count, shares = MIXED // ratio, []
        for _ in range(REPETITIONS):
            rows = [
                random.choice(self.trained, count, replace=False),
                random.choice(self.null, MIXED - count, replace=len(self.null) < MIXED),
            ]
            shares.append((q_values(np.concatenate(rows)) <= FDR)[:count].mean())
        return float(np.mean(shares))

    def false(self, ratio: int, setting: str) -> np.ndarray:
        """The share of false names, by mixture; every mixture has keys of its own."""
        random = np.random.default_rng([ratio, crc32(setting.encode())])
        count, shares = MIXED // ratio, []
        for _ in range(REPETITIONS):
            read = self.held_out[random.integers(len(self.held_out), size=MIXED - count)]
            keys = random.integers(256, size=read.shape) / 255
            null = small_p_values(np.abs(keys - read).mean(axis=1), read)
            trained = random.choice(self.trained, count, replace=False)
            hits = q_values(np.concatenate([trained, null])) <= FDR
            shares.append(hits[count:].sum() / max(1, hits.sum()))
        return np.array(shares)


def small_p_values(distance: np.ndarray, read: np.ndarray) -> np.ndarray:
    """P-values that are exact where they are small, which is where names are made."""
    p = approximate_p_values(distance, read)
    small = p < SCREEN
    p[small] = p_values(distance[small], read[small])
    return p.clip(0, 1)


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
    if last or (case.name, epoch) == ALSO:
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
            found = p_values_of(folder, reader.name, NULLS if last else MIXED)
            yield Found(title, calls[reader.name], *found)


def p_values_of(folder: Path, reader: str, nulls: int) -> tuple[np.ndarray, ...]:
    """P-values of the trained, `nulls` of the held-out under drawn keys, and their readings."""
    table = pq.read_table(folder / "scores.parquet", filters=[("reader", "=", reader)])
    rows = table.to_pylist()
    trained = np.array([row["p_value"] for row in rows if row["split"] == "trained"])
    kept = folder / f"null-{reader}.npy"
    read = np.array([row["key_read"] for row in rows if row["split"] == "held_out"])
    if not kept.is_file():
        repeated = np.tile(read, (-(-nulls // len(read)), 1))
        keys = np.random.default_rng(0).integers(256, size=repeated.shape) / 255
        np.save(kept, p_values(np.abs(keys - repeated).mean(axis=1), repeated))
    return trained, np.load(kept), read


def page(found: dict[tuple[str, int], list[Found]]) -> Iterator[str]:
    yield from (
        "# Which images are named: by segments, reader and epochs",
        "",
        "`python benchmarks/naming.py OUT`. Networks of the recipe `digits-demo` (0.5 M weights, "
        "v-prediction, 12 x 12 + 2 px), one seed. `digits-1024`: 1,024 digits trained on, 1,024 "
        "held out; the others 256 and 256, or as their title says. Outpaint and Energy by "
        f"coordinates: {SAMPLED} and {SAMPLED} of them. `land`: satellite colour "
        "pictures. `flips`: picture and frame mirrored together half of the time; "
        "`-mirrored`: with a mirror-symmetric layout.",
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
    named = [one.named(ratio) for ratio in RATIOS]
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
        "again for each (settings of one shape share the draw). Expected: p below 0.05 / 0.01 / "
        "0.001 in 5 / 1 / 0.1 %. False: the mean share of names that is false over "
        f"{REPETITIONS} mixtures, each with keys of its own, with its standard error; nominal at "
        f"most {FDR:.0%}. In brackets: in how many mixtures anybody was named falsely.",
        "",
        "| network | reader | n | p < .05 / .01 / .001, % | Kolmogorov-Smirnov p | "
        "false, 1 in 20 | false, 1 in 200 |",
        "|---|---|---|---|---|---|---|",
    )
    together: tuple[list[np.ndarray], ...] = ([], [])
    for case in CASES:
        for one in found[case.name, case.epochs[-1]]:
            tails = " / ".join(f"{100 * (one.null <= t).mean():.3g}" for t in (0.05, 0.01, 0.001))
            # p-values of one key are multiples of 1/256: spread evenly below, they are uniform.
            spread = one.null - np.random.default_rng(1).random(len(one.null)) / 256
            uniform = stats.kstest(spread if case.segments == 1 else one.null, "uniform")
            # Minutes of work, so only for the readers that a user would take.
            asked = one.reader in ("blend", "energy", "outpaint")
            setting = f"{case.name} {one.reader}"
            false = [one.false(ratio, setting) for ratio in RATIOS] if asked else []
            for shares, everything in zip(false, together, strict=False):
                everything.append(shares)
            shown = " | ".join(map(false_names, false)) or " | "
            yield (
                f"| {case.name} | {one.reader} | {len(one.null):,} | {tails} | "
                f"{uniform.pvalue:.2g} | {shown} |"
            )
    yield ""
    means = [
        f"{100 * np.mean(parts):.2f} ± {standard_error(np.concatenate(parts)):.1g} % (1 in {ratio})"
        for ratio, parts in zip(RATIOS, together, strict=True)
    ]
    yield f"False names, mean over these {len(together[0])} settings: {', '.join(means)}."


def false_names(shares: np.ndarray) -> str:
    some = f"{(shares > 0).sum()} mixtures"
    return f"{100 * shares.mean():.2g} ± {standard_error(shares):.1g} % ({some})"


def standard_error(shares: np.ndarray) -> float:
    """In percent."""
    return float(100 * shares.std() / np.sqrt(len(shares)))


if __name__ == "__main__":
    main()
