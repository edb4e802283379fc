"""What is seen of faint memory by a reader that learns: by budget, segments, epochs and seeds.

    python benchmarks/fitted.py OUT > benchmarks/fitted.md

Trains the networks of `CASES`, asks `Blend` and `Fitted` with several budgets, and draws audits of
nothing for the p-values of learned readings. The same call resumes. It takes hours.
"""

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from naming_cases import Case
from nulls import run
from nulls_cases import CASES as CONTROLS

from solidmark.measures.audit import Question, observe, score
from solidmark.readers import Blend, Fitted, Reader
from solidmark.runs import find, open_results
from solidmark.scores import aggregate, score_table

FDR = 0.05
EPOCHS = (25, 50, 100, 200)
BASE = Case("digits-512", "digits", 512, 16, EPOCHS)
CASES = (
    replace(BASE, name="digits-512-0"),
    replace(BASE, name="digits-512-56-0", segments=56),
    Case("digits-64", "digits", 64, 16, (100, 200, 400)),
)
READERS: tuple[tuple[str, Reader], ...] = (
    ("blend", Blend()),
    ("blend at t = .3", Blend(t=0.3)),
    ("fitted, 10 calls", Fitted(calls=10)),
    ("fitted, 26 calls", Fitted(calls=26)),
    ("fitted, 50 calls", Fitted(calls=50)),
)
BUDGETS = {"digits-512-0": ("10", "50"), "digits-512-56-0": ("10",)}
"""Where other budgets than the default are asked too."""

AUDITS = 500
KINDS = ("noise", "the average of all keys", "the average of each caption", "subjects of three")
"""What the features of an audit of nothing hold."""

CONTROL_AUDITS = 100
CONTROLLED = (
    "average, n = 64",
    "gaussian, n = 64",
    "average-per-caption, 8 a caption",
    "average-per-caption, ten classes",
    "half memorized, 1 repeats",
)


@dataclass(frozen=True)
class Null:
    """One audit of nothing.

    Arguments:
        p: The p-values of the trained images.
        named: Whether anybody is named.
        share: Whether the share of memorized images is above 0, by its interval.
        whole: The p-value of the exchange of all keys.
        area: That of the area under the curve.
    """

    p: np.ndarray
    named: bool
    share: bool
    whole: float
    area: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--nulls", action="store_true", help="only the audits of nothing")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    lines = [*nulls(), *controls()]
    if not asked.nulls:
        lines = [*HEAD, *(line for case in CASES for line in by_epochs(case, asked.out)), *lines]
    sys.stdout.write("\n".join(lines) + "\n")


HEAD = (
    "# A reader that learns how a model shows keys",
    "",
    "`python benchmarks/fitted.py OUT`. Networks of the recipe `digits-demo` (0.5 M weights, "
    "v-prediction, 12 x 12 + 2 px), as many images held out as trained on; the last number of a "
    "name is the seed of split, keys and training. Each cell: trained images with p below 1 % / "
    f"0.1 % in percent, named at a false-discovery rate of {FDR:.0%}, z of all keys together, and "
    "in brackets the held-out ones with p below 1 %. Chance: 1 / 0.1, 0, 0, (1).",
    "",
)


def by_epochs(case: Case, out: Path) -> Iterator[str]:
    case.make(out)
    yield f"## {case.name}: {case.trained:,} {case.data}, {case.segments} greys"
    yield ""
    yield "| reader | calls | " + " | ".join(f"{epoch} epochs" for epoch in case.epochs) + " |"
    yield "|---|---|" + "---|" * len(case.epochs)
    for title, reader in READERS:
        budget = title.removeprefix("fitted, ").removesuffix(" calls")
        if budget not in ("10", "50") or budget in BUDGETS.get(case.name, ()):
            cells = [cell(case, epoch, title, reader, out) for epoch in case.epochs]
            calls = cells[0][0]
            yield f"| {title} | {calls:g} | " + " | ".join(text for _, text in cells) + " |"
            sys.stderr.write(f"{case.name} {title} {cells}\n")
    yield ""


def cell(case: Case, epoch: int, title: str, reader: Reader, out: Path) -> tuple[float, str]:
    folder = out / "fitted" / f"{case.name}-{epoch}-{title.replace(', ', '-').replace(' ', '-')}"
    if not (folder / "results.json").is_file():
        network = str(case.network(out, epoch))
        observe(Question(network, case.marked(out), folder, (reader,), ceiling=False))
        score(folder, fdr=FDR)
    table = pq.read_table(folder / "scores.parquet")
    split, p = np.array(table["split"]), np.array(table["p_value"])
    q = np.array(table["q_value"])
    figures = open_results(folder).figures
    (z,) = find(figures, "permutation_z", "trained")
    low, lower = ((p[split == "trained"] <= rate).mean() for rate in (0.01, 0.001))
    named = int((q[split == "trained"] <= FDR).sum())
    chance = (p[split == "held_out"] <= 0.01).mean()
    text = f"{100 * low:.1f} / {100 * lower:.1f}, {named}, {z.value or 0:.1f} ({100 * chance:.1f})"
    return z.network_calls_per_image or 0.0, text


