"""What training changes: weights, moments, moving average, losses; to a snapshot and back."""

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from solidmark.cards.recipe import Recipe
from solidmark.errors import BadInput
from solidmark.late import Tensor, torch
from solidmark.runs import memory_for
from solidmark.training.checkpoints import Snapshot


@dataclass
class State:
    """A training under way.

    Arguments:
        network: The bare network, outside of what accelerate wraps round it.
        optimizer: The bare optimizer.
        ema: The moving average of diffusers, or None.
        scaler: The gradient scaler of fp16, or None.
        step: How many optimizer steps are done.
        seconds: How long they took, over all runs.
    """

    network: Any
    optimizer: "torch.optim.Optimizer"
    ema: Any = None
    scaler: Any = None
    step: int = 0
    seconds: float = 0.0
    _losses: list[float] = field(default_factory=list)
    _pending: list[Tensor] = field(default_factory=list)

    def add_loss(self, loss: Tensor) -> None:
        """Keeps the loss of a step on its device, since fetching it would stop the device."""
        self._pending.append(loss.detach())

    @property
    def losses(self) -> list[float]:
        """The loss of every step.

        Raises:
            BadInput: When one is not finite.
        """
        if self._pending:
            fetched = torch.stack(self._pending).double().tolist()
            for step, loss in enumerate(fetched, len(self._losses) + 1):
                if not math.isfinite(loss):
                    raise BadInput(
                        f"The loss at step {step} is {loss}: the training has diverged. "
                        "Use a lower learning_rate, a max_grad_norm, or mixed_precision no."
                    )
            self._losses += fetched
            self._pending.clear()
        return self._losses

    def learning(self) -> list[Tensor]:
        """The parameters that training changes."""
        return [p for p in self.network.parameters() if p.requires_grad]

    def learned(self) -> dict[str, Tensor]:
        """The weights that training changes, and all else of the network if it changes them all."""
        weights: dict[str, Tensor] = self.network.state_dict()
        frozen = {name for name, p in self.network.named_parameters() if not p.requires_grad}
        if not frozen:
            return weights
        names = [name for name, _ in self.network.named_parameters() if name not in frozen]
        return {name: weights[name] for name in names}

    def weights(self) -> dict[str, Tensor]:
        """What is saved for use: the moving average where there is one, on the CPU."""
        weights = {name: tensor.detach().cpu() for name, tensor in self.learned().items()}
        if self.ema is not None:
            names = [name for name, p in self.network.named_parameters() if p.requires_grad]
            shadow = (tensor.detach().cpu() for tensor in self.ema.shadow_params)
            weights.update(zip(names, shadow, strict=True))
        return weights

    @contextmanager
    def shown(self) -> Iterator[None]:
        """The network as it would be saved: with the moving average, where there is one."""
        if self.ema is None:
            yield
            return
        learned = self.learning()
        self.ema.store(learned)
        self.ema.copy_to(learned)
        try:
            yield
        finally:
            self.ema.restore(learned)

    def snapshot(self, **facts: Any) -> Snapshot:
        """Everything that a resumed run needs to end in the same bits."""
        tensors = {
            "network": self.learned(),
            "optimizer": {
                f"{number}.{name}": value
                for number, values in self.optimizer.state_dict()["state"].items()
                for name, value in values.items()
            },
            "losses": {"loss": torch.tensor(self.losses, dtype=torch.float64)},
        }
        if self.ema is not None:
            tensors["ema"] = {str(i): tensor for i, tensor in enumerate(self.ema.shadow_params)}
        facts |= {"step": self.step, "seconds": self.seconds}
        if self.scaler is not None:
            facts["scaler"] = self.scaler.state_dict()
        rested = {
            file: {name: tensor.detach().cpu().contiguous() for name, tensor in named.items()}
            for file, named in tensors.items()
        }
        return Snapshot(rested, facts)

    def restore(self, snapshot: Snapshot) -> None:
        """Goes on from a snapshot.

        Raises:
            BadInput: When it is not one of this network.
        """
        tensors = snapshot.tensors
        try:
            with memory_for("the state of the training"):
                self._restore(tensors, snapshot)
        except (KeyError, ValueError, RuntimeError) as error:
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            raise BadInput(f"The checkpoint is not one of this network ({reason}).") from error
        self._pending.clear()
        self.step, self.seconds = snapshot.step, float(snapshot.facts["seconds"])

    def _restore(self, tensors: Mapping[str, Mapping[str, Tensor]], snapshot: Snapshot) -> None:
        mine = self.learned()
        saved_weights = tensors["network"]
        if {n: t.shape for n, t in mine.items()} != {n: t.shape for n, t in saved_weights.items()}:
            raise BadInput("The checkpoint is not one of this network (it has other weights).")
        for name, tensor in mine.items():
            tensor.copy_(saved_weights[name])
        self._restore_optimizer(tensors["optimizer"])
        if self.ema is not None:
            shadow = [tensors["ema"][str(i)] for i in range(len(self.ema.shadow_params))]
            for mine, saved in zip(self.ema.shadow_params, shadow, strict=True):
                mine.copy_(saved)
            self.ema.optimization_step = snapshot.step
        if self.scaler is not None:
            self.scaler.load_state_dict(snapshot.facts["scaler"])
        self._losses = tensors["losses"]["loss"].tolist()

    def _restore_optimizer(self, saved: Any) -> None:
        moments: dict[int, dict[str, Tensor]] = {}
        for key, tensor in saved.items():
            number, name = key.split(".", 1)
            moments.setdefault(int(number), {})[name] = tensor
        groups = self.optimizer.state_dict()["param_groups"]
        self.optimizer.load_state_dict({"state": moments, "param_groups": groups})


def fresh_state(network: Any, recipe: Recipe) -> State:
    """The state before the first step, on the device of the network."""
    from diffusers.training_utils import EMAModel

    learned = [p for p in network.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(
        learned,
        lr=recipe.learning_rate,
        betas=(recipe.adam_beta1, recipe.adam_beta2),
        weight_decay=recipe.adam_weight_decay,
        eps=recipe.adam_epsilon,
    )
    ema = None
    if recipe.ema_decay:
        ema = EMAModel(learned, decay=recipe.ema_decay, foreach=True)
    return State(network, optimizer, ema)


def learning_rates(recipe: Recipe, steps: int) -> Callable[[int], float]:
    """The learning rate of each step, from 0, as diffusers' schedulers give it.

    A function of the step, so that there is no state of it to lose.
    """
    from diffusers.optimization import get_scheduler

    placeholder = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=recipe.learning_rate)
    scheduler = get_scheduler(
        recipe.lr_scheduler,
        placeholder,
        num_warmup_steps=recipe.lr_warmup_steps,
        num_training_steps=steps,
        num_cycles=recipe.lr_num_cycles,
        power=recipe.lr_power,
    )
    factor = scheduler.lr_lambdas[0]
    return lambda step: recipe.learning_rate * float(factor(step))
