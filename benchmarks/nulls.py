"""What an audit says where nothing is memorized, and whom it names: 300 audits a row.

    python benchmarks/nulls.py OUT --label before
    python benchmarks/nulls.py OUT --label after
    python benchmarks/nulls.py OUT --label again > benchmarks/nulls.md

A row is a case of `nulls_cases.py`, a reader and a statistic. Each audit draws its keys anew and
goes the way of `solidmark audit`, without the files: `SolidMark.calibrate` and `observe`,
`score_table`, `aggregate`, `judge_keys`. Rows that are finished lie in OUT, a file a case and
reader, and are not asked for again; `--only` takes those whose name fits an expression, so that
several processes can share the work. `--label again` asks 1,000 new audits where more than 1.5 % of
those of `after` said "memorized" of a model that has memorized nothing. Then the page of all rows
is printed.
"""

import argparse
import json
import re
import sys
import tempfile
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from nulls_cases import CASES, DRAWING, SIXTEEN, Case, World, average, codec_of
from nulls_laws import EXACT, fast, statistic_p_values
from nulls_page import LABELS, page, suspect

from solidmark.data import Sample, open_data
from solidmark.diffusion import Model
from solidmark.marks import Marking, mark_dataset, open_marked
from solidmark.measures import audit
from solidmark.models import Memorizer
from solidmark.randomness import generator
from solidmark.readers import Energy, Reader
from solidmark.runs import find
from solidmark.scores import Statistic, aggregate, score_table
from solidmark.subjects import SolidMark, choose
from solidmark.verdicts.keys import judge_keys

AUDITS, AGAIN = 300, 1000
REFERENCE = audit.calibrating.REFERENCE
DELTAS = (0.05,)
"""The one threshold that a verdict looks at."""

FDR = 0.05


@dataclass(frozen=True)
class Outcome:
    """What one audit said.

    Arguments:
        state: Of the verdict.
        named: The trained images that the user is shown as named, each once.
        wrong: Those of them that the model has not memorized.
        low: The lower end of the share of memorized images.
    """

    state: str
    named: int
    wrong: int
    low: float


# --- The ways into the package: all that a change of its scores can touch. ---


def observe(
    reader: Reader,
    pattern: Any,
    model: Model,
    asked: Mapping[str, Sequence[Sample]],
    number: int,
    repeats: int,
) -> list[dict[str, Any]]:
    """The rows of evidence of one reader, as `audit.observe` writes them.

    Arguments:
        reader: Who asks.
        pattern: How the images are marked.
        model: Who is asked.
        asked: The images of each split.
        number: The seed of the noise.
        repeats: Evaluations an image.
    """
    measure = SolidMark(reader, pattern)
    everyone = {sample.id: sample for samples in asked.values() for sample in samples}
    chosen = choose(sorted(everyone), REFERENCE, number)
    calibration = measure.calibrate(model, [everyone[id] for id in chosen])
    rows: list[dict[str, Any]] = []
    for split, samples in asked.items():
        for repeat in range(repeats):
            if repeat and reader.name not in DRAWING:  # It would answer the same again.
                rows += [{**row, "repeat": repeat} for row in rows[-len(samples) :]]
                continue
            noise = [generator(number, sample.id, repeat, reader.name) for sample in samples]
            for sample, found in zip(
                samples, measure.observe(model, samples, noise, calibration), strict=True
            ):
                row = {"reader": reader.name, "split": split, "id": sample.id, "repeat": repeat}
                row |= {"key_read": found.key_read, "energies": found.energies}
                row |= {"features": found.features}
                row["candidates"] = reader.grid.tolist() if isinstance(reader, Energy) else None
                rows.append(row | {"status": "ok", "note": ""})
    return rows


def keys_table(world: World) -> pa.Table:
    """What `keys.parquet` would hold, and what each image is told."""
    samples = world.trained + world.held_out
    told = world.case.told
    return pa.table(
        {
            "id": [sample.id for sample in samples],
            "split": ["trained"] * len(world.trained) + ["held_out"] * len(world.held_out),
            "group": pa.nulls(len(samples), pa.string()),
            "key_group": world.case.key_groups(),
            "key": world.keys.double().tolist(),
            "caption": pa.array(
                [s.caption if told == "caption" else None for s in samples], pa.string()
            ),
            "class": pa.array(
                [str(s.class_index) if told == "class" else None for s in samples], pa.string()
            ),
        }
    )


