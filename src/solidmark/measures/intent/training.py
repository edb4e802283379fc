"""The training images, looked at once: which are one picture, and what each is compared by."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy.typing import NDArray

from solidmark.data import Signature, group_duplicates, sign
from solidmark.errors import BadInput, BrokenImage
from solidmark.late import Tensor, torch
from solidmark.marks import file_stem, write_image
from solidmark.measures.intent.asking import Intent
from solidmark.randomness import digest
from solidmark.runs import progress
from solidmark.subjects import (
    TIE,
    Likeness,
    MarkedSplit,
    Subjects,
    choose,
    open_subjects,
    unrelated,
)
from solidmark.types import Image

SPLIT = "trained"
BATCH = 256
"""Images that are decoded, or rows that are compared, at a time."""

CALIBRATED_ON = 1000
"""Training pictures that thresholds are calibrated on, at most."""

PICTURES = "pictures/training"
"""Where the training images lie that a generation comes nearest to."""


@dataclass(frozen=True)
class Training:
    """The training images that can be read.

    Arguments:
        ids: Theirs, sorted.
        clusters: For each the first of its near-duplicates.
        captions: Of those that have one.
        labels: The classes, of those that have one.
        pairs: The likeness of pairs of different pictures; empty where there is one picture.
        quarantined: What could not be read, and why.
        content: The hash of all pixels.
    """

    ids: list[str]
    clusters: dict[str, str]
    captions: dict[str, str]
    labels: dict[str, str]
    rows: Float[Tensor, "N D"]
    pairs: Float[NDArray[np.float64], " P"]
    quarantined: dict[str, str]
    content: str

    @cached_property
    def _numbers(self) -> Int[Tensor, " N"]:
        """The number of each image's cluster."""
        number = {root: place for place, root in enumerate(sorted(set(self.clusters.values())))}
        return torch.tensor([number[self.clusters[id]] for id in self.ids])

    def nearest(
        self,
        likeness: Likeness,
        rows: Float[Tensor, "B D"],
        own: Int[Tensor, " B"] | None = None,
        nearer: Callable[[Float[Tensor, "B N"], Float[Tensor, "N D"]], Bool[Tensor, "B N"]]
        | None = None,
    ) -> list[tuple[int, float]]:
        """The place of the nearest training image of each row, and how alike the two are.

        Of images that are equally near, up to rounding, it is the first: which one the last digit
        prefers would differ from one copy of a picture to the next.

        Arguments:
            likeness: What compares.
            rows: Of the images that are asked about; all finite.
            own: The number of each one's own cluster, which does not count; None = all count.
            nearer: Says which likenesses to some training rows count; None = all.
        """
        best = torch.full((len(rows),), -torch.inf)
        kept = best.clone()
        place = torch.zeros(len(rows), dtype=torch.long)
        for start in range(0, len(self.ids), BATCH):
            found = likeness.between(rows, self.rows[start : start + BATCH])
            if own is not None:
                same = own[:, None] == self._numbers[None, start : start + BATCH]
                found = found.masked_fill(same, -torch.inf)
            if nearer is not None:
                counts = nearer(found, self.rows[start : start + BATCH])
                found = found.masked_fill(~counts, -torch.inf)
            value = found.amax(1)
            # The first of the largest; argmax of a mask says which.
            column = (found >= value[:, None] - TIE).int().argmax(1)
            better = value > kept + TIE
            kept = torch.where(better, found.gather(1, column[:, None])[:, 0], kept)
            place = torch.where(better, column + start, place)
            best = torch.maximum(best, value)
        return list(zip(place.tolist(), best.tolist(), strict=True))

    def picture(self, place: int) -> str:
        """The picture at a place, as the first of its near-duplicates."""
        return self.clusters[self.ids[place]]

    def nearest_two(
        self, likeness: Likeness, rows: Float[Tensor, "B D"]
    ) -> list[tuple[str, float, float | None]]:
        """The nearest picture of each row, and the likeness to another that it is near to as well.

        The other counts only where the row is nearer to it than the nearest image itself is, by
        more than rounding: a copy of one of several shots of a thing is near to all of them, and a
        copy still. An exact copy is as near to every other picture as its original is, a tie with
        each, so it has no other.

        Arguments:
            rows: Of the images that are asked about; all finite.

        Returns:
            Ids and the two likenesses; the second is None where there is no such other.
        """
        first = self.nearest(likeness, rows)
        places = [place for place, _ in first]
        copied = self.rows[places]
        others = self.nearest(
            likeness,
            rows,
            self._numbers[places],
            lambda found, some: found > likeness.between(copied, some) + TIE,
        )
        return [
            (self.picture(place), value, other if math.isfinite(other) else None)
            for (place, value), (_, other) in zip(first, others, strict=True)
        ]

    def left_out(self, likeness: Likeness, seed: int) -> list[tuple[str, str, float]]:
        """For some training pictures: the nearest other picture, and how alike the two are.

        Returns:
            Ids of the picture and the other, and their likeness; none where there is one picture.
        """
        roots = sorted(set(self.clusters.values()))
        if len(roots) < 2:
            return []
        place = {id: number for number, id in enumerate(self.ids)}
        chosen = choose(roots, CALIBRATED_ON, seed)
        found = []
        for start in range(0, len(chosen), BATCH):
            part = chosen[start : start + BATCH]
            here = [place[id] for id in part]
            answers = self.nearest(likeness, self.rows[here], self._numbers[here])
            found += [
                (id, self.picture(other), value)
                for id, (other, value) in zip(part, answers, strict=True)
            ]
        return found


