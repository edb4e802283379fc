"""`train`: from a marked folder to a network, in steps that a kill does not change."""

import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from solidmark.cards.recipe import TINY, Recipe
from solidmark.errors import BadInput, MissingCapability
from solidmark.marks import Marked, open_marked
from solidmark.models.finding import find_pipeline
from solidmark.models.identity import pipeline_fingerprint
from solidmark.runs import Run, fingerprint, open_run
from solidmark.training.batches import Plan
from solidmark.training.devices import start_accelerator
from solidmark.training.finetune import latent_set, latent_task, network_of, open_base
from solidmark.training.network import build_unet, check_size, pixel_task
from solidmark.training.parts import check_tiny, train_parts
from solidmark.training.pictures import load_training_set
from solidmark.training.task import Watching
from solidmark.training.trainer import LATEST, Training, begin, require_last_state

LATENTS = "latents"
"""The folder of a run where latents are kept until it is finished."""


def train(
    marked: Path,
    out: Path,
    recipe: Recipe,
    *,
    device: str = "auto",
    resume_from_checkpoint: str | Path | None = LATEST,
    num_workers: int = 0,
    config: Mapping[str, Any] | None = None,
    watching: Watching | None = None,
) -> Path:
    """Trains a diffusion model on marked images, from scratch or from a base.

    Only the `train` split is read. The same command again goes on from the last checkpoint, and on
    the same CPU with the same number of threads it ends in the same bits as if it had never been
    killed.

    Arguments:
        marked: A folder of `solidmark mark`.
        out: The folder to write.
        recipe: How.
        device: `auto`, or a name of torch: `cpu`, `cuda`, `cuda:1`, `mps`.
        resume_from_checkpoint: `latest`; a checkpoint folder, also of a shorter run of the same
            recipe; or None to begin anew.
        num_workers: Processes that prepare batches in the background.
        config: More for the manifest, such as the preset's name.
        watching: Who looks at the training on the way.

    Returns:
        The folder `out/model`: a diffusers pipeline, or a LoRA in the format of diffusers.

    Raises:
        NotFound: When the base is not there.
        BadInput: When the recipe does not fit the images or the device, or training diverges.
        MissingCapability: When the base cannot be trained in this way.
        RunConflict: When `marked` is not finished, or `out` holds another run.
    """
    source = replace(open_marked(marked), caption=recipe.caption)
    check_fit(recipe, source, None if watching is None else watching.every)
    accelerator = start_accelerator(recipe, device)
    everything = {**(config or {}), **recipe.to_json()}
    known = source.fingerprints("trained")
    prints = {"marked": known["keys"], "metadata": known["metadata"]}
    if recipe.base not in (None, TINY):
        prints["base"] = pipeline_fingerprint(str(recipe.base))
    with accelerator.main_process_first():
        run = open_run(out, "train", everything, prints)
    if run.lost and resume_from_checkpoint == LATEST:
        require_last_state(run)
    if not run.finished:
        prepare = _prepare_pixels if recipe.base is None else _prepare_latents
        try:
            if recipe.base == TINY:
                train_parts(run, source, recipe, accelerator, num_workers)
            training = prepare(run, source, recipe, accelerator)
            if watching is not None:
                training = replace(training, watcher=watching.begin())
        except (BadInput, MissingCapability):
            _abandon(run)
            raise
        training.resume(resume_from_checkpoint)
        training.go(num_workers)
    if accelerator.is_main_process:
        shutil.rmtree(run.folder / LATENTS, ignore_errors=True)
    return out / "model"


def check_fit(recipe: Recipe, source: Marked, watch: int | None = None) -> None:
    """Checks that a recipe can be trained on a marked folder.

    Arguments:
        recipe: The recipe.
        source: The marked folder.
        watch: Steps between two looks, where somebody looks.

    Raises:
        BadInput: When sizes, classes or the length of the training do not allow it.
    """
    source.require_one_size("train")
    if recipe.base is None:
        check_size(recipe, source.marked_size)
    elif recipe.base == TINY:
        check_tiny(recipe, source)
    if recipe.class_conditional and not source.classes:
        raise BadInput(
            f'The recipe is class-conditional, but "{source.folder}" has no classes. Mark the '
            "data with its classes, or train without class_conditional."
        )
    # Broken images, not yet known, only make epochs shorter, so what is reached now stays so.
    plan = Plan.of(recipe, len(source.ids("trained", marked=None)))
    if recipe.checkpoint_at and max(recipe.checkpoint_at) * plan.steps_per_epoch > plan.steps:
        raise BadInput(
            f"checkpoint_at names epoch {max(recipe.checkpoint_at)}, but max_train_steps ends "
            f"after {plan.steps / plan.steps_per_epoch:g} epochs. Name earlier epochs."
        )
    if watch is not None and watch > plan.steps:
        raise BadInput(
            f"The training has {plan.steps:,} steps, and a look every {watch:,} (watch) would "
            "never come. Name fewer."
        )


def _abandon(run: Run) -> None:
    """Forgets a run that has trained nothing, so that its folder can be named again."""
    kept = [path for path in run.folder.iterdir() if path.is_dir() and path.name != LATENTS]
    if not kept:
        shutil.rmtree(run.folder / LATENTS, ignore_errors=True)
        run.abandon()


def _prepare_pixels(run: Run, source: Marked, recipe: Recipe, accelerator: Any) -> Training:
    """Reads the images, builds the network, and puts it on its device."""
    data = load_training_set(source, recipe.class_conditional)
    classes = len(source.classes) if recipe.class_conditional else 0
    unet = build_unet(recipe, source.channels, source.marked_size, classes)
    unet.to(accelerator.device).train()
    if recipe.gradient_checkpointing:
        unet.enable_gradient_checkpointing()
    return begin(run, source, recipe, accelerator, data, unet, pixel_task(recipe, unet))


def _prepare_latents(run: Run, source: Marked, recipe: Recipe, accelerator: Any) -> Training:
    """Opens the base, and encodes the images."""
    where = str(recipe.base)
    folder = run.folder / "base" if where == TINY else find_pipeline(where)
    origin = run.manifest["fingerprints"].get("base") or fingerprint(folder)
    base = open_base(where, folder, origin, accelerator.device)
    network = network_of(base, recipe)
    task = latent_task(base, network, recipe)
    data = latent_set(base, source, recipe, run.folder / LATENTS, accelerator)
    return begin(run, source, recipe, accelerator, data, network, task)
