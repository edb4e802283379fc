"""Which measure finds which image: AUC against the number of copies in the training set.

    python benchmarks/copies.py OUT > benchmarks/copies.md

One network is trained on digits that are there 1, 2, 4, 8 or 16 times, under frames of sixteen
greys. It is asked for the keys (SolidMark), draws generations that are compared with every training
and every held-out image, and is let inpaint halves of them. All measures see the same images.
"""

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import torch

from solidmark.data import Records, open_data
from solidmark.generating import Generation, generate
from solidmark.marks import Marking, Segments, mark_dataset
from solidmark.measures.audit import Question, observe, score
from solidmark.measures.inpaint import Inpainting, inpaint, score_inpainting
from solidmark.measures.nearest import Comparison, nearest
from solidmark.readers import Blend
from solidmark.scores import roc
from solidmark.training import preset, train

COPIES = (1, 2, 4, 8, 16)
DIGITS = 64
"""Different digits for each number of copies; half of them are held out."""

SIDE, THICKNESS, SEGMENTS = 12, 2, 16
EPOCHS = 40
GENERATIONS, STEPS = 4000, 50
DRAWS, DRAW_STEPS = 4, 25
DISTANCES = ("l2", "modified-l2", "patched-l2", "pixels", "phash")


@dataclass(frozen=True)
class Copied:
    """Digits that are there several times, each as often as its place says.

    Arguments:
        data: Different digits.
    """

    data: Records

    def records(self) -> Records:
        """The same with copies, each under an id of its own."""
        every = []
        for number, record in enumerate(self.data.records):
            times = COPIES[number % len(COPIES)]
            every += [replace(record, id=f"{record.id}-{n:02d}of{times:02d}") for n in range(times)]
        return replace(self.data, records=tuple(sorted(every, key=lambda record: record.id)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    out = parser.parse_args().out
    torch.set_num_threads(1)
    marked, model = train_on_copies(out)
    where = str(model)
    generate(Generation(where, out / "generated", number=GENERATIONS, steps=STEPS, marked=marked))
    nearest(Comparison(str(out / "generated"), str(marked), out / "nearest", DISTANCES))
    observe(Question(where, marked, out / "audit", readers=(Blend(),), ceiling=False))
    score(out / "audit")
    inpaint(Inpainting(where, str(marked), out / "attack", draws=DRAWS, steps=DRAW_STEPS))
    score_inpainting(out / "attack")
    sys.stdout.write("\n".join(report(out)) + "\n")


def train_on_copies(out: Path, others: bool = False) -> tuple[Path, Path]:
    """The folders of the marked digits and of the network, made or resumed.

    Arguments:
        out: Where they are.
        others: Whether the digits are others, none of which the first network has seen.
    """
    count = DIGITS * len(COPIES)
    digits = open_data("digits", resolution=SIDE, limit=2 * count if others else count)
    digits = replace(digits, records=digits.records[-count:])
    marked, model = out / "marked", out / "model"
    # Near-duplicates among digits are different digits here, so only exact copies are copies.
    marking = Marking(Segments(THICKNESS, SEGMENTS), seed=0, held_out=0.5, near_duplicates=False)
    mark_dataset(Copied(digits).records(), marked, marking, {"data": "digits with copies"})
    train(marked, model, preset("digits-demo", num_train_epochs=EPOCHS), device="cpu")
    return marked, model


def report(out: Path) -> Iterator[str]:
    """The table."""
    yield "# Which measure finds which image, by its copies in the training set"
    yield ""
    yield (
        f"`python benchmarks/copies.py OUT`. Digits of {SIDE} px under frames of {SEGMENTS} greys, "
        f"network `digits-demo`, {EPOCHS} epochs, one seed. Area under the curve (chance .5, high "
        "= found) of training images with so many copies against held-out ones, with 95 % "
        f"bootstrap interval; every different digit counts once. {GENERATIONS:,} generations of "
        f"{STEPS} steps for the distances, {DRAWS} inpaintings of the left half an image, of "
        f"{DRAW_STEPS} steps, for the attack (the best of them), 9.2 network calls an image for "
        "SolidMark (Blend, p-values). Network calls: for all training images together."
    )
    yield ""
    yield f"| measure | {' | '.join(f'{c} x' for c in COPIES)} | network calls |"
    yield f"|---|{'---|' * len(COPIES)}---|"
    for name, values, calls in measured(out):
        held_out = np.array([value for (_, split), value in values.items() if split == "held_out"])
        cells = []
        for copies in COPIES:
            found = [
                v for (id, split), v in values.items() if split == "trained" and times(id) == copies
            ]
            area = roc(np.array(found), held_out).auc
            cells.append(f"{area.value:.2f} ({area.ci_low:.2f} to {area.ci_high:.2f})")
        yield f"| {name} | {' | '.join(cells)} | {calls} |"
    yield ""
    counts = [sum(times(id) == c and s == "trained" for id, s in values) for c in COPIES]
    yield f"Different trained digits: {', '.join(map(str, counts))}; held out: {len(held_out)}."


def measured(out: Path) -> Iterator[tuple[str, Mapping[tuple[str, str], float], str]]:
    """Each measure with its value (low = memorized) of every different digit."""
    audit = pq.read_table(out / "audit" / "scores.parquet").to_pylist()
    asked = sum(row["split"] == "trained" for row in audit)
    yield "SolidMark, Blend", once(audit, "p_value"), f"{9.2 * asked:,.0f}"
    images = pq.read_table(out / "nearest" / "images.parquet").to_pylist()
    for name in DISTANCES:
        own = [row for row in images if row["measure"] == name]
        yield name, once(own, "distance"), f"{GENERATIONS * STEPS:,}"
    drawn = pq.read_table(out / "attack" / "scores.parquet").to_pylist()
    best = [row for row in drawn if row["measure"] == "inpainting"]
    yield "inpainting attack", once(best, "distance"), f"{DRAWS * DRAW_STEPS * asked:,}"


def once(rows: Sequence[Mapping[str, object]], column: str) -> dict[tuple[str, str], float]:
    """The value of the first copy of each digit, by id and split."""
    first = [row for row in rows if "-00of" in str(row["id"]) and row["status"] == "ok"]
    return {(str(row["id"]), str(row["split"])): float(str(row[column])) for row in first}


def times(id: str) -> int:
    """How often the digit of an id is there."""
    return int(id.rsplit("of", 1)[1])


if __name__ == "__main__":
    main()
