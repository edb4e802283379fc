"""The files of a search for duplicates: the groups, what to remove, and the counts."""

import base64
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from jaxtyping import Float
from numpy.typing import NDArray

from solidmark.data import Dataset, Signature
from solidmark.measures.copies.closest import Closest
from solidmark.measures.copies.components import KINDS, Copy
from solidmark.measures.copies.counting import share_of
from solidmark.measures.copies.deduplication import Deduplication
from solidmark.measures.copies.looking import Looked
from solidmark.measures.copies.shown import keep_pictures
from solidmark.measures.nearest.tables import write_table
from solidmark.runs import Figure, Run, typed, write_bytes, write_results
from solidmark.scores.closeness import closeness
from solidmark.scores.thresholds import fixed_thresholds
from solidmark.verdicts.groups import judge_duplicates

DUPLICATES = pa.schema(
    [
        *typed(pa.string(), "id", "group", "kind"),
        ("keep", pa.bool_()),
        *typed(pa.float64(), "similarity", "distance"),
        *typed(pa.int64(), "height", "width"),
        ("content", pa.string()),
    ]
)
"""The columns of `duplicates.parquet`: a row for each image of a group of two or more."""

CLOSEST = pa.schema(
    [
        *typed(pa.string(), "measure", "id", "nearest"),
        *typed(pa.float64(), "distance", "similarity"),
    ]
)
"""The columns of `closest.parquet`: a row a measure and image."""

SPLITS = ("train_vs_train", "", "")

SOMEPALLI = 0.5
"""The similarity above which Somepalli et al. (2023) count an image as a copy."""

GROUPS = 40
"""Groups whose pictures are kept for the page, the largest."""

MEMBERS = 8
"""Pictures that are kept of each."""

_COMPLETE = "All images were compared: a count, not an estimate."
_TWICE = (
    "Two images that are each other's nearest are one fact and count twice, so the interval is "
    "rather too narrow."
)


def write_duplicates(
    run: Run,
    asked: Deduplication,
    data: Dataset,
    images: Sequence[Looked],
    broken: Mapping[str, str],
    copies: Sequence[Copy],
    similarity: Float[NDArray[np.float64], " C"] | None,
    closest: Sequence[Closest],
    searched: Sequence[Figure] = (),
) -> dict[str, Any]:
    """Writes all files but the page.

    Arguments:
        similarity: Of each of them to the kept one of its group, where there is an embedder.
        closest: The nearest other image of each, by each measure.
        searched: What an approximate search finds.

    Returns:
        What is in `results.json`.
    """
    out = run.folder
    write_table(out / "duplicates.parquet", [_table(images, copies, similarity)], DUPLICATES)
    if closest:
        write_table(out / "closest.parquet", [_closest(images, one) for one in closest], CLOSEST)
    removed = sorted(images[copy.number].id for copy in copies if copy.kind is not None)
    lines = "".join(f"{_one_line(id)}\n" for id in removed)
    write_bytes(out / "remove.txt", lines.encode("utf-8", "backslashreplace"))
    contents = {one.number: one.content for one in images}
    shown = {number: contents[number] for number in _shown(images, copies)}
    keep_pictures(out, data, shown)
    counts = _counts(asked, images, copies, similarity)
    return write_results(
        out,
        run.manifest,
        [*counts, *searched, *(row for one in closest for row in _closeness(asked, one))],
        verdict=judge_duplicates([*counts, *searched]),
        failed=int(sum(np.isnan(one.distance).sum() for one in closest)),
        measures={one.by.name: one.by.card() for one in closest},
        quarantined=len(broken),
        broken=dict(sorted(broken.items())),
    )


def grey_distance(one: Signature, two: Signature) -> float:
    """The root mean square difference of two thumbnails of 16 x 16 grey levels, in [0, 1]."""
    a, b = (
        np.frombuffer(base64.b64decode(s.grey), dtype=np.uint8).astype(np.float64) / 255
        for s in (one, two)
    )
    return float(np.sqrt(((a - b) ** 2).mean()))