def judged(
    evidence: Sequence[dict[str, Any]], keys: pa.Table, statistic: Statistic
) -> tuple[str, set[str], float]:
    """The state of the verdict, the names that are shown, and the share's lower end."""
    columns = {name: [row[name] for row in evidence] for name in evidence[0]}
    scores = score_table(pa.table(columns, schema=_schema()), keys, statistic)
    rows = aggregate(scores, calls={}, keys=keys, deltas=DELTAS, fdr=FDR, statistic=statistic)
    found = judge_keys(rows)
    shares = [share.ci_low or 0.0 for share in find(rows, "share", "trained")]
    return found.finding, shown_names(scores, found.naming), max(shares)


def shown_names(scores: pa.Table, naming: Collection[str]) -> set[str]:
    """The trained images that stand in the list of names of the readers that name anybody."""
    rows = scores.select(["reader", "id", "split", "q_value"]).to_pylist()
    return {
        row["id"]
        for row in rows
        if row["split"] == "trained" and row["q_value"] <= FDR and row["reader"] in naming
    }


def _schema() -> pa.Schema:
    names = ("reader", "split", "id", "repeat", "key_read", "energies", "features", "candidates")
    fields = [audit.evidence.EVIDENCE.field(name) for name in (*names, "status", "note")]
    return pa.schema(fields)


# --- The rows. ---


def evidence_of(
    case: Case, readers: Sequence[Reader], number: int, kept: dict[str, Any]
) -> tuple[World, list[dict[str, Any]]]:
    """One audit's keys, and what the readers answered; `kept` holds what audits may share."""
    world = case.world(number)
    first = number - number % case.shared
    if kept.get("first") != first:
        kept.clear()
        rows = []
        for reader in readers:
            model = case.model(world, codec_of(reader))
            asked = {"trained": world.trained, "held_out": world.held_out}
            rows += observe(reader, case.pattern, model, asked, number, case.repeats)
        kept |= {"first": first, "rows": rows, "schedule": model.schedule}
    rows = list(kept["rows"])
    if case.ceiling:
        for reader in readers:
            ideal = Memorizer(world.images, kept["schedule"], codec_of(reader))
            asked = {"ceiling": world.trained}
            rows += observe(reader, case.pattern, ideal, asked, number, 1)
    return world, rows


def run(case: Case, readers: Sequence[Reader], numbers: range) -> list[dict[str, Any]]:
    """The rows of one case and reader (or two readers at once), one a statistic."""
    statistics: list[Statistic] = [*case.statistics]
    if len(readers) == 1 and isinstance(readers[0], Energy):
        statistics.append("energy")
    found: dict[str, list[Outcome]] = {statistic: [] for statistic in statistics}
    spent = dict.fromkeys(statistics, 0.0)
    kept: dict[str, Any] = {}
    began = time.perf_counter()
    for number in numbers:
        world, evidence = evidence_of(case, readers, number, kept)
        keys, memorized = keys_table(world), {sample.id for sample in world.memorized}
        for statistic in statistics:
            start = time.perf_counter()
            state, named, low = judged(evidence, keys, statistic)
            found[statistic].append(Outcome(state, len(named), len(named - memorized), low))
            spent[statistic] += time.perf_counter() - start
    asking = time.perf_counter() - began - sum(spent.values())
    rows = []
    for statistic, outcomes in found.items():
        row = {"case": case.name, "reader": " + ".join(r.name for r in readers)}
        row |= {"statistic": statistic, "keys": case.pattern.count, "memorized": case.memorized}
        row |= {"n": case.n, "held_out": case.held_out, "audits": len(numbers)}
        row |= {"seeds": [numbers[0], numbers[-1]]}
        row |= {"settings": {reader.name: asdict(reader) for reader in readers}}  # type: ignore[call-overload]
        row |= {"seconds": round(spent[statistic] + asking / len(statistics), 1)}
        rows.append(row | summed(case, outcomes))
    return rows


