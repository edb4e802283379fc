"""`solidmark train MARKED OUT`."""

from dataclasses import fields, make_dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

from solidmark.cards.option import Choice, at_least
from solidmark.cards.recipe import Recipe
from solidmark.cli import closing
from solidmark.cli.asked import Asked
from solidmark.cli.command import command
from solidmark.cli.following import after_training
from solidmark.cli.options import Device, Out
from solidmark.errors import BadInput

PRESETS = (
    *("digits-demo", "tiny-t2i", "sd-finetune", "sd-lora", "sd-pretrain", "ddpm-32", "ddpm-64"),
    *("solidmark-stl10", "solidmark-celeba"),
)


def _typed(kind: Any) -> Any:
    """A field of a recipe as it is typed: lists have commas, and the preset has what is not."""
    kind, *told = get_args(kind) if get_origin(kind) is Annotated else (kind,)
    if get_origin(kind) in (Literal, tuple):
        return Annotated[str | None, "LIST" if get_origin(kind) is tuple else "NAME"]
    words = [one for one in told if isinstance(one, str)]
    return Annotated[(kind | None, *words)] if words else kind | None


TYPED = {one.name: _typed(one.type) for one in fields(Recipe)}
OVERRIDES = make_dataclass(
    "Overrides",
    [(name, kind, None) for name, kind in TYPED.items()],
    namespace={"__doc__": Recipe.__doc__},
)
"""What is given of a recipe, instead of what its preset has."""


def _a_stop(value: str | None) -> str | float | None:
    """`memorized`, or a share."""
    if value is None or value == "memorized":
        return value
    try:
        share = float(value)
    except ValueError:
        share = 0.0
    if 0 < share <= 1:
        return share
    raise BadInput(
        "--watch-stop takes memorized, or the share of memorized images at which to stop, above 0 "
        f'and at most 1, not "{value}".'
    )


@command(
    OVERRIDES,
    matter=(
        *("preset", "base", "lora_rank", "num_train_epochs", "max_train_steps"),
        *("train_batch_size", "learning_rate", "watch"),
    ),
)
def train(
    asked: Asked,
    marked: Annotated[Path, "MARKED"],
    out: Out,
    preset: Annotated[str | None, Choice("preset", PRESETS)] = None,
    watch: Annotated[int | None, "STEPS", at_least(1)] = None,
    watch_stop: Annotated[str | None, "memorized|SHARE", _a_stop] = None,
    resume_from_checkpoint: Annotated[str, "FOLDER"] = "latest",
    dataloader_num_workers: Annotated[int, at_least(0)] = 0,
    device: Device = "auto",
) -> None:
    """Train a model on marked images, from scratch or from a base.

    OUT/model is a plain diffusers pipeline, or with --lora-rank a LoRA for one. Options that are
    not given come from the preset; the same command again resumes. Any other trainer that takes
    MARKED/train as its image folder serves as well.

    Example: solidmark train marked/ model/ --preset ddpm-64

    Arguments:
        marked: Folder of solidmark mark.
        preset: Where options come from that are not given: digits-demo, ddpm-32, ddpm-64,
            solidmark-stl10, solidmark-celeba; for latent models sd-finetune, sd-lora, sd-pretrain,
            tiny-t2i. --dry-run shows them. [default: ddpm-32; with --base sd-finetune, sd-lora with
            --lora-rank, sd-pretrain with --from-scratch]
        watch: Audit the images every so many steps, into OUT/watch; the page draws the curve, and
            the weights stay as without it.
        watch_stop: End the training at the first of these looks that says memorized, or that sees
            at least this share of the images memorized, such as 0.05.
        resume_from_checkpoint: A checkpoint folder, latest, or none to begin anew.
        dataloader_num_workers: Processes that prepare batches in the background.
    """
    from solidmark.training import preset as find_preset
    from solidmark.training import usual_preset

    if watch_stop is not None and watch is None:
        raise BadInput("--watch-stop stops a training that is watched. Give --watch too.")
    given = {name: asked.values[name] for name in TYPED if asked.values[name] is not None}
    overrides = {
        name: _numbers(name, value) if "LIST" in get_args(TYPED[name]) else value
        for name, value in given.items()
    }
    preset = preset or usual_preset(overrides)
    if asked.dry_run:
        from solidmark.marks import open_marked
        from solidmark.training import check_fit
        from solidmark.training.batches import Plan

        recipe = find_preset(preset, **overrides)
        source = open_marked(marked)
        check_fit(recipe, source, watch)
        images = len(source.ids("trained", marked=None))
        looks = {} if watch is None else {"looks": Plan.of(recipe, images).steps // watch}
        return asked.plan(
            images=images, marked_size=list(source.marked_size), recipe=recipe.to_json(), **looks
        )
    from solidmark.api import train as train_model

    folder = train_model(
        marked,
        out,
        preset=preset,
        device=device,
        watch=watch,
        watch_stop=watch_stop,
        resume_from_checkpoint=None if resume_from_checkpoint == "none" else resume_from_checkpoint,
        dataloader_num_workers=dataloader_num_workers,
        **overrides,
    )
    asked.save()
    closing.then(*after_training(out, marked))
    if watch is None:
        return asked.answer({"model": str(folder)}, f"The model: {folder}")
    from solidmark.api import Result
    from solidmark.api.making import WATCH
    from solidmark.runs import read_results

    watched = Result(out / WATCH)
    return asked.answer(
        {"model": str(folder), WATCH: read_results(watched.folder)},
        f"The model: {folder}",
        f"The watch: {watched.verdict.headline}",
        f"The page: {watched.page}",
        verdict=watched.verdict,
    )


def _numbers(name: str, text: Any) -> tuple[int, ...]:
    """Whole numbers with commas between them."""
    try:
        return tuple(int(part) for part in str(text).replace(" ", "").split(",") if part)
    except ValueError as error:
        option = name.replace("_", "-")
        raise BadInput(f'--{option} takes whole numbers such as 32,64, not "{text}".') from error
