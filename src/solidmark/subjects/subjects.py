"""Whom a model is asked about: images that it was trained on, and images that it never saw.

They are shown as the model saw them, in their frames where they were marked. So a control and a
model are asked the same, wherever the images come from.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any, cast

from solidmark.data import (
    Mode,
    Records,
    Resolution,
    Sample,
    class_numbers,
    content_hash,
    identity_of,
    open_data,
)
from solidmark.diffusion import Model
from solidmark.errors import BadInput, BrokenImage, UnknownName
from solidmark.generating.prompts import is_captioned
from solidmark.marks import Marked, find_marked, keep_ids
from solidmark.models import Opening, control_samples, open_model
from solidmark.models.fit import check_fit, check_stated_fit
from solidmark.models.foreseen import Foreseen
from solidmark.models.text import no_caption
from solidmark.randomness import digest, uniform
from solidmark.types import Images, MarkedImages

SPLITS = ("trained", "held_out")

SIZED = 5
"""How many images are looked at to know the size of all."""


@dataclass(frozen=True)
class Numbered:
    """A data set whose classes have numbers.

    Arguments:
        data: The images.
        caption: What stands in for the caption of an image that has none.
        classes: The number of each class by its name.
    """

    data: Records
    caption: str | None
    classes: dict[str, int]

    @property
    def ids(self) -> list[str]:
        return self.data.ids

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, index: int) -> Sample:
        sample = self.data[index]
        caption = self.caption if sample.caption is None else sample.caption
        number = None if sample.label is None else self.classes.get(sample.label)
        return replace(sample, caption=caption, class_index=number)

    @property
    def identity(self) -> str:
        return identity_of(self.data)

    def uncaptioned(self, ids: Sequence[str]) -> str | None:
        """The first of these images that has no caption, its own or the one that stands in."""
        if self.caption is not None:
            return None
        without = {record.id for record in self.data.records if record.caption is None}
        return next((id for id in ids if id in without), None)

    def words(self) -> dict[str, tuple[str | None, str | None]]:
        """The caption and the class of every image; none is read."""
        return {
            record.id: (self.caption if record.caption is None else record.caption, record.label)
            for record in self.data.records
            if record.flaw is None
        }


@dataclass(frozen=True)
class MarkedSplit:
    """One split of a marked folder, in its frames.

    Arguments:
        marked: The folder.
        ids: Which of its images.
    """

    marked: Marked
    ids: list[str]

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, index: int) -> Sample:
        return self.marked.sample(self.ids[index])

    @property
    def identity(self) -> str:
        splits = [split for split in SPLITS if set(self.ids) & set(self.marked.ids(split, None))]
        prints = self.marked.fingerprints(*splits)
        return digest(0, "marked", *prints.values(), *self.ids).hex()[:16]

    def uncaptioned(self, ids: Sequence[str]) -> str | None:
        """The first of these images that has no caption, its own or the one that stands in."""
        return next((id for id in ids if not self.marked.has_caption(id)), None)

    def words(self) -> dict[str, tuple[str | None, str | None]]:
        """The caption and the class of every image; none is read."""
        return {id: self.marked.words(id) for id in self.ids}


@dataclass(frozen=True)
class Subjects:
    """The images that a model is asked about.

    Arguments:
        data: Those of each split.
        chosen: Which of them are asked about, by split, sorted.
        marked: The folder of `solidmark mark` that they come from, if they do.
        one_size: Whether an image of another size than the others counts as broken.
    """

    data: dict[str, Numbered | MarkedSplit]
    chosen: dict[str, list[str]]
    marked: Marked | None = None
    one_size: bool = False

    @cached_property
    def _places(self) -> dict[str, dict[str, int]]:
        return {
            split: {id: place for place, id in enumerate(data.ids)}
            for split, data in self.data.items()
        }

    @property
    def splits(self) -> list[str]:
        """Those that have images."""
        return [split for split in SPLITS if self.ids(split)]

    def of_one_size(self, verb: str) -> "Subjects":
        """These, once it is checked that those of a marked folder have one size.

        Arguments:
            verb: The command that takes no others.

        Raises:
            BadInput: When they were marked in buckets.
        """
        if self.marked is not None:
            self.marked.require_one_size(verb)
        return self

    def ids(self, split: str) -> list[str]:
        """The ids of a split, sorted; none where there is no such split."""
        return self.chosen.get(split, [])

    def sample(self, split: str, id: str) -> Sample:
        """An image as the model was shown it, with caption and class.

        Raises:
            BrokenImage: When it cannot be read, or is not of the one size. The caller counts it
                and goes on.
        """
        found = self._read(split, id)
        if self.one_size and found.image.shape != self.size:
            raise BrokenImage(
                f'"{id}" has {_shape(found.image.shape)}, others {_shape(self.size)}. '
                "Give --resolution."
            )
        return found

    def _read(self, split: str, id: str) -> Sample:
        return self.data[split][self._places[split][id]]

    def crop(self, images: MarkedImages) -> Images:
        """Images without their frames, where they have some."""
        return images if self.marked is None else self.marked.pattern.crop(images)

    @cached_property
    def size(self) -> tuple[int, int, int]:
        """Channels, height and width of the images, in their frames: those of most of the first.

        Raises:
            BadInput: When none can be read.
        """
        if self.marked is not None:
            return (self.marked.channels, *self.marked.marked_size)
        found: Counter[tuple[int, int, int]] = Counter()
        for id in sorted(self.data["trained"].ids):
            try:
                channels, height, width = self._read("trained", id).image.shape
            except BrokenImage:
                continue
            found[int(channels), int(height), int(width)] += 1
            if found.total() == SIZED:
                break
        if not found:
            raise BadInput("None of the trained images can be read. Name others.")
        return found.most_common(1)[0][0]

    def readable(self, split: str, most: int | None = None) -> list[Sample]:
        """The images of a split that are not damaged, the first of them.

        Raises:
            BadInput: When there are none.
        """
        found: list[Sample] = []
        for id in self.ids(split):
            if most is not None and len(found) == most:
                break
            try:
                found.append(self.sample(split, id))
            except BrokenImage:
                continue
        if not found:
            raise BadInput(f"None of the {split} images can be read{self._why(split)}.")
        return found

    def _why(self, split: str) -> str:
        """What is wrong with the first of them."""
        for id in self.ids(split)[:1]:
            try:
                self.sample(split, id)
            except BrokenImage as error:
                return f": {str(error).removesuffix('.')}"
        return ". Name others"

    def copies(self) -> dict[tuple[str, str], str]:
        """For each copy, by split and id, the first image of the same pixels in that split.

        Frames are cut off, since each copy has a key of its own. Decodes every image.
        """
        found: dict[tuple[str, str], str] = {}
        for split in self.splits:
            first: dict[str, str] = {}
            for sample in self.readable(split):
                same = first.setdefault(content_hash(self.crop(sample.image[None])[0]), sample.id)
                if same != sample.id:
                    found[split, sample.id] = same
        return found

    def fingerprint(self) -> dict[str, str]:
        """What a run is recognised by: the images and their words, and which of them are asked."""
        found = {} if self.marked is None else self.marked.fingerprints(*self.splits)
        for split in self.splits:
            found[f"{split}_ids"] = digest(0, "ids", *self.ids(split)).hex()[:16]
            if self.marked is None:
                found[split] = identity_of(self.data[split])
        return found


def open_subjects(
    images: str,
    held_out: str | None = None,
    *,
    caption: str | None = None,
    limit: int | None = None,
    seed: int = 0,
    splits: Sequence[str] = SPLITS,
    resolution: Resolution | None = None,
    mode: Mode | None = None,
    window: str = "full",
    hash_ids: Path | None = None,
    one_size: bool = False,
) -> Subjects:
    """Opens the images that a model is asked about.

    Arguments:
        images: A folder of `solidmark mark`, both of whose halves are asked about; or any data
            source that the model was trained on.
        held_out: Of a data source: images of the same kind that the model never saw.
        caption: What stands in for the caption of an image that has none.
        limit: At most so many images of each split, drawn at random.
        seed: Of that choice.
        splits: Which splits are asked about.
        resolution: Of a data source: the side in pixels that all images are scaled to.
        mode: Of a data source: "RGB" or "L".
        window: Which values of deep pictures are black and white ("full", "used", "LOW:HIGH").
        hash_ids: Of a data source: the secret by which ids are hashed.
        one_size: Whether an image of another size than the others counts as broken.

    Raises:
        NotFound: When there is no such data.
        BadInput: When a marked folder is to be changed, or has none of the images asked for.
        UnknownName: When there is no such split.
    """
    for split in splits:
        if split not in SPLITS:
            raise UnknownName("split", split, SPLITS)
    marked = find_marked(images)
    data: dict[str, Numbered | MarkedSplit] = {}
    if marked is not None:
        changed = resolution is not None or mode is not None or window != "full"
        if held_out is not None or changed:
            raise BadInput(
                f'"{images}" was marked with its own held-out half, size and mode. '
                "Leave --held-out, --resolution, --mode and --window out."
            )
        keep_ids(marked, hash_ids)
        marked = replace(marked, caption=caption)
        data = {split: MarkedSplit(marked, sorted(marked.ids(split))) for split in splits}
    else:
        places = {"trained": images, "held_out": held_out}
        read = partial(open_data, resolution=resolution, mode=mode, window=window)
        records = {
            split: read(where, keep_grey=False, hash_ids=hash_ids)
            for split in splits
            if (where := places[split]) is not None
        }
        numbers = class_numbers(  # One numbering for both splits.
            (one.label, one.class_number) for found in records.values() for one in found.records
        )
        data = {split: Numbered(found, caption, numbers) for split, found in records.items()}
    chosen = {split: choose(found.ids, limit, seed) for split, found in data.items()}
    if not any(chosen.values()):
        raise BadInput(f'"{images}" has no {" or ".join(splits)} images. Name others.')
    return Subjects(data, chosen, marked, one_size)


def open_subject_model(name: str, opening: Opening, subjects: Subjects, seed: int) -> Model:
    """Opens a model and checks that it was made for images like these.

    Arguments:
        name: A pipeline folder, a hub id, or a control (`memorizer`, `gaussian`, `average`,
            `average-per-caption`): it is made of the trained images.
        opening: Where and in what it runs, and what is added to it.
        subjects: The images.
        seed: Of what the control `gaussian` is made of.

    Raises:
        BadInput: When channels or sizes differ, or an image has no caption that the model needs.
    """
    if subjects.marked is not None:
        check_stated_fit(name, subjects.marked)
    model = open_model(name, opening, control_samples=lambda kind: _control(subjects, kind, seed))
    check_subjects_fit(model, subjects)
    for split in subjects.splits if not isinstance(model, Foreseen) else ():
        subjects.readable(split, 1)
    if is_captioned(model):
        for split in subjects.splits:
            id = subjects.data[split].uncaptioned(subjects.ids(split))
            if id is not None:
                raise no_caption(id)
    return model


def check_subjects_fit(model: Model, subjects: Subjects) -> None:
    """Checks that a model was made for images like these.

    To foresee it no image is read, so only what a marked folder says of its images counts.

    Raises:
        BadInput: When channels or sizes differ.
    """
    if not isinstance(model, Foreseen) or subjects.marked is not None:
        channels, height, width = subjects.size
        check_fit(model, channels, (height, width), subjects.marked)


def first_for(model: Model, subjects: Subjects) -> Sample:
    """The image by which a model is judged; one that is only foreseen looks at none."""
    if isinstance(model, Foreseen):
        return Sample("", cast(Any, None), "")
    return subjects.readable("trained", 1)[0]


def _control(subjects: Subjects, kind: str, seed: int) -> list[Sample]:
    """What a control is made of."""
    if subjects.marked is not None:
        return control_samples(subjects.marked, kind, seed)
    # All that the model would know, not only those that it is asked about.
    every = replace(subjects, chosen={"trained": sorted(subjects.data["trained"].ids)})
    return list(every.readable("trained"))


def _shape(size: Sequence[int]) -> str:
    channels, height, width = size
    return f"{channels} x {height} x {width} numbers"


def choose(ids: Sequence[str], limit: int | None, seed: int) -> list[str]:
    """A random but fixed choice of ids, sorted.

    Arguments:
        ids: All of them.
        limit: At most so many; None = all.
        seed: Of the choice.
    """
    if limit is None or len(ids) <= limit:
        return sorted(ids)
    return sorted(sorted(ids, key=lambda id: uniform(seed, "limit", id))[:limit])
