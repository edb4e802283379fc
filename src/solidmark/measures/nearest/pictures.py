"""The pictures that the page shows, copied once, since the page asks nothing of the sources."""

from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from solidmark.data import Sample, to_picture
from solidmark.errors import BrokenImage, RunConflict
from solidmark.marks.images import write_image
from solidmark.measures.nearest.gathering import AGAIN, Gathered
from solidmark.measures.nearest.tables import SCHEMAS
from solidmark.runs import read_table, write_json
from solidmark.types import Image

PAIRS = 48
"""How many of the closest pairs of each measure are kept."""

NULL_PAIRS = 10

SIDE = 256
"""Larger pictures are made this small."""


def write_pictures(out: Path, gathered: Mapping[str, Gathered]) -> None:
    """Writes `pictures/` and `pictures/index.json`: by side and id, where the picture lies."""
    wanted: dict[str, set[str]] = {name: set() for name in gathered}
    null_side = "held_out" if "held_out" in gathered else "training"
    for name, side, base, most in (
        ("scores", "generated", "training", PAIRS),
        ("images", "training", "generated", PAIRS),
        ("null", null_side, "training", NULL_PAIRS),
    ):
        table = read_table(out / f"{name}.parquet", SCHEMAS[name], AGAIN)
        if name == "images":
            table = table.filter(pc.equal(table["split"], "trained"))
        for row in _closest(table, most):
            wanted[side].add(row["id"])
            wanted[base].add(row["nearest"])
    index: dict[str, dict[str, str]] = {}
    for name, ids in wanted.items():
        numbers = {id: number for number, id in enumerate(gathered[name].column("id"))}
        contents = gathered[name].column("content")
        index[name] = {}
        for id in sorted(ids):
            path = f"pictures/{name}/{numbers[id]:06d}.png"
            try:
                sample = gathered[name].data[numbers[id]]
                image = as_compared(out, sample, contents[numbers[id]])
            except BrokenImage:
                continue  # It could be read before; the page says that it cannot be shown.
            write_image(out / path, _small(image))
            index[name][id] = path
    write_json(out / "pictures" / "index.json", index)


def as_compared(out: Path, sample: Sample, content: str) -> Image:
    """A picture that is read again to be shown.

    Arguments:
        out: The folder of the run.
        content: The hash of the pixels that were compared.

    Raises:
        RunConflict: When it is another one.
    """
    if sample.content != content:
        raise RunConflict(
            f'"{sample.id}" has changed since this run began. Put it back, or remove "{out}" and '
            "run the same command again."
        )
    return sample.image


def _closest(table: pa.Table, most: int) -> list[dict[str, str]]:
    """The ids of the closest pairs of every measure."""
    good = table.filter(pc.equal(table["status"], "ok"))
    if "copy_of" in good.column_names:
        good = good.filter(pc.is_null(good["copy_of"]))
    rows: list[dict[str, str]] = []
    for measure in pc.unique(good["measure"]).to_pylist():
        own = good.filter(pc.equal(good["measure"], measure))
        first = own.sort_by([("distance", "ascending"), ("id", "ascending")]).slice(0, most)
        rows += first.select(["id", "nearest"]).to_pylist()
    return rows


def _small(image: Image) -> Image:
    from solidmark.data import to_tensor

    picture = to_picture(image)
    picture.thumbnail((SIDE, SIDE))
    return to_tensor(picture)
