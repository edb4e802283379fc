"""The keys of a marked folder, as scores need them: on their exact levels, by image."""

from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa

from solidmark.errors import BadInput, WrongKeys
from solidmark.scores.null import LEVELS

_KEYS = ("id", "split", "group", "key_group", "key")
_TOLD = ("class", "caption", "bucket")


@dataclass(frozen=True)
class ImageKey:
    """What the keys say of one image.

    Arguments:
        split: "trained" or "held_out".
        group: The images that it is a copy of, by a name; None where it is none.
        key_group: The images that it shares its key with, by a name.
        key: M grey levels in [0, 1]; None for an image that was left without a mark.
        told: Its class, its caption and its bucket, empty where it has none: what a model may be
            told of it. The size of an image it always sees.
    """

    split: str
    group: str | None
    key_group: str
    key: list[float] | None
    told: tuple[str, str, str] = ("", "", "")


def image_keys(keys: pa.Table) -> dict[str, ImageKey]:
    """The keys by image id. A file may hold them in single precision.

    Arguments:
        keys: The table `keys.parquet`, with the columns `class` and `caption` beside it where the
            images have any (`Marked.told`), and `bucket` where they were sorted into some.

    Raises:
        BadInput: When a column is missing.
        WrongKeys: When an id stands there twice, a key is on no level, or images have different
            numbers of keys.
    """
    require_columns("keys", keys, _KEYS)
    known: dict[str, ImageKey] = {}
    lengths = set()
    told = [name for name in _TOLD if name in keys.column_names]
    for row in keys.select([*_KEYS, *told]).to_pylist():
        if row["id"] in known:
            raise WrongKeys(f'The keys hold the image "{row["id"]}" twice. Mark the data again.')
        key = _on_levels(row["id"], row["key"]) if row["key"] else None
        lengths |= {len(key)} if key else set()
        label, caption, bucket = (str(row.get(name) or "") for name in _TOLD)
        known[row["id"]] = ImageKey(
            row["split"], row["group"], row["key_group"], key, (label, caption, bucket)
        )
    if len(lengths) > 1:
        raise WrongKeys(
            f"The images have different numbers of keys: {sorted(lengths)}. "
            "One table holds the keys of one pattern."
        )
    return known


def key_of(known: Mapping[str, ImageKey], id: str, asked: str) -> tuple[ImageKey, list[float]]:
    """The key of an image that was asked about as one of a split.

    Raises:
        WrongKeys: When it has none, or the keys say another split.
    """
    found = known.get(id)
    if found is None or found.key is None:
        lack = "is not in the keys" if found is None else "was left without a mark"
        raise WrongKeys(f'The image "{id}" {lack}. Use the keys of the images that were asked.')
    if ("trained" if asked == "ceiling" else asked) != found.split:
        raise WrongKeys(
            f'The image "{id}" was asked as "{asked}", but the keys say "{found.split}". '
            "Use the keys of the same marked folder."
        )
    return found, found.key


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


def _on_levels(id: str, key: list[float]) -> list[float]:
    top = LEVELS - 1
    for value in key:
        if not (-1e-6 <= value <= 1 + 1e-6 and abs(value * top - round(value * top)) < 1e-4):
            raise WrongKeys(
                f'The image "{id}" has the key "{value}", which is none of 0/255 ... 255/255. '
                "The p-values hold for keys drawn from these."
            )
    return [round(value * top) / top for value in key]
