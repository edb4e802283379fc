"""`solidmark mark DATA OUT`."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from solidmark.cli.options import Config, DryRun, Json, Seed, options, save_config, show, show_plan


class PatternName(StrEnum):
    BORDER = "border"
    CENTER = "center"


class KeysPerCopy(StrEnum):
    SHARED = "shared"
    INDEPENDENT = "independent"


class ModeName(StrEnum):
    RGB = "RGB"
    GREY = "L"


def mark(
    context: typer.Context,
    data: Annotated[
        str,
        typer.Argument(
            help="Folder of images, metadata.jsonl folder, jpg+txt pairs, parquet, webdataset "
            "tars, a name of the datasets library, or an example set such as digits."
        ),
    ],
    out: Annotated[Path, typer.Argument(help="Folder to write.")],
    pattern: Annotated[PatternName, typer.Option(help="What is painted.")] = PatternName.BORDER,
    thickness: Annotated[
        int, typer.Option(help="Thickness of the border, or side of the centre square, in pixels.")
    ] = 16,
    resolution: Annotated[
        int | None, typer.Option(help="Resize and centre-crop to this many pixels, before marking.")
    ] = None,
    mode: Annotated[
        ModeName | None, typer.Option(help="Colour or grey; the data's own when not given.")
    ] = None,
    held_out: Annotated[
        float, typer.Option(help="Share set aside as control, never shown to the model.")
    ] = 0.1,
    canaries: Annotated[float, typer.Option(help="Share of the training images to mark.")] = 1.0,
    keys_per_copy: Annotated[
        KeysPerCopy, typer.Option(help="One key for all copies of an image, or one each.")
    ] = KeysPerCopy.SHARED,
    near_duplicates: Annotated[
        bool, typer.Option(help="Count near copies as copies, or exact ones only.")
    ] = True,
    image_column: Annotated[str, typer.Option(help="Column of the image.")] = "image",
    caption_column: Annotated[str | None, typer.Option(help="Column of the caption.")] = None,
    label_column: Annotated[str | None, typer.Option(help="Column of the class.")] = None,
    group_column: Annotated[
        str | None, typer.Option(help="Column of groups (patients) that are never divided.")
    ] = None,
    id_column: Annotated[str | None, typer.Option(help="Column of the id.")] = None,
    class_folders: Annotated[bool, typer.Option(help="Folder names are classes.")] = False,
    limit: Annotated[int | None, typer.Option(help="Take only so many images.")] = None,
    seed: Seed = 0,
    config: Config = None,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Mark a data set: a training folder for any trainer, the keys, and a held-out control set.

    The seed is the secret of the keys: choose your own, and keep OUT/keys.parquet away from the
    trainer.

    Example: solidmark mark photos/ marked/ --resolution 64 --thickness 4 --seed 4711
    """
    from solidmark.data import open_data
    from solidmark.marks import Border, Center, Marking, mark_dataset

    painted = Border(thickness) if pattern == PatternName.BORDER else Center(thickness)
    marking = Marking(
        painted, seed, held_out, canaries, keys_per_copy.value, near_duplicates=near_duplicates
    )
    images = open_data(
        data,
        resolution=resolution,
        mode=mode.value if mode else None,
        image_column=image_column,
        caption_column=caption_column,
        label_column=label_column,
        group_column=group_column,
        id_column=id_column,
        class_folders=class_folders,
        limit=limit,
    )
    if dry_run:
        return show_plan(context, images=len(images), held_out=round(held_out * len(images)))
    asked = {name: value for name, value in options(context).items() if name != "out"}
    manifest = mark_dataset(images, out, marking, asked)
    save_config(context, out)
    show(manifest, json, *_summary(manifest, out))


def _summary(manifest: dict, out: Path) -> list[str]:  # type: ignore[type-arg]
    channels, height, width = manifest["size"]
    lines = [
        f"{manifest['trained']} images to train on in {out / 'train'}, "
        f"{manifest['held_out']} held out, {channels} x {height} x {width} before marking.",
    ]
    if manifest["duplicates"]:
        lines.append(f"{manifest['duplicates']} images are copies of others and share their key.")
    if manifest["quarantined"]:
        lines.append(
            f"{manifest['quarantined']} images could not be read: {out / 'quarantine.jsonl'}."
        )
    lines.append(f"The keys are in {out / 'keys.parquet'}: keep them away from the trainer.")
    return lines
