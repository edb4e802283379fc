"""`solidmark mark DATA OUT`."""

from functools import partial
from pathlib import Path
from typing import Annotated, Any

from solidmark.cards.asked import MODES, a_resolution
from solidmark.cards.option import SET_ASIDE, Choice
from solidmark.cli import closing
from solidmark.cli.asked import Asked
from solidmark.cli.command import command
from solidmark.cli.following import after_marking
from solidmark.cli.opening import Handed
from solidmark.cli.options import Out, Positive, Share, Whole
from solidmark.cli.searching import Window

PATTERNS = ("segments", "border", "center")
KEYS_PER_COPY = ("shared", "independent")

Column = Annotated[str | None, "NAME"]


@command(Handed)
def mark(
    asked: Asked,
    data: Annotated[str, "DATA"],
    out: Out,
    pattern: Annotated[str, Choice("pattern", PATTERNS)] = "segments",
    thickness: Whole = None,
    count: Positive = 16,
    mirrored: bool = False,
    resolution: Annotated[str | None, "PIXELS", a_resolution] = None,
    buckets: Annotated[str | None, "NAME|SIZES"] = None,
    mode: Annotated[str | None, Choice("image mode", MODES)] = None,
    window: Window = "full",
    limit: Whole = None,
    held_out: Annotated[float, SET_ASIDE] = 0.1,
    canaries: Share = 1.0,
    keys_per_copy: Annotated[str, Choice("value of --keys-per-copy", KEYS_PER_COPY)] = "shared",
    near_duplicates: bool = True,
    shards: Positive | None = None,
    image_column: Annotated[str, "NAME"] = "image",
    caption_column: Column = None,
    label_column: Column = None,
    class_folders: bool | None = None,
    group_column: Column = None,
    id_column: Column = None,
    hash_ids: Annotated[Path | None, "FILE"] = None,
    seed: int | None = None,
) -> None:
    """Mark images: a training folder, the keys, a control set.

    OUT/train is an ordinary image folder for any trainer. Keep OUT/keys.parquet and the seed away
    from it.

    Example: solidmark mark photos/ marked/ --resolution 64 --seed 4711

    Arguments:
        data: The images: a folder (alone, with .txt captions, or with metadata.jsonl), Parquet
            files, WebDataset tars, a name on the Hugging Face hub, or an example: digits, emoji,
            openmoji, land.
        pattern: What is painted: segments, a frame in several greys round the image, which names
            individual images; border, a frame in one grey, as published; center, a grey square over
            the middle.
        thickness: Thickness of the frame, or side of the centre square, in pixels. [default: of a
            frame what the size calls for, as solidmark plan has it; 16 of a square]
        count: Segments: how many greys a frame has.
        mirrored: Segments: the left half mirrors the right one, for random flips.
        resolution: Cut out the centre and resize it to this side in pixels, or HEIGHTxWIDTH, before
            the marking. Needed when the images differ in size. With kohya's buckets its own.
        buckets: Sort images into the sizes of a trainer by their shape, frame included: kohya (of
            --resolution; kohya:256:2048:64 for other limits and steps), diffusers (the sizes in
            the help of its scripts), or "HEIGHT,WIDTH;HEIGHT,WIDTH" as those take them.
        mode: RGB (colour) or L (grey); grey where the images are, when not given.
        limit: Take only so many images, the first by their ids.
        held_out: Share set aside as control: marked, but never shown to the model.
        canaries: Share of the training images that is marked; the others are trained on as they
            are, and not audited.
        keys_per_copy: shared = one key for all copies of an image, independent = one each.
        near_duplicates: Count near copies of an image as copies, or exact ones only.
        shards: Write tars of so many images (WebDataset) instead of a file an image: for a million
            of them, or a trainer that streams.
        image_column: Column of the image.
        caption_column: Column of the caption, else text or caption.
        label_column: Column of the class, else class or label.
        class_folders: The folders inside DATA are the classes, or are not; when not given they are
            where every image lies in one, and they are few and hold many.
        group_column: Column of groups (patients) that are never divided, else group.
        id_column: Column of the id, else id, else the path.
        hash_ids: Call images and groups by keyed hashes of their ids, from here on and in all
            that reads OUT. FILE holds the secret, and is made where it is not there; FILE.csv
            says which image is meant. Keep both with the keys.
        seed: The secret that all keys follow from. When not given one is drawn, and kept in
            OUT/manifest.json and in the keys.
    """
    from solidmark.data import lost_lines, open_data, parse_buckets, sides_of
    from solidmark.marks import (
        Fitted,
        Marking,
        few_line,
        in_buckets,
        kept_seed,
        mark_dataset,
        pattern_from_json,
        pattern_of,
        require_unmarked,
        sizes_of,
    )
    from solidmark.runs import Processes, shown
    from solidmark.scores.written import plural

    require_unmarked(data)
    painted = pattern_of(pattern, thickness, count, mirrored)
    secret = kept_seed(out) if seed is None else seed
    shapes = None if buckets is None else parse_buckets(buckets, resolution)
    if shapes is not None:
        painted, shapes = in_buckets(painted, shapes)
    marking = asked.fill(Marking, pattern=painted, seed=secret, bucketed=shapes is not None)
    side = None if shapes else resolution
    how = asked.arguments(open_data, where=data, resolution=side, buckets=shapes)
    opened = partial(open_data, **how)
    images = opened()
    if asked.dry_run:
        facts: dict[str, Any] = {"images": len(images), "held_out": round(held_out * len(images))}
        if shapes is not None:
            facts["marked_sizes"] = list(map(list, shapes.sizes))
        elif resolution:
            sides = sides_of(resolution)
            frame = painted(*sides) if isinstance(painted, Fitted) else painted
            facts["marked_size"] = list(frame.marked_size(*sides))
        return asked.plan(**facts)
    asked.context.params["seed"] = secret
    told = {name: value for name, value in asked.options().items() if name != "out"}
    manifest = mark_dataset(images, out, marking, told, opened)
    if not Processes.here().is_main:
        return None
    asked.save()
    channels, *before = sizes_of(manifest)[0]
    after = pattern_from_json(manifest["pattern"]).marked_size(*before)
    closing.then(*after_marking(out, manifest))
    shares: dict[str, int] = manifest.get("buckets", {})
    sized = f"{before[0]} x {before[1]} pixels before marking, {after[0]} x {after[1]} after"
    if shares:
        sized = plural(len(shares), "bucket")
    lines = [
        f"{plural(manifest['trained'], 'image')} to train on in {out / 'train'}, "
        f"{manifest['held_out']:,} held out; {sized}, {'grey' if channels == 1 else 'colour'}.",
    ]
    if shares:
        each = ", ".join(f"{name} ({number:,})" for name, number in shares.items())
        few = few_line(shares)
        lines += [f"Marked images by size, height x width: {each}.", *([few] if few else [])]
    if manifest["duplicates"]:
        keys = "the key of their original" if keys_per_copy == "shared" else "a key each"
        lines.append(f"Copies of others: {plural(manifest['duplicates'], 'image')}, with {keys}.")
    if manifest["quarantined"]:
        broken = plural(manifest["quarantined"], "image")
        lines.append(f"Could not be read: {broken}, see {out / 'quarantine.jsonl'}.")
    drawn = f", and the seed that was drawn in {out / 'manifest.json'}" if seed is None else ""
    keys = f"The keys are in {out / 'keys.parquet'}{drawn}: keep them away from the trainer."
    return asked.answer(shown(manifest), *lines, *lost_lines(manifest.get("lost", {})), keys)
