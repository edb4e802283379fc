"""The keys of a marked folder, as scores need them: on their exact levels, a row an image."""

from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from jaxtyping import Bool, Float, Int, UInt8

from solidmark.errors import BadInput, WrongKeys
from solidmark.runs import doubled
from solidmark.scores.columns import Column, codes, numbers, text
from solidmark.scores.null import LEVELS

_KEYS = ("id", "split", "group", "key_group", "key")
_TOLD = ("class", "caption", "bucket")


@dataclass(frozen=True)
class ImageKeys:
    """What the keys say of the images, N of them.

    Arguments:
        ids: The images.
        splits: "trained" or "held_out".
        groups: The images that each is a copy of, by a name; null where it is none.
        key_groups: The images that it shares its key with, by a name.
        levels: The keys as grey levels in 0 ... 255, with shape (N, M).
        is_marked: Which images have a key; the others were left without a mark.
        told: The number of its class, of its caption and of its bucket, 0 where it has none, with
            shape (N, 3): what a model may be told of it. The size of an image it always sees.
    """

    ids: pa.Array = field(repr=False)
    splits: pa.Array = field(repr=False)
    groups: pa.Array = field(repr=False)
    key_groups: pa.Array = field(repr=False)
    levels: UInt8[np.ndarray, "N M"] = field(repr=False)
    is_marked: Bool[np.ndarray, " N"] = field(repr=False)
    told: Int[np.ndarray, "N 3"] = field(repr=False)

    def places(self, ids: Column, asked: Column) -> Int[np.ndarray, " A"]:
        """Where the images stand that were asked about.

        Arguments:
            ids: The images.
            asked: As one of which split each was asked.

        Raises:
            WrongKeys: When one has no key, or the keys say another split.
        """
        found = pc.index_in(text(ids), value_set=self.ids)
        lacks = found.is_null().to_numpy(zero_copy_only=False)
        place = found.fill_null(0).to_numpy() if len(self.ids) else np.zeros(len(lacks), int)
        unmarked = np.append(~self.is_marked, True)[np.where(lacks, -1, place)]
        wanted = text(asked)
        wanted = pc.if_else(pc.equal(wanted, "ceiling"), "trained", wanted)
        told = self.splits.take(pa.array(place[~lacks]))
        other = np.zeros(len(lacks), dtype=bool)
        other[~lacks] = pc.not_equal(wanted.filter(pa.array(~lacks)), told).to_numpy(
            zero_copy_only=False
        )
        wrong = np.flatnonzero(lacks | unmarked | other)
        if len(wrong):
            row = int(wrong[0])
            id, said = ids[row].as_py(), asked[row].as_py()
            if lacks[row] or unmarked[row]:
                lack = "is not in the keys" if lacks[row] else "was left without a mark"
                raise WrongKeys(
                    f'The image "{id}" {lack}. Use the keys of the images that were asked.'
                )
            raise WrongKeys(
                f'The image "{id}" was asked as "{said}", but the keys say '
                f'"{self.splits[int(place[row])].as_py()}". Use the keys of the same marked folder.'
            )
        return place.astype(np.int64)


def image_keys(keys: pa.Table) -> ImageKeys:
    """The keys by image. A file may hold them in single precision.

    Arguments:
        keys: The table `keys.parquet`, with the columns `class` and `caption` beside it where the
            images have any (`Marked.told`), and `bucket` where they were sorted into some.

    Raises:
        BadInput: When a column is missing.
        WrongKeys: When an id stands there twice, a key is on no level, or images have different
            numbers of keys.
    """
    require_columns("keys", keys, _KEYS)
    if (row := doubled(keys, ("id",))) is not None:
        raise WrongKeys(f'The keys hold the image "{row["id"]}" twice. Mark the data again.')
    ids = text(keys["id"])
    lengths = pc.fill_null(pc.list_value_length(keys["key"]), 0).to_numpy()
    is_marked = lengths > 0
    values = numbers(keys["key"].filter(pa.array(is_marked)).combine_chunks().flatten())
    _require_levels(values, ids, lengths)
    different = np.unique(lengths[is_marked]).tolist()
    if len(different) > 1:
        raise WrongKeys(
            f"The images have different numbers of keys: {different}. "
            "One table holds the keys of one pattern."
        )
    count = different[0] if different else 0
    levels = np.zeros((len(ids), count), dtype=np.uint8)
    levels[is_marked] = np.rint(values * (LEVELS - 1)).astype(np.uint8).reshape(-1, count or 1)
    told = [
        _words(keys[name]) if name in keys.column_names else np.zeros(len(ids), np.int64)
        for name in _TOLD
    ]
    splits, groups, key_groups = (text(keys[name]) for name in ("split", "group", "key_group"))
    return ImageKeys(ids, splits, groups, key_groups, levels, is_marked, np.stack(told, axis=1))


def subjects_of(groups: pa.Array, key_groups: pa.Array) -> pa.Array:
    """Whom pictures show, as one name each: their group, else themselves with their copies."""
    groups = pc.if_else(pc.equal(groups, ""), pa.scalar(None, pa.string()), groups)
    pictures = pc.binary_join_element_wise("picture", key_groups, " ")
    return pc.coalesce(pc.binary_join_element_wise("group", groups, " "), pictures)


def require_columns(name: str, table: pa.Table, columns: tuple[str, ...]) -> None:
    """Says which columns a table lacks.

    Raises:
        BadInput: When it lacks any.
    """
    missing = [column for column in columns if column not in table.column_names]
    if missing:
        raise BadInput(
            f"The {name} lack the column {', '.join(missing)}. "
            f"Found: {', '.join(table.column_names)}."
        )


def _words(column: Column) -> Int[np.ndarray, " N"]:
    """A number for each text, 0 where there is none."""
    found, names = codes(pc.fill_null(text(column), ""))
    return found if len(names) and names[0].as_py() == "" else found + 1


def _require_levels(
    values: Float[np.ndarray, " K"], ids: pa.Array, lengths: Int[np.ndarray, " N"]
) -> None:
    top = LEVELS - 1
    # Written so that NaN fails too.
    good = (values >= -1e-6) & (values <= 1 + 1e-6)
    good &= np.abs(values * top - np.rint(values * top)) < 1e-4
    if not good.all():
        first = int(np.argmin(good))
        row = int(np.searchsorted(np.cumsum(lengths), first, side="right"))
        raise WrongKeys(
            f'The image "{ids[row].as_py()}" has the key "{float(values[first])}", which is none '
            "of 0/255 ... 255/255. The p-values hold for keys drawn from these."
        )
