"""What people say of the pairs of a `nearest` run, kept beside what distances say of them.

`judgements.parquet` only grows: a judgement is never changed, and what is judged again stands there
twice.
"""

import csv
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from solidmark.errors import BadInput, EmptyTable, NotFound, UnknownName
from solidmark.measures.nearest.gathering import AGAIN
from solidmark.measures.nearest.tables import NEIGHBOURS, SCHEMAS
from solidmark.runs import (
    cell,
    made_by,
    read_manifest,
    read_table,
    require_whole,
    tame,
    write_table,
)
from solidmark.runs.lock import take
from solidmark.scores.judged import VERDICTS, Pair

NAME = "judgements.parquet"
SPLITS = ("generated", "null")
"""Whose pairs can be judged: generations, and the control."""

WANTED = ("generation", "image", "verdict")
"""What a judgement must say; `split`, `who` and `when` may stand beside it."""

JUDGEMENTS = pa.schema(
    [(name, pa.string()) for name in ("split", *WANTED, "who", "when", "batch", "status")]
)
"""The columns of `judgements.parquet`: a row a judgement. `batch` is of those that came together;
the status of a pair that the run does not know is "unknown"."""

NAMED = 3
"""So many unknown pairs are named."""

Distances = dict[tuple[str, Pair], dict[str, float]]
"""By split and pair, what each measure says of it, as far as it does."""


@dataclass(frozen=True)
class Recorded:
    """What was added to a run.

    Arguments:
        folder: The folder of the `nearest` run.
        added: How many judgements.
        before: How many of these were there before, since they came in one batch already.
        unknown: The pairs that the run does not know.
    """

    folder: Path
    added: int
    before: int
    unknown: tuple[Pair, ...]

    @property
    def lines(self) -> list[str]:
        """The same in sentences."""
        lines = [f"Judgements added: {self.added:,}."]
        if self.before:
            lines[0] = f"These {self.before:,} judgements are there already. Nothing was added."
        if self.unknown:
            some = "; ".join(f'"{one}" and "{other}"' for one, other in self.unknown[:NAMED])
            more = len(self.unknown) - NAMED
            lines.append(
                f"Pairs that this run does not know, kept and counted nowhere: "
                f"{len(self.unknown):,}: {some}{f' and {more:,} more' if more > 0 else ''}."
            )
        return lines


def read_judgements(path: Path) -> list[dict[str, str]]:
    """Reads judgements from a CSV file.

    Arguments:
        path: The file, with the columns `generation`, `image` and `verdict` (copy, not, unsure),
            and perhaps `split` (generated, null), `who` and `when`.

    Raises:
        NotFound: When there is no such file.
        BadInput: When a line cannot be used; says which.
    """
    if not path.is_file():
        raise NotFound(f'There is no file "{path}". Check the path.')
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            rows = [*csv.DictReader(file)]
    except (UnicodeDecodeError, csv.Error) as error:
        raise BadInput(f'"{path}" is not a readable table ({error}). Mend it.') from error
    return checked(rows, str(path), first=2)


def checked(
    rows: Iterable[Mapping[str, Any]], where: str = "judgements", first: int = 1
) -> list[dict[str, str]]:
    """Judgements of which every part is known.

    Arguments:
        rows: The judgements, with the names of `read_judgements`.
        where: Where they stand.
        first: The number of the first one there.

    Raises:
        EmptyTable: When there is none.
        BadInput: When one cannot be used; says which.
    """
    found = []
    for number, row in enumerate(rows, first):
        said = {name: str(row.get(name) or "").strip() for name in ("who", "when")}
        for name in WANTED:
            if not str(row.get(name) or ""):
                raise BadInput(f'"{where}", line {number} has no "{name}". Add it.')
            said[name] = str(row[name])
        said["verdict"] = said["verdict"].strip().lower()
        said["split"] = str(row.get("split") or "").strip() or SPLITS[0]
        for name, names in (("verdict", VERDICTS), ("split", SPLITS)):
            if said[name] not in names:
                raise UnknownName(f'{name} (line {number} of "{where}")', said[name], names)
        found.append(said)
    if not found:
        raise EmptyTable(f'"{where}" holds no judgement. Add a line a pair.')
    return found