def open_training(asked: Intent) -> Subjects:
    """The training images of a run, those of a marked folder that were left unmarked among them.

    Raises:
        NotFound: When there is no such data.
        BadInput: When a marked folder holds images of several sizes.
    """
    found = open_subjects(
        asked.training,
        caption=asked.caption,
        seed=asked.seed,
        splits=[SPLIT],
        resolution=asked.resolution,
        mode=asked.mode,
        window=asked.window,
        hash_ids=asked.hash_ids,
    ).of_one_size("intent")
    if found.marked is None:
        return found
    ids = sorted(found.marked.ids(SPLIT, marked=None))
    return replace(found, data={SPLIT: MarkedSplit(found.marked, ids)}, chosen={SPLIT: ids})


def gather(subjects: Subjects, likeness: Likeness, seed: int) -> Training:
    """Decodes and compares the training images. Broken ones are named, and the rest goes on.

    Arguments:
        subjects: The training images.
        likeness: What compares.
        seed: Of the choice of pictures for the calibration.

    Raises:
        BadInput: When none can be read.
    """
    ids = subjects.ids(SPLIT)
    chosen = set(choose(ids, CALIBRATED_ON, seed))
    signatures: dict[str, Signature] = {}
    captions: dict[str, str] = {}
    labels: dict[str, str] = {}
    rows: list[Float[Tensor, "B D"]] = []
    kept: dict[str, Image] = {}
    broken: dict[str, str] = {}
    with progress("training images", len(ids)) as advance:
        for start in range(0, len(ids), BATCH):
            batch: list[Image] = []
            for id in ids[start : start + BATCH]:
                try:
                    sample = subjects.sample(SPLIT, id)
                except BrokenImage as error:
                    broken[id] = str(error)
                    continue
                image = subjects.crop(sample.image[None])[0]
                batch.append(image)
                signatures[id] = sign(image)
                if sample.caption:
                    captions[id] = sample.caption
                if sample.label is not None:
                    labels[id] = sample.label
                if id in chosen:
                    kept[id] = image
            if batch:
                rows.append(likeness.rows(batch))
                if rows[-1].shape[1] != rows[0].shape[1]:
                    raise BadInput(
                        f"{likeness.name} compares pictures of one size, and the training images "
                        "have several. Name an embedder, or bring them to one with --resolution."
                    )
            advance(len(ids[start : start + BATCH]))
    if not rows:
        raise BadInput("None of the training images can be read. Name others.")
    read = list(signatures)
    clusters = group_duplicates(read, list(signatures.values()))
    different: dict[str, Image] = {}
    for id, image in kept.items():
        different.setdefault(clusters[id], image)
    pictures = list(different.values())
    pairs = unrelated(likeness, pictures, seed) if len(pictures) > 1 else np.empty(0)
    content = digest(0, *(f"{id} {signatures[id].content}" for id in read)).hex()[:16]
    return Training(read, clusters, captions, labels, torch.cat(rows), pairs, broken, content)


def write_original(subjects: Subjects, id: str, folder: Path) -> str:
    """Writes a training image without its frame; returns its path below the folder."""
    name = f"{PICTURES}/{file_stem(id)}.png"
    if not (folder / name).is_file():
        image = subjects.sample(SPLIT, id).image
        write_image(folder / name, subjects.crop(image[None])[0])
    return name