def _table(
    images: Sequence[Looked],
    copies: Sequence[Copy],
    similarity: Float[NDArray[np.float64], " C"] | None,
) -> pa.Table:
    members = [images[copy.number] for copy in copies]
    kept = [images[copy.kept] for copy in copies]
    columns = {
        "id": [image.id for image in members],
        "group": [copy.group for copy in copies],
        "kind": [copy.kind for copy in copies],
        "keep": [copy.kind is None for copy in copies],
        "similarity": pa.nulls(len(copies), pa.float64())
        if similarity is None
        else pa.array(similarity, from_pandas=True),
        "distance": [
            grey_distance(image.signature, other.signature)
            for image, other in zip(members, kept, strict=True)
        ],
        "height": [image.size[0] for image in members],
        "width": [image.size[1] for image in members],
        "content": [image.content for image in members],
    }
    return pa.table(columns, schema=DUPLICATES)


def _closest(images: Sequence[Looked], one: Closest) -> pa.Table:
    count = len(images)
    similar = one.by.direction == "high"
    columns = {
        "measure": [one.by.name] * count,
        "id": [image.id for image in images],
        "nearest": [images[n].id if n >= 0 else None for n in one.nearest],
        "distance": pa.array(one.distance, from_pandas=True),
        "similarity": pa.array(1 - one.distance, from_pandas=True)
        if similar
        else pa.nulls(count, pa.float64()),
    }
    return pa.table(columns, schema=CLOSEST)


def _one_line(id: str) -> str:
    """An id that holds line breaks or the like is written as JSON, so that it is one line."""
    return id if id.isprintable() else json.dumps(id)


def _shown(images: Sequence[Looked], copies: Sequence[Copy]) -> list[int]:
    groups: dict[str, list[int]] = {}
    for copy in copies:
        groups.setdefault(copy.group, []).append(images[copy.number].number)
    return [number for some in list(groups.values())[:GROUPS] for number in some[:MEMBERS]]


def _counts(
    asked: Deduplication,
    images: Sequence[Looked],
    copies: Sequence[Copy],
    similarity: Float[NDArray[np.float64], " C"] | None,
) -> list[Figure]:
    n = len(images)
    about: dict[str, Any] = {"measure": "duplicates", "split": "training", "n": n}
    sizes = Counter(copy.group for copy in copies)
    kinds = Counter(copy.kind for copy in copies if copy.kind is not None)
    used = [kind for kind in KINDS if _is_asked(asked, kind)]
    census: dict[str, Any] = {**about, "statistic": "copies", "sampled": False}
    groups, largest = len(sizes), max(sizes.values(), default=1)
    figures = [
        Figure(**about, statistic="images", value=n, unit="images", note=_COMPLETE),
        Figure(
            **about, statistic="groups", value=groups, unit="groups", count=groups, note=_COMPLETE
        ),
        Figure(**about, statistic="largest_group", value=largest, unit="images"),
        share_of(**census, count=len(copies) - groups, facts={"kind": None}, note=_COMPLETE),
    ]
    figures += [share_of(**census, count=kinds[kind], facts={"kind": kind}) for kind in used]
    if similarity is not None:
        chained = int(
            (similarity < asked.above - 1e-6)[[c.kind == "embedding" for c in copies]].sum()
        )
        note = (
            "Copies that are tied to the kept image of their group by others only, and less "
            "similar to it than --above: look at them before you remove them."
        )
        own = {**census, "statistic": "chained", "direction": None}
        figures.append(share_of(**own, count=chained, note=note))
    return figures


def _is_asked(asked: Deduplication, kind: str) -> bool:
    return {"near": asked.near, "embedding": asked.embedder is not None}.get(kind, True)


def _closeness(asked: Deduplication, one: Closest) -> list[Figure]:
    """How close images come to their nearest other one: the figures of one measure."""
    if np.isnan(one.distance).all():
        return []
    thresholds = set(fixed_thresholds(one.by.name))
    if one.by.direction == "high":
        thresholds |= {SOMEPALLI, asked.above}
    rows = closeness(
        one.distance,
        measure=one.by.name,
        direction=one.by.direction,
        thresholds=sorted(thresholds),
        seed=asked.seed,
        splits=SPLITS,
    )
    return [row if row.interval is None else row.noting(_TWICE, last=True) for row in rows]
