"""The rows of one signal as columns: who shares a value, who is no null, p- and q-values."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from jaxtyping import Bool, Float, Int

from solidmark.runs import typed
from solidmark.scores import p_and_q_once, subjects_once
from solidmark.scores.columns import codes, numbers, text
from solidmark.subjects import Whose
from solidmark.subjects.whose import COLUMNS

SCORES = pa.schema(
    [
        *typed(pa.string(), "signal", "split", "id"),
        *typed(pa.float64(), "value", "contrast", "p_value", "q_value"),
        *typed(pa.string(), "status", "note", "copy_of", "prompt"),
    ]
)
"""The columns of `scores.parquet`: a row a signal, split and image."""

EXCLUDED = "excluded"
"""The status of a held-out image that was trained on after all, and so is no null."""

Places = Int[np.ndarray, " n"]
Column = Float[np.ndarray, " N"]


@dataclass(frozen=True)
class Judged:
    """The rows of one signal.

    Arguments:
        card: The card of the signal.
        table: The columns of `SCORES`, and `content`; those of subjects where images have groups.
        trained: Which rows are of trained images; the others are held out.
        copy: The row of which each is a copy; -1 where it is none, or has no value.
    """

    card: Mapping[str, Any]
    table: pa.Table = field(repr=False)
    trained: Bool[np.ndarray, " N"] = field(repr=False)
    copy: Int[np.ndarray, " N"] = field(repr=False)

    @property
    def of_prompts(self) -> bool:
        return bool(self.card["per"] == "prompt")

    @cached_property
    def distance(self) -> Column:
        """Values as the scores want them, low = memorized: one of which high is so is 1 - v.

        That is how a similarity becomes a distance, so that its rows are reported as they were.
        """
        values = numbers(self.table["value"])
        return values if self.card["direction"] == "low" else 1 - values

    def has(self, status: str) -> Bool[np.ndarray, " N"]:
        """Which rows have a status."""
        return _is(self.table["status"], status)

    @cached_property
    def counts(self) -> Bool[np.ndarray, " N"]:
        """Which rows count: they have a value, and share it with no row before them."""
        return self.has("ok") & (self.copy < 0)

    def of(self, split: str) -> Bool[np.ndarray, " N"]:
        """Which rows are of a split."""
        return self.trained if split == "trained" else ~self.trained

    def column(self, name: str, places: Places) -> list[Any]:
        """Some values of a column."""
        found: list[Any] = self.table[name].take(places).to_pylist()
        return found

    def groups(self, places: Places) -> list[str | None] | None:
        """The groups of some rows; None where nobody has any."""
        return self.column("group", places) if "group" in self.table.column_names else None

    def rows(self, places: Places) -> Iterator[dict[str, Any]]:
        """Some rows as they are shown."""
        yield from self.table.take(places).to_pylist()


def judge_signal(own: pa.Table, card: Mapping[str, Any], whose: Whose, shut: bool) -> Judged:
    """The rows of a signal, with conformal p-values and q-values.

    Arguments:
        own: Its rows of the evidence.
        card: Its card.
        whose: Who stands on which image; a prompt shows nobody.
        shut: Whether the gate is shut: then nobody has a p-value.
    """
    kept = [name for name in SCORES.names if name in own.column_names]
    columns = {name: _plain(own[name]) for name in (*kept, "content")}
    trained, ok = _is(columns["split"], "trained"), _is(columns["status"], "ok")
    shared = columns["prompt" if card["per"] == "prompt" else "content"]
    first, of_trained = _firsts(columns["id"], shared, trained, ok)
    alone = first == np.arange(len(first))
    copy = np.where(ok & ~alone, first, -1)
    out = ok & ~trained & (of_trained >= 0)
    ids = columns["id"]
    columns["copy_of"] = _taken(ids, copy)
    what = "has the prompt of" if card["per"] == "prompt" else "is"
    notes = columns["note"].to_pylist() if out.any() else []
    for place in np.flatnonzero(out).tolist():
        notes[place] = f'It {what} the training image "{ids[int(of_trained[place])].as_py()}".'
    if notes:
        columns["note"] = pa.array(notes, pa.string())
        columns["status"] = pc.if_else(pa.array(out), EXCLUDED, columns["status"])
    if whose and card["per"] != "prompt":
        named = {
            split: whose.of(split, ids.filter(pa.array(mask)).to_pylist()) or []
            for split, mask in (("trained", trained), ("held_out", ~trained))
        }
        columns["group"] = _merged(trained, named["trained"], named["held_out"])
    judged = Judged(card, pa.table(columns), trained, copy)
    return Judged(card, _with_p(judged, shut), trained, copy)


def _with_p(judged: Judged, shut: bool) -> pa.Table:
    """The table with p- and q-values of the trained images that have a value."""
    asked = np.flatnonzero(judged.trained & judged.has("ok"))
    null = np.flatnonzero(~judged.trained & judged.counts)
    names = ["p_value", "q_value", *(COLUMNS.names[1:] if judged.groups(null) is not None else ())]
    found = {name: np.full(len(judged.table), np.nan) for name in names}
    if len(asked) and len(null) and not shut:
        place = np.cumsum(judged.trained & judged.has("ok")) - 1
        copies = [None if n < 0 else int(place[n]) for n in judged.copy[asked].tolist()]
        far, fresh, others = judged.distance[asked], judged.distance[null], judged.groups(null)
        some = [*p_and_q_once(far, fresh, copies, others)]
        if (named := judged.groups(asked)) is not None:
            some += subjects_once(far, fresh, copies, named, others)
        for name, values in zip(names, some, strict=True):
            found[name][asked] = values
    table = judged.table
    for name, values in found.items():
        table = table.append_column(name, pa.array(values, pa.float64(), from_pandas=True))
    return table


def _firsts(
    ids: pa.Array, shared: pa.Array, trained: Bool[np.ndarray, " N"], ok: Bool[np.ndarray, " N"]
) -> tuple[Places, Places]:
    """For each row the first of its split that shares its value, and that of the trained images.

    That is the first by its id that has a value. Which one must not hang on the value: the best of
    sixteen copies is lucky by choice. -1 where no trained image shares it.
    """
    values = shared.dictionary_encode("encode").indices.to_numpy(zero_copy_only=False)
    key = 2 * values.astype(np.int64) + trained
    order = np.lexsort((codes(ids)[0], ~ok, key))
    different, start = np.unique(key[order], return_index=True)
    first = np.full(2 * (int(values.max(initial=-1)) + 1), -1, dtype=np.int64)
    first[different] = order[start]
    return first[key], first[key | 1]


def _plain(column: pa.ChunkedArray) -> pa.Array:
    """A column in one piece, of the type that we write."""
    is_text = not pa.types.is_floating(column.type)
    return text(column) if is_text else column.combine_chunks().cast(pa.float64())


def _is(column: Any, word: str) -> Bool[np.ndarray, " N"]:
    found: np.ndarray = pc.fill_null(pc.equal(column, word), False).to_numpy(zero_copy_only=False)
    return found


def _taken(ids: pa.Array, places: Places) -> pa.Array:
    """The ids of some places; null where the place is -1."""
    return ids.take(pa.array(np.maximum(places, 0), mask=places < 0))


def _merged(first: Bool[np.ndarray, " N"], yes: list[Any], no: list[Any]) -> pa.Array:
    """One column of two: what is true takes the next of the first."""
    found = np.empty(len(first), dtype=object)
    found[first], found[~first] = yes, no
    return pa.array(found.tolist(), pa.string())
