"""The first pass of a marking: every image is looked at once, by whatever the engine has."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from solidmark.data import Dataset, Source, sign
from solidmark.errors import BadInput, BrokenImage
from solidmark.runs import Answer, Job, Ledger, Processes, Room, Rows, Work, hand_all_out

SEEN = "survey"
"""What the names of the rows of this pass begin with."""


@dataclass(frozen=True)
class Kept(Mapping[str, Any]):
    """What the ledger holds of some images, by their ids: it is read when it is asked for.

    Arguments:
        rows: The rows of the ledger.
        about: What their names begin with.
        ids: The images.
    """

    rows: Rows
    about: str
    ids: Sequence[str]

    def __getitem__(self, id: str) -> Any:
        return self.rows[f"{self.about} {id}"]

    def __iter__(self) -> Iterator[str]:
        return iter(self.ids)

    def __len__(self) -> int:
        return len(self.ids)


def survey(data: Dataset, ledger: Ledger, batch_size: int, source: Source | None) -> Kept:
    """Looks at every image once: its size, its likeness, and whether it can be read.

    Arguments:
        data: The images.
        ledger: Keeps what was seen.
        batch_size: How many are committed together.
        source: How another process opens the data; None where only this one can.
    """
    ids, done = data.ids, ledger.rows()
    batches = [
        range(start, min(start + batch_size, len(ids))) for start in range(0, len(ids), batch_size)
    ]
    left = {
        number: batch
        for number, batch in enumerate(batches)
        if f"{SEEN} {ids[batch[-1]]}" not in done
    }

    def keep(answer: Answer) -> None:
        ledger.commit({name: row for name, row in answer.rows.items() if name.startswith(SEEN)})

    away = None if source is None else _Looking(source)
    job = Job(partial(_look_at, data), Room(batch_size, "cpu"), away, threads=1)
    hand_all_out("looking at images", left, len(ids), job, keep)
    Processes.here().wait()
    return Kept(ledger.rows(), SEEN, ids)


@dataclass(frozen=True)
class _Looking:
    """How another process looks at images."""

    source: Source

    def open(self, folder: Path, room: Room) -> Work[int]:
        return partial(_look_at, self.source.data())


def _look_at(data: Dataset, numbers: Sequence[int]) -> dict[str, Any]:
    return {f"{SEEN} {data.ids[number]}": _look(data, number) for number in numbers}


def _look(data: Dataset, number: int) -> dict[str, Any]:
    try:
        sample = data[number]
    except BrokenImage as error:
        return {"broken": str(error)}
    return {
        "signature": asdict(sign(sample)),
        "size": list(sample.image.shape),
        "content": sample.content,
        "caption": sample.caption,
        "label": sample.label,
        "class_number": sample.class_index,
        "group": sample.group,
        "lost": list(sample.notes),
    }


def lost_of(images: Mapping[str, Any]) -> dict[str, int]:
    """How many images lost something on the way, by `data.NOTES`."""
    return dict(sorted(Counter(name for row in images.values() for name in row["lost"]).items()))


def nothing_read(surveyed: Mapping[str, Any]) -> BadInput:
    """The error for a data set without one good image, with the reason of the first."""
    example = next(iter(surveyed.values()))["broken"]
    return BadInput(
        f"None of the {len(surveyed)} images can be read, the first because: {example[:200]} "
        "Name other data, or mend them."
    )


def sizes_seen(images: Mapping[str, Any], bucketed: bool) -> list[tuple[int, int, int]]:
    """The sizes of the images, as (C, H, W): one, unless they were sorted into buckets."""
    first, example = next(iter(images.items()))
    for id, row in images.items():
        if row["size"] != example["size"] and not bucketed:
            same = row["size"][0] == example["size"][0]
            here, there = (" x ".join(map(str, r["size"][same:])) for r in (example, row))
            raise BadInput(
                f'The images differ in size ("{first}" is {here}, "{id}" is {there} pixels). '
                "Give --resolution, or --buckets for a trainer that has some."
            )
    sizes = (row["size"] for row in images.values())
    return sorted({(channels, height, width) for channels, height, width in sizes})
