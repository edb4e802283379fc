"""The field's signals beside the keys and InvMM: what each finds, and what it adds to the keys.

    python benchmarks/field.py OUT > benchmarks/field.md

Digits that are there 1 to 16 times (the network of copies.py), and drawings with captions (a small
text-to-image model, early and late). Every model is asked with images that it never saw beside; the
controls know no single image.
"""

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
import torch
from copies import COPIES, times, train_on_copies
from inversion import FPR, SEED, scores, some
from numpy.typing import NDArray
from scipy.stats import rankdata

from solidmark.data import open_data
from solidmark.demo import DRAWING_RESOLUTION, DRAWING_SEGMENTS, DRAWING_THICKNESS, DRAWINGS
from solidmark.errors import MissingCapability
from solidmark.marks import Marking, Segments, mark_dataset
from solidmark.measures.audit import Question, observe, score
from solidmark.measures.invmm import InvMM, invert, score_invmm
from solidmark.measures.invmm.inversion import PRESETS
from solidmark.measures.invmm.threshold import calibrate
from solidmark.measures.signals import Measuring, measure_signals
from solidmark.measures.signals.kinds import SIGNALS
from solidmark.readers import Blend, Recall
from solidmark.runs import read_manifest
from solidmark.scores import roc
from solidmark.subjects import open_likeness, open_subjects
from solidmark.training import preset, train

MOST = 24
"""Images of either half that are inverted, drawn at random."""

TEXT_EPOCHS = (60, 120, 400)
DRAWS = 2_000
"""Bootstrap draws of what a signal adds."""

KEYS, INVMM = "SolidMark", "InvMM, `quick`"
LONG = ("bright-ending",)
"""Drawn once a prompt, where the others take the mean of four."""

Image = tuple[str, str]
"""Split and id."""


@dataclass(frozen=True)
class Asked:
    """What a measure says of images.

    Arguments:
        values: By split and id; low = memorized.
        calls: Network calls an image.
    """

    values: Mapping[Image, float]
    calls: float

    def of(self, split: str, ids: Sequence[str] | None = None) -> NDArray[np.float64]:
        """The values of a split, by id."""
        own = {id: value for (s, id), value in self.values.items() if s == split}
        return np.array([own[id] for id in sorted(own) if ids is None or id in ids])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--only", choices=("copies", "text"), nargs="+")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    say("# The field's signals beside the keys\n\n`python benchmarks/field.py OUT`, one thread.")
    say(
        "One seed. Area under the curve of trained against held-out images (chance .5, high = "
        "found) in the direction that each card fixes, with 95 % bootstrap interval. *At 1 %*: "
        "detections at 1 % false positives, where 100 images or more are held out. *Added*: the "
        "area by the mean of the ranks of signal and keys less that by the keys alone, images "
        f"drawn anew {DRAWS:,} times. Calls: an image; one with a gradient counts as 2.3.\n"
    )
    parts = {"copies": on_copies, "text": on_text}
    for name in asked.only or parts:
        for line in parts[name](asked.out / name):
            say(line)


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


# Digits with copies.


