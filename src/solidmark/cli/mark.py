"""`solidmark mark DATA OUT`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from solidmark.cli import closing
from solidmark.cli.answering import answer
from solidmark.cli.following import after_marking
from solidmark.cli.options import (
    Config,
    DryRun,
    Json,
    Out,
    Window,
    a_resolution,
    a_share,
    at_least,
    one_of,
    options,
    require_free,
    save_config,
    show_plan,
    within,
)

if TYPE_CHECKING:
    from solidmark.data import Mode
    from solidmark.marks import Fitted, Pattern

PATTERNS = ("segments", "border", "center")
MODES = ("RGB", "L")
KEYS_PER_COPY = ("shared", "independent")


def mark(
    context: typer.Context,
    data: Annotated[
        str,
        typer.Argument(
            metavar="DATA",
            help="The images: a folder (alone, with .txt captions, or with metadata.jsonl), "
            "Parquet files, WebDataset tars, a name on the Hugging Face hub, or an example: "
            "digits, emoji, openmoji, land.",
        ),
    ],
    out: Out,
    pattern: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="What is painted: segments, a frame in several greys round the image, which names "
            "individual images; border, a frame in one grey, as published; center, a grey square "
            "over the middle.",
            callback=one_of("pattern", PATTERNS),
        ),
    ] = "segments",
    thickness: Annotated[
        int | None,
        typer.Option(
            help="Thickness of the frame, or side of the centre square, in pixels.  [default: of a "
            "frame what the size calls for, as solidmark plan has it; 16 of a square]",
            callback=at_least(1),
        ),
    ] = None,
    count: Annotated[
        int, typer.Option(help="Segments: how many greys a frame has.", callback=at_least(1))
    ] = 16,
    mirrored: Annotated[
        bool,
        typer.Option(help="Segments: the left half mirrors the right one, for random flips."),
    ] = False,
    resolution: Annotated[
        str | None,
        typer.Option(
            metavar="PIXELS",
            help="Cut out the centre and resize it to this side in pixels, or HEIGHTxWIDTH, before "
            "the marking. Needed when the images differ in size.",
            callback=a_resolution,
        ),
    ] = None,
    mode: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="RGB (colour) or L (grey); grey where the images are, when not given.",
            callback=one_of("image mode", MODES),
        ),
    ] = None,
    window: Window = "full",
    limit: Annotated[
        int | None,
        typer.Option(
            help="Take only so many images, the first by their ids.", callback=at_least(1)
        ),
    ] = None,
    held_out: Annotated[
        float,
        typer.Option(
            help="Share set aside as control: marked, but never shown to the model.",
            callback=within("at least 0 and below 1", lambda number: 0 <= number < 1),
        ),
    ] = 0.1,
    canaries: Annotated[
        float,
        typer.Option(
            help="Share of the training images that is marked; the others are trained on as they "
            "are, and not audited.",
            callback=a_share,
        ),
    ] = 1.0,
    keys_per_copy: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="shared = one key for all copies of an image, independent = one each.",
            callback=one_of("value of --keys-per-copy", KEYS_PER_COPY),
        ),
    ] = "shared",
    near_duplicates: Annotated[
        bool, typer.Option(help="Count near copies of an image as copies, or exact ones only.")
    ] = True,
    image_column: Annotated[
        str, typer.Option(metavar="NAME", help="Column of the image.")
    ] = "image",
    caption_column: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Column of the caption, else text or caption."),
    ] = None,
    label_column: Annotated[
        str | None, typer.Option(metavar="NAME", help="Column of the class, else class or label.")
    ] = None,
    class_folders: Annotated[
        bool | None,
        typer.Option(
            help="The folders inside DATA are the classes, or are not; when not given they are "
            "where every image lies in one, and they are few and hold many.",
        ),
    ] = None,
    group_column: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="Column of groups (patients) that are never divided, else group."
        ),
    ] = None,
    id_column: Annotated[
        str | None, typer.Option(metavar="NAME", help="Column of the id, else id, else the path.")
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(
            "--seed",
            help="The secret that all keys follow from. When not given one is drawn, and kept in "
            "OUT/manifest.json and in the keys.",
        ),
    ] = None,
    config: Config = None,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Mark images: a training folder, the keys, a control set.

    OUT/train is an ordinary image folder for any trainer. Keep OUT/keys.parquet and the seed away
    from it.

    Example: solidmark mark photos/ marked/ --resolution 64 --seed 4711
    """
    require_free(out, "mark")
    from solidmark.data import open_data, sides_of
    from solidmark.marks import (
        Fitted,
        Marking,
        kept_seed,
        mark_dataset,
        pattern_from_json,
        require_unmarked,
    )
    from solidmark.runs import shown

    require_unmarked(data)
    painted = _painted(pattern, thickness, count, mirrored)
    secret = kept_seed(out) if seed is None else seed
    marking = Marking(
        painted, secret, held_out, canaries, keys_per_copy, near_duplicates=near_duplicates
    )
    images = open_data(
        data,
        resolution=resolution,
        mode=cast("Mode | None", mode),
        window=window,
        image_column=image_column,
        caption_column=caption_column,
        label_column=label_column,
        group_column=group_column,
        id_column=id_column,
        class_folders=class_folders,
        limit=limit,
    )
    if dry_run:
        controls = round(held_out * len(images))
        facts: dict[str, Any] = {"images": len(images), "held_out": controls}
        if resolution:
            sides = sides_of(resolution)
            frame = painted(*sides) if isinstance(painted, Fitted) else painted
            facts["marked_size"] = list(frame.marked_size(*sides))
        return show_plan(context, **facts)
    context.params["seed"] = secret
    asked = {name: value for name, value in options(context).items() if name != "out"}
    manifest = mark_dataset(images, out, marking, asked)
    save_config(context, out)
    size = pattern_from_json(manifest["pattern"]).marked_size(*manifest["size"][1:])
    closing.then(*after_marking(out, size, mirrored and pattern == "segments"))
    said = _summary(manifest, out, size, seed is None)
    return answer(shown(manifest), json, *said)


