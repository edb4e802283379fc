"""Marked images, a model trained on them, and what it draws."""

import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from solidmark.api.given import configured, handed, model_path
from solidmark.api.result import Folder
from solidmark.errors import BadInput, UnknownName
from solidmark.runs import usual_device

if TYPE_CHECKING:
    from solidmark.api.watching import Watch
    from solidmark.measures.watch import StopAt
    from solidmark.training import Watching

WATCH = "watch"
"""The folder of a training that is looked at on the way, where the looks lie."""

READ = (
    *("resolution", "mode", "image_column", "caption_column", "label_column", "group_column"),
    *("id_column", "class_folders", "limit", "window", "hash_ids"),
)
"""The options of how images are read."""


@handed
def mark(
    data: Any,
    out: str | os.PathLike[str],
    *,
    pattern: Any = "segments",
    thickness: int | None = None,
    count: int = 16,
    held_out: float = 0.1,
    canaries: float = 1.0,
    keys_per_copy: str = "shared",
    near_duplicates: bool = True,
    buckets: str | None = None,
    shards: int | None = None,
    seed: int | None = None,
    **read: Any,
) -> Folder:
    """Marks images: a grey frame of random intensities for each, its key.

    Arguments:
        data: A path, an example ("digits"), a name on the hub, a list of pictures (alone, or each
            with its caption), a `datasets.Dataset`, or a torch data set of images in [0, 1].
        out: The folder to write: `train/` for any trainer, `held_out/` and `keys.parquet`.
        pattern: "segments" (a frame of several greys, which names images), "border" (one grey) or
            "center"; or a pattern of `solidmark.marks`.
        thickness: Of the frame, in pixels; what the size calls for when None.
        count: Of segments: how many greys a frame has.
        held_out: The share set aside as control, in [0, 1).
        canaries: The share of the training images that is marked, in (0, 1].
        keys_per_copy: "shared" = one key for all copies of an image, "independent" = one each.
        near_duplicates: Whether near copies count as copies.
        buckets: The sizes of a trainer, which images are sorted into by their shape, frame
            included: "kohya" (of `resolution`), "diffusers", or "HEIGHT,WIDTH;HEIGHT,WIDTH".
        shards: Write tars of so many images (WebDataset); None gives every image a file.
        seed: The secret that all keys follow from; drawn when None.
        read: How the images are read, as of `data.open_data`: resolution, mode, limit ...; and
            `engine` as of `audit`, which shares the work.

    Returns:
        The marked folder.

    Raises:
        NotFound: When there is no such data.
        BadInput: When no image can be read, or an option makes no sense.
        RunConflict: When the folder holds another run.

    References:
        SolidMark (Kriplani et al., 2025), section 3.

    Example:
        marked = solidmark.mark("digits", "marked", resolution=8, limit=40, held_out=0.5, seed=1)
    """
    from solidmark.data import open_data, parse_buckets
    from solidmark.marks import Marking, in_buckets, kept_seed, mark_dataset, pattern_of

    for name in read:
        if name not in READ:
            raise UnknownName("option", name, READ)
    folder = Path(out)
    painted = pattern_of(pattern, thickness, count) if isinstance(pattern, str) else pattern
    secret = kept_seed(folder) if seed is None else seed
    shapes = None if buckets is None else parse_buckets(buckets, read.get("resolution"))
    if shapes is not None:
        painted, shapes = in_buckets(painted, shapes)
    marking = Marking(
        *(painted, secret, held_out, canaries, keys_per_copy, near_duplicates),
        bucketed=shapes is not None,
        shards=shards,
    )
    side = {} if shapes is None else {"resolution": None}
    opened = partial(open_data, data, **{**read, **side}, buckets=shapes)
    images = opened()  # Says so where they are none.
    is_path = isinstance(data, str | os.PathLike)
    asked = {
        "data": os.fspath(data) if is_path else f"{len(data):,} images that were given",
        "pattern": str(painted),
        "held_out": held_out,
        "canaries": canaries,
        "keys_per_copy": keys_per_copy,
        "near_duplicates": near_duplicates,
        "seed": secret,
        **({} if buckets is None else {"buckets": buckets}),
        **({} if shards is None else {"shards": shards}),
        **{name: os.fspath(v) if isinstance(v, os.PathLike) else v for name, v in read.items()},
    }
    # What a program holds no other process opens.
    mark_dataset(images, folder, marking, asked, opened if is_path else None)
    return Folder(folder)


