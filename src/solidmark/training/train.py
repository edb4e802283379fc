"""`train`: from a marked folder to a network, in steps that a kill does not change."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from solidmark.errors import BadInput
from solidmark.marks import Marked, open_marked
from solidmark.runs import Run, open_run
from solidmark.training.batches import Plan
from solidmark.training.devices import start_accelerator
from solidmark.training.network import build_unet, check_size
from solidmark.training.pictures import load_training_set, write_quarantine
from solidmark.training.recipe import Recipe
from solidmark.training.state import fresh_state
from solidmark.training.trainer import LATEST, Training


def train(
    marked: Path,
    out: Path,
    recipe: Recipe,
    *,
    device: str = "auto",
    resume_from_checkpoint: str | Path | None = LATEST,
    num_workers: int = 0,
    config: Mapping[str, Any] | None = None,
) -> Path:
    """Trains a diffusion model from scratch on marked images.

    Only the `train` split is read. The same command again goes on from the last checkpoint, and on
    a CPU with the same number of threads it ends in the same bits as if it had never been killed.

    Arguments:
        marked: A folder of `solidmark mark`.
        out: The folder to write.
        recipe: How.
        device: `auto`, or a name of torch: `cpu`, `cuda`, `cuda:1`, `mps`.
        resume_from_checkpoint: `latest`; a checkpoint folder, also of a shorter run of the same
            recipe; or None to begin anew.
        num_workers: Processes that prepare batches in the background.
        config: More for the manifest, such as the preset's name.

    Returns:
        The diffusers pipeline folder, `out/model`.

    Raises:
        BadInput: When the recipe does not fit the images or the device, or training diverges.
        RunConflict: When `marked` is not finished, or `out` holds another run.
    """
    source = open_marked(marked)
    check_fit(recipe, source)
    accelerator = start_accelerator(recipe, device)
    everything = {**(config or {}), **recipe.to_json()}
    with accelerator.main_process_first():
        run = open_run(out, "train", everything, {"marked": source.manifest["keys"]})
    if not run.finished:
        training = _prepare(run, source, recipe, accelerator)
        training.resume(resume_from_checkpoint)
        training.go(num_workers)
    return out / "model"


def check_fit(recipe: Recipe, source: Marked) -> None:
    """Checks that a recipe can be trained on a marked folder.

    Raises:
        BadInput: When sizes, classes or the length of the training do not allow it.
    """
    check_size(recipe, source.marked_size)
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


def _prepare(run: Run, source: Marked, recipe: Recipe, accelerator: Any) -> Training:
    """Reads the images, builds the network, and puts it on its device."""
    data = load_training_set(source, recipe.class_conditional)
    if accelerator.is_main_process:
        write_quarantine(run.folder / "quarantine.jsonl", data.broken)
    plan = Plan.of(recipe, len(data.ids))
    classes = len(source.classes) if recipe.class_conditional else 0
    unet = build_unet(recipe, source.channels, source.marked_size, classes)
    unet.to(accelerator.device).train()
    state = fresh_state(unet, recipe)
    wrapped, optimizer = accelerator.prepare(unet, state.optimizer)
    state.scaler = accelerator.scaler
    return Training(run, source, recipe, accelerator, data, plan, state, wrapped, optimizer)