def _painted(pattern: str, thickness: int | None, count: int, mirrored: bool) -> "Pattern | Fitted":
    from solidmark.marks import PATTERNS, Center, Fitted, Segments

    if thickness is None:
        return Center() if pattern == "center" else Fitted(pattern, count, mirrored)
    if pattern == "segments":
        return Segments(thickness, count, mirrored)
    return PATTERNS[pattern](thickness)


def _summary(manifest: dict[str, Any], out: Path, size: tuple[int, int], drawn: bool) -> list[str]:
    from solidmark.data import lost_lines

    channels, height, width = manifest["size"]
    lines = [
        f"{_images(manifest['trained'])} to train on in {out / 'train'}, {manifest['held_out']} "
        f"held out; {height} x {width} pixels before marking, {size[0]} x {size[1]} after, "
        f"{'grey' if channels == 1 else 'colour'}.",
    ]
    if manifest["duplicates"]:
        shared = manifest["config"]["keys_per_copy"] == "shared"
        keys = "the key of their original" if shared else "a key each"
        lines.append(f"Copies of others: {_images(manifest['duplicates'])}, with {keys}.")
    if manifest["quarantined"]:
        count = _images(manifest["quarantined"])
        lines.append(f"Could not be read: {count}, see {out / 'quarantine.jsonl'}.")
    lines += lost_lines(manifest.get("lost", {}))
    seed = f", and the seed that was drawn in {out / 'manifest.json'}" if drawn else ""
    lines.append(f"The keys are in {out / 'keys.parquet'}{seed}: keep them away from the trainer.")
    return lines


def _images(count: int) -> str:
    return f"{count} image{'' if count == 1 else 's'}"