def judge(out: Path, rows: Sequence[Mapping[str, str]]) -> Recorded:
    """Adds judgements to a run. It is not scored with them yet.

    Arguments:
        out: The folder of a `nearest` run, or of an audit without marks, which holds one.
        rows: The judgements, as `checked` gives them.

    Raises:
        NotFound: When there is no such run.
        RunConflict: When it is of another command, not finished, or not whole.
    """
    folder = out / "nearest" if made_by(out) == "unmarked" else out
    require_whole(folder, read_manifest(folder, "nearest"))
    batch = hashlib.sha256(json.dumps([dict(row) for row in rows]).encode()).hexdigest()[:16]
    known = _by_name(distances_of(folder))
    lock = take(folder, "judge")
    try:
        before = open_judgements(folder)
        is_there = batch in before["batch"].to_pylist()
        kept = [_row(row, known) | {"batch": batch} for row in rows]
        if not is_there:
            table = pa.concat_tables([before, pa.Table.from_pylist(kept, JUDGEMENTS)])
            write_table(folder / NAME, table)
    finally:
        lock.release()
    lost = {(row["generation"], row["image"]): None for row in kept if row["status"] != "ok"}
    added = 0 if is_there else len(rows)
    return Recorded(folder, added, len(rows) - added, tuple(lost))


def open_judgements(folder: Path) -> pa.Table:
    """The judgements of a run, the first ones first; an empty table where there are none.

    Raises:
        BadInput: When they cannot be read.
    """
    if not (folder / NAME).is_file():
        return JUDGEMENTS.empty_table()
    cure = "Remove it, and record the judgements again."
    return read_table(folder / NAME, JUDGEMENTS, cure).select(JUDGEMENTS.names).cast(JUDGEMENTS)


def distances_of(folder: Path) -> Distances:
    """The pairs that a run knows, with the distance from the generation to the training image.

    A pair that was found from its training image only is known, and has none: rescaled distances
    of the two directions are not on one scale.
    """
    found: Distances = {}

    def add(split: str, ids: Sequence[str], images: Sequence[str], table: pa.Table) -> None:
        columns = (table[name].to_pylist() for name in ("measure", "distance"))
        for id, image, measure, distance in zip(ids, images, *columns, strict=True):
            if image is not None:
                own = found.setdefault((split, (id, image)), {})
                if distance is not None:
                    own.setdefault(measure, distance)

    for name, split in (("scores", "generated"), ("null", "null")):
        table = read_table(folder / f"{name}.parquet", SCHEMAS[name], AGAIN)
        add(split, table["id"].to_pylist(), table["nearest"].to_pylist(), table)
    table = read_table(folder / "neighbours.parquet", NEIGHBOURS, AGAIN)
    add("generated", table["id"].to_pylist(), table["neighbour"].to_pylist(), table)
    table = read_table(folder / "images.parquet", SCHEMAS["images"], AGAIN)
    for split, id, image in zip(
        *(table[name].to_pylist() for name in ("split", "nearest", "id")), strict=True
    ):
        if split == "trained" and id is not None:
            found.setdefault(("generated", (id, image)), {})
    return found


def _by_name(known: Distances) -> dict[tuple[str, Pair], Pair]:
    """The pairs by how they may be spelled: as they are, and as pages and sheets show them."""
    found = {key: key[1] for key in known}
    for split, pair in known:
        for spell in (tame, cell, _quoted):
            found.setdefault((split, (spell(pair[0]), spell(pair[1]))), pair)
    return found


def _quoted(text: str) -> str:
    """As the script of a page writes a cell: line feeds are shown as they are."""
    return cell(text).replace("\\n", "\n").replace("\\t", "\t")


def _row(row: Mapping[str, str], known: Mapping[tuple[str, Pair], Pair]) -> dict[str, str]:
    said = (row["generation"], row["image"])
    pair = known.get((row["split"], said))
    generation, image = pair or said
    status = "unknown" if pair is None else "ok"
    return {**row, "generation": generation, "image": image, "status": status}
