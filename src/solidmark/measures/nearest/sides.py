"""The sets of images that are compared, from any data source, without the frames of a marking."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from solidmark.data import Dataset, Mode, Resolution, Sample, content_hash, identity_of, open_data
from solidmark.errors import BadInput
from solidmark.marks import Marked, Pattern, find_marked, keep_ids
from solidmark.runs import made_by, read_manifest
from solidmark.subjects import MarkedSplit


@dataclass(frozen=True)
class Cropped:
    """A data set whose images are cut out of their frames.

    Arguments:
        sizes: Height and width of images with their frames; images of another size have none.
    """

    data: Dataset
    pattern: Pattern
    sizes: Sequence[tuple[int, int]]

    @property
    def ids(self) -> list[str]:
        return self.data.ids

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, index: int) -> Sample:
        return cut_out(self.data[index], self.pattern, self.sizes)

    @property
    def identity(self) -> str:
        return identity_of(self.data)


def cut_out(sample: Sample, pattern: Pattern, sizes: Sequence[tuple[int, int]]) -> Sample:
    """Cuts an image out of its frame; one that is not of a size with a frame has none."""
    if tuple(sample.image.shape[-2:]) not in sizes:
        return sample
    image = pattern.crop(sample.image[None])[0]
    return replace(sample, image=image, content=content_hash(image))


@dataclass(frozen=True)
class Sides:
    """What is compared with what.

    Arguments:
        training: What it was trained on.
        held_out: Images of the same kind that it never saw; None when there are none.
    """

    generated: Dataset
    training: Dataset
    held_out: Dataset | None


@dataclass(frozen=True)
class Learned:
    """What a model was trained on, and what it was not.

    Arguments:
        training: The images that it was trained on, without frames.
        held_out: Images of the same kind that it never saw; None when there are none.
        mode: Of all images: "RGB" or "L".
        marked: The folder of `solidmark mark`, where the training set is one.
    """

    training: Dataset
    held_out: Dataset | None
    mode: Mode
    marked: Marked | None


def open_sides(
    generated: str,
    training: str,
    held_out: str | None = None,
    *,
    resolution: Resolution | None = None,
    mode: Mode | None = None,
    window: str = "full",
    limit: int | None = None,
    hash_ids: Path | None = None,
) -> Sides:
    """Opens what is compared.

    Where the training set is a folder of `solidmark mark`, its training half is taken, its other
    half is held out unless other images are named, and frames are cut off everywhere: images of
    the marked size have one, also among the generations.

    Arguments:
        generated: An image folder, or any data source.
        training: The same, or a folder of `solidmark mark`.
        held_out: The same; None where there are none.
        resolution: The side in pixels that all images are scaled to.
        mode: "RGB" or "L"; the kind of the marked images, else "RGB", when not given.
        window: Which values of deep pictures are black and white ("full", "used", "LOW:HIGH").
        limit: At most so many images of each, the first by their ids.
        hash_ids: The secret by which the ids of all but the generations are hashed.

    Raises:
        NotFound: When there is no such data.
        BadInput: When a marked folder is to be resized: its frames have one size.
        RunConflict: When the generations are not finished.
    """
    check_drawn(generated)
    learned = open_learned(
        training,
        held_out,
        resolution=resolution,
        mode=mode,
        window=window,
        limit=limit,
        hash_ids=hash_ids,
    )
    if learned.marked is not None:
        learned.marked.require_one_size("nearest")
    drawn = open_data(
        generated, resolution=resolution, mode=learned.mode, window=window, limit=limit
    )
    return Sides(_without_frames(drawn, learned.marked), learned.training, learned.held_out)


def open_learned(
    training: str,
    held_out: str | None = None,
    *,
    resolution: Resolution | None = None,
    mode: Mode | None = None,
    window: str = "full",
    limit: int | None = None,
    hash_ids: Path | None = None,
) -> Learned:
    """Opens what a model was trained on, and what was held out: as `open_sides` does.

    Raises:
        NotFound: When there is no such data.
        BadInput: When a marked folder is to be resized.
    """
    marked = find_marked(training)

    def read(where: str) -> Dataset:
        return open_data(
            where,
            resolution=resolution,
            mode=kind,
            window=window,
            limit=limit,
            hash_ids=hash_ids,
        )

    if marked is None:
        kind = mode or "RGB"
        train = read(training)
    else:
        keep_ids(marked, hash_ids)
        kind = mode or _mode(marked)
        train = _half(marked, "trained", resolution, mode, limit)
    other: Dataset | None = None
    if held_out is not None:
        other = _without_frames(read(held_out), marked)
    elif marked is not None and marked.ids("held_out", marked=None):
        other = _half(marked, "held_out", resolution, mode, limit)
    return Learned(train, other, kind, marked)


def open_side(
    where: str,
    *,
    resolution: Resolution | None = None,
    mode: Mode | None = None,
    window: str = "full",
    limit: int | None = None,
    hash_ids: Path | None = None,
) -> Dataset:
    """Opens one set of images: any data source, or the training half of a marked folder.

    Raises:
        NotFound: When there is no such data.
        BadInput: When a marked folder is to be resized.
    """
    marked = find_marked(where)
    if marked is None:
        return open_data(
            where,
            resolution=resolution,
            mode=mode or "RGB",
            window=window,
            limit=limit,
            hash_ids=hash_ids,
        )
    keep_ids(marked, hash_ids)
    return _half(marked, "trained", resolution, mode, limit)


def check_drawn(where: str) -> None:
    """Checks that a folder of `solidmark generate` is whole: half of one opens as plain images.

    Raises:
        RunConflict: When it is not finished.
    """
    if made_by(Path(where)) == "generate":
        read_manifest(Path(where), "generate")


def _half(
    marked: Marked, split: str, resolution: Resolution | None, mode: Mode | None, limit: int | None
) -> Dataset:
    if resolution is not None or mode not in (None, _mode(marked)):
        raise BadInput(
            f'"{marked.folder}" was marked at its own size, in mode {_mode(marked)}. '
            "Leave --resolution and --mode out."
        )
    # Those without a key are of the set too.
    ids = sorted(marked.ids(split, marked=None))[:limit]
    return _without_frames(MarkedSplit(marked, ids), marked)


def _mode(marked: Marked) -> Mode:
    return "L" if marked.channels == 1 else "RGB"


def _without_frames(data: Dataset, marked: Marked | None) -> Dataset:
    return data if marked is None else Cropped(data, marked.pattern, marked.marked_sizes)