def on_copies(out: Path) -> Iterator[str]:
    """A network that saw digits once to sixteen times; one that saw others; and moments alone."""
    marked, model = train_on_copies(out)
    _, stranger = train_on_copies(out / "others", others=True)
    asked = some(marked, out / "asked", 10**6, 10**6)
    firsts = set(pq.read_table(asked / "keys.parquet")["id"].to_pylist())
    yield "## Digits that are there several times\n"
    yield (
        "12 px under frames of 16 greys, `digits-demo` (0.5 M weights), 40 epochs; every different "
        "digit counts once. *Stranger*: the same recipe trained on other digits, which knows "
        "nothing of these. *Moments*: the control `gaussian`, which knows mean and variance of "
        "each pixel of the training set, and no image; a network of diffusers only has `spread`.\n"
    )
    known, strange, moments = (
        keys(who, asked, out / f"{name}audit", Blend())
        | signals(who, asked, out / f"{name}signals")
        for who, name in ((model, ""), (stranger, "stranger-"), ("gaussian", "gaussian-"))
    )
    known |= inverted(str(model), asked, out / "invmm")
    heads = [f"{copies} x" for copies in COPIES]
    last = ("all", "at 1 %", "added to Blend", "stranger", "moments", "calls")
    yield from head("measure", *heads, *last)
    for name, one in known.items():
        cells = [area(one, [id for id in firsts if times(id) == copies]) for copies in COPIES]
        cells += [area(one), found(one), added(one, known[KEYS])]
        cells += [area(strange.get(name)), area(moments.get(name))]
        yield line(name, *cells, f"{one.calls:,.1f}")
    yield ""
    yield counted(known)


# Drawings with captions.