def train(
    marked: str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    preset: str | None = None,
    device: str = "auto",
    watch: "int | Watch | None" = None,
    watch_stop: "StopAt" = None,
    resume_from_checkpoint: str | os.PathLike[str] | None = "latest",
    dataloader_num_workers: int = 0,
    **recipe: Any,
) -> Path:
    """Trains a diffusion model on marked images; any other trainer serves as well.

    Arguments:
        marked: The folder that `mark` made.
        out: The folder to write.
        preset: Where options come from that are not given; when None, the one for what is to be
            trained.
        device: "auto", "cpu", "cuda" ...
        watch: Audit the images every so many optimizer steps, into `out/watch`; or a `Watch` of
            one's own. The weights are those of a training without it.
        watch_stop: With a number of steps: end the training at the verdict "memorized", or when at
            least this share of the images is memorized.
        resume_from_checkpoint: "latest", a checkpoint folder, or None to begin anew.
        dataloader_num_workers: Processes that prepare batches in the background.
        recipe: Options that override the preset, as of `training.Recipe`.

    Returns:
        The folder of the model: a diffusers pipeline, or a LoRA for one.

    Raises:
        UnknownName: When there is no such preset or option.
        BadInput: When the recipe does not fit the images or the device, or nothing is watched that
            could stop.

    Example:
        model = solidmark.train(
            marked, "trained", preset="digits-demo", max_train_steps=2,
            block_out_channels=(8, 16), norm_num_groups=4, device="cpu",
        )
    """
    from solidmark.training import preset as find_preset
    from solidmark.training import train as train_model
    from solidmark.training import usual_preset

    preset = preset or usual_preset(recipe)
    found = find_preset(preset, **recipe)
    watching, stop_at = _watching(watch, watch_stop, Path(marked), Path(out))
    stops = {} if stop_at is None else {"watch_stop": stop_at}
    where = resume_from_checkpoint
    return train_model(
        Path(marked),
        Path(out),
        found,
        device=usual_device(device),
        resume_from_checkpoint=where if where in (None, "latest") else Path(where),
        num_workers=dataloader_num_workers,
        config={"preset": preset, **stops},
        watching=watching,
    )


def _watching(
    watch: "int | Watch | None", stop: "StopAt", marked: Path, out: Path
) -> "tuple[Watching | None, StopAt]":
    """Who looks, and when that stops the training."""
    from solidmark.api.watching import Watch
    from solidmark.measures.watch import require_stop
    from solidmark.training import Watching

    require_stop(stop)
    if isinstance(watch, Watch):
        return Watching(watch.every, lambda: watch), watch.stop_at
    if watch is None:
        if stop is not None:
            raise BadInput("Only a training that is watched can be stopped. Give watch too.")
        return None, None
    if watch < 1:
        raise BadInput(f"watch must be 1 step or more, not {watch}.")
    begin = partial(Watch, marked, out / WATCH, every=watch, stop_at=stop)
    return Watching(watch, begin), stop


@handed
def generate(model: Any, out: str | os.PathLike[str], **options: Any) -> Folder:
    """Draws images from a model into an image folder.

    Arguments:
        model: A path, a name on the hub, a control, a diffusers pipeline, or
            `(network, scheduler)`.
        out: The folder to write: `images/` and `metadata.jsonl`.
        options: As of `generating.Generation` (number, data, caption, marked, crop, steps,
            guidance, seed ...) and `models.Opening` (device, precision, loras ...); `engine` as of
            `audit`.

    Returns:
        The folder.

    Raises:
        UnknownName: When there is no such option.
        BadInput: When the model cannot draw what is asked.

    Example:
        drawn = solidmark.generate(model, "drawn", number=4, steps=2, marked=marked, crop=True)
    """
    from solidmark.generating import Generation
    from solidmark.generating import generate as draw

    folder = Path(out)
    draw(configured(Generation, folder, options, model=model_path(model, folder)))
    return Folder(folder)


def plan(images: int, resolution: int, **options: Any) -> Any:
    """Advises a frame for images of a size.

    Arguments:
        images: How many images there are.
        resolution: Their side in pixels.
        options: As of `marks.advise`: multiple, thickness, count.

    Returns:
        The frame: its pattern, the size of the marked images, and the outlook of a run.

    Raises:
        BadInput: When no frame fits.

    Example:
        frame = solidmark.plan(1000, 64)
    """
    from solidmark.marks import advise

    if images < 2:
        from solidmark.errors import BadInput

        raise BadInput(f"A plan is for 2 images or more, not {images}.")
    return advise(resolution, resolution, **options)
