"""What each step sees: which images, at which times, under which noise.

All of it is a function of the seed, the image and the epoch. So a run that was killed goes on with
the very batches of one that was not, and the number of processes moves nothing but the order in
which floats are added.
"""

import signal
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, cast

from jaxtyping import Float, Int, UInt8

from solidmark.cards.recipe import Recipe
from solidmark.late import Tensor, torch
from solidmark.models import Conditions
from solidmark.randomness import generator, uniform
from solidmark.runs import Processes
from solidmark.training.pictures import TrainingSet


class Batch(NamedTuple):
    """One pass of one process.

    Arguments:
        images: Clean images as bytes, or clean latents.
        times: The training step t of each.
        noise: Standard normal, one draw an image.
        condition: What the network is told of each: classes or captions; or None.
        weights: What the loss of each counts in the step; they sum to 1 over the whole step.
    """

    images: UInt8[Tensor, "B C H W"] | Float[Tensor, "B C H W"]
    times: Int[Tensor, " B"]
    noise: Float[Tensor, "B C H W"]
    condition: Conditions | None
    weights: Float[Tensor, " B"]


@dataclass(frozen=True)
class Plan:
    """How the epochs are cut into optimizer steps and passes.

    Arguments:
        count: The number of images.
        batch_size: Images of a pass, over all processes.
        passes: Passes of an optimizer step.
        epochs: How often each image is seen.
        max_steps: Where training stops instead.
        seed: Decides the order.
    """

    count: int
    batch_size: int
    passes: int
    epochs: int
    max_steps: int | None
    seed: int

    @classmethod
    def of(cls, recipe: Recipe, count: int) -> "Plan":
        return cls(
            count,
            recipe.train_batch_size,
            recipe.gradient_accumulation_steps,
            recipe.num_train_epochs,
            recipe.max_train_steps,
            recipe.seed,
        )

    @property
    def steps_per_epoch(self) -> int:
        return -(-self.count // (self.batch_size * self.passes))

    @property
    def steps(self) -> int:
        return self.max_steps or self.epochs * self.steps_per_epoch

    def seen(self, step: int) -> int:
        """How many images are seen in so many steps."""
        epochs, rest = divmod(step, self.steps_per_epoch)
        return epochs * self.count + rest * self.batch_size * self.passes

    def order(self, epoch: int) -> list[int]:
        """The order of the images in an epoch."""
        return torch.randperm(
            self.count, generator=generator(self.seed, "", epoch, "order")
        ).tolist()

    def images(self, step: int) -> tuple[int, list[list[int]]]:
        """The epoch of a step, from 0, and the numbers of the images of each of its passes."""
        epoch, place = divmod(step, self.steps_per_epoch)
        size = self.batch_size * self.passes
        numbers = self.order(epoch)[place * size : (place + 1) * size]
        return epoch, [
            numbers[start : start + self.batch_size]
            for start in range(0, len(numbers), self.batch_size)
        ]


@dataclass(frozen=True)
class Steps:
    """The passes of each step, for one process.

    Arguments:
        data: The images.
        plan: Which of them a step sees.
        times: The number of training times (T).
        flip: Whether half of the images are mirrored.
        blank: The share of images that the network is told nothing of.
        here: The process.
    """

    data: TrainingSet
    plan: Plan
    times: int
    flip: bool = False
    blank: float = 0.0
    here: Processes = field(default_factory=Processes)

    def __getitem__(self, step: int) -> list[Batch]:
        epoch, passes = self.plan.images(step)
        total = sum(map(len, passes))
        return [self._batch(numbers, epoch, 1 / total) for numbers in passes]

    def _batch(self, numbers: Sequence[int], epoch: int, weight: float) -> Batch:
        mine = self.here.share(numbers)
        if not mine:
            # Every process must take part in every pass, so this one does with weight nothing.
            mine, weight = numbers[:1], 0.0
        images = self.data.pictures(mine)
        ids = [self.data.ids[number] for number in mine]
        if self.flip:
            draws = [uniform(self.plan.seed, "flip", id, epoch) for id in ids]
            mirrored = torch.tensor(draws) < 0.5
            images = torch.where(mirrored[:, None, None, None], self.data.mirror(mine), images)
        times, noise = draw(self.plan.seed, ids, epoch, self.times, images.shape[1:])
        return Batch(
            images, times, noise, self._told(mine, ids, epoch), torch.full((len(mine),), weight)
        )

    def _told(self, numbers: Sequence[int], ids: Sequence[str], epoch: int) -> Conditions | None:
        """What the network is told, with the words of some images left out."""
        if self.data.conditions is None:
            return None
        told = self.data.conditions(numbers)
        if self.blank and self.data.nothing is not None:
            draws = [uniform(self.plan.seed, "blank", id, epoch) for id in ids]
            left_out = torch.tensor(draws) < self.blank
            told = told.where(left_out, self.data.nothing)
        return told


def draw(
    seed: int, ids: Sequence[str], epoch: int, times: int, shape: Sequence[int]
) -> tuple[Int[Tensor, " B"], Float[Tensor, "B C H W"]]:
    """Draws the time and the noise of images, one generator each.

    Arguments:
        seed: Of the training.
        ids: The images.
        epoch: From 0.
        times: How many training times there are (T).
        shape: Of one image, (C, H, W).

    Returns:
        The times, in [0, T), and the noise, with shape (B, C, H, W).
    """
    generators = [generator(seed, id, epoch, purpose="train") for id in ids]
    steps = torch.cat([torch.randint(times, (1,), generator=g) for g in generators])
    return steps, torch.stack([torch.randn(tuple(shape), generator=g) for g in generators])


def read_steps(
    steps: Steps, start: int, num_workers: int, pin_memory: bool
) -> Iterator[list[Batch]]:
    """Goes through the steps from one on; workers prepare them in the background."""
    from torch.utils.data import DataLoader, Dataset

    loader = DataLoader(
        cast("Dataset[list[Batch]]", steps),
        batch_size=None,
        sampler=range(start, steps.plan.steps),
        num_workers=num_workers,
        pin_memory=pin_memory,
        # Of our own, so that the global generator of the caller is left alone.
        generator=torch.Generator(),
        worker_init_fn=_ignore_interrupt,
    )
    return iter(loader)


def _ignore_interrupt(worker: int) -> None:
    """Leaves Ctrl-C, which reaches every process of a terminal, to the one that trains."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
