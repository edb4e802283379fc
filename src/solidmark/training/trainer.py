"""One training: its steps, what it keeps on the way, and what is left at its end."""

import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from solidmark.cards.recipe import Recipe
from solidmark.errors import BadInput, RunConflict
from solidmark.late import torch
from solidmark.marks import Marked, pattern_to_json
from solidmark.randomness import digest
from solidmark.runs import Processes, Run, progress
from solidmark.training.batches import Batch, Plan, Steps, read_steps
from solidmark.training.checkpoints import (
    COMPLETE,
    Snapshot,
    checkpoint_name,
    clear_after,
    read_checkpoint,
    read_latest,
    write_checkpoint,
)
from solidmark.training.devices import here
from solidmark.training.interrupts import deferred_interrupt
from solidmark.training.loss import to_device
from solidmark.training.losses import draw_losses, write_losses
from solidmark.training.pictures import TrainingSet, write_quarantine
from solidmark.training.state import State, fresh_state, learning_rates
from solidmark.training.task import Task, Watcher

LATEST = "latest"
CHECKPOINTS = "checkpoints"
EPOCHS = "epochs"
PRODUCTS = ("model", EPOCHS, "loss.csv", "loss.svg", "quarantine.jsonl")
"""What a finished training is whole with."""

LENGTH = {
    "num_train_epochs",
    "max_train_steps",
    "checkpointing_steps",
    "checkpointing_epochs",
    "checkpoint_at",
}
"""What may differ between a checkpoint and the recipe that goes on from it."""
SHOWN_EVERY = 20
"""Steps between two looks at the loss; each look stops a GPU for a moment."""


