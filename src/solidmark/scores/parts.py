"""A score table by reader and split, and the figures that are made of such a part."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from zlib import crc32

import numpy as np
from jaxtyping import Float

from solidmark.runs import Figure
from solidmark.scores.exchange import Exchange
from solidmark.scores.groups import Estimate
from solidmark.scores.peers import Pool, pools_of_rows
from solidmark.scores.statistics import Statistic
from solidmark.scores.subjects import SUBJECTS, subject_of
from solidmark.scores.table import SCORES

_FELL_BACK = 'This reader keeps no energies: its p-values are those of "l1".'


@dataclass(frozen=True)
class Part:
    """The scored rows of one reader and split, sorted by id and repeat.

    Arguments:
        failed: The rows that could not be scored; they are in none of the columns.
        lost: The images of which no row could be scored.
        seed: For what has to be drawn.
        fell_back: Whether another statistic was asked for, which this reader has not the means of.
        columns: The columns of the scored rows.
    """

    reader: str
    split: str
    failed: int
    lost: int
    seed: int
    statistic: Statistic
    fell_back: bool
    columns: Mapping[str, list[Any]] = field(repr=False)

    @property
    def n(self) -> int:
        return len(self.columns["id"])

    @property
    def key_groups(self) -> list[str]:
        return self.columns["key_group"]

    @property
    def subjects(self) -> list[str]:
        """Whom each row shows; as independent as anything here is."""
        pairs = zip(self.columns["group"], self.key_groups, strict=True)
        return [" ".join(subject_of(*pair)) for pair in pairs]

    @property
    def keys(self) -> int | None:
        """How many keys an image has."""
        return len(self.columns["key"][0]) if self.n else None

    @property
    def independent(self) -> int:
        """How many different keys its rows have."""
        return len(set(self.key_groups))

    @property
    def once(self) -> "Part":
        """One row an image: p-values are those of images, however often each is asked.

        Its `key_read` is the mean over the repeats, and it is failed where every repeat is.
        """
        rows: dict[str, list[int]] = {}
        for place, id in enumerate(self.columns["id"]):
            rows.setdefault(id, []).append(place)
        first = [places[0] for places in rows.values()]
        columns = {
            name: [values[place] for place in first] for name, values in self.columns.items()
        }
        read = self.numbers("key_read")
        columns["key_read"] = [read[places].mean(axis=0).tolist() for places in rows.values()]
        return replace(self, columns=columns, failed=self.lost)

    def exchange(self, pools: Mapping[int, Pool] | None) -> Exchange:
        """Its rows beside the keys of their peers.

        Arguments:
            pools: The groups of peers; as far as the rows show them when None.
        """
        read, peers = self.numbers("key_read"), self.columns["peers"]
        if pools is None:
            pools = pools_of_rows(self.key_groups, self.numbers("key"), peers)
        return Exchange(read, self.key_groups, peers, pools, self.seed)

    def numbers(self, name: str) -> Float[np.ndarray, "..."]:
        return np.array(self.columns[name], dtype=np.float64)


def parts_of(
    rows: list[dict[str, Any]], asked: Statistic, seed: int
) -> dict[tuple[str, str], Part]:
    """Takes a score table apart by reader and split.

    Arguments:
        rows: The rows, sorted by reader, split, id and repeat.
    """
    used = {row["reader"]: row["statistic"] for row in rows if row["statistic"] is not None}
    found: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in rows:
        found.setdefault((row["reader"], row["split"]), []).append(row)
    parts = {}
    for (reader, split), members in found.items():
        scored = [row for row in members if row["status"] == "ok"]
        kept = [name for name in (*SCORES.names, *SUBJECTS.names) if name in members[0]]
        columns = {name: [row[name] for row in scored] for name in kept}
        # A reader's draws do not depend on which other readers stand in the table.
        part_seed = crc32(f"{seed}:{reader}:{split}".encode())
        failed = len(members) - len(scored)
        lost = len({row["id"] for row in members} - set(columns["id"]))
        statistic = used.get(reader, asked)
        fell_back = statistic != asked
        parts[reader, split] = Part(
            reader, split, failed, lost, part_seed, statistic, fell_back, columns
        )
    return parts


def result_row(
    part: Part,
    statistic: str,
    unit: str,
    estimate: Estimate,
    chance: float | None,
    *,
    ranked: bool = False,
    **more: Any,
) -> Figure:
    """A figure of one reader and split.

    Arguments:
        chance: What is to be expected of a model that knows no key.
        ranked: Whether it is made of p-values, so that it matters what these rank.
        more: Other fields of `Figure`, or others than those of the part.
    """
    fell_back = _FELL_BACK if part.fell_back and ranked else None
    about: dict[str, Any] = {
        "split": part.split,
        "n": part.n,
        "failed": part.failed,
        "direction": "high",
        "note": " ".join(filter(None, (estimate.note, fell_back))) or None,
    }
    return Figure(
        measure="solidmark",
        reader=part.reader,
        statistic=statistic,
        keys=part.keys,
        value=estimate.value,
        unit=unit,
        chance=chance,
        ci_low=estimate.ci_low,
        ci_high=estimate.ci_high,
        p_value=estimate.p_value,
        **(about | more),
    )


def plain(row: dict[str, Any]) -> dict[str, Any]:
    """Python's own numbers only, so that the row can be written as JSON and read anywhere."""
    return {
        name: value.item() if isinstance(value, np.generic) else value
        for name, value in row.items()
    }