def on_text(out: Path) -> Iterator[str]:
    """A small text-to-image model, after some and after all of its epochs, and hardly trained."""
    every = open_data("openmoji", resolution=DRAWING_RESOLUTION)
    spread = replace(every, records=every.records[:: len(every) // DRAWINGS][:DRAWINGS])
    pattern = Segments(DRAWING_THICKNESS, DRAWING_SEGMENTS)
    marked = out / "marked"
    mark_dataset(spread, marked, Marking(pattern, seed=0, held_out=0.5), {"data": "openmoji"})
    # Attention at the size of the latents too, so that every signal has what it looks at.
    first = preset("tiny-t2i", num_train_epochs=1, attention_levels=(0, 1))
    base = train(marked, out / "base", first, device="cpu")
    yield "\n## Drawings with captions\n"
    yield (
        f"{DRAWINGS // 2} trained and as many held-out drawings, each with a caption of its own, "
        "`tiny-t2i`. The control is the same model after one epoch. Keys: `recall`.\n"
    )
    nobody = both(base, marked, out / "control")
    for epochs in TEXT_EPOCHS:
        recipe = preset("tiny-t2i", base=str(base), num_train_epochs=epochs)
        model = train(marked, out / f"model-{epochs}", recipe, device="cpu")
        known = both(model, marked, out / f"asked-{epochs}")
        yield f"\n### After {epochs} epochs\n"
        yield from head("measure", "area", "added to the keys", "control", "calls")
        for name, one in known.items():
            cells = (area(one), added(one, known[KEYS]), area(nobody.get(name)))
            yield line(name, *cells, f"{one.calls:,.1f}")
        yield ""
        yield counted(known)


def both(model: Path, marked: Path, out: Path) -> dict[str, Asked]:
    """Keys and signals."""
    return {
        **keys(model, marked, out / "audit", Recall()),
        **signals(model, marked, out / "signals"),
    }


# What is asked.


def keys(model: Path | str, marked: Path, out: Path, reader: Blend | Recall) -> dict[str, Asked]:
    """The p-values of an audit."""
    observe(Question(str(model), marked, out, readers=(reader,), ceiling=False))
    score(out)
    rows = pq.read_table(out / "scores.parquet").to_pylist()
    spent = float(pc.mean(pq.read_table(out / "evidence.parquet")["network_calls"]).as_py())
    values = {(r["split"], r["id"]): r["p_value"] for r in rows if r["status"] == "ok"}
    return {KEYS: Asked(values, spent)}


def signals(model: Path | str, marked: Path, out: Path) -> dict[str, Asked]:
    """All signals that the model can be asked for."""
    found = {}
    for draws, names in ((4, [n for n in SIGNALS if n not in LONG]), (1, list(LONG))):
        folder = out / f"{draws}"
        try:
            measure_signals(Measuring(str(model), str(marked), folder, tuple(names), draws=draws))
        except MissingCapability:
            continue
        rows = pq.read_table(folder / "signals.parquet").to_pylist()
        for name, card in read_manifest(folder)["signals"].items():
            sign = 1 if card["direction"] == "low" else -1
            own = [r for r in rows if r["signal"] == name and r["value"] is not None]
            values = {(r["split"], r["id"]): sign * r["value"] for r in own}
            found[name] = Asked(values, float(card["network_calls"]))
    return found


def inverted(model: str, marked: Path, out: Path) -> dict[str, Asked]:
    """InvMM of some images of either half."""
    subjects = open_subjects(str(marked), seed=SEED)
    beta = calibrate(open_likeness("l2"), subjects, "trained", FPR, SEED).value
    quick = PRESETS["quick"]
    invert(InvMM(model, str(marked), out, quick, threshold=beta, limit=MOST, seed=SEED))
    score_invmm(out)
    rows = scores(out)
    calls = float(np.mean([row["network_calls"] for row in rows]))
    return {INVMM: Asked({(r["split"], r["id"]): r["score"] for r in rows}, calls)}


# What is written.


def head(*cells: str) -> Iterator[str]:
    yield line(*cells)
    yield f"|{'---|' * len(cells)}"


def line(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def shown(area: object) -> str:
    """An area with its interval."""
    value, low, high = (getattr(area, name) for name in ("value", "ci_low", "ci_high"))
    return f"{value:.2f} ({low:.2f} to {high:.2f})"


def area(one: Asked | None, ids: Sequence[str] | None = None) -> str:
    """Trained images, or those with some ids, against all held-out ones."""
    return "" if one is None else shown(roc(one.of("trained", ids), one.of("held_out")).auc)


def found(one: Asked) -> str:
    """The share of trained images below all but 1 % of the held-out ones."""
    trained, held_out = one.of("trained"), np.sort(one.of("held_out"))
    if len(held_out) < 100:
        return ""
    return f"{np.mean(trained < held_out[len(held_out) // 100]):.0%}"


def added(one: Asked, known: Asked) -> str:
    """What the mean of the ranks of two measures finds more than the second alone."""
    if one is known:
        return ""
    images = [image for image in sorted(one.values) if image in known.values]
    values = np.array([[known.values[i], one.values[i]] for i in images])
    trained = np.array([split == "trained" for split, _ in images])
    mine, theirs = np.flatnonzero(trained), np.flatnonzero(~trained)
    random = np.random.default_rng(0)
    gains = [gain(values, mine, theirs)]
    for _ in range(DRAWS):
        gains.append(
            gain(values, random.choice(mine, len(mine)), random.choice(theirs, len(theirs)))
        )
    low, high = np.percentile(gains[1:], (2.5, 97.5))
    return f"{gains[0]:+.2f} ({low:+.2f} to {high:+.2f})"


def gain(values: NDArray[np.float64], mine: NDArray[np.int64], theirs: NDArray[np.int64]) -> float:
    """The area by both less that by the first column."""
    ranks = rankdata(values[np.concatenate([mine, theirs])], axis=0)
    sides = (ranks[:, 0], ranks.mean(1))
    alone, together = (auc(side[: len(mine)], side[len(mine) :]) for side in sides)
    return together - alone


def auc(low: NDArray[np.float64], high: NDArray[np.float64]) -> float:
    """How often one of the first lies below one of the second."""
    ranks = rankdata(np.concatenate([low, high]))[: len(low)]
    return float(1 - (ranks.sum() - len(low) * (len(low) + 1) / 2) / (len(low) * len(high)))


def counted(known: Mapping[str, Asked]) -> str:
    """Of how many images the rows are."""
    some = known.get(INVMM)
    words = [f"{len(known[KEYS].of(s))} {s.replace('_', ' ')}" for s in ("trained", "held_out")]
    few = (
        ""
        if some is None
        else (f" InvMM: {len(some.of('trained'))} and {len(some.of('held_out'))} of them.")
    )
    return f"Images: {' and '.join(words)}.{few}"


if __name__ == "__main__":
    main()