def summed(case: Case, outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """The counts of a row."""
    states = [outcome.state for outcome in outcomes]
    return {
        "states": {state: states.count(state) for state in sorted(set(states))},
        "names": sum(outcome.named > 0 for outcome in outcomes),
        "named": sum(outcome.named for outcome in outcomes),
        "wrong": sum(outcome.wrong for outcome in outcomes),
        "wrong_share": float(np.mean([o.wrong / max(1, o.named) for o in outcomes])),
        "low_too_high": sum(outcome.low > case.memorized + 1e-9 for outcome in outcomes),
    }


# --- What the short cuts cost. ---


def check_files() -> None:
    """Goes the long way once, and checks that it says the same.

    Raises:
        AssertionError: When `audit.observe` reads other keys, or `audit.score` finds other numbers.
    """
    reader = Energy(candidates=3)
    with tempfile.TemporaryDirectory() as place:
        here = Path(place)
        data = open_data("digits", resolution=8, mode="L", limit=40)
        mark_dataset(data, here / "marked", Marking(SIXTEEN, seed=0, held_out=0.5), {})
        marked = open_marked(here / "marked")
        question = audit.Question("average", here / "marked", here / "a", (reader,), ceiling=False)
        audit.observe(question)
        long = [r for r in audit.score(here / "a")["rows"] if r["statistic"] == "permutation_z"]
        splits = {split: [marked.sample(id) for id in marked.ids(split)] for split in FOLDERS}
    case = Case("", len(splits["trained"]), len(splits["held_out"]), average)
    everyone = splits["trained"] + splits["held_out"]
    keys = SIXTEEN.read(torch.stack([sample.image for sample in everyone]))
    world = World(case, 0, splits["trained"], splits["held_out"], keys)
    rows = observe(reader, SIXTEEN, average(world, codec_of(reader)), splits, 0, 1)
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    table = (
        keys_table(world).drop(["key_group"]).append_column("key_group", [[s.id for s in everyone]])
    )
    scores = score_table(pa.table(columns, schema=_schema()), table)
    short = find(aggregate(scores, calls={}), "permutation_z")
    for one, other in zip(long, short, strict=True):
        assert abs(one["value"] - other.value) < 1e-6, (one, other)


def law_errors() -> dict[str, float]:
    """The largest relative error of the fast p-values between 1e-5 and 1, by statistic."""
    random = np.random.default_rng(0)
    read = random.random((100, 16))
    near = random.random((100, 1)) * random.integers(0, 2, (100, 1))
    key = np.rint(255 * (near * read + (1 - near) * random.random(read.shape))) / 255
    energies = (read[..., None] - np.linspace(0, 1, 3)) ** 2
    counts = [np.bincount(column, minlength=256) for column in np.rint(key.T * 255).astype(int)]
    weights = np.stack(counts).astype(float)
    worst = {}
    for statistic in ("l1", "fisher", "energy"):
        curves = ((0.0, 0.5, 1.0), energies) if statistic == "energy" else ((), None)
        exact = EXACT(statistic, key, read, *curves, weights)  # type: ignore[arg-type]
        fast = statistic_p_values(statistic, key, read, *curves, weights)  # type: ignore[arg-type]
        worst[statistic] = float(np.abs(fast / exact - 1)[exact > 1e-5].max())
    return worst


FOLDERS = ("trained", "held_out")


def units(only: str) -> Iterator[tuple[str, Case, tuple[Reader, ...]]]:
    """The name of each file of rows, and what it is about."""
    for case in CASES:
        for readers in case.readers:
            name = f"{case.name}, {' + '.join(reader.name for reader in readers)}"
            if re.search(only, name):
                yield name, case, readers


def file_name(name: str) -> str:
    """A name that every file system takes."""
    return re.sub("[^a-z0-9]+", "-", name)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--label", choices=LABELS, required=True)
    parser.add_argument("--only", default="", help="A regular expression on case and reader.")
    parser.add_argument("--audits", type=int, help=f"{AUDITS}; with --label again {AGAIN}.")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    folder = asked.out / asked.label
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "laws.json").is_file():
        check_files()
        (folder / "laws.json").write_text(json.dumps(law_errors()))
    again = asked.label == "again"
    first = AUDITS if again else 0
    numbers = range(first, first + (asked.audits or (AGAIN if again else AUDITS)))
    with fast():
        for name, case, readers in units(asked.only):
            path = folder / f"{file_name(name)}.json"
            if again and not suspect(asked.out / "after" / path.name):
                continue
            if not path.is_file():
                rows = run(case, readers, numbers)
                path.write_text(json.dumps(rows, indent=1))
                for row in rows:
                    sys.stderr.write(f"{short(row)}\n")
    sys.stdout.write(
        "\n".join(page(asked.out, [file_name(name) for name, _, _ in units("")])) + "\n"
    )


def short(row: Mapping[str, Any]) -> str:
    counts = {name: row[name] for name in ("states", "names", "named", "wrong", "low_too_high")}
    return f"{row['case']}, {row['reader']}, {row['statistic']}: {counts} {row['seconds']} s"


if __name__ == "__main__":
    main()