def nulls() -> Iterator[str]:
    yield "## Where nothing is memorized"
    yield ""
    yield (
        f"{AUDITS} audits a row, of 64 trained and 32 held-out images with 16 keys and 15 "
        "features: p-values below a rate; the spread of the mean p of an audit beside that of as "
        "many independent ones; audits in which anybody is named (at 5 %), in which the share of "
        "memorized images is above 0 (nominal 2.5 %), in which all keys together have p below "
        "5 %, and the area under the curve. Errors of one in 500 at 5 %: 1 %."
    )
    yield ""
    yield "| features hold | p < .05 | p < .01 | p < .001 | spread | named | share | all | area |"
    yield "|---|---|---|---|---|---|---|---|---|"
    for kind in KINDS:
        found = [null(kind, seed) for seed in range(AUDITS)]
        p = np.concatenate([one.p for one in found])
        rates = " | ".join(f"{(p <= rate).mean():.4f}" for rate in (0.05, 0.01, 0.001))
        means = [(0.5 - one.p.mean()) * np.sqrt(12 * len(one.p)) for one in found]
        shares = (
            np.mean([one.named for one in found]),
            np.mean([one.share for one in found]),
            np.mean([one.whole <= 0.05 for one in found]),
            np.mean([one.area <= 0.05 for one in found]),
        )
        cells = " | ".join(f"{share:.1%}" for share in shares)
        yield f"| {kind} | {rates} | {np.std(means):.2f} | {cells} |"
        sys.stderr.write(f"nulls {kind}\n")
    yield ""


def controls() -> Iterator[str]:
    """Audits of models that know nothing, or averages, or half of the images, as of `nulls.py`."""
    yield (
        "Whole audits, as of [nulls.md](nulls.md), with this reader: on models in closed form, 64 "
        "trained and 20 held-out digits with 16 greys, keys drawn anew for each. Of models that "
        "have memorized nothing an audit may say so in 5 %, and name anybody in 5 %."
    )
    yield ""
    yield "| model | audits | memorized | anybody named | wrong of the named | share too high |"
    yield "|---|---|---|---|---|---|"
    for case in (one for one in CONTROLS if one.name in CONTROLLED):
        (row,) = run(replace(case, statistics=("l1",)), (Fitted(),), range(CONTROL_AUDITS))
        said = row["states"].get("memorized", 0)
        wrong = f"{row['wrong_share']:.1%}"
        yield (
            f"| {case.name} | {CONTROL_AUDITS} | {said} | {row['names']} | {wrong} | "
            f"{row['low_too_high']} |"
        )
        sys.stderr.write(f"control {case.name} {row}\n")
    yield ""


def null(kind: str, seed: int, trained: int = 64, held_out: int = 32) -> Null:
    """Draws keys, features and captions, and scores them as an audit does."""
    random = np.random.default_rng([seed, KINDS.index(kind)])
    count, captions = trained + held_out, 8
    key = random.integers(256, size=(count, 16)) / 255
    features = random.normal(size=(count, 16, 15))
    if kind == KINDS[1]:
        features = 0.3 * features + 10 * (key[:trained].mean(axis=0) - 0.5)[None, :, None]
    if kind == KINDS[2]:
        features *= 0.3
        for own in range(captions):
            some = np.arange(own, trained, captions)
            features[some] += 10 * (key[some].mean(axis=0) - 0.5)[None, :, None]
    plain = 1 / (1 + np.exp(-3.4 * features[..., :4].mean(axis=-1)))
    ids = [f"image-{number}" for number in range(count)]
    split = ["trained"] * trained + ["held_out"] * held_out
    group = [f"who-{number // 3}" if kind == KINDS[3] else None for number in range(count)]
    caption = [f"{number % captions}" if kind == KINDS[2] else None for number in range(count)]
    kept = pa.array(features.reshape(count, -1).tolist(), pa.list_(pa.float32()))
    evidence = pa.table(
        {"reader": ["fitted"] * count, "split": split, "id": ids, "repeat": [0] * count}
        | {"key_read": plain.tolist(), "features": kept}
        | {"status": ["ok"] * count, "note": [""] * count}
    )
    keys = pa.table(
        {"id": ids, "split": split, "group": pa.array(group, pa.string()), "key_group": ids}
        | {"key": key.tolist(), "caption": pa.array(caption, pa.string())}
    )
    scores = score_table(evidence, keys)
    figures = aggregate(scores, calls={}, keys=keys, deltas=(0.05,), fdr=FDR)
    (share,), (whole,) = (find(figures, name, "trained") for name in ("share", "permutation_z"))
    (area,) = find(figures, "auc", "trained_vs_held_out")
    named = (np.array(scores["q_value"])[:trained] <= FDR).any()
    return Null(
        np.array(scores["p_value"])[:trained],
        bool(named),
        (share.ci_low or 0.0) > 0,
        1.0 if whole.p_value is None else whole.p_value,
        1.0 if area.p_value is None else area.p_value,
    )


if __name__ == "__main__":
    main()