@dataclass(frozen=True)
class Training:
    """One training under way.

    Arguments:
        run: The folder that is written.
        source: The marked folder.
        recipe: How.
        accelerator: Of accelerate.
        data: The images that can be read.
        plan: Which of them a step sees.
        state: All that changes.
        network: The network as accelerate wrapped it.
        optimizer: The optimizer as accelerate wrapped it.
        task: What is trained.
        watcher: Who looks at it on the way, and may stop it.
    """

    run: Run
    source: Marked
    recipe: Recipe
    accelerator: Any
    data: TrainingSet
    plan: Plan
    state: State
    network: Any
    optimizer: Any
    task: Task
    watcher: Watcher | None = None

    @property
    def checkpoints(self) -> Path:
        return self.run.folder / CHECKPOINTS

    @property
    def rate(self) -> Callable[[int], float]:
        """The learning rate of each step."""
        return learning_rates(self.recipe, self.plan.steps)

    def resume(self, where: str | Path | None) -> None:
        """Goes on from a checkpoint, or begins anew.

        Raises:
            NotFound: When the checkpoint is not there.
            BadInput: When it is damaged, or of another training.
        """
        snapshot = None
        if where == LATEST:
            snapshot = read_latest(self.checkpoints)
        elif where is not None:
            snapshot = read_checkpoint(Path(where))
        if snapshot is not None:
            self._check_kin(snapshot)
            self.state.restore(snapshot)
        self.accelerator.wait_for_everyone()
        if self.accelerator.is_main_process:
            clear_after(self.checkpoints, self.state.step)

    def _check_kin(self, snapshot: Snapshot) -> None:
        """Checks that a checkpoint is of this recipe, these images, and not beyond the end."""
        mine = {**self.recipe.to_json(), **self._origin()}
        for name, value in mine.items():
            found = snapshot.facts.get(name)
            if name not in LENGTH and found != value:
                raise BadInput(
                    f"The checkpoint is of another training ({name}: there {found!r}, here "
                    f"{value!r}). Use its recipe and its images, or begin anew."
                )
        if snapshot.step > self.plan.steps:
            raise BadInput(
                f"The checkpoint is at step {snapshot.step}, but this recipe ends at step "
                f"{self.plan.steps}. Train longer, or begin anew."
            )
        for epoch in self.recipe.checkpoint_at:
            past = epoch * self.plan.steps_per_epoch <= snapshot.step
            if past and not self._epoch_folder(epoch).is_dir():
                raise BadInput(
                    f"checkpoint_at names epoch {epoch}, but the checkpoint is already past it. "
                    "Name later epochs, or begin anew."
                )

    def _origin(self) -> dict[str, Any]:
        """What a checkpoint and a pipeline say of the images they were trained on."""
        ids = "\0".join(self.data.ids)
        images = digest(0, ids).hex()[:16]
        return {"marked": self.source.manifest["keys"], "images": images, **self.task.origin}

    def go(self, num_workers: int) -> None:
        """Trains to the end and writes what is left of it."""
        rate = self.rate
        pinned = self.accelerator.device.type == "cuda"
        steps = read_steps(self._steps(), self.state.step, num_workers, pinned)
        started = time.monotonic() - self.state.seconds
        with (
            deferred_interrupt() as interrupted,
            progress(self.task.name, self.plan.steps, self.state.step) as advance,
        ):
            note = ""
            # A kill may have come between a state and its look.
            stopped = self._watched()
            for passes in () if stopped else steps:
                self._step(passes, rate(self.state.step))
                self.state.seconds = time.monotonic() - started
                if self.state.step % SHOWN_EVERY == 0 or not note:
                    note = f"loss {self.state.losses[-1]:.4f}"
                advance(note=note)
                stop = interrupted()
                self._keep(stop)
                if stop:
                    raise KeyboardInterrupt
                looked = time.monotonic()
                if self._watched():
                    self._checkpoint()
                    break
                started += time.monotonic() - looked
        if self.accelerator.is_main_process:
            self._finish()
        self.accelerator.wait_for_everyone()

    def _steps(self) -> Steps:
        recipe = self.recipe
        return Steps(
            self.data,
            self.plan,
            self.task.times,
            recipe.random_flip,
            recipe.caption_dropout,
            Processes() if self.task.whole else here(self.accelerator),
        )

    def _step(self, passes: Sequence[Batch], rate: float) -> None:
        """One optimizer step."""
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        total = torch.zeros((), device=self.accelerator.device)
        # Gradients are averaged over the processes, but the weights of a pass that they share sum
        # to 1 over all of them.
        shares = 1 if self.task.whole else self.accelerator.num_processes
        for number, batch in enumerate(passes):
            self._seed_dropout(number)
            last = number == len(passes) - 1
            with nullcontext() if last else self.accelerator.no_sync(self.network):
                value = self.task.loss(self.network, to_device(batch, self.accelerator.device))
                self.accelerator.backward(value * shares)
            total += value.detach()
        if self.recipe.max_grad_norm:
            self.accelerator.clip_grad_norm_(self.network.parameters(), self.recipe.max_grad_norm)
        self.optimizer.step()
        self.optimizer.zero_grad()
        if self.state.ema is not None:
            self.state.ema.step(self.state.learning())
        how = "mean" if self.task.whole else "sum"
        self.state.add_loss(self.accelerator.reduce(total, how))
        self.state.step += 1

    def _seed_dropout(self, number: int) -> None:
        """Dropout is all that draws from torch's global generator; a base may have some too."""
        if self.recipe.dropout or self.recipe.base is not None:
            words = (self.state.step, number, self.accelerator.process_index)
            torch.manual_seed(int.from_bytes(digest(self.recipe.seed, "dropout", *words)[:7]))

    def _keep(self, stop: bool) -> None:
        """Keeps what is due after a step: the weights of an epoch, then the state.

        In this order, so that a state is never past weights that are not there.
        """
        step, recipe = self.state.step, self.recipe
        epoch, rest = divmod(step, self.plan.steps_per_epoch)
        if rest == 0 and epoch in recipe.checkpoint_at and self.accelerator.is_main_process:
            self._save(self._epoch_folder(epoch))
        by_steps, by_epochs = recipe.checkpointing_steps, recipe.checkpointing_epochs
        due = bool(by_steps) and step % by_steps == 0
        due |= bool(by_epochs) and rest == 0 and epoch % by_epochs == 0
        if due or stop or step == self.plan.steps:
            self._checkpoint()

    def _watched(self) -> bool:
        """Has the network looked at, where it is time; gives whether that ends the training."""
        step, live = self.state.step, self.task.live
        if self.watcher is None or live is None or not step or step % self.watcher.every:
            return False
        with self.state.shown():
            return self.watcher.look(step, live(), self.plan.seen(step))

    def _checkpoint(self) -> None:
        # Every process looks at the losses, so that all of them stop when training diverges.
        losses = self.state.losses
        if self.accelerator.is_main_process:
            facts = {**self.recipe.to_json(), **self._origin()}
            write_losses(self.run.folder / "loss.csv", losses, self.plan, self.rate)
            write_checkpoint(self.checkpoints, self.state.snapshot(**facts))

    def _epoch_folder(self, epoch: int) -> Path:
        return self.run.folder / EPOCHS / f"epoch-{epoch:04d}"

    def _save(self, folder: Path) -> None:
        """Saves the weights as a pipeline, with what an audit must know of them."""
        facts = {
            **self._origin(),
            "version": 1,
            "recipe": self.recipe.to_json(),
            "random_flip": self.recipe.random_flip,
            "pattern": pattern_to_json(self.source.pattern),
            "classes": self.source.classes if self.recipe.class_conditional else [],
            "step": self.state.step,
            "epoch": self.state.step / self.plan.steps_per_epoch,
        }
        self.task.save(folder, self.state.weights(), facts)

    def _finish(self) -> None:
        folder, losses = self.run.folder, self.state.losses
        last = losses[-self.plan.steps_per_epoch :]
        self._save(folder / "model")
        write_losses(folder / "loss.csv", losses, self.plan, self.rate)
        draw_losses(folder / "loss.svg", losses)
        self.run.finish(
            *PRODUCTS,
            model="model",
            images=len(self.data.ids),
            quarantined=len(self.data.broken),
            steps=self.state.step,
            loss=sum(last) / len(last),
            parameters=sum(p.numel() for p in self.state.learning()),
            processes=self.accelerator.num_processes,
            device=str(self.accelerator.device),
            seconds=round(self.state.seconds, 1),
        )


def require_last_state(run: Run) -> None:
    """Checks that what a finished training has lost can be had from its last state.

    Arguments:
        run: A training that was finished, and is not whole.

    Raises:
        RunConflict: When it would have to be trained again, which is for the user to say.
    """
    lost = (*run.lost.missing, *run.lost.changed)
    last = run.folder / CHECKPOINTS / checkpoint_name(run.manifest["steps"]) / COMPLETE
    if last.is_file() and not any(name.startswith(f"{EPOCHS}/") for name in lost):
        return
    run.give_up()
    raise RunConflict(
        f'"{run.folder}" is not whole: {run.lost}. No checkpoint is left to make it from. Put it '
        "back, or remove the folder and train again."
    )


def begin(
    run: Run,
    source: Marked,
    recipe: Recipe,
    accelerator: Any,
    data: TrainingSet,
    network: Any,
    task: Task,
) -> Training:
    """A training before its first step."""
    if accelerator.is_main_process:
        write_quarantine(run.folder / "quarantine.jsonl", data.broken)
    state = fresh_state(network, recipe)
    wrapped, optimizer = accelerator.prepare(network, state.optimizer)
    state.scaler = accelerator.scaler
    plan = Plan.of(recipe, len(data.ids))
    return Training(run, source, recipe, accelerator, data, plan, state, wrapped, optimizer, task)
