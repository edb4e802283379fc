"""What each measure costs, in network calls: from what its command does when nothing is said."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal, cast

from solidmark.cards import USUAL_SIGNALS
from solidmark.choosing.facts import Case
from solidmark.data import Sample
from solidmark.diffusion import Model
from solidmark.diffusion.model import GRADIENT_COST
from solidmark.errors import MissingCapability
from solidmark.measures.invmm.inversion import PRESETS
from solidmark.measures.signals.kinds import open_signals
from solidmark.readers import Blend, Energy, Recall

STEPS = 50
"""Sampling steps of a generation and of an inpainting."""
DRAWS = 10
"""Inpaintings an image."""
EACH = 3
"""Generations a training image: one that is drawn as often as any other is missed once in 20."""
MOST = 5000
"""Generations are no more than these."""
PER_PROMPT = 16
"""Generations a prompt."""
PROMPTS = 32
"""Prompts of `intent`."""
INVERTED = 16
"""Images a side that InvMM takes, at random: most suspicious ones alone would all be trained."""
LEAST = 16
"""Fewer images a split, generations or prompts than these show nothing."""

Unit = Literal["image", "generation", "prompt"]


@dataclass(frozen=True)
class Cost:
    """Network calls.

    Arguments:
        each: Of one unit; one with a gradient counts 2.3.
        bound: Whether it may be more or less: "at least", "at most".
        sides: Of images: how many are trained, and how many held out.
        limit: Of images: how many of each side are asked about at most; None = all.
        least: Fewer units, or images a side, show nothing.
    """

    each: float = 0.0
    count: int = 0
    unit: Unit = "image"
    bound: str = ""
    sides: tuple[int, int] = (0, 0)
    limit: int | None = None
    least: int = LEAST

    @property
    def calls(self) -> float:
        """Of all units."""
        return self.each * self.count

    def of(self, limit: int) -> "Cost":
        """The same of so many images a side at most."""
        if limit >= max(self.sides):
            return self
        return replace(self, count=sum(min(limit, side) for side in self.sides), limit=limit)

    def asked(self, limit: int | None, number: int | None) -> "Cost":
        """The same where somebody has said how much.

        Arguments:
            limit: At most so many images a side; None = as it is.
            number: So many generations; None = as it is.
        """
        if limit is not None and self.unit == "image":
            return replace(self, count=sum(min(limit, side) for side in self.sides), limit=limit)
        if number is not None and self.unit == "generation":
            return replace(self, count=number)
        return self

    def within(self, calls: float) -> "Cost | None":
        """The same for so many calls: of fewer units; None where too few are left.

        Arguments:
            calls: What is left.
        """
        if self.calls <= calls:
            return self
        many = int(calls // self.each)
        if self.unit != "image":
            return replace(self, count=many) if many >= self.least else None
        limit = max(many // 2, many - min(self.sides))  # A limit holds for each side by itself.
        return self.of(limit) if limit >= self.least else None

    def __str__(self) -> str:
        if not self.each:
            return "no network calls"
        bound = f" {self.bound}" if self.bound else ""
        article = "an" if self.unit == "image" else "a"
        each = f"{self.each:,.0f}" if self.each >= 1000 else f"{self.each:.4g}"
        return f"{each} network calls {article} {self.unit}, {self.calls:,.0f} in all{bound}"


def cost_of(measure: str, case: Case, model: Model) -> Cost:
    """What a measure costs."""
    data = case.data
    sides = data.images, data.held_out
    images = partial(Cost, count=sum(sides), sides=sides)
    if measure == "audit":
        return images(_reading(case))
    if measure == "signals":
        return images(sum(one.card.network_calls for one in able(model)))
    if measure == "nearest":
        return Cost(STEPS, min(MOST, EACH * data.images), "generation")
    if measure == "inpaint":
        return images(DRAWS * STEPS)
    if measure == "invmm":
        quick = PRESETS["quick"]
        most = sum(map(quick.most_calls, range(0, quick.steps, quick.every)))
        return images(round(most), bound="at most", least=LEAST // 2).of(INVERTED)
    if measure == "intent":
        prompts = min(PROMPTS, data.captions)
        return Cost(PER_PROMPT * STEPS, prompts, "prompt", bound="at least")
    if measure == "cliques":
        return Cost(PER_PROMPT * STEPS, min(MOST // PER_PROMPT, data.captions), "prompt")
    return Cost()


def able(model: Model) -> Sequence[Any]:
    """The signals that a model can be asked for, as its heads say."""
    nobody = Sample("", cast(Any, None), "")
    found = []
    for signal in open_signals(USUAL_SIGNALS):
        try:
            signal.require(model, nobody)
        except MissingCapability:
            continue
        found.append(signal)
    return found


def _reading(case: Case) -> float:
    """One image by the readers of `usual_readers`, of which that of segments is the dearer."""
    blend = Blend().steps * GRADIENT_COST
    recall = Recall().draws if case.model.latent and case.data.captions > 1 else 0
    return max(blend, Energy().candidates) + recall
